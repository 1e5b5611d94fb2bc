// SPDX-License-Identifier: Apache-2.0
// A node's own network on the fabric: its interfaces, and which way what leaves it goes. The same for every kind of node with real packets.
import { inRange, type Fabric, type Namespace, type VmNic } from "../vpc";
import type { DatapathNode } from "./real/google-datapath";
import type { NodeSpec } from "./types";

/** Forwards, and takes a packet whichever interface it comes by: strict checks are the fabric's. */
export const ROUTER_SYSCTLS = {
  "net/ipv4/ip_forward": 1,
  "net/ipv4/conf/all/rp_filter": 0,
  "net/ipv4/conf/default/rp_filter": 0,
} as const;

/** The interfaces of a node's VM, nic0 first. @param gatewayOf answers the gateway of the subnetwork that an address is in */
export function nicsOf(
  spec: NodeSpec,
  podCidr: string,
  gatewayOf: (ip: string, subnetwork?: string) => string,
): [VmNic, ...VmNic[]] {
  const first = { nic: "nic0", device: "eth0", ip: spec.internalIP, gateway: gatewayOf(spec.internalIP), podCidr };
  const others = spec.networks.map(({ nic, ip, subnetwork, podCidr: range }) => ({
    ...{ nic, ip, gateway: gatewayOf(ip, subnetwork) },
    device: nic.replace("nic", "eth"),
    ...(range ? { podCidr: range } : {}),
  }));
  return [first, ...others];
}

/** Connects a node that has just booted. @throws NetworkError */
export async function joinFabric(fabric: Fabric, name: string, namespace: Namespace, nics: readonly VmNic[]): Promise<void> {
  await namespace.sysctl(ROUTER_SYSCTLS);
  await fabric.attach(name, namespace, nics);
  const [first, ...rest] = nics;
  await namespace.ip([
    `route add default via ${first!.gateway} dev ${first!.device}`,
    ...rest.flatMap((nic, i) => policyRouting(nic, 1001 + i)),
  ]);
}

/** Pods of an additional network leave by its interface, as on GKE. */
function policyRouting(nic: VmNic, table: number): string[] {
  if (nic.podCidr === undefined) return [];
  return [
    `route add default via ${nic.gateway} dev ${nic.device} onlink table ${table}`,
    `rule add pref ${2000 + table} from ${nic.podCidr} lookup ${table}`,
  ];
}

/** What a datapath of a node may use. */
export function datapathOf(namespace: Namespace, nics: readonly VmNic[]): DatapathNode {
  return {
    ip: (lines) => namespace.ip(lines),
    show: (args) => namespace.run("ip", args),
    nicOf: (podIp) => nics.find((nic) => nic.podCidr !== undefined && inRange(nic.podCidr, podIp)),
  };
}
