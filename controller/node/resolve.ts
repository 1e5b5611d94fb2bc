// SPDX-License-Identifier: Apache-2.0
// From names to things of this node: which NIC carries a network, by which gateway it leaves, which tables are its, behind which interface the
// Pod is. What cannot be made out is said, and nothing of it is taken away.
import type { AddressIntent, Intent, NetworkIntent, PodIntent } from "./intent";
import {
  NUMBERS,
  TYPE,
  type Desired,
  type Kernel,
  type NetworkPlan,
  type Numbers,
  type OwnedPlan,
  type RouteRow,
  type Way,
} from "./types";

export interface Found {
  veth: string;
  mac?: string;
}
/** What is known of the node besides the dumps of the plan. */
export interface Surroundings {
  /** Addresses by interface name. */
  addresses: ReadonlyMap<string, readonly string[]>;
  /** Host interfaces of Pods, or why one is not known, by `podKey`. */
  pods: ReadonlyMap<string, Found | { problem: string }>;
  /** NIC and gateway of networks as they were made out before: routes vanish when a NIC goes down. */
  before: ReadonlyMap<string, { nic: string; gateway: string }>;
}
export interface Resolved {
  desired: Desired;
  /** What keeps an address from being programmed, by `addressKey`. */
  problems: Map<string, string>;
}
export const podKey = (network: string, pod: PodIntent): string => `${network} ${pod.uid} ${pod.name} ${pod.ip ?? ""}`;
export const addressKey = (a: { network: string; address: string }): string => `${a.network} ${a.address}`;

/** @returns the wish that `plan` takes, and what could not become part of it */
export function resolve(intent: Intent, kernel: Kernel, around: Surroundings, numbers: Numbers = NUMBERS): Resolved {
  const problems = new Map<string, string>();
  const tables = new Tables(intent.networks, kernel, numbers);
  const networks: NetworkPlan[] = [];
  const missing = new Map<string, string>();
  for (const n of intent.networks) {
    const made = networkPlan(n, intent.addresses, { kernel, around, tables });
    if (typeof made === "string") missing.set(n.name, made);
    else networks.push(made);
  }
  const names = new Set(intent.networks.map((n) => n.name));
  const noNetwork = ({ network }: AddressIntent): string | undefined =>
    missing.get(network) ?? (names.has(network) ? undefined : `this node has no NIC on network ${network}`);
  const owned: OwnedPlan[] = [];
  for (const a of intent.addresses) {
    const { made, problem } = ownedPlan(a, noNetwork(a), around);
    if (problem !== undefined && a.pod !== undefined) problems.set(addressKey(a), problem);
    if (made) owned.push(made);
  }
  return { desired: { networks, owned, ...(missing.size > 0 ? { hold: true } : {}) }, problems };
}

interface Owned {
  made?: OwnedPlan;
  problem?: string;
}
/** @param noNetwork why its network cannot be had on this node */
function ownedPlan(a: AddressIntent, noNetwork: string | undefined, around: Surroundings): Owned {
  if (noNetwork !== undefined) return { problem: noNetwork };
  const { address, network, standby, pod } = a;
  const leaving = waysOut(a, around);
  const to = (way: Way, rest: Way[]): OwnedPlan => ({ address, network, ...way, ...(rest.length > 0 ? { leaving: rest } : {}) });
  const way = a.problem ?? (pod ? wayTo(pod, network, around) : undefined);
  if (typeof way === "object") return { made: { ...to(way, leaving), ...(standby ? { standby } : {}) } };
  // While the new Pod cannot be served, the one before it is: nothing is taken away for nothing.
  const [instead, ...rest] = leaving;
  return { ...(instead ? { made: to(instead, rest) } : {}), ...(way === undefined ? {} : { problem: way }) };
}
const waysOut = (a: AddressIntent, around: Surroundings): Way[] =>
  (a.leaving ?? []).flatMap((p) => {
    const way = wayTo(p, a.network, around);
    return typeof way === "string" ? [] : [way];
  });

/** @returns why it is not known, in words */
function wayTo(pod: PodIntent, network: string, { pods }: Surroundings): Way | string {
  if (!pod.ip) return `Pod ${pod.name} has no address on network ${network} yet`;
  const found = pods.get(podKey(network, pod));
  if (!found) return `the host interface of Pod ${pod.name} was not looked for`;
  if ("problem" in found) return found.problem;
  const mac = pod.mac ?? found.mac;
  return { veth: found.veth, podIP: pod.ip, ...(mac ? { mac } : {}) };
}

interface Where {
  kernel: Kernel;
  around: Surroundings;
  tables: Tables;
}
function networkPlan(
  n: NetworkIntent,
  addresses: readonly AddressIntent[],
  { kernel, around, tables }: Where,
): NetworkPlan | string {
  const before = around.before.get(n.name);
  const nic = n.nic ?? nicOf(n.nicAddress, around.addresses) ?? before?.nic;
  if (!nic) return `no NIC of this node has address ${n.nicAddress ?? "(unknown)"} of network ${n.name}`;
  const gateway = n.gateway ?? gatewayOf(nic, kernel.routes) ?? before?.gateway;
  if (!gateway) return `the gateway of NIC ${nic} (network ${n.name}) is not known: no route by it names one`;
  return {
    name: n.name,
    nic,
    gateway,
    ...tables.of(n, nic),
    addresses: addresses.filter((a) => a.network === n.name).map((a) => a.address),
  };
}
const nicOf = (address: string | undefined, byLink: Surroundings["addresses"]): string | undefined =>
  address === undefined ? undefined : [...byLink].find(([, list]) => list.includes(address))?.[0];

/** The gateway that the system's own routes by the NIC use; else the one host that is on link there, as on GCE, where a NIC has a /32. */
export function gatewayOf(nic: string, routes: readonly RouteRow[]): string | undefined {
  const system = routes.filter((r) => r.dev === nic && r.type === TYPE.unicast && r.protocol !== NUMBERS.protocol);
  const named = system.find((r) => r.gateway !== undefined)?.gateway;
  const hosts = system.filter((r) => r.table === 254 && /^\d+\.\d+\.\d+\.\d+$/.test(r.dst));
  return named ?? (hosts.length === 1 ? hosts[0]!.dst : undefined);
}

/** Numbers of tables: as told, else as the network's rule in the kernel says, else the lowest that is free. So a restart changes nothing. */
class Tables {
  private readonly taken: Set<number>;
  constructor(
    networks: readonly NetworkIntent[],
    private readonly kernel: Kernel,
    private readonly numbers: Numbers,
  ) {
    this.taken = new Set(networks.flatMap((n) => n.index ?? []));
    for (const r of kernel.rules) if (this.isInward(r)) this.taken.add(r.table - numbers.tableIn);
  }
  of(n: NetworkIntent, nic: string): { tableIn: number; tableOut: number } {
    const { tableIn, tableOut } = this.numbers;
    const i = n.index ?? this.present(nic) ?? this.free();
    this.taken.add(i);
    return { tableIn: tableIn + i, tableOut: tableOut + i };
  }
  private present(nic: string): number | undefined {
    const rule = this.kernel.rules.find((r) => this.isInward(r) && r.iif === nic);
    return rule && rule.table - this.numbers.tableIn;
  }
  private free(): number {
    let i = 1;
    while (this.taken.has(i)) i += 1;
    return i;
  }
  private isInward(r: Kernel["rules"][number]): boolean {
    const { protocol, prefIn, tableIn, span } = this.numbers;
    return r.protocol === protocol && r.pref === prefIn && r.table >= tableIn && r.table < tableIn + span;
  }
}
