// SPDX-License-Identifier: Apache-2.0
// Who of the selectable Pods gets the address, when stability is asked for (DESIGN 4.3). Pure: the time comes in as an argument and the time
// to look again goes out. All it knows of the past stands in the AddressBinding, so that it survives restarts.
// A holder that is lost is replaced at once: sticky, dwell and budget only ever hold back a move that nobody needs.
import {
  STABILITY_ANNOTATION,
  stabilityPolicy,
  weightOf,
  type AddressBinding,
  type AddressBindingStatus,
  type GKEIPRoute,
  type Holder,
  type Move,
  type StabilityPolicy,
} from "../api";
import { sameHolder } from "./handover";
import { gatewayKey, gatewayRefs } from "./parents";
import type { NodeView, PodView, World } from "./world";

/** Who has the address now, and how often it moved lately. */
export interface Tenure {
  /** The Pod that has it, or that it is being moved to. */
  holder?: Holder;
  /** When that began, milliseconds since 1970; a dwell is counted from here. */
  since?: number;
  /** Where a move to the holder is under way: the Pod that it leaves; null: it leaves none. */
  leaves?: Holder | null;
  /** For each address of the route: when it moved from one Pod to another, newest first, milliseconds since 1970. */
  moves: readonly (readonly number[])[];
}
export interface Stability {
  policy: StabilityPolicy;
  tenure: Tenure;
  /** Milliseconds since 1970. */
  now: number;
}
export interface Candidate {
  pod: PodView;
  node: NodeView;
}
/** Why a Pod that would be chosen is not, or ranks behind. */
export const STABILITY_VERDICTS = [
  "HeldBySticky",
  "WithinDwell",
  "BudgetSpent",
  "LessPreferred",
  "ReclaimNotAsked",
  "NodeCordoned",
  "MoveUnderWay",
] as const;
/** How long a move that cannot wait goes before newer wishes, milliseconds: more than a healthy one takes. */
export const FINISH_MS = 5_000;
export type StabilityVerdict = (typeof STABILITY_VERDICTS)[number];
export interface Standing {
  reason: StabilityVerdict;
  message: string;
}
export interface Choice {
  chosen?: Candidate;
  /** Everybody who could have the address, in the order in which they would if those before them were lost. */
  order: readonly Candidate[];
  /** Sentence for the chosen one where it is not simply the newest. */
  because?: string;
  /** By UID; a candidate without an entry is simply older. */
  standing: Map<string, Standing>;
  /** When a Pod that waits may have its turn, milliseconds since 1970. */
  until?: number;
}

const underWay = ({ phase, next }: AddressBindingStatus): boolean =>
  next !== undefined && (phase === "Preparing" || phase === "Prepared" || phase === "Switching");
const time = (text: string | undefined): number => (text === undefined ? Number.NaN : Date.parse(text));
const changesHands = (m: Move): boolean => m.from !== undefined && m.to !== undefined && !sameHolder(m.from, m.to);

function movesOf(status: AddressBindingStatus): number[] {
  const now = underWay(status) && status.holder && !sameHolder(status.holder, status.next) ? [time(status.startedAt)] : [];
  const past = (status.history ?? []).filter(changesHands).map((m) => time(m.finishedAt));
  return [...now, ...past].filter((t) => !Number.isNaN(t)).sort((a, b) => b - a);
}

/**
 * Reads the past of a route out of the journals of its addresses.
 * @param uid UID of the route; the journal of another one says nothing about this one
 */
export function tenureOf(bindings: readonly AddressBinding[], uid: string): Tenure {
  const own = bindings.flatMap(({ status }) => (status && (status.routeUid ?? uid) === uid ? [status] : []));
  const told = own.flatMap((status) => {
    const moving = underWay(status);
    const holder = moving ? status.next : status.holder;
    const since = time(moving ? status.startedAt : status.lastMove?.finishedAt);
    const leaves = moving ? { leaves: status.holder ?? null } : {};
    return holder ? [{ holder, since: Number.isNaN(since) ? 0 : since, ...leaves }] : [];
  });
  // Where addresses disagree, in the middle of something, the latest wish counts.
  const latest = [...told].sort((a, b) => b.since - a.since || (a.holder.podUID < b.holder.podUID ? -1 : 1))[0];
  return { ...(latest ?? {}), moves: own.map(movesOf) };
}

/** The policy of a route: its own annotations over those of its Gateways, in the order of parentRefs. */
export function policyOf(world: World, route: GKEIPRoute): StabilityPolicy {
  const own = route.metadata.namespace ?? "default";
  const gateways = gatewayRefs(route).map((ref) => world.gateway(gatewayKey(ref, own))?.metadata.annotations);
  return stabilityPolicy(route.metadata.annotations, ...gateways);
}

/** Everything that `select` needs to know of stability. @param now milliseconds since 1970 */
export const stabilityOf = (world: World, route: GKEIPRoute, bindings: readonly AddressBinding[], now: number): Stability => ({
  policy: policyOf(world, route),
  tenure: tenureOf(bindings, route.metadata.uid ?? ""),
  now,
});

const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
const cordoned = (c: Candidate, policy: StabilityPolicy): boolean => policy.avoidCordoned && c.node.cordoned === true;
const weigh = (c: Candidate, policy: StabilityPolicy): number => weightOf(c.pod.labels, policy.preferredPods);

const asked = (c: Candidate, policy: StabilityPolicy): boolean => policy.moveTo === c.pod.name;

/** The Pod that was asked for, then off a cordoned node, then by weight, then as it came (newest first). */
function ranked(candidates: readonly Candidate[], policy: StabilityPolicy): Candidate[] {
  const at = new Map(candidates.map((c, i) => [c, i]));
  return [...candidates].sort(
    (a, b) =>
      Number(asked(b, policy)) - Number(asked(a, policy)) ||
      Number(cordoned(a, policy)) - Number(cordoned(b, policy)) ||
      weigh(b, policy) - weigh(a, policy) ||
      at.get(a)! - at.get(b)!,
  );
}

type Held = Standing & { until?: number };

function dwell({ policy, tenure, now }: Stability): Held | undefined {
  const until = (tenure.since ?? 0) + policy.minDwellSeconds * 1000;
  if (policy.minDwellSeconds === 0 || until <= now) return undefined;
  return {
    reason: "WithinDwell",
    message: `the address stays at least ${policy.minDwellSeconds} s where it is, until ${iso(until)}`,
    until,
  };
}
function budget({ policy: { moveBudget }, tenure, now }: Stability): Held | undefined {
  if (!moveBudget) return undefined;
  const { moves, windowSeconds } = moveBudget;
  const start = now - windowSeconds * 1000;
  // The oldest of the last N moves frees a place when it leaves the window.
  const free = tenure.moves
    .flatMap((times) => times.filter((t) => t > start).slice(moves - 1, moves))
    .map((t) => t + windowSeconds * 1000);
  if (free.length === 0) return undefined;
  const until = Math.max(...free);
  return {
    reason: "BudgetSpent",
    message: `${moves} moves in ${windowSeconds} s are all that is allowed; the next may be at ${iso(until)}`,
    until,
  };
}
/** What holds a planned move back; undefined: nothing. */
function heldBack(challenger: Candidate, holder: Candidate, s: Stability): Held | undefined {
  const heavier = weigh(challenger, s.policy) > weigh(holder, s.policy);
  if (s.policy.sticky && !heavier)
    return { reason: "HeldBySticky", message: `${holder.pod.name} has the address and can keep it (sticky)` };
  return dwell(s) ?? budget(s);
}

const isHolder = (c: Candidate, holder: Holder | undefined): boolean =>
  c.pod.uid === holder?.podUID && c.node.name === holder.node;

/**
 * A rollout can bring newer Pods faster than a move is made. While the Pod that has the packets can keep them, it is left for the newest at once;
 * where it cannot, the move under way is finished first, or the address would run after the newest until its Pod is gone.
 */
function finishing(order: readonly Candidate[], { tenure: { leaves, since = 0, holder }, now }: Stability): Held | undefined {
  const until = since + FINISH_MS;
  // A begin in the future was written by a leader whose clock is ahead of this one.
  if (leaves === undefined || until <= now || since > now) return undefined;
  if (leaves && order.some((c) => isHolder(c, leaves))) return undefined;
  return { reason: "MoveUnderWay", message: `the move to ${holder?.pod} is finished first, until ${iso(until)} at most`, until };
}

function keepOrMove(order: readonly Candidate[], holder: Candidate, s: Stability): { chosen: Candidate; held?: Held } {
  const { policy } = s;
  const best = order[0]!;
  const underWay = best === holder ? undefined : finishing(order, s);
  if (underWay) return { chosen: holder, held: underWay };
  // Somebody asked for this move, and only for this one.
  if (asked(best, policy)) return { chosen: best };
  // An eviction is coming: to leave before it costs nothing, to wait for it does.
  if (cordoned(holder, policy) && !cordoned(best, policy) && best.pod.ready) return { chosen: best };
  const own = weigh(holder, policy);
  const may = order.find((c) => policy.reclaim || weigh(c, policy) <= own)!;
  if (may === holder) return { chosen: holder };
  const held = heldBack(may, holder, s);
  return held ? { chosen: holder, held } : { chosen: may };
}

interface Ranking {
  order: readonly Candidate[];
  chosen: Candidate;
  held: Held | undefined;
  policy: StabilityPolicy;
}
function standingOf(c: Candidate, { order, chosen, held, policy }: Ranking): Standing | undefined {
  if (asked(chosen, policy))
    return { reason: "LessPreferred", message: `the annotation ${STABILITY_ANNOTATION.moveTo} asks for ${chosen.pod.name}` };
  const [own, theirs] = [weigh(c, policy), weigh(chosen, policy)];
  if (cordoned(c, policy) && !cordoned(chosen, policy))
    return {
      reason: "NodeCordoned",
      message: `node ${c.node.name} is cordoned or about to go, and ${chosen.pod.name} is on one that is not`,
    };
  if (order.indexOf(c) < order.indexOf(chosen)) {
    if (own > theirs && !policy.reclaim)
      return {
        reason: "ReclaimNotAsked",
        message: `it has more weight (${own} over ${theirs}), but takes the address back only with reclaim`,
      };
    if (held) return { reason: held.reason, message: held.message };
  }
  return own < theirs
    ? { reason: "LessPreferred", message: `its weight ${own} is less than ${theirs} of ${chosen.pod.name}` }
    : undefined;
}

function reasonFor(chosen: Candidate, holder: Candidate | undefined, policy: StabilityPolicy): string {
  if (asked(chosen, policy)) return `the annotation ${STABILITY_ANNOTATION.moveTo} asks for it`;
  return chosen === holder ? "it has the address and keeps it" : "it is preferred to newer ones";
}

/**
 * Chooses among the Pods that can be selected.
 * @param candidates newest first, as `better` orders them
 * @param s undefined: GKE's own rule, the first one
 */
export function choose(candidates: readonly Candidate[], s: Stability | undefined): Choice {
  const [newest] = candidates;
  if (!newest) return { order: [], standing: new Map() };
  if (!s) return { chosen: newest, order: candidates, standing: new Map() };
  const order = ranked(candidates, s.policy);
  const holder = order.find((c) => isHolder(c, s.tenure.holder));
  const { chosen, held }: { chosen: Candidate; held?: Held } = holder ? keepOrMove(order, holder, s) : { chosen: order[0]! };
  const ranking: Ranking = { order, chosen, held, policy: s.policy };
  const standing = new Map(
    order.flatMap((c): [string, Standing][] => {
      const said = c === chosen ? undefined : standingOf(c, ranking);
      return said ? [[c.pod.uid, said]] : [];
    }),
  );
  const because = chosen === newest ? {} : { because: reasonFor(chosen, holder, s.policy) };
  return { chosen, order, ...because, standing, ...(held?.until === undefined ? {} : { until: held.until }) };
}
