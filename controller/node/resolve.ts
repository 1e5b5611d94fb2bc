// SPDX-License-Identifier: Apache-2.0
// From names to things of this node: which NIC carries a network, by which gateway it leaves, which tables are its, behind which interface the
// Pod is. What cannot be made out is said, and nothing of it is taken away.
import type { AddressIntent, Intent, NetworkIntent, PodIntent } from "./intent";
import { NUMBERS, TYPE, type Desired, type Kernel, type NetworkPlan, type Numbers, type OwnedPlan, type RouteRow } from "./types";

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
  const owned: OwnedPlan[] = [];
  const put = (a: AddressIntent, made: OwnedPlan | string | undefined): void => {
    if (typeof made === "object") owned.push(made);
    else if (made !== undefined && a.pod !== undefined) problems.set(addressKey(a), made);
  };
  for (const a of intent.addresses) {
    const why = missing.get(a.network) ?? (names.has(a.network) ? a.problem : `this node has no NIC on network ${a.network}`);
    put(a, why ?? ownedPlan(a, around));
  }
  return { desired: { networks, owned, ...(missing.size > 0 ? { hold: true } : {}) }, problems };
}

function ownedPlan(a: AddressIntent, { pods }: Surroundings): OwnedPlan | string | undefined {
  const { pod } = a;
  if (!pod) return undefined;
  if (!pod.ip) return `Pod ${pod.name} has no address on network ${a.network} yet`;
  const found = pods.get(podKey(a.network, pod));
  if (!found) return `the host interface of Pod ${pod.name} was not looked for`;
  if ("problem" in found) return found.problem;
  const mac = pod.mac ?? found.mac;
  const { address, network } = a;
  return { address, network, veth: found.veth, podIP: pod.ip, ...(mac ? { mac } : {}), ...(a.standby ? { standby: true } : {}) };
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
