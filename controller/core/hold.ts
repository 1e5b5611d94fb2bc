// SPDX-License-Identifier: Apache-2.0
// Many nodes gone at once are more likely bad news than bad nodes: a partition, a control plane that cannot hear its nodes. A mass move on it
// would break what still works, so nothing moves for a while (DESIGN 4.3). Pure; goes by what the Node objects say, so that it survives restarts.
import type { NodeView } from "./world";

export interface NodeLossPolicy {
  /** Hold when more than this share of the nodes is lost; 100: never. */
  percent: number;
  /** And at least so many. */
  leastNodes: number;
  /** Losses within so many milliseconds of each other are one event. */
  burstMs: number;
  /** Then it is believed, milliseconds after the last loss of the event. */
  timeoutMs: number;
}
/**
 * The share is kube-controller-manager's own for a zone that it believes unhealthy (`--unhealthy-zone-threshold`, 0.55): a third, one zone of
 * three, is a real outage that addresses have to survive.
 */
export const NODE_LOSS_DEFAULTS: NodeLossPolicy = { percent: 55, leastNodes: 2, burstMs: 120_000, timeoutMs: 600_000 };

export interface NodeLoss {
  lost: string[];
  total: number;
  /** Milliseconds since 1970: the hold ends by itself then. */
  until: number;
  message: string;
}
export interface GoneNode {
  name: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** Lost, not on its way out: a node that was cordoned before leaves on purpose. */
function losses(nodes: readonly NodeView[], away: readonly GoneNode[]): GoneNode[] {
  const notReady = nodes
    .filter((n) => !n.ready && !n.cordoned && n.notReadySince !== undefined)
    .map((n) => ({ name: n.name, at: Date.parse(n.notReadySince!) }))
    .filter((n) => !Number.isNaN(n.at));
  return [...notReady, ...away].sort((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1));
}

/** The largest group of losses within one burst. */
function largestBurst(lost: readonly GoneNode[], burstMs: number): readonly GoneNode[] {
  let best: readonly GoneNode[] = [];
  for (let first = 0, end = 0; first < lost.length; first++) {
    while (end < lost.length && lost[end]!.at - lost[first]!.at <= burstMs) end++;
    if (end - first > best.length) best = lost.slice(first, end);
  }
  return best;
}

/**
 * Whether so many nodes were lost at once that nothing should move.
 * @param gone nodes that were deleted without having been cordoned, as far as is remembered
 * @param now milliseconds since 1970
 */
export function nodeLoss(
  nodes: readonly NodeView[],
  gone: readonly GoneNode[],
  policy: NodeLossPolicy,
  now: number,
): NodeLoss | undefined {
  const here = new Set(nodes.map((n) => n.name));
  const away = gone.filter((g) => !here.has(g.name));
  const recent = losses(nodes, away).filter((l) => l.at > now - policy.timeoutMs);
  const burst = largestBurst(recent, policy.burstMs);
  const total = nodes.length + away.length;
  if (burst.length < policy.leastNodes || burst.length * 100 <= policy.percent * total) return undefined;
  const until = burst.at(-1)!.at + policy.timeoutMs;
  const lost = burst.map((l) => l.name);
  const named = lost.length > 5 ? `${lost.slice(0, 5).join(", ")} and ${lost.length - 5} more` : lost.join(", ");
  const message = `${lost.length} of ${total} nodes were lost at once (${named}), so nothing moves until they are back, or until ${new Date(until).toISOString().replace(/\.\d{3}Z$/, "Z")}`;
  return { lost, total, until, message };
}
