// SPDX-License-Identifier: Apache-2.0
// Manifests of the simulated cluster, as users, kubelets and GKE write them.
import { CIDR_ADDRESS_TYPE, GKE_CLASSES, KINDS } from "../../../controller/api";
import { resourcePath, type KubeObject } from "../../../controller/kubernetes";
import type { RouteShape, Shape } from "./shape";

export type Manifest = KubeObject & Record<string, unknown>;
export type KindKey = keyof typeof KINDS;
export const NETWORK = "blue-network";
export const VPC = "blue-vpc";
export const ZONES = ["us-central1-a", "us-central1-b"] as const;
export const GATEWAY = "allowed-pod-ips";

export const pathOf = (kind: KindKey, name?: string, namespace = "default"): string =>
  resourcePath(KINDS[kind], KINDS[kind].namespaced ? namespace : undefined, name);
/** All objects of a kind, over all namespaces. */
export const collectionOf = (kind: KindKey): string => resourcePath(KINDS[kind]);

export const zoneOf = (node: string): string => ZONES[Number(/\d+$/.exec(node)?.[0] ?? 0) % ZONES.length]!;
export const vmOf = (node: string): string => `vm-${node}`;
const cidr = (values: readonly string[]): object[] => values.map((v) => ({ type: CIDR_ADDRESS_TYPE, value: `${v}/32` }));

export const nodeManifest = (name: string): Manifest => ({
  metadata: {
    name,
    labels: { "kubernetes.io/hostname": name },
    annotations: { "networking.gke.io/north-interfaces": `[{"network":"${NETWORK}","ipAddress":"10.0.0.2"}]` },
  },
  spec: { providerID: `gce://demo/${zoneOf(name)}/${vmOf(name)}` },
  status: { conditions: [{ type: "Ready", status: "True" }] },
});
export const podManifest = (name: string, app: string, node: string): Manifest => ({
  metadata: {
    name,
    namespace: "default",
    labels: { app },
    annotations: { "networking.gke.io/interfaces": `[{"interfaceName":"eth1","network":"${NETWORK}"}]` },
  },
  spec: { nodeName: node },
  status: { phase: "Running", conditions: [{ type: "Ready", status: "False" }] },
});
export const routeManifest = (r: RouteShape): Manifest => ({
  metadata: { name: r.name, namespace: "default", ...(r.asks ? { annotations: r.asks } : {}) },
  spec: {
    parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: GATEWAY, namespace: "default" }],
    addresses: cidr(r.addresses),
    network: NETWORK,
    reactionMode: r.reaction,
    podSelector: { matchLabels: { app: r.app } },
  },
});
export const addressesSpec = cidr;
export const gatewayManifest = (shape: Shape): Manifest => ({
  metadata: { name: GATEWAY, namespace: "default" },
  spec: {
    gatewayClassName: shape.internal ? GKE_CLASSES.Internal : GKE_CLASSES.External,
    listeners: [{ name: "default", port: 443, protocol: "none", allowedRoutes: { namespaces: { from: "All" } } }],
    addresses: cidr(shape.addresses),
  },
});
export const networkManifest = (shape: Shape): Manifest => ({
  metadata: { name: NETWORK },
  spec: {
    type: shape.datapath === "device" ? "Device" : "L3",
    parametersRef: { group: "networking.gke.io", kind: "GKENetworkParamSet", name: `${NETWORK}-params` },
  },
});
export const networkStatus = (ready: boolean): object => ({
  status: {
    conditions: [
      {
        type: "Ready",
        status: ready ? "True" : "False",
        reason: ready ? "NetworkReady" : "ParamsNotReady",
        message: "",
        lastTransitionTime: "2026-01-01T00:00:00Z",
      },
    ],
  },
});
export const paramSetManifest = (): Manifest => ({
  metadata: { name: `${NETWORK}-params` },
  spec: { vpc: VPC, vpcSubnet: "blue-subnet" },
});
export const classManifest = (name: string, controllerName: string): Manifest => ({
  metadata: { name },
  spec: { controllerName },
});

/** Objects that no controller of ours made right, and that must stop nobody else (invariant 6). */
export const BAD: readonly { kind: KindKey; make: (n: string) => Manifest }[] = [
  { kind: "route", make: (n) => ({ metadata: { name: `bad-${n}`, namespace: "default" } }) },
  {
    kind: "route",
    make: (n) => ({
      metadata: { name: `bad-${n}`, namespace: "default" },
      spec: { addresses: [{ type: "x", value: "not-an-ip" }], podSelector: {} },
    }),
  },
  {
    kind: "route",
    make: (n) => {
      const good = routeManifest({ name: `bad-${n}`, app: "app-0", addresses: ["34.123.10.1"], reaction: "ReadyCondition" });
      return {
        ...good,
        spec: { ...(good.spec as object), podSelector: { matchExpressions: [{ key: "a b", operator: "Near" }] } },
      };
    },
  },
  {
    kind: "pod",
    make: (n) => {
      const pod = podManifest(`bad-${n}`, "app-0", "node-1");
      return { ...pod, metadata: { ...pod.metadata, annotations: { "networking.gke.io/interfaces": "[{" } } };
    },
  },
  {
    kind: "node",
    make: (n) => ({ metadata: { name: `bad-${n}`, annotations: { "networking.gke.io/north-interfaces": "{{" } }, spec: {} }),
  },
  {
    kind: "gateway",
    make: (n) => ({
      metadata: { name: `bad-${n}`, namespace: "default" },
      spec: { gatewayClassName: GKE_CLASSES.External, listeners: [], addresses: [{ type: "Hostname", value: "x" }] },
    }),
  },
  { kind: "network", make: (n) => ({ metadata: { name: `bad-${n}` } }) },
];
