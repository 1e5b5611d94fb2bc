// SPDX-License-Identifier: Apache-2.0
// Small workloads on blue-network, as the seed's templates describe them (SEED-72).
export const NETWORK_ANNOTATIONS = {
  "networking.gke.io/default-interface": "eth0",
  "networking.gke.io/interfaces":
    '[{"interfaceName":"eth0","network":"default"}, {"interfaceName":"eth1","network":"blue-network"}]',
} as const;
const containers = [{ name: "hello-app", image: "us-docker.pkg.dev/google-samples/containers/gke/hello-app:1.0" }];

export interface PodOptions {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  nodeName?: string;
}
export const proxyPod = (namespace: string, name: string, o: PodOptions = {}): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    namespace,
    name,
    labels: { component: "proxy", ...o.labels },
    annotations: { ...NETWORK_ANNOTATIONS, ...o.annotations },
  },
  spec: { containers, terminationGracePeriodSeconds: 0, ...(o.nodeName ? { nodeName: o.nodeName } : {}) },
});

export const deployment = (namespace: string, name: string, replicas: number, app = name): object => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { namespace, name },
  spec: {
    replicas,
    selector: { matchLabels: { app } },
    template: {
      metadata: { labels: { app }, annotations: NETWORK_ANNOTATIONS },
      spec: { containers, terminationGracePeriodSeconds: 0 },
    },
  },
});

export interface RouteOptions {
  addresses: string[];
  selector: Record<string, string>;
  gateway?: string;
  gatewayNamespace?: string;
  reactionMode?: "ReadyCondition" | "Exists";
  network?: string;
}
export const route = (namespace: string, name: string, o: RouteOptions): object => ({
  apiVersion: "networking.gke.io/v1",
  kind: "GKEIPRoute",
  metadata: { namespace, name },
  spec: {
    parentRefs: [{ name: o.gateway ?? "gw", namespace: o.gatewayNamespace ?? namespace }],
    addresses: o.addresses.map((a) => ({ value: `${a}/32`, type: "gke.networking.io/cidr" })),
    network: o.network ?? "blue-network",
    ...(o.reactionMode ? { reactionMode: o.reactionMode } : {}),
    podSelector: { matchLabels: o.selector },
  },
});

export const gateway = (
  namespace: string,
  name: string,
  addresses: string[],
  o: { className?: string; namespaces?: object } = {},
): object => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { namespace, name },
  spec: {
    gatewayClassName: o.className ?? "gke-persistent-regional-external-managed",
    listeners: [{ name: "default", port: 443, protocol: "none", allowedRoutes: { namespaces: o.namespaces ?? { from: "All" } } }],
    addresses: addresses.map((a) => ({ value: `${a}/32`, type: "gke.networking.io/cidr" })),
  },
});
