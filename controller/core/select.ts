// SPDX-License-Identifier: Apache-2.0
// Which Pod: every candidate gets a verdict with its reason; the best of the selectable ones is chosen (DESIGN 4.2, SEED-9..SEED-11, SEED-61).
// `explain` prints this very list.
import { interfaceOn, isDefaultNetwork, parseSelector, specOf, type GKEIPRoute, type Matcher } from "../api";
import type { RouteNetwork } from "./route-network";
import { heirs } from "./standby";
import { choose, STABILITY_VERDICTS, type Candidate, type Choice, type Stability } from "./stability";
import type { NodeView, PodView, World } from "./world";

export const VERDICTS = [
  "Selected",
  "OlderThanSelected",
  "NotReady",
  "Terminating",
  "Finished",
  "Unscheduled",
  "HostNetwork",
  "MalformedInterfaces",
  "NotOnNetwork",
  "NodeMissing",
  "NodeNotSelected",
  "NodeNotConnected",
  "NoVirtualMachine",
  ...STABILITY_VERDICTS,
] as const;
/** Verdicts of Pods that could hold the address at once, and of one that lacks no more than readiness: their nodes are made ready ahead of need. */
const POSSIBLE: readonly VerdictReason[] = ["Selected", "OlderThanSelected", "NotReady", ...STABILITY_VERDICTS];
export const mayHold = (reason: VerdictReason): boolean => POSSIBLE.includes(reason);
export type VerdictReason = (typeof VERDICTS)[number];
export interface Verdict {
  pod: PodView;
  reason: VerdictReason;
  message: string;
}
export interface Selection {
  selected?: PodView & { node: string };
  node?: NodeView;
  /** Matching Pods, best first. */
  verdicts: Verdict[];
  /** Who is to be prepared ahead, the best first; none unless hot standby is asked for. */
  standby: readonly Candidate[];
  /** When to look again, because a Pod waits for its turn (dwell, budget); milliseconds since 1970. */
  until?: number;
}
interface Request {
  world: World;
  network: RouteNetwork;
  mode: "ReadyCondition" | "Exists";
  nodes: Matcher;
}
type Objection = { reason: VerdictReason; message: string } | undefined;
const no = (reason: VerdictReason, message: string): Objection => ({ reason, message });

function networkObjection(p: PodView, { world, network }: Request): Objection {
  if (!p.interfaces.ok) return no("MalformedInterfaces", p.interfaces.message);
  const networkOf = (nic: string): string | undefined => world.interfaceNetwork?.(p.namespace, nic);
  if (interfaceOn(p.interfaces.value, network.name, networkOf)) return undefined;
  const unknown = p.interfaces.value.flatMap((i) => (i.interface && networkOf(i.interface) === undefined ? [i.interface] : []));
  return no(
    "NotOnNetwork",
    unknown.length > 0
      ? `the Pod names NetworkInterface ${unknown.join(", ")}, whose network is not known here; name network ${network.name} in networking.gke.io/interfaces`
      : `the Pod has no interface on network ${network.name}; name it in networking.gke.io/interfaces`,
  );
}

// One short list, in the order in which a person would look.
const POD_CHECKS: ((p: PodView, r: Request) => Objection)[] = [
  (p) => (p.deleting ? no("Terminating", "the Pod is being deleted") : undefined),
  (p) => (p.phase === "Succeeded" || p.phase === "Failed" ? no("Finished", `the Pod has ended (${p.phase})`) : undefined),
  (p) => (p.node ? undefined : no("Unscheduled", "spec.nodeName is not set: the Pod has no node yet")),
  (p) =>
    p.hostNetwork
      ? no("HostNetwork", "the Pod uses the node's own network (hostNetwork), whose interfaces it shares")
      : undefined,
  networkObjection,
  (p, r) => (r.mode === "Exists" || p.ready ? undefined : no("NotReady", "the Pod's condition Ready is not True")),
];

function nodeObjection(node: NodeView | undefined, pod: PodView, r: Request): Objection {
  if (!node) return no("NodeMissing", `node ${pod.node ?? ""} does not exist (any more)`);
  if (!r.nodes(node.labels)) return no("NodeNotSelected", `node ${node.name} does not match spec.nodeSelector`);
  if (!isDefaultNetwork(r.network.name) && !node.networks.includes(r.network.name))
    return no(
      "NodeNotConnected",
      `node ${node.name} is not on network ${r.network.name} (annotation networking.gke.io/north-interfaces); its pool needs that network`,
    );
  return node.vm ? undefined : no("NoVirtualMachine", `node ${node.name} has no Compute Engine VM in spec.providerID`);
}

/** Newest first, then Ready before not, then name, then UID: the same answer every time (E7, S12). Negative where `a` is better. */
export function better(a: PodView, b: PodView): number {
  if (a.created !== b.created) return a.created > b.created ? -1 : 1;
  if (a.ready !== b.ready) return a.ready ? -1 : 1;
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.uid < b.uid ? -1 : a.uid > b.uid ? 1 : 0;
}

type Judged = { pod: PodView; objection: Exclude<Objection, undefined> } | { pod: PodView; node: NodeView };

function judge(pod: PodView, request: Request): Judged {
  const node = pod.node ? request.world.node(pod.node) : undefined;
  const objection =
    POD_CHECKS.map((check) => check(pod, request)).find((o) => o !== undefined) ?? nodeObjection(node, pod, request);
  if (objection) return { pod, objection };
  return node ? { pod, node } : { pod, objection: { reason: "NodeMissing", message: "its node does not exist" } };
}

function verdictOf(judged: Judged, { chosen, because, standing }: Choice): Verdict {
  const { pod } = judged;
  if ("objection" in judged) return { pod, ...judged.objection };
  if (!chosen || chosen.pod === pod) return { pod, reason: "Selected", message: because ?? "the newest Pod that can be chosen" };
  const said = standing.get(pod.uid);
  if (said) return { pod, ...said };
  const equal = chosen.pod.created === pod.created;
  return {
    pod,
    reason: "OlderThanSelected",
    message: `${chosen.pod.name} is preferred: ${equal ? "created at the same time, ordered by readiness and name" : "it is newer"}`,
  };
}

const ahead = (v: Verdict): Verdict => ({ ...v, message: `${v.message}; hot standby: its node is to be prepared ahead` });

/**
 * Judges every matching Pod of the route's namespace (SEED-60) and picks one. The route must have been accepted.
 * @param stability `stabilityOf(...)` of the route; left out: GKE's own rule, the newest
 */
export function select(world: World, route: GKEIPRoute, network: RouteNetwork, stability?: Stability): Selection {
  const spec = specOf(route);
  const selector = parseSelector(spec.podSelector);
  const nodes = parseSelector(spec.nodeSelector, true);
  if (!selector.ok || !nodes.ok) return { verdicts: [], standby: [] };
  const request: Request = { world, network, mode: spec.reactionMode, nodes: nodes.matches };
  const matching = [...world.pods(route.metadata.namespace ?? "default", spec.podSelector)]
    .filter((p) => selector.matches(p.labels))
    .sort(better);
  const judged = matching.map((pod) => judge(pod, request));
  const choice = choose(
    judged.flatMap((j): Candidate[] => ("node" in j ? [j] : [])),
    stability,
  );
  const { chosen, until } = choice;
  const standby = heirs(choice.order, chosen?.node.name, stability?.policy.hotStandby ?? 0);
  return {
    ...(chosen ? { selected: { ...chosen.pod, node: chosen.node.name }, node: chosen.node } : {}),
    verdicts: judged.map((j) => verdictOf(j, choice)).map((v) => (standby.some((s) => s.pod === v.pod) ? ahead(v) : v)),
    standby,
    ...(until === undefined ? {} : { until }),
  };
}

/** Sentence where stability keeps a Pod waiting that would have the address by GKE's own rule; undefined: nobody waits. */
export function waitingMessage({ verdicts }: Selection): string | undefined {
  const waits: readonly VerdictReason[] = ["HeldBySticky", "WithinDwell", "BudgetSpent", "ReclaimNotAsked"];
  const first = verdicts.find((v) => waits.includes(v.reason));
  return first && `${first.pod.name} waits (${first.reason}): ${first.message}`;
}

/** Sentence for NoPodsFound: what was looked for, what was there, and why none of it will do (SEED-83..SEED-89). */
export function noPodsMessage(route: GKEIPRoute, verdicts: readonly Verdict[]): string {
  const namespace = route.metadata.namespace ?? "default";
  const selector = JSON.stringify(specOf(route).podSelector);
  if (verdicts.length === 0)
    return `no Pod of namespace ${namespace} matches ${selector}; check the labels of the Pods and spec.podSelector`;
  const groups = new Map<VerdictReason, string[]>();
  for (const v of verdicts) groups.set(v.reason, [...(groups.get(v.reason) ?? []), v.pod.name]);
  const list = [...groups].map(
    ([reason, names]) => `${reason}: ${names.slice(0, 3).join(", ")}${names.length > 3 ? ` and ${names.length - 3} more` : ""}`,
  );
  return `${verdicts.length} Pod(s) of namespace ${namespace} match ${selector} and none can be chosen (${list.join("; ")}). Newest, ${verdicts[0]!.pod.name}: ${verdicts[0]!.message}`;
}
