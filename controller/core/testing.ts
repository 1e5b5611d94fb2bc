// SPDX-License-Identifier: Apache-2.0
// A World made from arrays, and short builders of its objects, for tests and the simulator. The builders' defaults are the seed's objects:
// Gateway default/allowed-pod-ips, network blue-network, Pods labelled component=proxy.
import {
  CIDR_ADDRESS_TYPE,
  canonicalAddresses,
  CONTROLLER_NAME,
  GKE_CLASSES,
  OWN_CLASSES,
  specOf,
  type Condition,
  type Gateway,
  type GatewayClass,
  type GKEIPRoute,
  type GKEIPRouteSpec,
  type GKENetworkParamSet,
  type Labels,
  type Listener,
  type Network,
  type ObjectMeta,
  type ParentRef,
} from "../api";
import { gatewayKey, gatewayRefs } from "./parents";
import { keyOf, type AddressFact, type NodeView, type PodView, type Settings, type World } from "./world";

export interface WorldInput {
  settings?: Partial<Settings>;
  routes?: readonly GKEIPRoute[];
  gateways?: readonly Gateway[];
  /** Default: the four class names of the contract, all of this controller. */
  classes?: readonly GatewayClass[];
  /** Default: every namespace exists, without labels. */
  namespaces?: Readonly<Record<string, Labels>>;
  /** Default: blue-network with its parameter set. */
  networks?: readonly Network[];
  paramSets?: readonly GKENetworkParamSet[];
  pods?: readonly PodView[];
  nodes?: readonly NodeView[];
  /** By address; an address that is not named has not been looked up. */
  facts?: Readonly<Record<string, AddressFact>>;
  /** `namespace/name` of a NetworkInterface to its network. */
  interfaces?: Readonly<Record<string, string>>;
}

type Meta = Partial<ObjectMeta>;
const meta = (name: string, over: Meta = {}): ObjectMeta => ({
  name,
  uid: `uid-${over.namespace ?? ""}-${over.name ?? name}`,
  generation: 1,
  creationTimestamp: "2026-01-01T00:00:00Z",
  ...over,
});

export const classOf = (name: string, controllerName: string = CONTROLLER_NAME): GatewayClass => ({
  metadata: meta(name),
  spec: { controllerName },
});
export const ALL_CLASSES: readonly GatewayClass[] = [...Object.values(OWN_CLASSES), ...Object.values(GKE_CLASSES)].map((n) =>
  classOf(n),
);

/** Addresses as the seed writes them. */
export const cidr = (...values: string[]): { type: string; value: string }[] =>
  values.map((value) => ({ type: CIDR_ADDRESS_TYPE, value }));
export const listenerOf = (over: Partial<Listener> = {}): Listener => ({ name: "default", port: 443, protocol: "none", ...over });
/** References as the API server stores them; without a name, to the seed's Gateway. */
export const parents = (...refs: Partial<ParentRef>[]): ParentRef[] =>
  refs.map((ref) => ({ group: "gateway.networking.k8s.io", kind: "Gateway", name: "allowed-pod-ips", ...ref }));

/** The seed's Gateway (SEED-48). */
export const gatewayOf = (over: { metadata?: Meta; spec?: Partial<Gateway["spec"]> } = {}): Gateway => ({
  metadata: meta("allowed-pod-ips", { namespace: "default", ...over.metadata }),
  spec: {
    gatewayClassName: GKE_CLASSES.External,
    listeners: [listenerOf({ allowedRoutes: { namespaces: { from: "All" } } })],
    addresses: cidr("34.123.10.1/32", "34.123.10.2/32"),
    ...over.spec,
  },
});

/** The seed's route (SEED-55). */
export const routeOf = (over: { metadata?: Meta; spec?: Partial<GKEIPRouteSpec> } = {}): GKEIPRoute => ({
  metadata: meta("my-ip-route", { namespace: "default", ...over.metadata }),
  spec: {
    parentRefs: parents({ namespace: "default" }),
    addresses: cidr("34.123.10.1/32"),
    network: "blue-network",
    reactionMode: "ReadyCondition",
    podSelector: { matchLabels: { component: "proxy" } },
    ...over.spec,
  },
});

const ready = (status: "True" | "False", reason: string): Condition => ({
  type: "Ready",
  status,
  reason,
  message: status === "True" ? "" : "the parameter set is missing",
  lastTransitionTime: "2026-01-01T00:00:00Z",
});
export const networkObject = (
  name = "blue-network",
  spec: Partial<Network["spec"]> = {},
  status: "True" | "False" | undefined = "True",
): Network => ({
  metadata: meta(name),
  spec: {
    type: "L3",
    parametersRef: { group: "networking.gke.io", kind: "GKENetworkParamSet", name: `${name}-params` },
    ...spec,
  },
  ...(status ? { status: { conditions: [ready(status, status === "True" ? "NetworkReady" : "ParamsNotReady")] } } : {}),
});
export const paramSetOf = (network = "blue-network", spec: GKENetworkParamSet["spec"] = {}): GKENetworkParamSet => ({
  metadata: meta(`${network}-params`),
  spec: { vpc: "blue-vpc", vpcSubnet: "blue-subnet", ...spec },
});

/** A Ready Pod of the seed's Deployment. @param minute minute of its creation: the larger, the newer */
export function podOf(name: string, minute: number, over: Partial<PodView> = {}): PodView {
  return {
    namespace: "default",
    name,
    uid: `uid-${name}`,
    created: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString().replace(".000Z", "Z"),
    labels: { component: "proxy" },
    deleting: false,
    phase: "Running",
    ready: true,
    node: "node-1",
    hostNetwork: false,
    interfaces: {
      ok: true,
      value: [
        { interfaceName: "eth0", network: "default" },
        { interfaceName: "eth1", network: "blue-network" },
      ],
    },
    ...over,
  };
}
export const nodeOf = (name: string, over: Partial<NodeView> = {}): NodeView => ({
  name,
  uid: `uid-${name}`,
  labels: { "kubernetes.io/hostname": name },
  vm: { project: "demo", zone: "us-central1-a", instance: `vm-${name}` },
  networks: ["blue-network"],
  ready: true,
  ...over,
});

export const SETTINGS: Settings = {
  controllerName: CONTROLLER_NAME,
  project: "demo",
  region: "us-central1",
  datapath: "dataplane-v2",
  defaultNetwork: false,
  alone: true,
};

const byKey = <T extends { metadata: ObjectMeta }>(list: readonly T[]): Map<string, T> => new Map(list.map((o) => [keyOf(o), o]));
const byName = <T extends { metadata: ObjectMeta }>(list: readonly T[]): Map<string, T> =>
  new Map(list.map((o) => [o.metadata.name, o]));

/** A World over arrays. Lists are answered in the order in which they were given. */
export function world(input: WorldInput = {}): World {
  const routes = byKey(input.routes ?? []);
  const gateways = byKey(input.gateways ?? [gatewayOf()]);
  const classes = byName(input.classes ?? ALL_CLASSES);
  const networks = byName(input.networks ?? [networkObject()]);
  const paramSets = byName(input.paramSets ?? (input.networks ?? [networkObject()]).map((n) => paramSetOf(n.metadata.name)));
  const nodes = new Map((input.nodes ?? [nodeOf("node-1"), nodeOf("node-2")]).map((n) => [n.name, n]));
  const lists = (o: Gateway, address: string): boolean => canonicalAddresses(o.spec.addresses).includes(address);
  const names = (r: GKEIPRoute, gateway: string): boolean =>
    gatewayRefs(r).some((ref) => gatewayKey(ref, r.metadata.namespace ?? "default") === gateway);
  return {
    settings: { ...SETTINGS, ...input.settings },
    route: (namespace, name) => routes.get(`${namespace}/${name}`),
    routesClaiming: (address) => [...routes.values()].filter((r) => canonicalAddresses(specOf(r).addresses).includes(address)),
    routesOf: (gateway) => [...routes.values()].filter((r) => names(r, gateway)),
    gateway: (key) => gateways.get(key),
    gatewaysListing: (address) => [...gateways.values()].filter((g) => lists(g, address)),
    gatewayClass: (name) => classes.get(name),
    namespaceLabels: (name) => (input.namespaces ? input.namespaces[name] : {}),
    network: (name) => networks.get(name),
    paramSet: (name) => paramSets.get(name),
    pods: (namespace) => (input.pods ?? []).filter((p) => p.namespace === namespace),
    node: (name) => nodes.get(name),
    addressFact: (address) => input.facts?.[address],
    interfaceNetwork: (namespace, name) => input.interfaces?.[`${namespace}/${name}`],
  };
}

/** Freezes an object and all below it, so that a decision that changes its input throws. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
