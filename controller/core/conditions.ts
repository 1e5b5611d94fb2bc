// SPDX-License-Identifier: Apache-2.0
// A pure table from (acceptance, selection, cloud, datapath) to the four conditions and status.pods (DESIGN 4.5, api.md 7).
// A condition says True only for what was observed at this generation.
import type { Condition, RouteConditionType, RouteReason } from "../api";
import type { Acceptance } from "./accept";

export type OwnCondition = Omit<Condition, "lastTransitionTime" | "type" | "reason"> & {
  type: RouteConditionType;
  reason: RouteReason;
};

export interface AddressProgress {
  address: string;
  /** `held`: rule read back with the wanted target. `moving`: a hand-over runs. `failed`: the cloud refused. `unserved`: no Pod. */
  state: "held" | "moving" | "failed" | "unserved";
  message?: string;
}
export interface RouteFacts {
  generation: number;
  acceptance: Acceptance;
  /** Name of the Pod that is chosen; undefined: none. */
  pod?: string;
  /** UID of that Pod. A reset names it, so that a reset for another Pod of the same name is always a write of its own (E60). */
  podUid?: string;
  noPods?: string;
  addresses: readonly AddressProgress[];
  /** What the node agent says, after the reset of this hand-over; undefined: not since then. */
  datapath?: Condition;
  /** True while DPV2Ready has to be put back, so that a stale True is not believed (E60). */
  resetDatapath: boolean;
  /** Which part says that the node is programmed: GKE's agent (read), or nobody because the NIC is the Pod's (Device). */
  datapathIsOurs: boolean;
  /** Something worth saying although all is well, such as a missing firewall rule. */
  advice?: string;
  /** Annotations that are ignored, said with Accepted. */
  ignored?: string;
  /** Why a Pod waits, or nothing moves at all; said with Ready. */
  waiting?: string;
  /** True where nothing of this route is left in the cloud. */
  clean: boolean;
}
export interface RouteStatusWanted {
  pods: string[];
  conditions: OwnCondition[];
}
type Word = [status: "True" | "False", reason: RouteReason, message: string];

const claimed = (f: RouteFacts): string[] => (f.acceptance.accepted ? f.acceptance.addresses.map((a) => a.address) : []);

function cloudWord(f: RouteFacts): Word {
  const failed = f.addresses.filter((a) => a.state === "failed");
  if (failed.length > 0) return ["False", "GCPFailed", failed.map((a) => `${a.address}: ${a.message ?? "refused"}`).join("; ")];
  const held = new Set(f.addresses.filter((a) => a.state === "held").map((a) => a.address));
  // Counted from what was accepted: an address of which nothing is known yet is not ready.
  const all = [...claimed(f), ...f.addresses.map((a) => a.address)];
  const missing = [...new Set(all)].filter((address) => !held.has(address));
  if (held.size === 0 || missing.length > 0)
    return ["False", "Mutated", `programming ${missing.join(", ")} for Pod ${f.pod ?? ""}`];
  return ["True", "GCPReady", f.advice ?? ""];
}

function datapathWord(f: RouteFacts): Word {
  if (f.datapathIsOurs)
    return ["True", "DPV2Ready", "the network device belongs to the Pod; nothing is to be programmed on the node"];
  // What was said of an older generation of the route may not hold for this one (E60).
  const current = f.datapath !== undefined && f.datapath.observedGeneration === f.generation;
  if (f.resetDatapath || !f.datapath || !current)
    return [
      "False",
      "Mutated",
      `waiting for the node of Pod ${f.pod ?? ""}${f.podUid ? ` (UID ${f.podUid})` : ""} to be programmed`,
    ];
  return [f.datapath.status === "True" ? "True" : "False", f.datapath.reason as RouteReason, f.datapath.message];
}

function readyWord(cloud: Word, datapath: Word, waiting = ""): Word {
  const bad = [cloud, datapath].find(([status]) => status !== "True");
  if (!bad) return ["True", "ProgrammingComplete", waiting];
  return ["False", bad[1], [bad[2], waiting].filter((s) => s !== "").join("; ")];
}

function words(f: RouteFacts): Record<RouteConditionType, Word> {
  if (!f.acceptance.accepted) {
    const { reason, message } = f.acceptance;
    const cloud: Word = f.clean
      ? ["False", "CleanupComplete", "nothing of this route is left in Google Cloud"]
      : ["False", "GCPNotReady", "the route is not accepted"];
    return {
      Accepted: ["False", reason, message],
      GCPReady: cloud,
      DPV2Ready: ["False", "DPV2NotReady", "the route is not accepted"],
      Ready: ["False", reason, message],
    };
  }
  const accepted: Word = ["True", "Accepted", f.ignored ?? ""];
  if (f.pod === undefined) {
    const none: Word = ["False", "NoPodsFound", f.noPods ?? ""];
    return { Accepted: accepted, GCPReady: none, DPV2Ready: none, Ready: none };
  }
  const cloud = cloudWord(f);
  const datapath = datapathWord(f);
  return { Accepted: accepted, GCPReady: cloud, DPV2Ready: datapath, Ready: readyWord(cloud, datapath, f.waiting) };
}

/** What the route's status must say for these facts. */
export function routeStatus(f: RouteFacts): RouteStatusWanted {
  const table = words(f);
  const conditions = (["Accepted", "GCPReady", "DPV2Ready", "Ready"] as const).map((type): OwnCondition => {
    const [status, reason, message] = table[type];
    return { type, status, reason, message: message.slice(0, 32768), observedGeneration: f.generation };
  });
  return { pods: f.acceptance.accepted && f.pod !== undefined ? [f.pod] : [], conditions };
}
