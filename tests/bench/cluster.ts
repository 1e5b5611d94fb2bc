// SPDX-License-Identifier: Apache-2.0
// A cluster to measure against, in a process of its own so that it costs the measured one no processor time: lists, WatchList and watches of
// realistic Pods over HTTP, and as many changes a second as asked for. Objects are made as text once; only what changes is put in.
import * as http from "node:http";
import { ALL_CLASSES, gatewayOf, networkObject, paramSetOf, parents, routeOf } from "../../controller/core/testing";

export interface ClusterSize {
  pods: number;
  namespaces: number;
  routes: number;
  nodes: number;
}
/** What the measuring process says, and what it is told. */
export type Order = { start: ClusterSize; watchList: boolean } | { changes: number; everyMs: number } | { stop: true };
export type News = { port: number } | { done: number };

/** About 11 KB, 4 of it managedFields, as a Pod of a multi-network GKE cluster has them (kubernetes-client.md 8). */
function podText(i: number, size: ClusterSize): (version: number, ready: boolean) => string {
  const note = Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`example.com/note-${n}`, "x".repeat(300)]));
  const env = Array.from({ length: 40 }, (_, n) => ({ name: `SETTING_${n}`, value: `value-${n}-of-${i}` }));
  const fields = Object.fromEntries(
    Array.from({ length: 60 }, (_, n) => [`f:field-of-the-object-${n}`, { ".": {}, "f:name": {}, "f:value": {} }]),
  );
  const managedFields = [
    {
      manager: "kube-controller-manager",
      operation: "Update",
      apiVersion: "v1",
      time: "2026-01-01T00:00:00Z",
      fieldsType: "FieldsV1",
      fieldsV1: fields,
    },
  ];
  const namespace = `ns-${i % size.namespaces}`;
  const app = `app-${Math.floor(i / size.namespaces) % Math.max(1, Math.floor(size.routes / size.namespaces))}`;
  const metadata = {
    name: `pod-${i}`,
    namespace,
    uid: `uid-pod-${i}`,
    resourceVersion: "@VERSION@",
    creationTimestamp: new Date(Date.UTC(2026, 0, 1) + i * 1000).toISOString(),
    labels: { app },
    annotations: { ...note, "networking.gke.io/interfaces": '[{"interfaceName":"eth1","network":"blue-network"}]' },
    managedFields,
  };
  const text = JSON.stringify({
    metadata,
    spec: {
      nodeName: `node-${i % size.nodes}`,
      containers: ["main", "side"].map((name) => ({ name, image: `example.com/${name}:1`, env })),
    },
    status: { phase: "Running", conditions: [{ type: "Ready", status: "@READY@" }] },
  });
  return (version, ready) => text.replace("@VERSION@", String(version)).replace("@READY@", ready ? "True" : "False");
}

const nodeText = (i: number): string =>
  JSON.stringify({
    metadata: {
      name: `node-${i}`,
      uid: `uid-node-${i}`,
      resourceVersion: "1",
      annotations: { "networking.gke.io/north-interfaces": '[{"network":"blue-network","ipAddress":"10.0.0.2"}]' },
    },
    spec: { providerID: `gce://demo/us-central1-a/vm-${i}` },
    status: { conditions: [{ type: "Ready", status: "True" }] },
  });
const addressOf = (i: number): { type: string; value: string } => ({
  type: "gke.networking.io/cidr",
  value: `34.${100 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}/32`,
});
const PER_GATEWAY = 16;
const routeText = (i: number, size: ClusterSize): string => {
  const each = Math.max(1, Math.floor(size.routes / size.namespaces));
  const metadata = { name: `route-${i}`, namespace: `ns-${i % size.namespaces}`, uid: `uid-route-${i}`, resourceVersion: "1" };
  const parentRefs = parents({ namespace: "default", name: `gateway-${Math.floor(i / PER_GATEWAY)}` });
  const podSelector = { matchLabels: { app: `app-${Math.floor(i / size.namespaces) % each}` } };
  return JSON.stringify(routeOf({ metadata, spec: { addresses: [addressOf(i)], parentRefs, podSelector } }));
};
function gatewayText(n: number): string {
  const addresses = Array.from({ length: PER_GATEWAY }, (_, i) => addressOf(n * PER_GATEWAY + i));
  return JSON.stringify(gatewayOf({ metadata: { name: `gateway-${n}`, resourceVersion: "1" }, spec: { addresses } }));
}

/** Path of a collection to the texts in it. */
function collections(size: ClusterSize, pods: readonly string[]): Map<string, { kind: string; items: readonly string[] }> {
  const count = (n: number, make: (i: number) => string): string[] => Array.from({ length: n }, (_, i) => make(i));
  const versioned = (o: { metadata: object }): string =>
    JSON.stringify({ ...o, metadata: { ...o.metadata, resourceVersion: "1" } });
  const namespace = (i: number): string =>
    JSON.stringify({ metadata: { name: `ns-${i}`, uid: `uid-ns-${i}`, resourceVersion: "1" } });
  return new Map([
    ["/api/v1/pods", { kind: "Pod", items: pods }],
    ["/api/v1/nodes", { kind: "Node", items: count(size.nodes, nodeText) }],
    ["/api/v1/namespaces", { kind: "Namespace", items: count(size.namespaces, namespace) }],
    ["/apis/networking.gke.io/v1/gkeiproutes", { kind: "GKEIPRoute", items: count(size.routes, (i) => routeText(i, size)) }],
    ["/apis/networking.gke.io/v1/networks", { kind: "Network", items: [versioned(networkObject())] }],
    ["/apis/networking.gke.io/v1/gkenetworkparamsets", { kind: "GKENetworkParamSet", items: [versioned(paramSetOf())] }],
    ["/apis/networking.gke.io/v1/networkinterfaces", { kind: "NetworkInterface", items: [] }],
    [
      "/apis/gateway.networking.k8s.io/v1/gateways",
      { kind: "Gateway", items: count(Math.ceil(size.routes / PER_GATEWAY), gatewayText) },
    ],
    ["/apis/gateway.networking.k8s.io/v1/gatewayclasses", { kind: "GatewayClass", items: ALL_CLASSES.map(versioned) }],
    ["/apis/gke-persistent-ip.dev/v1alpha1/addressbindings", { kind: "AddressBinding", items: [] }],
  ]);
}

class Cluster {
  private readonly makers: ((version: number, ready: boolean) => string)[];
  private readonly table: ReturnType<typeof collections>;
  private readonly watchers = new Set<http.ServerResponse>();
  private version = 1;
  readonly server: http.Server;

  constructor(
    size: ClusterSize,
    private readonly watchList: boolean,
  ) {
    this.makers = Array.from({ length: size.pods }, (_, i) => podText(i, size));
    this.table = collections(
      size,
      this.makers.map((make) => make(1, true)),
    );
    this.server = http.createServer((request, response) => this.answer(new URL(request.url ?? "/", "http://x"), response));
  }
  private answer({ pathname, searchParams }: URL, response: http.ServerResponse): void {
    const found = this.table.get(pathname);
    response.setHeader("content-type", "application/json");
    if (!found) return void response.writeHead(404).end(JSON.stringify({ kind: "Status", code: 404, reason: "NotFound" }));
    if (searchParams.get("watch") !== "true") return this.list(found, searchParams, response);
    const initial = searchParams.get("sendInitialEvents") === "true";
    if (initial && !this.watchList)
      return void response
        .writeHead(422)
        .end(JSON.stringify({ kind: "Status", code: 422, reason: "Invalid", message: "sendInitialEvents is forbidden" }));
    response.writeHead(200);
    if (initial) this.initial(found, response);
    if (found.kind === "Pod") this.watchers.add(response);
  }
  private initial({ kind, items }: { kind: string; items: readonly string[] }, response: http.ServerResponse): void {
    for (const item of items) response.write(`{"type":"ADDED","object":${item}}\n`);
    const annotations = { "k8s.io/initial-events-end": "true" };
    response.write(
      `${JSON.stringify({ type: "BOOKMARK", object: { kind, metadata: { resourceVersion: "1", annotations } } })}\n`,
    );
  }
  private list(
    { kind, items }: { kind: string; items: readonly string[] },
    query: URLSearchParams,
    response: http.ServerResponse,
  ): void {
    const from = Number(query.get("continue") ?? 0);
    const to = Math.min(items.length, from + (Number(query.get("limit") ?? 0) || items.length));
    const metadata = { resourceVersion: "1", ...(to < items.length ? { continue: String(to) } : {}) };
    response.end(
      `{"kind":"${kind}List","apiVersion":"v1","metadata":${JSON.stringify(metadata)},"items":[${items.slice(from, to).join(",")}]}`,
    );
  }
  /** Sends changes, evenly: `changes` in all, one batch in every `everyMs` so that there are 1,000 a second. */
  change(changes: number, everyMs: number): Promise<number> {
    return new Promise((resolve) => {
      let sent = 0;
      const timer = setInterval(() => {
        for (let n = 0; n < everyMs && sent < changes; n++, sent++) {
          this.version += 1;
          const text = this.makers[(sent * 7919) % this.makers.length]!(this.version + 1, this.version % 2 === 0);
          for (const w of this.watchers) w.write(`{"type":"MODIFIED","object":${text}}\n`);
        }
        if (sent < changes) return;
        clearInterval(timer);
        resolve(sent);
      }, everyMs);
    });
  }
}

let cluster: Cluster | undefined;
function obey(order: Order): void {
  const tell = (news: News): void => void process.send?.(news);
  if ("stop" in order) process.exit(0);
  else if ("changes" in order) void cluster?.change(order.changes, order.everyMs).then((done) => tell({ done }));
  else {
    cluster?.server.closeAllConnections();
    cluster = new Cluster(order.start, order.watchList);
    const { server } = cluster;
    server.listen(0, "127.0.0.1", () => tell({ port: (server.address() as { port: number }).port }));
  }
}
if (require.main === module) process.on("message", obey).on("disconnect", () => process.exit(0));
