// SPDX-License-Identifier: Apache-2.0
// What GKE writes on a Node about its network interfaces. Pure.
import type { NodeNetwork, NodeSpec } from "../nodes";
import { shortName } from "./lookup";
import { refersTo } from "./network-rules";
import { ANNOTATIONS, type Network, type ParamSet } from "./types";

/** A NIC whose Network object is known. */
export type ConnectedNetwork = NodeNetwork & { podCidr: string };

/** The node's NICs by Network name: given by name, or found through VPC and subnetwork of a parameter set. */
export function connectedNetworks(spec: NodeSpec, networks: Iterable<Network>, sets: Iterable<ParamSet>): ConnectedNetwork[] {
  const known = [...networks];
  const params = [...sets];
  const connected: ConnectedNetwork[] = [];
  spec.networks.forEach((nic, i) => {
    const names = nic.name !== "" ? [nic.name] : networksOf(nic, known, params);
    names.forEach((name) => connected.push({ ...nic, name, podCidr: nic.podCidr ?? defaultPodCidr(spec, i) }));
  });
  return connected;
}

function networksOf(nic: NodeNetwork, networks: Network[], sets: ParamSet[]): string[] {
  const set = sets.find(
    ({ spec: { vpc, vpcSubnet } }) =>
      shortName(vpc ?? "") === shortName(nic.vpc ?? "?") && shortName(vpcSubnet ?? "") === shortName(nic.subnetwork ?? "?"),
  );
  return set ? networks.filter((network) => refersTo(network, set)).map((network) => network.metadata.name) : [];
}

// A range of its own for each node and NIC where the caller gave none: 172.16+nic.<last octet of the node>.0/24.
function defaultPodCidr(spec: NodeSpec, nic: number): string {
  return `172.${16 + nic}.${spec.internalIP.split(".")[3] ?? "0"}.0/24`;
}

/** Annotations of the Node; empty lists are written too, as GKE does on multi-network nodes. */
export function nodeAnnotations(spec: NodeSpec, connected: readonly ConnectedNetwork[]): Record<string, string> {
  return {
    [ANNOTATIONS.northInterfaces]: JSON.stringify(connected.map(({ name, ip }) => ({ network: name, ipAddress: ip }))),
    [ANNOTATIONS.networks]: JSON.stringify(
      connected.map(({ name, podCidr }) => ({ name, cidrs: [podCidr], scope: "host-local" })),
    ),
    [ANNOTATIONS.networkStatus]: JSON.stringify(connected.map(({ name, podCidr }) => ({ name, "ipv4-subnet": podCidr }))),
    [ANNOTATIONS.nicInfo]: JSON.stringify(
      spec.networks.map(({ ip, nic }, i) => ({
        birthIP: ip,
        pciAddress: `0000:00:0${5 + i}.0`,
        birthName: `eth${nic.replace(/\D/g, "") || i + 1}`,
      })),
    ),
  };
}
