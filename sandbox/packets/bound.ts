// SPDX-License-Identifier: Apache-2.0
// The longest time without an answer that an unplanned move may take, as a sum of parts, each from a setting or a documented period. Pure.
//
//   bound = detection + decide + prepare + setTarget + fabric
//
// A planned move has none of it: the new way is whole before the old one is left.

/** Most packets that a planned move may lose: none (invariant 4). What the old Pod was given before the switch it may still answer after it. */
export const PLANNED_LOSS = 0;

/** What happened to the Pod that held the address. */
export type Loss = "podKilled" | "nodeDead";

export interface Settings {
  /** kube-controller-manager's `--node-monitor-grace-period`, `--node-monitor-period`; the kubelet's heartbeat. Milliseconds. */
  nodeGraceMs: number;
  nodeMonitorMs: number;
  heartbeatMs: number;
  /** The controller's lease: another replica decides no sooner than that after the leader's node died. */
  leaseMs: number;
  leaseRetryMs: number;
  /** Google Cloud's operation, and how often the controller asks for its end. */
  operationMs: number;
  pollMs: number;
  /** Longest wait for the node's datapath: Google's agent looks at new endpoints at most once in 2 s. */
  agentMs: number;
  /** From the API's state to the routes of the fabric. */
  fabricMs: number;
  /** Allowance for events, requests and processes on a busy machine. */
  slackMs: number;
}

export const SANDBOX_SETTINGS: Settings = {
  nodeGraceMs: 4_000,
  nodeMonitorMs: 1_000,
  heartbeatMs: 1_000,
  leaseMs: 15_000,
  leaseRetryMs: 2_000,
  operationMs: 400,
  pollMs: 1_000,
  agentMs: 2_000,
  fabricMs: 100,
  slackMs: 1_000,
};

export interface Bound {
  detection: number;
  decide: number;
  prepare: number;
  setTarget: number;
  fabric: number;
  total: number;
}

/** @param leaderLost the controller's leader was on the same node */
export function boundOf(loss: Loss, s: Settings, leaderLost: boolean): Bound {
  const detection = loss === "podKilled" ? s.slackMs : s.heartbeatMs + s.nodeGraceMs + s.nodeMonitorMs + s.slackMs;
  // The lease runs out while the node's silence is being noticed.
  const leader = leaderLost ? Math.max(0, s.leaseMs + s.leaseRetryMs - detection) : 0;
  const decide = leader + s.slackMs;
  const prepare = s.agentMs + s.slackMs;
  const setTarget = s.operationMs + s.pollMs + s.slackMs;
  const parts = { detection, decide, prepare, setTarget, fabric: s.fabricMs };
  return { ...parts, total: Object.values(parts).reduce((sum, n) => sum + n, 0) };
}
