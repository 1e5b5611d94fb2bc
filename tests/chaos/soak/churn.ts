// SPDX-License-Identifier: Apache-2.0
// Objects that come, change and go: Pods of every route on nodes without kubelets (their status is written here), labels of everything else.
import { KINDS } from "../../../controller/api";
import { isApiError, resourcePath, type ApiClient, type KubeObject, type Method } from "../../../controller/kubernetes";
import type { KindKey } from "../../../controller/manager/caches";

export interface ChurnOptions {
  client: ApiClient;
  random: () => number;
  namespace: string;
  nodes: readonly string[];
  /** Names of the routes; a route's Pods carry the label `app: NAME`. */
  routes: readonly string[];
  /** Number of Pods that is kept to, more or less. */
  pods: number;
  /** Writes a second, at most. */
  rate: number;
}
interface Known {
  name: string;
  app: string;
}

const WORKERS = 6;

export class Churn {
  writes = 0;
  /** Writes that the API server refused, which only a bug of this file or a dying server explains. */
  readonly failures: string[] = [];
  private readonly pods: Known[] = [];
  private serial = 0;
  private going = true;
  private paused = false;
  private readonly workers: Promise<void>[] = [];

  constructor(private readonly o: ChurnOptions) {}

  /** Makes the first Pods. */
  async fill(): Promise<void> {
    for (let i = 0; i < this.o.pods; i += 10) await Promise.all(Array.from({ length: 10 }, () => this.newPod()));
  }
  start(): void {
    for (let i = 0; i < WORKERS; i++) this.workers.push(this.work());
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  async stop(): Promise<void> {
    this.going = false;
    await Promise.all(this.workers);
  }

  private async work(): Promise<void> {
    const between = (WORKERS * 1_000) / this.o.rate;
    while (this.going) {
      const began = Date.now();
      if (!this.paused) await this.change().catch((error: unknown) => void this.failures.push(String(error)));
      await new Promise((r) => setTimeout(r, Math.max(5, between - (Date.now() - began))));
    }
  }

  private change(): Promise<unknown> {
    const { random, pods } = this.o;
    const dice = random();
    if (dice < 0.2) return this.pods.length < pods * 1.2 ? this.newPod() : this.deletePod();
    if (dice < 0.4) return this.pods.length > pods * 0.8 ? this.deletePod() : this.newPod();
    const pod = this.pods[Math.floor(random() * this.pods.length)];
    if (dice < 0.55 && pod) return this.status(pod.name, random() < 0.7);
    if (dice < 0.65 && pod) return this.label("pod", pod.name);
    const others: [KindKey, readonly string[]][] = [
      ["route", this.o.routes],
      ["node", this.o.nodes],
      ["namespace", [this.o.namespace, "default"]],
      ["networkInterface", ["a", "b", "c"]],
    ];
    const [kind, names] = others[Math.floor(random() * others.length)]!;
    const name = names[Math.floor(random() * names.length)]!;
    return kind === "networkInterface" ? this.toggleInterface(name) : this.label(kind, name);
  }

  private async newPod(): Promise<void> {
    const { random, nodes, routes, namespace } = this.o;
    const serial = ++this.serial;
    const app = routes[serial % routes.length]!;
    const name = `p${serial}`;
    const container = { name: "main", image: "registry.example/app:1" };
    const spec = {
      nodeName: nodes[Math.floor(random() * nodes.length)],
      terminationGracePeriodSeconds: 0,
      containers: [container],
    };
    await this.send("POST", resourcePath(KINDS.pod, namespace), { metadata: { name, labels: { app } }, spec });
    await this.status(name, true, `10.${50 + (serial >> 16)}.${(serial >> 8) & 255}.${serial & 255}`);
    this.pods.push({ name, app });
  }
  private async deletePod(): Promise<void> {
    const pod = this.pods.shift();
    if (pod) await this.send("DELETE", resourcePath(KINDS.pod, this.o.namespace, pod.name), { gracePeriodSeconds: 0 });
  }
  /** What a kubelet would write. */
  private status(name: string, ready: boolean, podIP?: string): Promise<unknown> {
    const conditions = [{ type: "Ready", status: ready ? "True" : "False" }];
    const status = { phase: "Running", conditions, ...(podIP ? { podIP, podIPs: [{ ip: podIP }] } : {}) };
    return this.send("PATCH", resourcePath(KINDS.pod, this.o.namespace, name, "status"), { status });
  }
  private label(kind: KindKey, name: string): Promise<unknown> {
    const namespace = KINDS[kind].namespaced ? this.o.namespace : undefined;
    const labels = { churn: String(++this.serial) };
    return this.send("PATCH", resourcePath(KINDS[kind], namespace, name), { metadata: { labels } });
  }
  private async toggleInterface(name: string): Promise<void> {
    const at = resourcePath(KINDS.networkInterface, this.o.namespace);
    const body = {
      apiVersion: "networking.gke.io/v1",
      kind: "NetworkInterface",
      metadata: { name },
      spec: { networkName: "default" },
    };
    const there = await this.o.client.request<{ items: KubeObject[] }>("GET", at);
    if (there.items.some((i) => i.metadata.name === name)) await this.send("DELETE", `${at}/${name}`, {});
    else await this.send("POST", at, body);
  }

  /** An object that another worker has just deleted or made is no failure. */
  private async send(method: Method, path: string, body: object): Promise<void> {
    this.writes += 1;
    await this.o.client.request(method, path, { body }).catch((error: unknown) => {
      if (!isApiError(error, "NotFound", "AlreadyExists", "Conflict")) throw error;
    });
  }
  /** At the end each route must have a Pod that is Ready, and be Ready with the newest one. */
  async settle(): Promise<void> {
    await Promise.all(this.pods.map((pod) => this.status(pod.name, true)));
    await Promise.all(this.o.routes.map(() => this.newPod()));
  }
}
