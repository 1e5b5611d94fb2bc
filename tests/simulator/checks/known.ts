// SPDX-License-Identifier: Apache-2.0
// What each controller has been told by its watches, and since when: of Pods and of routes. What it decides is judged by that, not by a truth that
// it cannot know yet.
import type { GKEIPRoute, Pod } from "../../../controller/api";
import { collectionOf } from "../world/objects";

export interface PodView {
  ready: boolean;
  deleting: boolean;
  app: string | undefined;
  at: number;
}
export interface RouteView {
  generation: number;
  deleting: boolean;
  /** Managers besides ours that own what a controller decides. */
  others: boolean;
  at: number;
}
type Line<T> = { type: string; object: T };
const PODS = collectionOf("pod");
const ROUTES = collectionOf("route");
/** Field manager of another controller in these worlds. */
export const OTHER_CONTROLLER = "another-controller";
const KEPT = 7;

export class Known {
  private readonly podViews = new Map<string, PodView[]>();
  private readonly routeViews = new Map<string, RouteView[]>();
  /** Lines are the same bytes for everybody who watches. */
  private readonly parsed = new WeakMap<Buffer, Line<unknown>>();

  constructor(private readonly now: () => number) {}

  heard(process: string, collection: string, line: Buffer): void {
    if (collection !== PODS && collection !== ROUTES) return;
    let read = this.parsed.get(line);
    if (!read) this.parsed.set(line, (read = JSON.parse(line.toString()) as Line<unknown>));
    if (read.type === "BOOKMARK" || read.type === "ERROR") return;
    if (collection === PODS) this.pod(process, read as Line<Pod>);
    else this.route(process, read as Line<GKEIPRoute>);
  }
  private pod(process: string, { type, object: { metadata, status } }: Line<Pod>): void {
    const ready = status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
    const deleting = type === "DELETED" || metadata.deletionTimestamp !== undefined;
    add(this.podViews, `${process} ${metadata.uid}`, { ready, deleting, app: metadata.labels?.app, at: this.now() });
  }
  private route(process: string, { type, object: { metadata } }: Line<GKEIPRoute>): void {
    const managed = (metadata as { managedFields?: { manager: string }[] }).managedFields ?? [];
    const others = managed.some((m) => m.manager === OTHER_CONTROLLER);
    const deleting = type === "DELETED" || metadata.deletionTimestamp !== undefined;
    add(this.routeViews, `${process} ${metadata.uid}`, {
      generation: metadata.generation ?? 0,
      deleting,
      others,
      at: this.now(),
    });
  }

  /** Each view holds until the next one; only those that held since then could be decided from. */
  pods(process: string, uid: string, since: number): PodView[] {
    return lately(this.podViews.get(`${process} ${uid}`), since);
  }
  routes(process: string, uid: string, since: number): RouteView[] {
    return lately(this.routeViews.get(`${process} ${uid}`), since);
  }
}
function add<T>(to: Map<string, T[]>, key: string, view: T): void {
  to.set(key, [...(to.get(key) ?? []).slice(1 - KEPT), view]);
}
const lately = <T extends { at: number }>(views: readonly T[] = [], since: number): T[] =>
  views.filter((_v, i) => (views[i + 1]?.at ?? Infinity) >= since);
