// SPDX-License-Identifier: Apache-2.0
// The objects that GKE's own controllers and node agent read and write, as far as this stand-in does. Written apart from the
// product's own types on purpose: a mistake there must not be mirrored here.
import type { KubeObject } from "../../controller/kubernetes/resources";

export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
  observedGeneration?: number;
  lastTransitionTime?: string;
}

type Meta = KubeObject["metadata"] & { name: string; uid: string };

export interface Network extends KubeObject {
  metadata: Meta;
  spec: {
    type: "L2" | "L3" | "Device";
    provider?: string;
    parametersRef?: { group: string; kind: string; name: string };
    gateway4?: string;
    routes?: { to: string }[];
    dnsConfig?: { nameservers: string[]; searches?: string[] };
  };
  status?: { conditions?: Condition[] };
}

export interface ParamSet extends KubeObject {
  metadata: Meta;
  spec: {
    vpc?: string;
    vpcSubnet?: string;
    deviceMode?: string;
    podIPv4Ranges?: { rangeNames: string[] };
    networkAttachment?: string;
  };
  status?: { conditions?: Condition[]; networkName?: string; podCIDRs?: { cidrBlocks: string[] } };
}

export interface Route extends KubeObject {
  metadata: Meta & { namespace: string };
  spec: { network?: string; addresses: { type?: string; value: string }[] };
  status?: { conditions?: Condition[]; pods?: string[] };
}

export interface GkePod extends KubeObject {
  metadata: Meta & { namespace: string };
  spec: { nodeName?: string; hostNetwork?: boolean };
  status?: { phase?: string; podIP?: string };
}

export interface GkeNode extends KubeObject {
  metadata: Meta;
  status?: { capacity?: Record<string, string> };
}

export interface NetworkInterface extends KubeObject {
  metadata: Meta & { namespace: string };
  spec: { networkName: string };
}

export const ANNOTATIONS = {
  interfaces: "networking.gke.io/interfaces",
  defaultInterface: "networking.gke.io/default-interface",
  podIps: "networking.gke.io/pod-ips",
  interfaceStatus: "networking.gke.io/interface-status",
  northInterfaces: "networking.gke.io/north-interfaces",
  networks: "networking.gke.io/networks",
  networkStatus: "networking.gke.io/network-status",
  nicInfo: "networking.gke.io/nic-info",
  inUse: "networking.gke.io/in-use",
} as const;

export const PATHS = {
  networks: "/apis/networking.gke.io/v1/networks",
  paramSets: "/apis/networking.gke.io/v1/gkenetworkparamsets",
  interfaces: "/apis/networking.gke.io/v1/networkinterfaces",
  routes: "/apis/networking.gke.io/v1/gkeiproutes",
  pods: "/api/v1/pods",
  nodes: "/api/v1/nodes",
} as const;

/** The two spellings of the network that every Pod is on. */
export function isDefaultNetwork(name: string | undefined): boolean {
  return name === undefined || name === "" || name === "default" || name === "pod-network";
}

/** Puts a condition into a list, keeping the transition time where the status did not change. The list is returned unchanged
 *  (the same object) when there is nothing to change. */
export function withCondition(
  list: Condition[] | undefined,
  wanted: Omit<Condition, "lastTransitionTime">,
  now: string,
): Condition[] {
  const conditions = list ?? [];
  const old = conditions.find((c) => c.type === wanted.type);
  const same =
    old !== undefined &&
    old.status === wanted.status &&
    old.reason === wanted.reason &&
    old.message === wanted.message &&
    old.observedGeneration === wanted.observedGeneration;
  if (same) return conditions;
  const lastTransitionTime = old?.status === wanted.status && old.lastTransitionTime ? old.lastTransitionTime : now;
  return [...conditions.filter((c) => c.type !== wanted.type), { ...wanted, lastTransitionTime }];
}
