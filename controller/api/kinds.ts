// SPDX-License-Identifier: Apache-2.0
// The Kubernetes kinds that this system reads or writes, with the fields that it needs.
import type { PodSpecView } from "./rules-pod";
import type { LabelSelector } from "./selector";
import type { Condition, ParentRef } from "./gkeiproute";
import { GATEWAY_GROUP, GKE_NETWORKING_GROUP, OWN_GROUP } from "./names";

export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
}
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}
export interface KindName {
  group: string;
  version: string;
  plural: string;
  kind: string;
  namespaced: boolean;
}
const kind =
  (group: string, version: string) =>
  (name: string, plural: string, namespaced: boolean): KindName => ({ group, version, plural, kind: name, namespaced });
const gke = kind(GKE_NETWORKING_GROUP, "v1");
const gatewayApi = kind(GATEWAY_GROUP, "v1");
const core = kind("", "v1");

export const KINDS = {
  route: gke("GKEIPRoute", "gkeiproutes", true),
  network: gke("Network", "networks", false),
  paramSet: gke("GKENetworkParamSet", "gkenetworkparamsets", false),
  networkInterface: gke("NetworkInterface", "networkinterfaces", true),
  gateway: gatewayApi("Gateway", "gateways", true),
  gatewayClass: gatewayApi("GatewayClass", "gatewayclasses", false),
  binding: kind(OWN_GROUP, "v1alpha1")("AddressBinding", "addressbindings", false),
  pod: core("Pod", "pods", true),
  node: core("Node", "nodes", false),
  namespace: core("Namespace", "namespaces", false),
} as const satisfies Record<string, KindName>;

/** `apiVersion` of a kind as manifests write it. */
export const apiVersionOf = (k: KindName): string => (k.group === "" ? k.version : `${k.group}/${k.version}`);

export interface GatewayAddress {
  type?: string;
  value?: string;
}
export interface Listener {
  name: string;
  port: number;
  protocol: string;
  hostname?: string;
  allowedRoutes?: {
    namespaces?: { from?: "All" | "Selector" | "Same" | "None"; selector?: LabelSelector };
    kinds?: { group?: string; kind: string }[];
  };
}
export interface Gateway extends KubeObject {
  spec: { gatewayClassName: string; listeners: Listener[]; addresses?: GatewayAddress[] };
  status?: {
    addresses?: GatewayAddress[];
    conditions?: Condition[];
    listeners?: {
      name: string;
      supportedKinds: { group?: string; kind: string }[];
      attachedRoutes: number;
      conditions: Condition[];
    }[];
  };
}
export interface GatewayClass extends KubeObject {
  spec: { controllerName: string; description?: string };
  status?: { conditions?: Condition[] };
}
/** networking.gke.io/v1 Network (api.md 5.1). */
export interface Network extends KubeObject {
  spec: {
    type: "L2" | "L3" | "Device";
    parametersRef?: { group: string; kind: string; name: string; namespace?: string };
    provider?: "GKE";
  };
  status?: { conditions?: Condition[] };
}
/** networking.gke.io/v1 GKENetworkParamSet (api.md 5.2). */
export interface GKENetworkParamSet extends KubeObject {
  spec: {
    vpc?: string;
    vpcSubnet?: string;
    deviceMode?: "DPDK-VFIO" | "NetDevice" | "RDMA";
    podIPv4Ranges?: { rangeNames: string[] };
    networkAttachment?: string;
  };
  status?: { conditions?: Condition[]; networkName?: string; podCIDRs?: { cidrBlocks: string[] } };
}
/** networking.gke.io/v1 NetworkInterface: a named interface that a Pod may refer to instead of a network (E21). */
export interface NetworkInterface extends KubeObject {
  spec?: { networkName?: string };
}
export interface Pod extends KubeObject {
  spec: { nodeName?: string; hostNetwork?: boolean } & PodSpecView;
  status?: { phase?: string; podIP?: string; conditions?: { type: string; status: string }[] };
}
export interface Node extends KubeObject {
  spec: { providerID?: string; unschedulable?: boolean; taints?: { key: string; effect?: string }[] };
  status?: {
    conditions?: { type: string; status: string; lastTransitionTime?: string }[];
    nodeInfo?: { kubeletVersion?: string };
  };
}
export type { ParentRef };
