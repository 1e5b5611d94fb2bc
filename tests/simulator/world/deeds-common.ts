// SPDX-License-Identifier: Apache-2.0
// What all events of a plan need: numbers `a` and `b` choose among what is there at that moment, so that an event keeps its sense when others are
// dropped from the plan. Nothing lasts beyond the calm.
import type { EventKind, PlanEvent } from "./shape";
import { collectionOf } from "./objects";
import type { SimWorld, Slot } from "./world";

/** Longer than any world lasts. */
export const FOR_GOOD_MS = 86_400_000;
export const ROUTES = collectionOf("route");
export type Deed = (w: SimWorld, e: PlanEvent) => void;
export type Deeds = { [K in EventKind]?: Deed };
export const pick = <T>(list: readonly T[], n: number): T | undefined => (list.length > 0 ? list[n % list.length] : undefined);
export const slot = (w: SimWorld, e: PlanEvent): Slot => (e.b % 3 === 0 ? w.leader() : undefined) ?? pick(w.slots, e.a)!;
/** Ends what an event began, at the latest when the calm begins. */
export function later(w: SimWorld, ms: number, fn: () => void): void {
  w.scheduler.in(ms, () => !w.calm && fn());
}
export const appOf = (w: SimWorld, e: PlanEvent): string => pick(w.shape.apps, e.a)!.name;
export const addressOf = (w: SimWorld, e: PlanEvent): string => pick(w.shape.addresses, e.a)!;
export const nodeOf = (w: SimWorld, n: number): string | undefined => pick(w.cluster.upNodes(), n);
export const routesIn = (w: SimWorld): string[] => w.cluster.all("route").map((r) => r.metadata.name ?? "");
