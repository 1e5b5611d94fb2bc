// SPDX-License-Identifier: Apache-2.0
// What one pass over an accepted route goes by: who is to have its addresses, whom stability or bad news keeps, and what a user should be told.
import { describeFinding, podFindings, STABILITY_ANNOTATION, stabilityFindings, type GKEIPRoute, type Holder } from "../api";
import {
  accept,
  gatewayKey,
  gatewayRefs,
  mayHold,
  keyOf,
  noPodsMessage,
  policyOf,
  sameHolder,
  select,
  stabilityOf,
  waitingMessage,
  type Acceptance,
  type Candidate,
  type RouteFacts,
  type RouteNetwork,
  type Selection,
  type Stability,
} from "../core";
import type { Outcome, Parts } from "./address";
import type { Hold, News } from "./news";
import { otherDeciders } from "./second-writer";
import type { TargetKey } from "./targets";

/** Nothing is programmed ahead by us where the node's part is not ours. */
const NO_STANDBY = `metadata.annotations["${STABILITY_ANNOTATION.hotStandby}"]: only datapath Linux has a hot standby; it is ignored`;

export type Accepted = Extract<Acceptance, { accepted: true }>;
export interface Plan {
  /** The route as it was judged. */
  route: GKEIPRoute;
  acceptance: Accepted;
  /** What the choice went by besides Pods and nodes. */
  stability: Stability;
  /** True where bad news keeps the holder, whatever was selected. */
  kept: boolean;
  selection: Selection;
  wanted?: Holder;
  /** Who is to be prepared ahead, the best first; left out while nothing is to change. */
  standby?: readonly Holder[];
  noPods: string;
  /** Why a Pod waits, or why nothing moves. */
  waiting?: string;
  /** When to look again because of that, milliseconds since 1970. */
  until?: number;
}

/** What is certain to be silent although everything outside of the Pod is right (SEED-7, SEED-24). */
function silent({ wanted, selection, acceptance }: Plan): string[] {
  const pod = selection.verdicts.find((v) => v.pod.uid === wanted?.podUID)?.pod;
  const addresses = acceptance.addresses.map((a) => a.address);
  return podFindings(pod?.reach ?? {}, addresses, `Pod ${pod?.name ?? ""}`).map(describeFinding);
}

export class Planner {
  constructor(
    private readonly parts: Parts,
    private readonly news: News,
  ) {}

  private get linux(): boolean {
    return this.parts.settings.datapath === "linux";
  }
  /** Who is to have the addresses: the best Pod, unless stability or bad news keeps the one that has them. */
  plan(route: GKEIPRoute, acceptance: Accepted): Plan {
    const { caches, clock } = this.parts;
    const stability = stabilityOf(caches.world, route, caches.ownedBy(route.metadata.uid ?? ""), clock.now());
    const selection = select(caches.world, route, acceptance.network, stability);
    const best = holderOf(selection);
    const hold = this.news.of(route, stability.policy.nodeLossHold, (...said) => this.parts.tell(...said));
    const kept = hold ? stability.tenure.holder : undefined;
    const wanted = kept ?? best;
    const noPods = wanted ? "" : noPodsMessage(route, selection.verdicts);
    return {
      ...{ route, acceptance, stability, selection, noPods, kept: kept !== undefined },
      ...(wanted ? { wanted } : {}),
      ...(kept ? {} : { standby: this.linux ? selection.standby.flatMap(holderAt) : [] }),
      ...waitOf(selection, kept ? hold : undefined),
    };
  }

  /**
   * Whether a plan is still right by what is known now. Asked before each step that cannot be taken back: a pass may have waited for minutes,
   * for another pass on the same address or for an operation of the cloud, and its Pod may have begun to terminate meanwhile.
   */
  stands({ route, acceptance: { network }, stability, kept, wanted }: Plan): boolean {
    const { world } = this.parts.caches;
    const now = this.parts.caches.route(keyOf(route));
    if (!now || !sameGeneration(now, route) || otherDeciders(now, this.parts.settings).length > 0) return false;
    if (!accept(world, now).accepted) return false;
    return kept || sameHolder(holderOf(select(world, now, network, stability)), wanted);
  }

  /** What a user should know although nothing is wrong with the address. */
  notes(route: GKEIPRoute, plan: Plan, outcomes: readonly Outcome[]): Pick<RouteFacts, "advice" | "ignored" | "waiting"> {
    const advice = this.advice(outcomes, plan.acceptance);
    const ignored = this.ignored(route);
    const waiting = [plan.waiting, ...silent(plan)].filter((text) => text !== undefined).join("; ");
    return { ...(advice ? { advice } : {}), ...(ignored ? { ignored } : {}), ...(waiting ? { waiting } : {}) };
  }
  /** Annotations of stability that cannot be read, of the route and of its Gateways. */
  private ignored(route: GKEIPRoute): string | undefined {
    const { world } = this.parts.caches;
    const { hotStandby } = policyOf(world, route);
    const gateways = [...new Set(gatewayRefs(route).map((ref) => gatewayKey(ref, route.metadata.namespace ?? "default")))];
    const found = [
      ...(!this.linux && hotStandby > 0 ? [NO_STANDBY] : []),
      ...stabilityFindings(route.metadata.annotations),
      ...gateways.flatMap((g) => stabilityFindings(world.gateway(g)?.metadata.annotations, `Gateway ${g}: metadata.annotations`)),
    ].map((f) => (typeof f === "string" ? f : describeFinding(f)));
    return found.length === 0 ? undefined : found.join("; ");
  }

  /** Nodes that may be needed: their target instances are made ahead of need. */
  candidates(selection: Selection, network: RouteNetwork): TargetKey[] {
    // One for each node: a selector may match thousands of Pods.
    const nodes = new Set(selection.verdicts.flatMap((v) => (v.pod.node && mayHold(v.reason) ? [v.pod.node] : [])));
    return [...nodes].flatMap((name) => {
      const node = this.parts.caches.world.node(name);
      if (!node?.vm) return [];
      const { zone, instance, id = "" } = node.vm;
      return [{ zone, instance, node: name, incarnation: `${node.uid}/${id}`, ...(network.vpc ? { vpc: network.vpc } : {}) }];
    });
  }

  private advice(outcomes: readonly Outcome[], { addresses, network: { vpc } }: Accepted): string | undefined {
    if (!vpc) return undefined;
    const driven = addresses.filter((a) => outcomes.some((o) => o.address === a.address));
    return driven.flatMap(({ address, scope }) => this.parts.cloud.firewallAdvice({ address, scope, vpc }, vpc) ?? [])[0];
  }
}

/** Whether two readings are of one route with one spec: what was decided of the one holds for the other. */
export const sameGeneration = ({ metadata: a }: GKEIPRoute, { metadata: b }: GKEIPRoute): boolean =>
  a.uid === b.uid && a.generation === b.generation;

export const podOf = ({ wanted, noPods }: Plan): { pod?: string; podUid?: string; noPods?: string } =>
  wanted ? { pod: wanted.pod, podUid: wanted.podUID } : { noPods };

export const targetKeyOf = ({ zone, instance, node }: Holder, vpc: string | undefined): TargetKey => ({
  zone,
  instance,
  node,
  ...(vpc ? { vpc } : {}),
});

/** @param hold what keeps the address where it is, whatever was selected */
function waitOf(selection: Selection, hold: Hold | undefined): Pick<Plan, "waiting" | "until"> {
  const waiting = hold ? `${hold.cause}: ${hold.message}` : waitingMessage(selection);
  const until = hold ? hold.until : selection.until;
  return { ...(waiting ? { waiting } : {}), ...(until === undefined ? {} : { until }) };
}

/** Who is to hold the addresses, in the terms of the journal. */
export function holderOf(selection: Selection): Holder | undefined {
  const { selected, node } = selection;
  return selected && node ? holderAt({ pod: selected, node })[0] : undefined;
}
const holderAt = ({ pod, node }: Candidate): Holder[] =>
  node.vm ? [{ pod: pod.name, podUID: pod.uid, node: node.name, zone: node.vm.zone, instance: node.vm.instance }] : [];
