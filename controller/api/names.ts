// SPDX-License-Identifier: Apache-2.0
// Every name, label, annotation and key of the contract, in one place, so that preview, controller and CLI cannot disagree.
import { createHash } from "node:crypto";

/** Google's group for GKEIPRoute, Network and GKENetworkParamSet (api.md 1.1, 5.1). */
export const GKE_NETWORKING_GROUP = "networking.gke.io";
export const GATEWAY_GROUP = "gateway.networking.k8s.io";
/** Our own group: AddressBinding only. */
export const OWN_GROUP = "gke-persistent-ip.dev";

/** GatewayClass.spec.controllerName of this controller. Google's own is `networking.gke.io/persistent-ip-controller` (api.md 1.1). */
export const CONTROLLER_NAME = "gke-persistent-ip.dev/controller";
export const GKE_CONTROLLER_NAMES: readonly string[] = ["networking.gke.io/persistent-ip-controller"];

/** Address type of the seed's manifests; the domain is mirrored on purpose (SEED-48, api.md 1.1). */
export const CIDR_ADDRESS_TYPE = "gke.networking.io/cidr";
/** Default address type of GKEIPRoute (api.md 1.2). */
export const IP_ADDRESS_TYPE = "IPAddress";
/** Our finalizer on a route whose cloud objects are ours to remove. A name of our own: under Google's nobody could tell whose it is (ADR 0010). */
export const ROUTE_FINALIZER = "gke-persistent-ip.dev/forwarding-rules";
/** Google's controller's finalizer on its routes (api.md 1.5); never touched. */
export const GKE_ROUTE_FINALIZER = "networking.gke.io/gke-ipr-controller";
/** Finalizer on a GatewayClass in use (Gateway API, api.md 6.1). */
export const GATEWAY_CLASS_FINALIZER = "gateway-exists-finalizer.gateway.networking.k8s.io";

export type Scope = "External" | "Internal";

/** GatewayClasses of ours: always installed by the components. */
export const OWN_CLASSES: Readonly<Record<Scope, string>> = {
  External: "persistent-ip-regional-external",
  Internal: "persistent-ip-regional-internal",
};
/** The seed's class names (SEED-41, SEED-42); made by us only where the cluster has none. */
export const GKE_CLASSES: Readonly<Record<Scope, string>> = {
  External: "gke-persistent-regional-external-managed",
  Internal: "gke-persistent-regional-internal-managed",
};
/** Which kind of address a class carries; undefined for a class this project does not know. */
export function scopeOfClass(className: string): Scope | undefined {
  for (const table of [OWN_CLASSES, GKE_CLASSES])
    for (const scope of ["External", "Internal"] as const) if (table[scope] === className) return scope;
  return undefined;
}

/** Annotations of GKE multi-networking (api.md 5.3). */
export const ANNOTATION = {
  interfaces: "networking.gke.io/interfaces",
  defaultInterface: "networking.gke.io/default-interface",
  podIPs: "networking.gke.io/pod-ips",
  interfaceStatus: "networking.gke.io/interface-status",
  northInterfaces: "networking.gke.io/north-interfaces",
  nodeNetworks: "networking.gke.io/networks",
  networkInUse: "networking.gke.io/in-use",
  /** On a node: id of its VM, which is another one after a repair under the same name (E20). */
  instanceId: "container.googleapis.com/instance_id",
} as const;

/** Names under which Pods reach their primary network (api.md 5.1). */
export const DEFAULT_NETWORKS: readonly string[] = ["default", "pod-network"];
export const isDefaultNetwork = (name: string): boolean => name === "" || DEFAULT_NETWORKS.includes(name);

export const NAMESPACE = "persistent-ip-system";
export const CONTROLLER = "persistent-ip-controller";
export const LEASE = "persistent-ip-controller";
export const FIELD_MANAGER = "persistent-ip-controller";

/** Labels on cloud objects (keys: lower case letters, digits, `-`, `_`; at most 63 characters). */
export const OWNER_LABEL = "managed-by";
export const OWNER_VALUE = "gke-persistent-ip";
export const CLUSTER_LABEL = "gke-persistent-ip-cluster";
export const ADDRESS_LABEL = "gke-persistent-ip-address";

/** Most addresses in one Gateway (schema) and in one route (HOWTO); E30. */
export const MAX_ADDRESSES = 16;

const hash = (...parts: string[]): string => createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 20);

/** Dashes for dots, as label values and object names want it: `34.123.10.1` gives `34-123-10-1`. */
export const dashed = (address: string): string => address.replaceAll(".", "-");

// What cannot stand in an object name or label as it is stands there as its hash: valid, and still one name for one value.
const safe = (text: string): string => (/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text) ? text : hash(text));

/**
 * Name of the AddressBinding of an address, unique in a cluster. Internal addresses carry their VPC, since two VPCs may hold the same one.
 * @param vpc name of the VPC network; needed for internal addresses
 */
export function bindingName(address: string, scope: Scope, vpc?: string): string {
  return scope === "External" ? dashed(address) : `${dashed(address)}.${vpc === undefined ? "default" : safe(vpc)}`;
}

/** RFC 1035 name of the one forwarding rule of a binding; a hash, so that `a-b/c` and `a/b-c` never meet (E66). */
export const forwardingRuleName = (clusterUid: string, binding: string, protocol?: string): string =>
  `pip-fr-${hash(clusterUid, binding)}${protocol ? `-${protocol.toLowerCase().replaceAll("_", "-")}` : ""}`;

/** RFC 1035 name of the target instance of one VM on one VPC (undefined: nic0's). */
export const targetInstanceName = (clusterUid: string, zone: string, instance: string, vpc?: string): string =>
  `pip-ti-${hash(clusterUid, zone, instance, vpc ?? "")}`;

/** Labels that make a forwarding rule findable and ours (E67). */
export const ruleLabels = (clusterUid: string, address: string): Record<string, string> => ({
  [OWNER_LABEL]: OWNER_VALUE,
  [CLUSTER_LABEL]: clusterUid,
  [ADDRESS_LABEL]: dashed(address),
});

/** First words of the description of every cloud object of ours; target instances have no labels, so ownership is read from here. */
export const ownerPrefix = (clusterUid: string): string => `${OWNER_VALUE} cluster=${clusterUid}`;
