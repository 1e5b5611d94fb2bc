// SPDX-License-Identifier: Apache-2.0
// The frozen view that every decision is made from. Lookups are by key or index, so that no decision walks all Pods of the cluster.
import type {
  Gateway,
  GatewayClass,
  GKEIPRoute,
  GKENetworkParamSet,
  Labels,
  LabelSelector,
  Network,
  Parsed,
  PodInterface,
  PodReach,
  Scope,
} from "../api";

/** The few facts of a Pod that selection needs (kubernetes-client.md 8). */
export interface PodView {
  namespace: string;
  name: string;
  uid: string;
  /** Server's creation time, RFC 3339; the only clock that "newest" may use (E65). */
  created: string;
  labels: Labels;
  deleting: boolean;
  phase: string;
  ready: boolean;
  node?: string;
  hostNetwork: boolean;
  interfaces: Parsed<PodInterface[]>;
  /** Whether something in it can answer with a persistent address; absent: nothing certain. */
  reach?: PodReach;
}

export interface NodeView {
  name: string;
  uid: string;
  labels: Labels;
  /** The VM behind the node; undefined where spec.providerID is not GCE's. */
  vm?: { project: string; zone: string; instance: string; id?: string };
  /** Networks with a NIC on this node (north-interfaces). */
  networks: readonly string[];
  ready: boolean;
  /** Since when it is not ready, RFC 3339, as the node says. */
  notReadySince?: string;
  /** No new Pods are put there, or it is about to go: cordoned, being drained, deleted or scaled down. */
  cordoned?: boolean;
}

/** What Google Cloud says of an address; absent while it has not been looked up. */
export type AddressFact = { usable: true } | { usable: false; reason: "GCPFailed"; message: string };

export interface Settings {
  controllerName: string;
  project: string;
  region: string;
  /** Which part programs the node (DESIGN 6). */
  datapath: "dataplane-v2" | "device" | "linux";
  /** GKE 1.31 or later carries persistent addresses on the Pods' primary network too (SEED-6, api.md 2.5). */
  defaultNetwork: boolean;
  /** True while no GatewayClass of Google's own controller is here: only then a route whose Gateway is missing is ours to answer. */
  alone: boolean;
}

export interface World {
  readonly settings: Settings;
  route(namespace: string, name: string): GKEIPRoute | undefined;
  /** Every route that lists the (canonical) address, in any order. */
  routesClaiming(address: string): readonly GKEIPRoute[];
  /** Every route with a parentRef to the Gateway. */
  routesOf(gateway: string): readonly GKEIPRoute[];
  /** @param key `namespace/name` */
  gateway(key: string): Gateway | undefined;
  gatewaysListing(address: string): readonly Gateway[];
  gatewayClass(name: string): GatewayClass | undefined;
  namespaceLabels(name: string): Labels | undefined;
  network(name: string): Network | undefined;
  paramSet(name: string): GKENetworkParamSet | undefined;
  /** @param selector Pods that it certainly refuses may be left out; whoever asks still has to match */
  pods(namespace: string, selector?: LabelSelector): Iterable<PodView>;
  /** A Pod by its UID, where there is a quicker way than through all of them. */
  pod?(uid: string): PodView | undefined;
  node(name: string): NodeView | undefined;
  addressFact(address: string, scope: Scope): AddressFact | undefined;
  /** Network of a NetworkInterface object, which a Pod may name instead of a network (E21); not there where nobody watches these. */
  interfaceNetwork?(namespace: string, name: string): string | undefined;
}

export const keyOf = (o: { metadata: { namespace?: string; name: string } }): string =>
  `${o.metadata.namespace ?? ""}/${o.metadata.name}`;

// An object that was not created yet is the youngest of all.
const NOT_YET = "~";

/** Precedence between equals: oldest first, then `namespace/name` (Gateway API; api.md 6.4). Negative where `a` goes first. */
export function byAge(a: { metadata: { creationTimestamp?: string; namespace?: string; name: string } }, b: typeof a): number {
  const [x, y] = [a.metadata.creationTimestamp ?? NOT_YET, b.metadata.creationTimestamp ?? NOT_YET];
  if (x !== y) return x < y ? -1 : 1;
  const [k, l] = [keyOf(a), keyOf(b)];
  return k < l ? -1 : k > l ? 1 : 0;
}
