// SPDX-License-Identifier: Apache-2.0
// What is kept of each object in memory: only the fields that a decision needs (about 1 KB a Pod instead of 11; kubernetes-client.md 8).
import {
  ANNOTATION,
  canonicalAddresses,
  FIELD_MANAGER,
  fit,
  isGatewayRef,
  parseInterfaces,
  parseNorthInterfaces,
  parseProviderId,
  podReach,
  SHAPES,
  specOf,
  type Gateway,
  type GatewayClass,
  type GKEIPRoute,
  type GKENetworkParamSet,
  type KubeObject,
  type Network,
  type NetworkInterface,
  type Node,
  type Pod,
  type PodReach,
  type PodSpecView,
} from "../api";
import { byAge, keyOf, statusWriters, type NodeView, type PodView, type StatusWriters } from "../core";

type Meta = KubeObject["metadata"];
const identity = ({ name, namespace, uid, resourceVersion }: Meta): Meta => ({ name, namespace, uid, resourceVersion });
const conditionTrue = (o: { status?: { conditions?: { type: string; status: string }[] } }, type: string): boolean =>
  o.status?.conditions?.some((c) => c.type === type && c.status === "True") ?? false;

/** Kept only where it is certain that the Pod cannot answer, or which addresses it is made for. */
function reachOf(spec: PodSpecView): { reach?: PodReach } {
  const reach = podReach(spec);
  return reach.powerless || reach.prepared ? { reach } : {};
}

export interface PodObject extends KubeObject {
  view: PodView;
}
export function podObject(raw: KubeObject): PodObject {
  const pod = raw as Pod;
  const { metadata: m, spec, status } = pod;
  const view: PodView = {
    namespace: m.namespace ?? "default",
    name: m.name,
    uid: m.uid ?? "",
    created: m.creationTimestamp ?? "",
    labels: m.labels ?? {},
    deleting: m.deletionTimestamp !== undefined,
    phase: status?.phase ?? "Pending",
    ready: conditionTrue(pod, "Ready"),
    ...(spec.nodeName ? { node: spec.nodeName } : {}),
    hostNetwork: spec.hostNetwork === true,
    interfaces: parseInterfaces(m.annotations?.[ANNOTATION.interfaces]),
    ...reachOf(spec),
  };
  return { metadata: identity(m), view };
}

/** Taints of a node that is about to go although nobody has cordoned it: cluster autoscaler, and Spot VMs and maintenance on GKE. */
const LEAVING: readonly string[] = ["ToBeDeletedByClusterAutoscaler", "cloud.google.com/impending-node-termination"];
const leaving = ({ metadata, spec }: Node): boolean =>
  spec.unschedulable === true ||
  metadata.deletionTimestamp !== undefined ||
  (spec.taints ?? []).some((t) => LEAVING.includes(t.key));

/** Readiness as the node says it; a node that says nothing yet was not lost. */
function readiness(node: Node): Pick<NodeView, "ready" | "notReadySince"> {
  const said = node.status?.conditions?.find((c) => c.type === "Ready");
  if (said?.status === "True") return { ready: true };
  return { ready: false, ...(said?.lastTransitionTime ? { notReadySince: said.lastTransitionTime } : {}) };
}

/** Id of the VM, where the node says it: the same name may be another machine (E20). */
function idOf(annotations: Meta["annotations"]): { id?: string } {
  const id = annotations?.[ANNOTATION.instanceId];
  return typeof id === "string" ? { id } : {};
}

export interface NodeObject extends KubeObject {
  view: NodeView;
}
export function nodeObject(raw: KubeObject): NodeObject {
  const node = raw as Node;
  const { metadata: m } = node;
  const vm = parseProviderId(node.spec.providerID);
  const view: NodeView = {
    name: m.name,
    uid: m.uid ?? "",
    labels: m.labels ?? {},
    ...(vm ? { vm: { ...vm, ...idOf(m.annotations) } } : {}),
    networks: parseNorthInterfaces(m.annotations?.[ANNOTATION.northInterfaces]).map((n) => n.network),
    ...readiness(node),
    ...(leaving(node) ? { cordoned: true } : {}),
  };
  return { metadata: identity(m), view };
}

/** Namespaces: labels only. */
export const namespaceObject = (raw: KubeObject): KubeObject => ({
  metadata: { ...identity(raw.metadata), labels: raw.metadata.labels },
});

/** Whole object without what nobody reads (last-applied annotations can be as large as the object). */
export function lean<T extends KubeObject>(raw: KubeObject): T {
  const { annotations, managedFields: _, ...metadata } = raw.metadata as Meta & { managedFields?: unknown };
  const kept = Object.fromEntries(
    Object.entries(annotations ?? {}).filter(([k]) => k !== "kubectl.kubernetes.io/last-applied-configuration"),
  );
  return { ...raw, metadata: { ...metadata, annotations: kept } } as T;
}

/** Types as decisions rely on them, whatever CRD the cluster has (invariant 6). */
const shaped = <T extends KubeObject>(kind: keyof typeof SHAPES, raw: KubeObject): T => fit(SHAPES[kind], lean(raw)) as T;
const BLANK = { gateway: { gatewayClassName: "", listeners: [] }, gatewayClass: { controllerName: "" } } as const;
export function gatewayObject(raw: KubeObject): Gateway {
  const gateway = shaped<Gateway>("gateway", raw);
  return { ...gateway, spec: { ...BLANK.gateway, ...gateway.spec } };
}
export function gatewayClassObject(raw: KubeObject): GatewayClass {
  const found = shaped<GatewayClass>("gatewayClass", raw);
  return { ...found, spec: { ...BLANK.gatewayClass, ...found.spec } };
}
export const networkObject = (raw: KubeObject): Network => shaped("network", raw);
export const paramSetObject = (raw: KubeObject): GKENetworkParamSet => shaped("paramSet", raw);
export const networkInterfaceObject = (raw: KubeObject): NetworkInterface => shaped("networkInterface", raw);

/** A route, and who writes its status: all that is kept of its managed fields. */
export interface RouteObject extends GKEIPRoute {
  writers?: StatusWriters;
}
/** A route with the defaults that an old CRD, or none, did not fill in; the API server takes one without a spec. */
export function routeObject(raw: KubeObject): RouteObject {
  const { managedFields } = raw.metadata as Meta & { managedFields?: unknown[] };
  const route = shaped<GKEIPRoute>("route", raw);
  return { ...route, spec: specOf(route), ...(managedFields ? { writers: statusWriters(managedFields, FIELD_MANAGER) } : {}) };
}

/** Keys of the Gateways that a route names. */
export function gatewaysOf(route: GKEIPRoute): string[] {
  const own = route.metadata.namespace ?? "default";
  return (route.spec.parentRefs ?? []).filter(isGatewayRef).map((r) => `${r.namespace ?? own}/${r.name}`);
}
export const addressesOf = (o: GKEIPRoute | Gateway): string[] => canonicalAddresses(o.spec.addresses);
export const oldestFirst = <T extends KubeObject>(list: readonly T[]): T[] => [...list].sort(byAge);
export { keyOf };

/** True where two views are the same for every decision; saves a reconcile for each heartbeat. */
export const sameView = (a: object | undefined, b: object | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);

/** resourceVersions of one API server are decimal numbers that grow (KEP-5504); anything else compares as not reached. */
export function atLeast(version: string | undefined, wanted: string | undefined): boolean {
  if (!wanted) return true;
  if (!version || !/^\d+$/.test(version) || !/^\d+$/.test(wanted)) return version === wanted;
  return version.length !== wanted.length ? version.length > wanted.length : version >= wanted;
}
