// SPDX-License-Identifier: Apache-2.0
// Reconciles one GKEIPRoute: accept, select, drive its addresses, say in its status what was observed. Level-based: the key is all it gets.
import type { AddressBinding, AddressBindingStatus, Condition, GKEIPRoute } from "../api";
import {
  accept,
  dutyOf,
  keyOf,
  routeStatus,
  standbyProven,
  switching,
  type Acceptance,
  type OwnCondition,
  type RouteFacts,
  type RouteStatusWanted,
} from "../core";
import { addressKey, datapathFor, datapathOf, type AddressDriver, type Outcome, type Parts } from "./address";
import { nameOf } from "./cloud";
import { allEnded } from "./errors";
import { News } from "./news";
import { linuxDatapath } from "./node-proof";
import { Planner, podOf, sameGeneration, targetKeyOf, type Accepted, type Plan } from "./plan";
import { Releaser, type Stuck } from "./release";
import { SecondWriters } from "./second-writer";
import type { TargetKey } from "./targets";
import type { RouteObject } from "./views";

/** Failures that may pass by themselves and that the address should survive: nothing moves, nothing is given back. */
const HOLD: readonly string[] = ["GatewayNotAccepted", "NetworkNotFound", "NetworkNotReady"];
/** Besides the reasons of a refusal: what a user has to do something about. */
const TOLD: readonly string[] = ["GCPFailed", "NoPodsFound"];
const WAITING_MS = 20_000;
/** How often a silent API server is looked after, milliseconds. */
const SILENT_MS = 10_000;
/** A pass whose plan is not right any more says nothing; the next one begins at once. */
const AGAIN: Result = { requeueAfterMs: 1 };

export { holderOf } from "./plan";

export type Result = { requeueAfterMs?: number } | undefined;
type Refused = Extract<Acceptance, { accepted: false }>;
export class RouteReconciler {
  private readonly releaser: Releaser;
  private readonly secondWriters: SecondWriters;
  private readonly news: News;
  private readonly planner: Planner;

  constructor(
    private readonly parts: Parts,
    private readonly driver: AddressDriver,
    /** Asks for other routes to be looked at again. */
    enqueue: (key: string) => void,
  ) {
    this.releaser = new Releaser(parts, driver, enqueue);
    this.secondWriters = new SecondWriters(parts);
    this.news = parts.news ?? new News(parts);
    this.planner = new Planner(parts, this.news);
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
    const silent = this.news.silence();
    if (silent) return this.standStill(key, route, owned);
    if (await this.secondWriters.holds(key, route)) return this.holdStill(key, owned);
    const acceptance = accept(caches.world, route);
    return acceptance.accepted ? this.serve(key, route, acceptance) : this.refuse(key, route, acceptance);
  }

  /** Nothing can be written now; what there is to say is said when the API server is back. */
  private standStill(key: string, route: RouteObject, owned: readonly AddressBinding[]): Result {
    this.news.of(route, true, (...said) => this.parts.tell(...said));
    this.holdStill(key, owned);
    return { requeueAfterMs: SILENT_MS };
  }

  private gone(key: string): Result {
    this.news.forget(key);
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
      if (route.metadata.deletionTimestamp) await this.sayStuck(key, message);
      return { requeueAfterMs: soonest(stuck) };
    }
    await this.parts.writer.letRouteGo(route);
    return undefined;
  }
  /** Why a deleted route of ours is still there, for whoever looks at it (E43). What else its status says stays as it is. */
  private async sayStuck(key: string, message: string): Promise<void> {
    const route = this.parts.caches.route(key);
    if (!route || (route.writers?.others.length ?? 0) > 0) return;
    const { pods = [], conditions = [] } = route.status ?? {};
    const failed = (type: "GCPReady" | "Ready"): OwnCondition => ({
      ...{ type, status: "False", reason: "GCPFailed", message, observedGeneration: route.metadata.generation ?? 0 },
    });
    const kept = conditions.filter((c): c is Condition & OwnCondition => c.type === "Accepted" || c.type === "DPV2Ready");
    await this.parts.writer.routeStatus(route, { pods, conditions: [...kept, failed("GCPReady"), failed("Ready")] });
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
    const { caches, writer, targets, clock } = this.parts;
    const route = await writer.holdRoute(found);
    // The answer may be a newer generation than the one that was accepted; a condition of it would speak of addresses that nobody judged.
    if (!sameGeneration(route, found)) return AGAIN;
    const plan = this.planner.plan(route, acceptance);
    targets.want(key, this.planner.candidates(plan.selection, acceptance.network));
    if (plan.wanted) targets.keep(key, [targetKeyOf(plan.wanted, acceptance.network.vpc)]);
    const stuck = await this.shrink(route, acceptance);
    const outcomes = await this.driveAll(route, plan);
    if (outcomes.some((o) => o.outdated)) return AGAIN;
    const latest = caches.route(key);
    // Another route, or another generation of it, was not judged here; its own event asks for the next pass.
    if (!latest || !sameGeneration(latest, route)) return undefined;
    const left = stuck.map((s): Outcome => ({ ...s, state: "failed", reset: false }));
    const notes = this.planner.notes(latest, plan, outcomes);
    const facts = this.facts(latest, acceptance, { addresses: [...outcomes, ...left], clean: false, ...podOf(plan), ...notes });
    const want = routeStatus(facts);
    await writer.routeStatus(latest, want);
    this.announce(latest, want);
    // Compared with what stood there before this pass: a reset in the middle has written it already.
    this.announceIgnored(found, want.conditions);
    return requeue([...outcomes, ...left], plan.until === undefined ? undefined : Math.max(1, plan.until - clock.now()));
  }

  private async driveAll(route: RouteObject, plan: Plan): Promise<Outcome[]> {
    const outcomes = await this.driveOnce(route, plan);
    if (!outcomes.some((o) => o.reset)) return outcomes;
    // Another address of the route may have taken its time.
    if (!this.planner.stands(plan)) return outcomes.map((o) => ({ ...o, outdated: true }));
    return this.driveOnce(await this.resetDatapath(route, plan, outcomes), plan);
  }
  private driveOnce(route: RouteObject, plan: Plan): Promise<Outcome[]> {
    const { acceptance, wanted, standby, noPods } = plan;
    const { addresses, network } = acceptance;
    const whom = { ...(wanted ? { wanted } : {}), ...(standby ? { standby } : {}) };
    const wish = { route, network, noPods, stands: () => this.planner.stands(plan), ...whom };
    return allEnded(addresses.map((address) => this.driver.drive({ ...wish, address })));
  }

  /** Puts DPV2Ready back and names the new Pod, in one write; the version of that write goes into each journal as the proof of order. */
  private async resetDatapath(route: RouteObject, plan: Plan, outcomes: readonly Outcome[]): Promise<RouteObject> {
    const facts = this.facts(route, plan.acceptance, {
      addresses: outcomes,
      clean: false,
      ...podOf(plan),
      ...this.planner.notes(route, plan, outcomes),
    });
    const written = await this.parts.writer.routeStatus(route, routeStatus({ ...facts, resetDatapath: true }));
    const routeVersion = written.metadata.resourceVersion ?? "";
    // Under the version that asked for it: where the claim has gone elsewhere meanwhile, this is a Conflict, and the pass is repeated.
    const note = (b: AddressBinding) => (): Promise<AddressBinding> =>
      this.parts.writer.journal(b, this.afterReset({ ...b.status, routeVersion }));
    const reset = outcomes.flatMap((o) => (o.reset && o.binding ? [o.binding] : []));
    await allEnded(reset.map((b) => this.driver.exclusively(b.metadata.name, note(b))));
    return written;
  }

  /** Where the node was proven ahead (hot standby) the next step goes into the same write: nobody answers meanwhile. */
  private afterReset(status: AddressBindingStatus): AddressBindingStatus {
    const { settings, clock } = this.parts;
    const ahead = settings.datapath === "linux" && status.next !== undefined && standbyProven(status, status.next);
    return ahead ? switching(status, new Date(clock.now()).toISOString()) : status;
  }

  private facts(
    route: GKEIPRoute,
    acceptance: Acceptance,
    rest: Pick<RouteFacts, "addresses" | "clean" | "pod" | "podUid" | "noPods" | "advice" | "ignored" | "waiting">,
  ): RouteFacts {
    const { caches, settings } = this.parts;
    const linux = settings.datapath === "linux";
    const datapath = linux ? linuxDatapath(caches, route, rest.pod, acceptance) : datapathOf(route, rest.pod);
    return {
      ...rest,
      generation: route.metadata.generation ?? 0,
      acceptance,
      resetDatapath: false,
      datapathIsOurs: acceptance.accepted && datapathFor(settings, acceptance.network) === "device",
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
  private announceIgnored(route: GKEIPRoute, conditions: RouteStatusWanted["conditions"]): void {
    const said = conditions.find((c) => c.type === "Accepted" && c.status === "True" && c.message !== "");
    const before = route.status?.conditions?.find((c) => c.type === "Accepted");
    if (said && before?.message !== said.message) this.parts.tell(route, "Warning", "AnnotationIgnored", said.message);
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

const soonest = (list: readonly { retryMs?: number }[]): number => Math.min(...list.flatMap((l) => l.retryMs ?? []));

function requeue(outcomes: readonly Outcome[], waitMs: number | undefined): Result {
  const retries = outcomes.flatMap((o) => o.retryMs ?? []);
  const moving = retries.length === 0 && outcomes.some((o) => o.state === "moving");
  const times = [...retries, ...(moving ? [WAITING_MS] : []), ...(waitMs === undefined ? [] : [waitMs])];
  return times.length > 0 ? { requeueAfterMs: Math.min(...times) } : undefined;
}
