// SPDX-License-Identifier: Apache-2.0
// What the agent wants and what the kernel says, as plain data. Addresses are dotted IPv4 without a prefix length; `default` is 0/0.

/** The marks of ownership: an object that does not carry them is somebody else's (datapath.md 9). */
export interface Numbers {
  /** Routing protocol number of our routes, rules and neighbours. */
  protocol: number;
  /** First of the tables that lead to Pods; network `i` has `tableIn + i`. */
  tableIn: number;
  /** First of the tables that lead out by a NIC. */
  tableOut: number;
  /** How many tables of each kind are ours. */
  span: number;
  prefIn: number;
  prefOut: number;
}
export const NUMBERS: Numbers = { protocol: 122, tableIn: 7100, tableOut: 7200, span: 100, prefIn: 90, prefOut: 91 };
/** Protocol of the local routes that Google's guest agent adds (datapath.md 4). */
export const GUEST_AGENT_PROTOCOL = 66;
/** Metric of the routes to Pods, and of the blackholes below them. */
export const METRIC = { pod: 100, blackhole: 65535 } as const;
export const TABLE_LOCAL = 255;
/** Route types by number (linux/rtnetlink.h), as `ip -N` prints them. */
export const TYPE = { unicast: 1, local: 2, blackhole: 6 } as const;

export interface RouteRow {
  table: number;
  dst: string;
  type: number;
  metric: number;
  tos: number;
  protocol: number;
  dev?: string;
  gateway?: string;
  onlink: boolean;
  /** True where it says more than the fields above: several next hops, a source, an MTU. */
  odd: boolean;
}
export interface RuleRow {
  pref: number;
  iif?: string;
  /** `all`, an address, or a prefix. */
  src: string;
  table: number;
  protocol: number;
  /** Selectors besides `iif` and `from`, as words of the command. */
  others: string;
}
export interface NeighRow {
  dst: string;
  dev: string;
  lladdr?: string;
  /** Made by hand (PERMANENT or NOARP), not learnt. */
  fixed: boolean;
  protocol: number;
}
export interface LinkRow {
  name: string;
  index: number;
  /** Administratively up: the kernel keeps no route through a link that is not. */
  up: boolean;
  /** Index of the other end, where it has one. */
  peer?: number;
}
export interface Kernel {
  routes: readonly RouteRow[];
  rules: readonly RuleRow[];
  links: readonly LinkRow[];
  neighs: readonly NeighRow[];
}

export interface NetworkPlan {
  name: string;
  nic: string;
  gateway: string;
  tableIn: number;
  tableOut: number;
  /** Every address known on the network, owned here or not. */
  addresses: readonly string[];
}
/** The way to one Pod. */
export interface Way {
  veth: string;
  podIP: string;
  mac?: string;
}
export interface OwnedPlan extends Way {
  address: string;
  network: string;
  /** Pods that may still send with the address: what they were given before, they answer now. The first that can takes its place where it cannot. */
  leaving?: readonly Way[];
  /** Prepared for a failover, in full, so that one call to the cloud is all of it; what its Pod sends meanwhile the fabric drops (`split`). */
  standby?: boolean;
}
/** The way to the Pod that is served, then those of the Pods that may still send. */
export const ways = (o: OwnedPlan): readonly Way[] => [o, ...(o.leaving ?? [])];
export interface Desired {
  networks: readonly NetworkPlan[];
  owned: readonly OwnedPlan[];
  /** True while a wanted network could not be made out: whatever lies in tables of ours that nobody named may be its, and stays. */
  hold?: boolean;
}

/** One line for `ip -batch`, and what it serves. */
export interface Line {
  text: string;
  network?: string;
  address?: string;
}
export interface Conflict {
  network: string;
  table: number;
  message: string;
}
export type SkipReason = "VethMissing" | "VethDown" | "NicMissing" | "NicDown";
export interface Skip {
  reason: SkipReason;
  network: string;
  address?: string;
  message: string;
}
export interface Plan {
  lines: Line[];
  conflicts: Conflict[];
  skipped: Skip[];
}
