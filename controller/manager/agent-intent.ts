// SPDX-License-Identifier: Apache-2.0
// What one node is to do, from AddressBindings, its Pods and its Node object. Pure but for its memory of generations, which only go up: a journal
// that was put back (an API server restored from a backup) is not obeyed, unless it stays like that.
import {
  ANNOTATION,
  isDefaultNetwork,
  parseNorthInterfaces,
  type AddressBinding,
  type AddressBindingStatus,
  type Former,
  type Holder,
  type KubeObject,
} from "../api";
import { LINGER_MS, nodeDuties } from "../core";
import { isMac, type AddressIntent, type Intent, type NetworkIntent, type PodIntent } from "../node";

/** What is kept of a Pod of this node. */
export interface LocalPod extends KubeObject {
  uid: string;
  phase: string;
  podIP?: string;
  /** Addresses on additional networks, by network. */
  ips: { [network: string]: string };
  macs: { [network: string]: string };
}
/** What is kept of this node. */
export interface LocalNode extends KubeObject {
  internalIP?: string;
  networks: { network: string; ipAddress: string }[];
}
export interface NodeFacts {
  node: string;
  bindings: readonly AddressBinding[];
  /** @param key `namespace/name` */
  pod(key: string): LocalPod | undefined;
  local: LocalNode | undefined;
  /** Networks as configured; they win over the node's annotation. */
  networks: readonly NetworkIntent[];
}

const list = (text: string | undefined): { [key: string]: unknown }[] => {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) ? value.filter((v): v is { [key: string]: unknown } => typeof v === "object" && v !== null) : [];
  } catch {
    return [];
  }
};
const IPV4 = /^(\d{1,3}\.){3}\d{1,3}(?=$|\/32$)/;
const ipv4 = (text: unknown): string | undefined => (typeof text === "string" ? IPV4.exec(text)?.[0] : undefined);

function byNetwork(
  entries: readonly { [key: string]: unknown }[],
  of: (entry: { [key: string]: unknown }) => string | undefined,
): { [network: string]: string } {
  return Object.fromEntries(
    entries.flatMap((e) => {
      const value = of(e);
      return typeof e.networkName === "string" && value !== undefined ? [[e.networkName, value] as const] : [];
    }),
  );
}
export function localPod(raw: KubeObject): LocalPod {
  const { metadata: m, status } = raw as KubeObject & { status?: { phase?: string; podIP?: string } };
  const said = list(m.annotations?.[ANNOTATION.interfaceStatus]);
  const first = (v: unknown): unknown => (Array.isArray(v) ? (v as unknown[])[0] : undefined);
  const mac = (v: unknown): string | undefined => (typeof v === "string" && isMac(v) ? v : undefined);
  const ips = {
    ...byNetwork(said, (o) => ipv4(first(o.ipAddresses))),
    ...byNetwork(list(m.annotations?.[ANNOTATION.podIPs]), (o) => ipv4(o.ip)),
  };
  const macs = byNetwork(said, (o) => mac(o.macAddress));
  const { name, namespace, uid, resourceVersion } = m;
  const podIP = ipv4(status?.podIP);
  return {
    metadata: { name, namespace, uid, resourceVersion },
    uid: uid ?? "",
    phase: status?.phase ?? "Pending",
    ips,
    macs,
    ...(podIP ? { podIP } : {}),
  };
}
export function localNode(raw: KubeObject): LocalNode {
  const { metadata: m, status } = raw as KubeObject & { status?: { addresses?: { type: string; address: string }[] } };
  const internalIP = ipv4(status?.addresses?.find((a) => a.type === "InternalIP" && ipv4(a.address))?.address);
  const networks = parseNorthInterfaces(m.annotations?.[ANNOTATION.northInterfaces]).flatMap(({ network, ipAddress }) => {
    const address = ipv4(ipAddress);
    return address ? [{ network, ipAddress: address }] : [];
  });
  const { name, uid, resourceVersion } = m;
  return { metadata: { name, uid, resourceVersion }, networks, ...(internalIP ? { internalIP } : {}) };
}

interface Seen {
  generation: number;
  status: AddressBindingStatus | undefined;
  /** Monotonic time at which this generation was first seen in phase Switching. */
  switchingAt?: number;
  /** Monotonic times at which a Pod was first seen to have been left, by `leftKey`. */
  left: ReadonlyMap<string, number>;
  /** Monotonic time at which the journal was first seen with a smaller generation. */
  backAt?: number;
}
/** How long a smaller generation is not obeyed, milliseconds: then it is all that there is, and a controller waits for an answer to it. */
const PUT_BACK_MS = 60_000;
const NEVER: Seen = { generation: -1, status: undefined, left: new Map() };
/** Clocks of nodes differ a little. A Pod that was left longer ago than this is no news: the agent was started after that. */
const STALE_MS = LINGER_MS + 60_000;
const leftKey = ({ podUID, leftAt }: Former): string => `${podUID} ${leftAt}`;

const networkName = (b: AddressBinding): string => {
  const { network = "" } = b.spec;
  return isDefaultNetwork(network) ? "default" : network;
};

export class IntentMaker {
  private readonly seen = new Map<string, Seen>();

  /** @param now monotonic milliseconds @param wall milliseconds since 1970 */
  make(facts: NodeFacts, now: number, wall = Date.now()): Intent {
    const alive = new Set(facts.bindings.map((b) => b.metadata.uid ?? ""));
    for (const uid of this.seen.keys()) if (!alive.has(uid)) this.seen.delete(uid);
    const known = networksOf(facts);
    const addresses = facts.bindings
      .map((b) => this.address(b, facts, { now, wall }))
      // A network that this node is not on is none of its business, unless the journal says otherwise.
      .filter((a) => known.has(a.network) || a.pod !== undefined || a.problem !== undefined)
      .sort((a, b) => (a.address + a.network < b.address + b.network ? -1 : 1));
    const used = new Set(addresses.map((a) => a.network));
    return { networks: [...known.values()].filter((n) => used.has(n.name)), addresses };
  }

  private address(b: AddressBinding, facts: NodeFacts, { now, wall }: { now: number; wall: number }): AddressIntent {
    const seen = this.latest(b, now);
    const switchingMs = seen.switchingAt === undefined ? 0 : now - seen.switchingAt;
    const leftMs = (f: Former): number =>
      Math.abs(wall - Date.parse(f.leftAt ?? "")) < STALE_MS ? now - (seen.left.get(leftKey(f)) ?? now) : Infinity;
    const { serves, leaving, standby } = nodeDuties(seen.status, facts.node, { switchingMs, leftMs });
    const of = { address: b.spec.address, network: networkName(b) };
    // Who only stands by, or has no part in it, has nothing to do and to say at each new generation: a failover is not the time for it.
    if (!serves) return { ...of, generation: 0 };
    const base = { ...of, generation: standby === undefined ? seen.generation : 0 };
    const there = leaving.flatMap((h) => aliveFor(h, b, facts));
    const due = standby !== undefined || [seen.status?.next, seen.status?.holder].some((h) => h?.podUID === serves.podUID);
    // A Pod that was left and is gone is no problem, and one that is there may still answer.
    if (!due) return { ...base, ...withLeaving([...aliveFor(serves, b, facts), ...there]) };
    const { pod, problem } = podFor(serves, b, facts);
    const ahead = standby === undefined ? {} : { standby: true, since: standby };
    return { ...base, ...withLeaving([pod, ...there]), ...(problem === undefined ? {} : { problem }), ...ahead };
  }
  private latest(b: AddressBinding, now: number): Seen {
    const { uid = "" } = b.metadata;
    const before = this.seen.get(uid) ?? NEVER;
    const { generation = 0 } = b.status ?? {};
    const seen = (before.generation > generation ? unlessItStays(before, now) : undefined) ?? asOf(b.status, before, now);
    this.seen.set(uid, seen);
    return seen;
  }
}

/** What is remembered of a journal that was put back; undefined where it has stayed so. */
function unlessItStays(before: Seen, now: number): Seen | undefined {
  const { backAt = now } = before;
  return now - backAt < PUT_BACK_MS ? { ...before, backAt } : undefined;
}
function asOf(status: AddressBindingStatus | undefined, before: Seen, now: number): Seen {
  const { generation = 0, phase, former = [] } = status ?? {};
  const since = before.generation === generation ? before.switchingAt : undefined;
  const left = leftTimes(former, before.left, now);
  return { generation, status, left, ...(phase === "Switching" ? { switchingAt: since ?? now } : {}) };
}
const leftTimes = (former: readonly Former[], before: Seen["left"], now: number): Map<string, number> =>
  new Map(former.map(leftKey).map((key) => [key, before.get(key) ?? now]));

function aliveFor(holder: Holder, b: AddressBinding, facts: NodeFacts): PodIntent[] {
  const { pod, problem } = podFor(holder, b, facts);
  return pod && problem === undefined ? [pod] : [];
}
const withLeaving = ([pod, ...leaving]: readonly PodIntent[]): Pick<AddressIntent, "pod" | "leaving"> => ({
  ...(pod ? { pod } : {}),
  ...(leaving.length > 0 ? { leaving } : {}),
});
function podFor(duty: Holder, b: AddressBinding, facts: NodeFacts): { pod: PodIntent; problem?: string } {
  const { namespace } = b.spec.route;
  const found = facts.pod(`${namespace}/${duty.pod}`);
  const named: PodIntent = { namespace, name: duty.pod, uid: duty.podUID };
  if (!found || found.uid !== duty.podUID) return { pod: named, problem: `Pod ${namespace}/${duty.pod} is not on this node` };
  if (found.phase === "Succeeded" || found.phase === "Failed")
    return { pod: named, problem: `Pod ${namespace}/${duty.pod} has ended (${found.phase})` };
  const network = networkName(b);
  const ip = network === "default" ? found.podIP : found.ips[network];
  const mac = found.macs[network];
  return { pod: { ...named, ...(ip ? { ip } : {}), ...(mac ? { mac } : {}) } };
}

function networksOf({ local, networks }: NodeFacts): Map<string, NetworkIntent> {
  const found = new Map<string, NetworkIntent>();
  if (local?.internalIP) found.set("default", { name: "default", nicAddress: local.internalIP });
  for (const n of local?.networks ?? []) found.set(n.network, { name: n.network, nicAddress: n.ipAddress });
  for (const n of networks) found.set(n.name, { ...found.get(n.name), ...n });
  return found;
}
