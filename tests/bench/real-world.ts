// SPDX-License-Identifier: Apache-2.0
// A real etcd and kube-apiserver full of Pods, Nodes, Gateways and routes, and the Compute emulator beside it. Nothing acts on them but who is measured.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ANNOTATION, GKE_CLASSES } from "../../controller/api";
import { addressBindingCrd, gkeIpRouteCrd } from "../../controller/api/crds";
import type { ApiClient } from "../../controller/kubernetes";
import { installCrds, startControlPlane, type ControlPlane } from "../../sandbox/controlplane";
import { startEmulator, type Emulator } from "../../sandbox/emulator";
import { findTools } from "../../sandbox/tools";
import { PROJECT, REGION, ZONES } from "../chaos/lab";
import { eventually } from "../support/clients";
import { gateway, route } from "../support/workloads";

export interface RealSize {
  pods: number;
  routes: number;
  nodes: number;
  namespaces: number;
}
const PER_GATEWAY = 16;
const WRITERS = 32;
/** Pods in one transaction. */
const IN_ONE = 50;
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const GATEWAYS = "/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways";

/** Of type Device, so that nobody has to say that a node is programmed; on the VPC that every VM of the emulator is on. */
const NETWORK = "nics";
const NETWORKING = "/apis/networking.gke.io/v1";

export class RealWorld {
  private constructor(
    private readonly dir: string,
    readonly plane: ControlPlane,
    readonly emulator: Emulator,
    private readonly size: RealSize,
  ) {}

  /** @throws Error where the programs of the sandbox are missing */
  static async start(size: RealSize): Promise<RealWorld> {
    const found = await findTools(["kubernetes"]);
    if (!("tools" in found)) throw new Error(`not found: ${found.missing.join(", ")}`);
    const { tools } = found;
    const dir = await mkdtemp(join(tmpdir(), "bench-"));
    const extraApiServerFlags = ["--disable-admission-plugins=ServiceAccount", "--max-requests-inflight=2000"];
    const plane = await startControlPlane({ dir, tools, extraApiServerFlags });
    // Nobody renews the Leases of these nodes; nobody shall find them dead for it.
    await Promise.all([plane.kill("kube-controller-manager"), plane.kill("kube-scheduler")]);
    const emulator = await startEmulator({ project: PROJECT, operationLatencyMs: 0 });
    const world = new RealWorld(dir, plane, emulator, size);
    await installCrds(plane.admin, [tools.crds.gatewayApi, ...tools.crds.network]);
    for (const body of [gkeIpRouteCrd(), addressBindingCrd()]) await plane.admin.request("POST", CRDS, { body });
    await eventually(() => plane.admin.request("GET", "/apis/networking.gke.io/v1/gkeiproutes"));
    await world.fill();
    return world;
  }
  async stop(): Promise<void> {
    await this.plane.stop();
    await this.emulator.close();
    await rm(this.dir, { recursive: true, force: true });
  }

  private async fill(): Promise<void> {
    const { admin } = this.plane;
    const { pods, routes, nodes, namespaces } = this.size;
    await each(namespaces, (i) => admin.request("POST", "/api/v1/namespaces", { body: { metadata: { name: `ns-${i}` } } }));
    await this.network();
    await each(nodes, (i) => this.node(i));
    for (let i = 0; i < routes; i++) await this.reserve(addressOf(i));
    const count = Math.ceil(routes / PER_GATEWAY);
    const listed = (n: number): string[] => Array.from({ length: PER_GATEWAY }, (_, i) => addressOf(n * PER_GATEWAY + i));
    await each(count, (n) =>
      admin.request("POST", GATEWAYS, {
        body: gateway("default", `gw-${n}`, listed(n), { className: GKE_CLASSES.External }),
      }),
    );
    await each(routes, (i) => this.route(i));
    await each(Math.ceil(pods / IN_ONE), (n) => this.somePods(n * IN_ONE, Math.min(pods, (n + 1) * IN_ONE)));
  }
  private namespaceOf = (i: number): string => `ns-${i % this.size.namespaces}`;
  private route(i: number): Promise<unknown> {
    const body = route(this.namespaceOf(i), `route-${i}`, {
      ...{ addresses: [addressOf(i)], selector: { app: `app-${i}` }, network: NETWORK },
      ...{ gateway: `gw-${Math.floor(i / PER_GATEWAY)}`, gatewayNamespace: "default" },
    });
    return this.plane.admin.request("POST", `/apis/networking.gke.io/v1/namespaces/${this.namespaceOf(i)}/gkeiproutes`, { body });
  }
  private reserve(address: string): Promise<unknown> {
    return fetch(`${this.emulator.url}compute/v1/projects/${PROJECT}/regions/${REGION}/addresses`, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "bench" },
      body: JSON.stringify({ name: `a-${address.replaceAll(".", "-")}`, address }),
    }).then((r) => r.arrayBuffer());
  }
  private async network(): Promise<void> {
    const { admin } = this.plane;
    const apiVersion = "networking.gke.io/v1";
    const [params, network] = [`${NETWORKING}/gkenetworkparamsets`, `${NETWORKING}/networks`];
    const spec = { vpc: "default", vpcSubnet: "default", deviceMode: "NetDevice" };
    await admin.request("POST", params, { body: { apiVersion, kind: "GKENetworkParamSet", metadata: { name: NETWORK }, spec } });
    const parametersRef = { group: "networking.gke.io", kind: "GKENetworkParamSet", name: NETWORK };
    const body = { apiVersion, kind: "Network", metadata: { name: NETWORK }, spec: { type: "Device", parametersRef } };
    await admin.request("POST", network, { body });
    const lastTransitionTime = new Date().toISOString();
    const conditions = [{ type: "Ready", status: "True", reason: "NetworkReady", message: "", lastTransitionTime }];
    const contentType = "application/merge-patch+json";
    await admin.request("PATCH", `${network}/${NETWORK}/status`, { contentType, body: { status: { conditions } } });
  }
  private async node(i: number): Promise<void> {
    const zone = ZONES[i % ZONES.length]!;
    this.emulator.putInstance({ name: `node-${i}`, zone });
    const annotations = { [ANNOTATION.northInterfaces]: JSON.stringify([{ network: NETWORK, ipAddress: "10.0.0.2" }]) };
    const body = { metadata: { name: `node-${i}`, annotations }, spec: { providerID: `gce://${PROJECT}/${zone}/node-${i}` } };
    await this.plane.admin.request("POST", "/api/v1/nodes", { body });
    await setReady(this.plane.admin, `/api/v1/nodes/node-${i}`, true);
  }
  private podPath(i: number): string {
    return `/api/v1/namespaces/${this.namespaceOf(i)}/pods/pod-${i}`;
  }
  /** Straight into etcd, many at a time, as the API server would have stored them: it takes JSON too. Through its front door this takes minutes. */
  private async somePods(from: number, to: number): Promise<void> {
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    const success = Array.from({ length: to - from }, (_, n) => from + n).map((i) => {
      const key = `/registry/pods/${this.namespaceOf(i)}/pod-${i}`;
      return { requestPut: { key: base64(key), value: base64(JSON.stringify(this.pod(i))) } };
    });
    const response = await fetch(`${this.etcd}/v3/kv/txn`, { method: "POST", body: JSON.stringify({ success }) });
    if (!response.ok) throw new Error(`etcd: ${await response.text()}`);
  }
  /** About 11 KB, 3 of them managedFields. */
  private pod(i: number): object {
    const { nodes, routes } = this.size;
    const time = new Date(Date.UTC(2026, 0, 1) + i * 1000).toISOString().replace(".000", "");
    const env = Array.from({ length: 40 }, (_, n) => ({ name: `SETTING_${n}`, value: `value-${n}-of-${i}` }));
    const owned = Object.fromEntries(env.map(({ name }) => [`k:{"name":"${name}"}`, { ".": {}, "f:name": {}, "f:value": {} }]));
    const fieldsV1 = { "f:spec": { "f:containers": { 'k:{"name":"main"}': { "f:env": owned } } } };
    const metadata = {
      ...{ name: `pod-${i}`, namespace: this.namespaceOf(i), uid: randomUUID(), creationTimestamp: time },
      labels: { app: `app-${i % routes}`, tier: "edge", copy: `c-${i % 7}` },
      annotations: {
        ...Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`example.com/note-${n}`, "x".repeat(300)])),
        [ANNOTATION.interfaces]: JSON.stringify([{ interfaceName: "eth1", network: NETWORK }]),
      },
      managedFields: [{ manager: "bench", operation: "Update", apiVersion: "v1", time, fieldsType: "FieldsV1", fieldsV1 }],
    };
    const requests = { cpu: "10m", memory: "16Mi" };
    const container = (name: string): object => ({
      ...{ name, image: `example.com/${name}:1`, env, resources: { requests }, imagePullPolicy: "IfNotPresent" },
      ...{ terminationMessagePath: "/dev/termination-log", terminationMessagePolicy: "File" },
    });
    const spec = {
      ...{ nodeName: `node-${i % nodes}`, containers: [container("main"), container("side")], restartPolicy: "Always" },
      ...{ dnsPolicy: "ClusterFirst", schedulerName: "default-scheduler", terminationGracePeriodSeconds: 0, securityContext: {} },
    };
    const conditions = [{ type: "Ready", status: "True", lastProbeTime: null, lastTransitionTime: time }];
    return { kind: "Pod", apiVersion: "v1", metadata, spec, status: { phase: "Running", conditions } };
  }
  private get etcd(): string {
    const args = readFileSync(`/proc/${this.plane.pids().etcd}/cmdline`, "utf8").split("\0");
    return args.find((a) => a.startsWith("--advertise-client-urls="))!.split("=")[1]!;
  }

  /** So many changes of readiness, evenly at `perSecond`; each another Pod, and each one makes a difference. */
  async churn(changes: number, perSecond: number): Promise<void> {
    const began = performance.now();
    const open: Promise<unknown>[] = [];
    for (let n = 0; n < changes; n++) {
      const wait = (n * 1000) / perSecond - (performance.now() - began);
      if (wait > 0) await new Promise((r) => setTimeout(r, wait));
      const i = (n * 7919) % this.size.pods;
      open.push(setReady(this.plane.admin, this.podPath(i), Math.floor((n * 7919) / this.size.pods) % 2 === 1));
    }
    await Promise.all(open);
  }
}

const addressOf = (i: number): string => `34.100.${i >> 8}.${i & 255}`;

function setReady(admin: ApiClient, path: string, ready: boolean): Promise<unknown> {
  const conditions = [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: new Date().toISOString() }];
  const contentType = "application/strategic-merge-patch+json";
  const status = path.includes("/pods/") ? { phase: "Running", conditions } : { conditions };
  return admin.request("PATCH", `${path}/status`, { contentType, body: { status } });
}

async function each(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  const numbers = Array.from({ length: count }, (_, i) => i).values();
  const lane = async (): Promise<void> => {
    for (const i of numbers) await work(i);
  };
  await Promise.all(Array.from({ length: WRITERS }, lane));
}
