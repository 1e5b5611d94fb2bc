// SPDX-License-Identifier: Apache-2.0
// The Node object as GKE would register it: provider id, zone, pool and the extended resources of its Pod networks.
import type { NodeSpec } from "./types";

/** Prefix of the extended resource that counts free Pod addresses of a network (gke-networking-api). */
export const NETWORK_RESOURCE_PREFIX = "networking.gke.io.networks/";
const PODS_PER_NODE = "110";

export function nodeObject(spec: NodeSpec, podCidr: string): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: spec.name,
      labels: {
        "kubernetes.io/hostname": spec.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": "e2-standard-4",
        "topology.kubernetes.io/region": spec.region,
        "topology.kubernetes.io/zone": spec.zone,
        "cloud.google.com/gke-nodepool": spec.pool,
        "cloud.google.com/gke-os-distribution": "cos",
        ...spec.labels,
      },
    },
    spec: {
      providerID: `gce://${spec.project}/${spec.zone}/${spec.name}`,
      podCIDR: podCidr,
      podCIDRs: [podCidr],
      taints: spec.taints,
    },
  };
}

/** What the kubelet reports once: addresses and room for Pods. */
export function nodeStatus(spec: NodeSpec): object {
  const resources: Record<string, string> = { cpu: "16", memory: "64Gi", "ephemeral-storage": "100Gi", pods: PODS_PER_NODE };
  for (const { name } of spec.networks) if (name !== "") Object.assign(resources, networkResource(name));
  return {
    addresses: [
      { type: "InternalIP", address: spec.internalIP },
      { type: "Hostname", address: spec.name },
    ],
    capacity: resources,
    allocatable: resources,
    nodeInfo: {
      architecture: "amd64",
      operatingSystem: "linux",
      osImage: "Container-Optimized OS (simulated)",
      kernelVersion: "simulated",
      containerRuntimeVersion: "kwok://simulated",
      kubeletVersion: "v1.34.4-gke.simulated",
      kubeProxyVersion: "",
      machineID: "",
      systemUUID: "",
      bootID: "",
    },
  };
}

/** Entry of capacity and allocatable for one Pod network. */
export function networkResource(network: string): Record<string, string> {
  return { [`${NETWORK_RESOURCE_PREFIX}${network}.IP`]: PODS_PER_NODE };
}
