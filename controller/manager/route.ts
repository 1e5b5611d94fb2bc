// SPDX-License-Identifier: Apache-2.0
// Reconciles one GKEIPRoute: accept, select, drive its addresses, say in its status what was observed. Level-based: the key is all it gets.
import { parseAddress, type AddressBinding, type GKEIPRoute, type Holder, type Scope } from "../api";
import {
  accept,
  dutyOf,
  isOurRoute,
  keyOf,
  noPodsMessage,
  routeStatus,
  select,
  type Acceptance,
  type AddressProgress,
  type RouteFacts,
  type RouteNetwork,
  type Selection,
} from "../core";
import { addressKey, AddressDriver, datapathOf, type Outcome, type Parts } from "./address";
import { releaseBinding } from "./release";
import type { TargetKey } from "./targets";

/** Failures that may pass by themselves and that the address should survive: nothing moves, nothing is given back. */
const HOLD: readonly string[] = ["GatewayNotAccepted", "NetworkNotFound", "NetworkNotReady"];
const RETRY_MS = 15_000;
const WAITING_MS = 20_000;

export type Result = { requeueAfterMs?: number } | undefined;

export class RouteReconciler {
  constructor(
    private readonly parts: Parts,
    private readonly driver: AddressDriver,
    /** Asks for other routes to be looked at again. */
    private readonly enqueue: (key: string) => void,
  ) {}

  /** @param key `namespace/name` */
  async reconcile(key: string): Promise<Result> {
    const route = this.parts.caches.route(key);
    if (!route) return void this.parts.targets.want(key, []);
    const owned = this.parts.caches.ownedBy(route.metadata.uid ?? "");
    const { world } = this.parts.caches;
    if (route.metadata.deletionTimestamp || dutyOf(world, route, owned.length > 0) !== "answer")
      return this.leave(key, route, owned);
    const acceptance = accept(world, route);
    return acceptance.accepted ? this.serve(key, route, acceptance) : this.refuse(key, route, acceptance);
  }

  /** The route is deleted, or its Gateway went to somebody else (E38): give back what we hold and never write its status again. */
  private async leave(key: string, route: GKEIPRoute, owned: AddressBinding[]): Promise<Result> {
    this.parts.targets.want(key, []);
    await this.giveBack(route, owned);
    if (owned.length > 0) await this.parts.targets.sweep();
    await this.parts.writer.letRouteGo(route);
    return undefined;
  }

  private async refuse(key: string, found: GKEIPRoute, acceptance: Extract<Acceptance, { accepted: false }>): Promise<Result> {
    const { caches, targets, writer } = this.parts;
    const owned = caches.ownedBy(found.metadata.uid ?? "");
    const hold = HOLD.includes(acceptance.reason);
    if (!hold) {
      targets.want(key, []);
      await this.giveBack(found, owned);
      if (owned.length > 0) await targets.sweep();
    }
    const left = caches.ownedBy(found.metadata.uid ?? "");
    const facts = this.facts(found, acceptance, { addresses: [], clean: left.length === 0 });
    const written = await writer.routeStatus(found, routeStatus(facts));
    this.announce(found, acceptance.reason, acceptance.message);
    if (left.length === 0) await writer.letRouteGo(written);
    return undefined;
  }

  private async serve(key: string, found: GKEIPRoute, acceptance: Extract<Acceptance, { accepted: true }>): Promise<Result> {
    const { caches, writer } = this.parts;
    const { network } = acceptance;
    let route = await writer.holdRoute(found);
    const selection = select(caches.world, route, network);
    const wanted = holderOf(selection);
    this.parts.targets.want(key, this.candidates(selection, network));
    await this.shrink(route, acceptance);
    const noPods = wanted ? "" : noPodsMessage(route, selection.verdicts);
    let outcomes = await this.driveAll(route, acceptance, wanted, noPods);
    if (outcomes.some((o) => o.reset)) {
      route = await this.resetDatapath(route, acceptance, selection, outcomes);
      outcomes = await this.driveAll(route, acceptance, wanted, noPods);
    }
    const latest = caches.route(key) ?? route;
    const facts = this.facts(latest, acceptance, {
      addresses: outcomes,
      clean: false,
      ...(selection.selected ? { pod: selection.selected.name } : { noPods }),
    });
    const advice = this.advice(outcomes, acceptance);
    await writer.routeStatus(latest, routeStatus({ ...facts, ...(advice ? { advice } : {}) }));
    this.announceServed(latest, outcomes, noPods);
    const waiting = outcomes.some((o) => o.state === "moving");
    return outcomes.some((o) => o.retry) ? { requeueAfterMs: RETRY_MS } : waiting ? { requeueAfterMs: WAITING_MS } : undefined;
  }

  private driveAll(
    route: GKEIPRoute,
    acceptance: Extract<Acceptance, { accepted: true }>,
    wanted: Holder | undefined,
    noPods: string,
  ): Promise<Outcome[]> {
    const { addresses, network } = acceptance;
    return Promise.all(
      addresses.map((address) => this.driver.drive({ route, address, network, noPods, ...(wanted ? { wanted } : {}) })),
    );
  }

  /** Puts DPV2Ready back and names the new Pod, in one write; the version of that write goes into each journal as the proof of order. */
  private async resetDatapath(
    route: GKEIPRoute,
    acceptance: Acceptance,
    selection: Selection,
    outcomes: readonly Outcome[],
  ): Promise<GKEIPRoute> {
    const { caches, writer } = this.parts;
    const facts = this.facts(route, acceptance, {
      addresses: outcomes,
      clean: false,
      ...(selection.selected ? { pod: selection.selected.name } : {}),
    });
    const written = await writer.routeStatus(route, routeStatus({ ...facts, resetDatapath: true }));
    for (const outcome of outcomes.filter((o) => o.reset && o.binding)) {
      const binding = caches.binding(outcome.binding!.metadata.name)!;
      await writer.journal(binding, { ...binding.status, routeVersion: written.metadata.resourceVersion ?? "" });
    }
    return written;
  }

  private facts(
    route: GKEIPRoute,
    acceptance: Acceptance,
    rest: Pick<RouteFacts, "addresses" | "clean"> & { pod?: string; noPods?: string },
  ): RouteFacts {
    const datapath = datapathOf(route, rest.pod);
    return {
      generation: route.metadata.generation ?? 0,
      acceptance,
      addresses: rest.addresses.map(({ address, state, message }): AddressProgress => ({
        address,
        state,
        ...(message ? { message } : {}),
      })),
      clean: rest.clean,
      resetDatapath: false,
      datapathIsOurs: this.parts.settings.datapath === "device",
      ...(rest.pod !== undefined ? { pod: rest.pod } : {}),
      ...(rest.noPods !== undefined ? { noPods: rest.noPods } : {}),
      ...(datapath ? { datapath: datapath as NonNullable<RouteFacts["datapath"]> } : {}),
    };
  }

  /** Addresses that the route has no longer (E33). Those of it stay untouched. */
  private async shrink(route: GKEIPRoute, acceptance: Extract<Acceptance, { accepted: true }>): Promise<void> {
    const kept = new Set(
      acceptance.addresses.map((a) => addressKey(a, acceptance.network)).map((k) => `${k.scope}/${k.vpc ?? ""}/${k.address}`),
    );
    const spare = this.parts.caches
      .ownedBy(route.metadata.uid ?? "")
      .filter((b) => !kept.has(`${b.spec.scope}/${b.spec.vpc ?? ""}/${b.spec.address}`));
    await this.giveBack(route, spare);
  }

  /** Gives claims back, but for those that another accepted route wants: that one takes them over, without a gap (E23, E34). */
  private async giveBack(route: GKEIPRoute, bindings: readonly AddressBinding[]): Promise<void> {
    for (const binding of bindings) {
      const heir = this.heirOf(route, binding);
      if (heir) this.enqueue(heir);
      else
        await this.driver.exclusively(binding.metadata.name, () =>
          releaseBinding(this.parts, binding.metadata.name, route.metadata.uid ?? ""),
        );
    }
  }
  private heirOf(route: GKEIPRoute, binding: AddressBinding): string | undefined {
    const { world } = this.parts.caches;
    const others = world
      .routesClaiming(binding.spec.address)
      .filter((r) => r.metadata.uid !== route.metadata.uid && isOurRoute(world, r));
    const heir = others.find((r) => {
      const verdict = accept(world, r);
      return (
        verdict.accepted &&
        verdict.addresses.some((a) => a.address === binding.spec.address && sameSpace(a.scope, verdict.network, binding))
      );
    });
    return heir && keyOf(heir);
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

  private advice(outcomes: readonly Outcome[], acceptance: Extract<Acceptance, { accepted: true }>): string | undefined {
    const { vpc } = acceptance.network;
    if (!vpc) return undefined;
    const said = outcomes.flatMap(
      (o) =>
        this.parts.cloud.firewallAdvice(
          { address: o.address, scope: acceptance.addresses.find((a) => a.address === o.address)!.scope, vpc },
          vpc,
        ) ?? [],
    );
    return said[0];
  }

  private announce(route: GKEIPRoute, reason: string, message: string): void {
    const before = route.status?.conditions?.find((c) => c.type === "Ready");
    if (before?.reason !== reason || before.message !== message) this.parts.tell(route, "Warning", reason, message);
  }
  private announceServed(route: GKEIPRoute, outcomes: readonly Outcome[], noPods: string): void {
    const failed = outcomes.find((o) => o.state === "failed");
    if (failed) this.announce(route, "GCPFailed", `${failed.address}: ${failed.message ?? ""}`);
    else if (noPods) this.announce(route, "NoPodsFound", noPods);
  }
}

const sameSpace = (scope: Scope, network: RouteNetwork, binding: AddressBinding): boolean =>
  scope === binding.spec.scope &&
  (scope === "External" || (network.vpc ?? "") === (binding.spec.vpc ?? "")) &&
  parseAddress(binding.spec.address).ok;

function holderOf(selection: Selection): Holder | undefined {
  const { selected, node } = selection;
  return selected && node?.vm
    ? { pod: selected.name, podUID: selected.uid, node: selected.node, zone: node.vm.zone, instance: node.vm.instance }
    : undefined;
}
