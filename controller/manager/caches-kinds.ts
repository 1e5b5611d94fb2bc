// SPDX-License-Identifier: Apache-2.0
// The kinds that the controller watches: what is kept of each, and under which values it is found.
import {
  requiredLabels,
  type AddressBinding,
  type Gateway,
  type GatewayClass,
  type GKENetworkParamSet,
  type KubeObject,
  type Labels,
  type LabelSelector,
  type Network,
  type NetworkInterface,
} from "../api";
import type { Indexer, StoreEvent } from "../kubernetes";
import {
  addressesOf,
  gatewayClassObject,
  gatewayObject,
  gatewaysOf,
  lean,
  namespaceObject,
  networkInterfaceObject,
  networkObject,
  nodeObject,
  paramSetObject,
  podObject,
  routeObject,
  type NodeObject,
  type PodObject,
  type RouteObject,
} from "./views";

export interface Kinds {
  route: RouteObject;
  gateway: Gateway;
  gatewayClass: GatewayClass;
  network: Network;
  paramSet: GKENetworkParamSet;
  networkInterface: NetworkInterface;
  binding: AddressBinding;
  pod: PodObject;
  node: NodeObject;
  namespace: KubeObject;
}
export type KindKey = keyof Kinds;
export type Listener = { [K in KindKey]: (event: StoreEvent<Kinds[K]>) => void };

/** From an object as it is read to what is kept of it. */
export const TRANSFORMS: { [K in KindKey]: (raw: KubeObject) => Kinds[K] } = {
  route: routeObject,
  gateway: gatewayObject,
  gatewayClass: gatewayClassObject,
  network: networkObject,
  paramSet: paramSetObject,
  networkInterface: networkInterfaceObject,
  binding: lean,
  pod: podObject,
  node: nodeObject,
  namespace: namespaceObject,
};
const labelKey = (namespace: string, label: readonly [key: string, value: string]): string =>
  `${namespace}/${label[0]}=${label[1]}`;
/** Under what a Pod is found in the index `label`. */
export const labelKeys = (namespace: string, labels: Labels): string[] =>
  Object.entries(labels).map((label) => labelKey(namespace, label));
/** Under what the Pods of a selector are found there; none: it names no label that they must carry. */
export const neededKeys = (namespace: string, selector: LabelSelector | undefined): string[] =>
  requiredLabels(selector).map((label) => labelKey(namespace, label));
/** Routes whose selector names no label that a Pod must carry. */
export const anyOf = (namespace: string): string => `${namespace}/`;
/** A route is found under one label that its Pods must carry. */
function selectedBy({ metadata: { namespace = "default" }, spec }: RouteObject): string {
  return neededKeys(namespace, spec.podSelector)[0] ?? anyOf(namespace);
}

/** Under which values each kind is found. */
export const INDEXERS: { [K in KindKey]?: Record<string, Indexer<Kinds[K]>> } = {
  route: {
    address: (r) => addressesOf(r),
    gateway: (r) => [...new Set(gatewaysOf(r))],
    namespace: (r) => [r.metadata.namespace ?? "default"],
    network: (r) => [r.spec.network],
    uid: (r) => [r.metadata.uid ?? ""],
    selects: (r) => [selectedBy(r)],
  },
  gateway: { address: (g) => addressesOf(g), class: (g) => [g.spec.gatewayClassName] },
  network: { params: (n) => [n.spec?.parametersRef?.name ?? ""] },
  binding: { route: (b) => [b.spec.route.uid], address: (b) => [b.spec.address] },
  pod: {
    namespace: (p) => [p.view.namespace],
    node: (p) => [p.view.node ?? ""],
    label: (p) => labelKeys(p.view.namespace, p.view.labels),
    uid: (p) => [p.view.uid],
  },
};
/** Kinds without which the controller has nothing to do; its readiness says so, and Pulumi waits for that (pulumi.md 3.3). */
export const NEEDED: readonly KindKey[] = ["route", "gateway", "gatewayClass", "binding", "pod", "node", "namespace"];
