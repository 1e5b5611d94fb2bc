// SPDX-License-Identifier: Apache-2.0
// What may be said of an address after a pass: only what was read back. Conditions of datapath.md 9, with a reason of their own each.
import type { AddressIntent } from "./intent";
import { localFirst } from "./plan";
import { addressKey, type Resolved } from "./resolve";
import { TABLE_LOCAL, TYPE, type Kernel, type Plan } from "./types";

export interface NodeCondition {
  type: "RoutesProgrammed" | "PodHasAddress" | "DatapathOwnedByCNI" | "LocalRouteConflict" | "ForeignTableConflict";
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
}
export interface AddressStatus {
  address: string;
  network: string;
  generation: number;
  pod?: { name: string; uid: string };
  standby: boolean;
  /** The order to stand by that this is the answer to. */
  since?: string;
  /** True where everything on this node is as it must be for packets to reach the Pod and to leave with the address. */
  programmed: boolean;
  conditions: NodeCondition[];
}
export interface Evidence {
  resolved: Resolved;
  /** What a plan made from the state after the pass would still do. */
  left: Plan;
  kernel: Kernel;
  /** Why the way into or out of an interface is not the kernel's, by host interface. */
  ownedByCni: ReadonlyMap<string, string>;
  /** What is wrong on the way besides routes: forwarding that is off, a filter; by `addressKey`. */
  obstacles: ReadonlyMap<string, string>;
  /** Whether the Pod has the address, by `addressKey`; not there: nobody looked. */
  inPod: ReadonlyMap<string, boolean>;
}
type Word = [status: NodeCondition["status"], reason: string, message: string];

/** Status of one address that is to be served here. */
export function statusOf(a: AddressIntent, e: Evidence): AddressStatus {
  const words: { [type in NodeCondition["type"]]: Word } = {
    RoutesProgrammed: routes(a, e),
    PodHasAddress: podHas(a, e),
    DatapathOwnedByCNI: owner(a, e),
    LocalRouteConflict: local(a, e),
    ForeignTableConflict: tables(a, e),
  };
  const conditions = (Object.keys(words) as NodeCondition["type"][]).map((type) => {
    const [status, reason, message] = words[type];
    return { type, status, reason, message };
  });
  const is = (type: NodeCondition["type"]): string => words[type][0];
  const free = (["DatapathOwnedByCNI", "LocalRouteConflict", "ForeignTableConflict"] as const).every((t) => is(t) !== "True");
  return {
    address: a.address,
    network: a.network,
    generation: a.generation,
    standby: a.standby === true,
    programmed: is("RoutesProgrammed") === "True" && is("PodHasAddress") !== "False" && free,
    conditions,
    ...(a.since === undefined ? {} : { since: a.since }),
    ...(a.pod ? { pod: { name: a.pod.name, uid: a.pod.uid } } : {}),
  };
}

function routes(a: AddressIntent, { resolved, left, obstacles }: Evidence): Word {
  const problem = resolved.problems.get(addressKey(a));
  if (problem) return ["False", "NotResolved", problem];
  const conflict = left.conflicts.find((c) => c.network === a.network);
  if (conflict) return ["False", "ForeignTableConflict", conflict.message];
  const skip = left.skipped.find((s) => s.network === a.network && (s.address === undefined || s.address === a.address));
  if (skip) return ["False", skip.reason, skip.message];
  const line = left.lines.find((l) => l.network === a.network && (l.address === undefined || l.address === a.address));
  if (line) return ["False", "NotProgrammed", `the kernel does not show it: ${line.text}`];
  const obstacle = obstacles.get(addressKey(a));
  if (obstacle) return ["False", "ForwardingBlocked", obstacle];
  return ["True", "Programmed", ""];
}
function podHas(a: AddressIntent, { inPod }: Evidence): Word {
  const has = inPod.get(addressKey(a));
  if (has === undefined) return ["Unknown", "NotLooked", "the agent is not allowed to look into Pods"];
  return has ? ["True", "Present", ""] : ["False", "Missing", `no interface of Pod ${a.pod?.name} has ${a.address}`];
}
function owner(a: AddressIntent, { resolved, ownedByCni }: Evidence): Word {
  const veth = resolved.desired.owned.find((o) => addressKey(o) === addressKey(a))?.veth;
  const why = veth === undefined ? undefined : ownedByCni.get(veth);
  return why ? ["True", "ForeignDatapath", why] : ["False", "KernelPath", ""];
}
function local(a: AddressIntent, { kernel }: Evidence): Word {
  const row = kernel.routes.find((r) => r.table === TABLE_LOCAL && r.type === TYPE.local && r.dst === a.address);
  if (!row || !localFirst(kernel)) return ["False", "NoLocalRoute", ""];
  const message = `the node takes ${a.address} for its own: local route by ${row.dev} of protocol ${row.protocol}`;
  return ["True", "LocalRoute", message];
}
function tables(a: AddressIntent, { left }: Evidence): Word {
  const conflict = left.conflicts.find((c) => c.network === a.network);
  return conflict ? ["True", "ForeignRoute", conflict.message] : ["False", "NoForeignRoute", ""];
}
