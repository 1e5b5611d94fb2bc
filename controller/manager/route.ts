// SPDX-License-Identifier: Apache-2.0
// Reconciles one GKEIPRoute: accept, select, drive its addresses, say in its status what was observed. Level-based: the key is all it gets.
import type { AddressBinding, GKEIPRoute, Holder } from "../api";
import {
  accept,
  dutyOf,
  keyOf,
  noPodsMessage,
  routeStatus,
  select,
  type Acceptance,
  type RouteFacts,
  type RouteNetwork,
  type RouteStatusWanted,
  type Selection,
} from "../core";
import { addressKey, datapathOf, type AddressDriver, type Outcome, type Parts } from "./address";
import { nameOf } from "./cloud";
import { allEnded } from "./errors";
import { Releaser, type Stuck } from "./release";
import { SecondWriters } from "./second-writer";
import type { TargetKey } from "./targets";
import type { RouteObject } from "./views";

/** Failures that may pass by themselves and that the address should survive: nothing moves, nothing is given back. */
const HOLD: readonly string[] = ["GatewayNotAccepted", "NetworkNotFound", "NetworkNotReady"];
/** Besides the reasons of a refusal: what a user has to do something about. */
const TOLD: readonly string[] = ["GCPFailed", "NoPodsFound"];
const WAITING_MS = 20_000;

export type Result = { requeueAfterMs?: number } | undefined;
type Accepted = Extract<Acceptance, { accepted: true }>;
type Refused = Extract<Acceptance, { accepted: false }>;
/** What one pass over an accepted route goes by. */
interface Plan {
  acceptance: Accepted;
  selection: Selection;
  wanted?: Holder;
  noPods: string;
}

export class RouteReconciler {
  private readonly releaser: Releaser;
  private readonly secondWriters: SecondWriters;

  constructor(
    private readonly parts: Parts,
    private readonly driver: AddressDriver,
    /** Asks for other routes to be looked at again. */
    enqueue: (key: string) => void,
  ) {
    this.releaser = new Releaser(parts, driver, enqueue);
    this.secondWriters = new SecondWriters(parts);
  }

  /** @param key `namespace/name` @throws ApiError, ComputeError Fenced */
  async reconcile(key: string): Promise<Result> {
    try {
      return await this.answer(key);
    } finally {
      this.parts.targets.heard(key);
    }
  }
  private async answer(key: string): Promise<Result> {
    const { caches } = this.parts;
    const route = caches.route(key);
    if (!route) return this.gone(key);
    const owned = caches.ownedBy(route.metadata.uid ?? "");
    const duty = route.metadata.deletionTimestamp ? "release" : dutyOf(caches.world, route, owned.length > 0);
    if (duty !== "answer") return this.leave(key, route, owned);
    if (await this.secondWriters.holds(key, route)) return this.holdStill(key, owned);
    const acceptance = accept(caches.world, route);
    return acceptance.accepted ? this.serve(key, route, acceptance) : this.refuse(key, route, acceptance);
  }

  private gone(key: string): Result {
    this.secondWriters.free(key);
    this.parts.targets.want(key, []);
    return undefined;
  }

  /** The route is deleted, or its Gateway went to somebody else (E38): give back what we hold and never write its status again. */
  private async leave(key: string, route: RouteObject, owned: AddressBinding[]): Promise<Result> {
    this.gone(key);
    const stuck = await this.giveBack(route, owned);
    if (stuck.length > 0) {
      // The finalizer stays: it is all that keeps the rule findable (E43).
      const message = stuck.map((s) => `${s.address}: ${s.message}`).join("; ");
      this.parts.tell(route, "Warning", "GCPFailed", message);
      return { requeueAfterMs: soonest(stuck) };
    }
    await this.parts.writer.letRouteGo(route);
    return undefined;
  }

  /** Nothing is given back and nothing moves; what holds the address now stays wanted. */
  private holdStill(key: string, owned: readonly AddressBinding[]): Result {
    const keys = owned.flatMap(({ spec: { vpc }, status }) =>
      [status?.holder, status?.next].flatMap((h): TargetKey[] =>
        h ? [{ zone: h.zone, instance: h.instance, node: h.node, ...(vpc ? { vpc } : {}) }] : [],
      ),
    );
    this.parts.targets.keep(key, keys);
    return undefined;
  }

  private async refuse(key: string, found: RouteObject, acceptance: Refused): Promise<Result> {
    const { caches, targets, writer } = this.parts;
    const uid = found.metadata.uid ?? "";
    let stuck: Stuck[] = [];
    if (HOLD.includes(acceptance.reason)) this.holdStill(key, caches.ownedBy(uid));
    else {
      targets.want(key, []);
      stuck = await this.giveBack(found, caches.ownedBy(uid));
    }
    const clean = caches.ownedBy(uid).length === 0;
    const want = routeStatus(this.facts(found, acceptance, { addresses: [], clean }));
    const written = await writer.routeStatus(found, want);
    this.announce(found, want);
    for (const s of stuck) this.parts.tell(found, "Warning", "GCPFailed", `${s.address}: ${s.message}`);
    if (clean) await writer.letRouteGo(written);
    return stuck.length > 0 ? { requeueAfterMs: soonest(stuck) } : undefined;
  }

  private async serve(key: string, found: RouteObject, acceptance: Accepted): Promise<Result> {
    const { caches, writer, targets } = this.parts;
    const route = await writer.holdRoute(found);
    const selection = select(caches.world, route, acceptance.network);
    const wanted = holderOf(selection);
    targets.want(key, this.candidates(selection, acceptance.network));
    const noPods = wanted ? "" : noPodsMessage(route, selection.verdicts);
    const plan: Plan = { acceptance, selection, noPods, ...(wanted ? { wanted } : {}) };
    const stuck = await this.shrink(route, acceptance);
    const outcomes = await this.driveAll(route, plan);
    const latest = caches.route(key);
    if (!latest) return undefined;
    const left = stuck.map((s): Outcome => ({ ...s, state: "failed", reset: false }));
    const advice = this.advice(outcomes, acceptance);
    const facts = this.facts(latest, acceptance, { addresses: [...outcomes, ...left], clean: false, ...podOf(plan) });
    const want = routeStatus({ ...facts, ...(advice ? { advice } : {}) });
    await writer.routeStatus(latest, want);
    this.announce(latest, want);
    return requeue([...outcomes, ...left]);
  }

  private async driveAll(route: RouteObject, plan: Plan): Promise<Outcome[]> {
    const outcomes = await this.driveOnce(route, plan);
    const waiting = outcomes.filter((o) => o.reset);
    if (waiting.length === 0) return outcomes;
    return this.driveOnce(await this.resetDatapath(route, plan, outcomes), plan);
  }
  private driveOnce(route: RouteObject, { acceptance, wanted, noPods }: Plan): Promise<Outcome[]> {
    const { addresses, network } = acceptance;
    const wish = { route, network, noPods, ...(wanted ? { wanted } : {}) };
    return allEnded(addresses.map((address) => this.driver.drive({ ...wish, address })));
  }

  /** Puts DPV2Ready back and names the new Pod, in one write; the version of that write goes into each journal as the proof of order. */
  private async resetDatapath(route: RouteObject, plan: Plan, outcomes: readonly Outcome[]): Promise<RouteObject> {
    const facts = this.facts(route, plan.acceptance, { addresses: outcomes, clean: false, ...podOf(plan) });
    const written = await this.parts.writer.routeStatus(route, routeStatus({ ...facts, resetDatapath: true }));
    const routeVersion = written.metadata.resourceVersion ?? "";
    // Under the version that asked for it: where the claim has gone elsewhere meanwhile, this is a Conflict, and the pass is repeated.
    const note = (b: AddressBinding) => (): Promise<AddressBinding> =>
      this.parts.writer.journal(b, { ...b.status, routeVersion });
    const reset = outcomes.flatMap((o) => (o.reset && o.binding ? [o.binding] : []));
    await allEnded(reset.map((b) => this.driver.exclusively(b.metadata.name, note(b))));
    return written;
  }

  private facts(
    route: GKEIPRoute,
    acceptance: Acceptance,
    rest: Pick<RouteFacts, "addresses" | "clean" | "pod" | "noPods">,
  ): RouteFacts {
    const datapath = datapathOf(route, rest.pod);
    return {
      ...rest,
      generation: route.metadata.generation ?? 0,
      acceptance,
      resetDatapath: false,
      datapathIsOurs: this.parts.settings.datapath === "device",
      ...(datapath ? { datapath } : {}),
    };
  }

  /** Addresses that the route has no longer (E33). Those of it stay untouched. */
  private shrink(route: GKEIPRoute, { addresses, network }: Accepted): Promise<Stuck[]> {
    const kept = new Set(addresses.map((a) => nameOf(addressKey(a, network))));
    const uid = route.metadata.uid ?? "";
    const spare = this.parts.caches.ownedBy(uid).filter((b) => !kept.has(b.metadata.name));
    return this.releaser.giveBack(uid, spare);
  }
  private async giveBack(route: GKEIPRoute, owned: readonly AddressBinding[]): Promise<Stuck[]> {
    const stuck = await this.releaser.giveBack(route.metadata.uid ?? "", owned);
    if (owned.length > 0) await this.parts.targets.sweep();
    return stuck;
  }

  private candidates(selection: Selection, network: RouteNetwork): TargetKey[] {
    return selection.verdicts.flatMap((v) => {
      const vm = v.pod.node ? this.parts.caches.world.node(v.pod.node)?.vm : undefined;
      const possible = ["Selected", "OlderThanSelected", "NotReady"].includes(v.reason);
      return vm && possible
        ? [{ zone: vm.zone, instance: vm.instance, node: v.pod.node!, ...(network.vpc ? { vpc: network.vpc } : {}) }]
        : [];
    });
  }

  private advice(outcomes: readonly Outcome[], { addresses, network: { vpc } }: Accepted): string | undefined {
    if (!vpc) return undefined;
    const driven = addresses.filter((a) => outcomes.some((o) => o.address === a.address));
    return driven.flatMap(({ address, scope }) => this.parts.cloud.firewallAdvice({ address, scope, vpc }, vpc) ?? [])[0];
  }

  /** What keeps the route from being Ready is told once, when it begins; a hand-over under way is nothing to tell. */
  private announce(route: GKEIPRoute, { conditions, pods }: RouteStatusWanted): void {
    const now = conditions.find((c) => c.type === "Ready")!;
    this.record(route, now, pods[0]);
    const refused = conditions.some((c) => c.type === "Accepted" && c.status !== "True");
    if (!refused && !TOLD.includes(now.reason)) return;
    const before = route.status?.conditions?.find((c) => c.type === "Ready");
    if (before?.reason !== now.reason || before.message !== now.message)
      this.parts.tell(route, "Warning", now.reason, now.message);
  }
  /** One line for each decision that is another than before. */
  private record(route: GKEIPRoute, now: RouteStatusWanted["conditions"][number], pod: string | undefined): void {
    const before = route.status?.conditions?.find((c) => c.type === "Ready");
    const said = (c: { status: string; reason: string } | undefined, p: string | undefined): string =>
      `${c?.status}/${c?.reason}/${p ?? ""}`;
    if (said(before, route.status?.pods?.[0]) === said(now, pod)) return;
    this.parts.logger.info({ route: keyOf(route), ready: now.status, reason: now.reason, pod, message: now.message }, "decided");
  }
}

const podOf = ({ selection, noPods }: Plan): { pod?: string; noPods?: string } =>
  selection.selected ? { pod: selection.selected.name } : { noPods };

const soonest = (list: readonly { retryMs?: number }[]): number => Math.min(...list.flatMap((l) => l.retryMs ?? []));

function requeue(outcomes: readonly Outcome[]): Result {
  const retries = outcomes.filter((o) => o.retryMs !== undefined);
  if (retries.length > 0) return { requeueAfterMs: soonest(retries) };
  return outcomes.some((o) => o.state === "moving") ? { requeueAfterMs: WAITING_MS } : undefined;
}

/** Who is to hold the addresses, in the terms of the journal. */
export function holderOf(selection: Selection): Holder | undefined {
  const { selected, node } = selection;
  return selected && node?.vm
    ? { pod: selected.name, podUID: selected.uid, node: selected.node, zone: node.vm.zone, instance: node.vm.instance }
    : undefined;
}
