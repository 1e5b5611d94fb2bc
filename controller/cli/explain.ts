// SPDX-License-Identifier: Apache-2.0
// `explain ROUTE`: why a route stands as it stands. Verdicts come from `accept` and `select`, the functions that decide in the controller;
// nothing is judged here.
import {
  describeFinding,
  parseSelector,
  specOf,
  stabilityFindings,
  type Condition,
  type GKEIPRoute,
  type Holder,
  type LabelSelector,
} from "../api";
import {
  accept,
  dutyOf,
  keyOf,
  nodeLoss,
  NODE_LOSS_DEFAULTS,
  noPodsMessage,
  select,
  stabilityOf,
  waitingMessage,
  type Acceptance,
  type Duty,
  type Selection,
  type Stability,
} from "../core";
import { holderOf } from "../manager/plan";
import type { RouteObject } from "../manager/views";
import type { Dump } from "./dump";
import { NotThereError, UsageError } from "./errors";
import { addressState, type AddressState } from "./next-step";
import { since, table } from "./print";
import { worldOf, type DumpWorld } from "./world";

export interface PodVerdict {
  pod: string;
  node: string;
  created: string;
  ready: boolean;
  verdict: string;
  why: string;
}
export interface Explanation {
  route: string;
  generation: number;
  takenAt: string;
  /** Whose route it is: `answer` is ours, `leave` and `release` are not. */
  duty: Duty;
  accepted: { status: "True" | "False"; reason: string; message: string };
  network: string;
  reactionMode: string;
  podSelector: LabelSelector;
  /** Pods that match the selector, best first. */
  pods: PodVerdict[];
  /** Pods of the namespace that do not match. */
  notMatching: string[];
  noPods?: string;
  /** Why a Pod waits, or why nothing moves: stability, or bad news. */
  waiting?: string;
  /** Annotations that cannot be read and are ignored. */
  ignored: string[];
  addresses: AddressState[];
  /** As they are written on the route. */
  conditions: Pick<Condition, "type" | "status" | "reason" | "message">[];
  /** Managers that decide about the route besides us. */
  otherWriters: string[];
}

function verdicts(selection: Selection): PodVerdict[] {
  return selection.verdicts.map((v) => ({
    ...{ pod: v.pod.name, node: v.pod.node ?? "", created: v.pod.created, ready: v.pod.ready },
    verdict: v.reason,
    why: v.message,
  }));
}
function notMatching(dw: DumpWorld, route: GKEIPRoute): string[] {
  const selector = parseSelector(specOf(route).podSelector);
  const pods = [...dw.world.pods(route.metadata.namespace ?? "default")];
  return pods.filter((p) => !selector.ok || !selector.matches(p.labels)).map((p) => p.name);
}
const acceptedOf = (a: Acceptance): Explanation["accepted"] =>
  a.accepted ? { status: "True", reason: "Accepted", message: "" } : { status: "False", reason: a.reason, message: a.message };

type Answered = Pick<Explanation, "pods" | "addresses" | "noPods" | "waiting">;
/** Many nodes lost at once: the address stays with whom it is (DESIGN 4.3). */
function heldBy(dw: DumpWorld, now: number, { policy, tenure }: Stability): { holder: Holder; message: string } | undefined {
  const loss = nodeLoss(dw.nodes, [], NODE_LOSS_DEFAULTS, now);
  return loss && policy.nodeLossHold && tenure.holder
    ? { holder: tenure.holder, message: `NodesLost: ${loss.message}` }
    : undefined;
}
function answered(dump: Dump, dw: DumpWorld, route: RouteObject, acceptance: Acceptance): Answered {
  if (!acceptance.accepted) return { pods: [], addresses: [] };
  const { network } = acceptance;
  const now = Date.parse(dump.takenAt);
  const owned = dw.bindings.filter((b) => b.spec.route.uid === route.metadata.uid);
  const stability = stabilityOf(dw.world, route, owned, now);
  const selection = select(dw.world, route, network, stability);
  const held = heldBy(dw, now, stability);
  const wanted = held?.holder ?? holderOf(selection);
  const waiting = held?.message ?? waitingMessage(selection);
  const question = { route, network, ...(wanted ? { wanted } : {}) };
  return {
    pods: verdicts(selection),
    ...(wanted ? {} : { noPods: noPodsMessage(route, selection.verdicts) }),
    ...(waiting === undefined ? {} : { waiting }),
    addresses: acceptance.addresses.map((address) => addressState(dw, dump.settings, { ...question, address })),
  };
}

function explainIn(dump: Dump, dw: DumpWorld, route: RouteObject): Explanation {
  const spec = specOf(route);
  const held = dw.bindings.some((b) => b.spec.route.uid === route.metadata.uid);
  const acceptance = accept(dw.world, route);
  return {
    route: keyOf(route),
    generation: route.metadata.generation ?? 0,
    takenAt: dump.takenAt,
    duty: dutyOf(dw.world, route, held),
    accepted: acceptedOf(acceptance),
    ...{ network: spec.network, reactionMode: spec.reactionMode, podSelector: spec.podSelector },
    ...answered(dump, dw, route, acceptance),
    notMatching: notMatching(dw, route),
    conditions: (route.status?.conditions ?? []).map(({ type, status, reason, message }) => ({ type, status, reason, message })),
    ignored: stabilityFindings(route.metadata.annotations).map(describeFinding),
    otherWriters: route.writers?.others ?? [],
  };
}

/**
 * Explains one route, or all of a dump in order of their keys. Pure: the same dump gives the same answer, on any machine.
 * @param name `NAME` (in `namespace`) or `NAMESPACE/NAME`; undefined: all
 * @throws NotThereError for a route that is not in the dump
 */
export async function explain(dump: Dump, name: string | undefined, namespace: string): Promise<Explanation[]> {
  const dw = await worldOf(dump);
  const sorted = [...dw.routes].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  if (name === undefined) return sorted.map((r) => explainIn(dump, dw, r));
  const key = routeKeyOf(name, namespace);
  const found = sorted.find((r) => keyOf(r) === key);
  if (found) return [explainIn(dump, dw, found)];
  const near = sorted.map(keyOf).slice(0, 5).join(", ");
  throw new NotThereError(`GKEIPRoute ${key} is not there; ${near === "" ? "there is none at all" : `there are ${near}`}`);
}

/** @throws UsageError */
export function routeKeyOf(name: string, namespace: string): string {
  const parts = name.split("/");
  if (parts.length > 2 || parts.some((p) => p === ""))
    throw new UsageError("ROUTE", `${JSON.stringify(name)} is neither NAME nor NAMESPACE/NAME`);
  return parts.length === 2 ? name : `${namespace}/${name}`;
}

const OWNERSHIP: Record<Duty, string> = {
  answer: "",
  release: "not ours any more: what is held for it is given back",
  leave: "not ours: its Gateway belongs to another controller, or is not there",
};

function podLines(e: Explanation, now: number): string[] {
  const rows = e.pods.map((p) => [p.pod, p.node, since(p.created, now), p.ready ? "True" : "False", p.verdict, p.why]);
  const others = e.notMatching;
  const rest =
    others.length === 0
      ? []
      : [
          `${others.length} other Pod(s) of the namespace do not match: ${others.slice(0, 5).join(", ")}${others.length > 5 ? ", …" : ""}`,
        ];
  const body = rows.length > 0 ? table(["POD", "NODE", "AGE", "READY", "VERDICT", "WHY"], rows) : ["No Pod matches."];
  return [
    ...body,
    ...rest,
    ...(e.noPods === undefined ? [] : [`NoPodsFound: ${e.noPods}`]),
    ...(e.waiting === undefined ? [] : [`Waiting: ${e.waiting}`]),
  ];
}
const addressLines = (e: Explanation): string[] =>
  table(
    ["ADDRESS", "PHASE", "MOVE", "HOLDER", "NODE", "RULE", "NEXT STEP"],
    e.addresses.map((a) => [
      ...[a.address, a.phase, String(a.generation), a.holder?.pod ?? "", a.holder?.node ?? ""],
      ...[a.rule, a.nextStep],
    ]),
  );
const conditionLines = (e: Explanation): string[] =>
  e.conditions.length === 0
    ? ["The route has no conditions: no controller has answered it yet."]
    : table(
        ["CONDITION", "STATUS", "REASON", "MESSAGE"],
        e.conditions.map((c) => [c.type, c.status, c.reason, c.message]),
      );

/** The explanation as text. Ages are reckoned from the moment at which the dump was taken, so that a replay prints the same. */
export function explanationLines(e: Explanation): string[] {
  const now = Date.parse(e.takenAt);
  const head = [
    `Route     ${e.route} (generation ${e.generation})`,
    ...(OWNERSHIP[e.duty] === "" ? [] : [`Owner     ${OWNERSHIP[e.duty]}`]),
    `Accepted  ${e.accepted.status}${e.accepted.status === "True" ? "" : ` (${e.accepted.reason}): ${e.accepted.message}`}`,
    `Network   ${e.network}`,
    `Selector  ${JSON.stringify(e.podSelector)}, reactionMode ${e.reactionMode}`,
    ...(e.otherWriters.length === 0 ? [] : [`Writers   ${e.otherWriters.join(", ")} writes this route's status too`]),
  ];
  head.push(...e.ignored.map((said) => `Ignored   ${said}`));
  const accepted = e.accepted.status === "True";
  return [...head, ...(accepted ? ["", ...podLines(e, now), "", ...addressLines(e)] : []), "", ...conditionLines(e)];
}
