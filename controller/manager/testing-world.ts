// SPDX-License-Identifier: Apache-2.0
// A whole leader over an API server and a cloud in memory, one that can be killed and started again over the same two. For tests only.
import { KINDS, type GKEIPRoute, type AddressBinding, type KubeObject } from "../api";
import { ALL_CLASSES, gatewayOf, networkObject, paramSetOf, routeOf, SETTINGS } from "../core/testing";
import { nodeDuties } from "../core";
import { ComputeError, type Fence } from "../compute";
import { resourcePath, silentLogger, type Priority } from "../kubernetes";
import { FakeClock, settle } from "../kubernetes/testing";
import type { Parts } from "./address";
import { Caches } from "./caches";
import { CloudView } from "./cloud";
import { Metrics } from "./metrics";
import { Reconciler } from "./reconciler";
import { Targets } from "./targets";
import { managedEntry, MemoryApi } from "./testing-api";
import { MemoryCloud } from "./testing-fabric";
import { routeKey, triggers } from "./triggers";
import { Writer } from "./writer";

export const CLUSTER = "cluster-uid";
export const pathOf = (kind: keyof typeof KINDS, name: string, namespace = "default"): string =>
  resourcePath(KINDS[kind], KINDS[kind].namespaced ? namespace : undefined, name);

export function podRaw(name: string, minute: number, node = "node-1", over: { ready?: boolean; uid?: string } = {}): KubeObject {
  const created = new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString().replace(".000Z", "Z");
  return {
    metadata: {
      name,
      namespace: "default",
      uid: over.uid ?? `uid-${name}`,
      creationTimestamp: created,
      labels: { component: "proxy" },
      annotations: { "networking.gke.io/interfaces": '[{"interfaceName":"eth1","network":"blue-network"}]' },
    },
    spec: { nodeName: node },
    status: { phase: "Running", conditions: [{ type: "Ready", status: over.ready === false ? "False" : "True" }] },
  } as KubeObject;
}
export const nodeRaw = (name: string): KubeObject =>
  ({
    metadata: {
      name,
      uid: `uid-${name}`,
      annotations: { "networking.gke.io/north-interfaces": '[{"network":"blue-network","ipAddress":"10.0.0.2"}]' },
    },
    spec: { providerID: `gce://demo/us-central1-a/vm-${name}` },
    status: { conditions: [{ type: "Ready", status: "True" }] },
  }) as KubeObject;

export interface Told {
  route: string;
  type: string;
  reason: string;
  message: string;
}
export interface Logged {
  fields: Record<string, unknown>;
  message: string;
}

export class TestWorld {
  readonly api = new MemoryApi();
  readonly cloud = new MemoryCloud();
  readonly clock = new FakeClock();
  readonly told: Told[] = [];
  readonly logged: Logged[] = [];
  leading = true;
  /** A cluster whose primary network carries persistent addresses (GKE 1.31). */
  defaultNetwork = false;

  constructor(readonly datapath: "dataplane-v2" | "device" | "linux" = "dataplane-v2") {
    for (const c of ALL_CLASSES) this.put("gatewayClass", c);
    this.put("network", networkObject("blue-network", { type: datapath === "device" ? "Device" : "L3" }));
    this.put("paramSet", paramSetOf());
    this.put("namespace", { metadata: { name: "default" } });
    for (const n of ["node-1", "node-2", "node-3"]) this.put("node", nodeRaw(n));
    this.put("gateway", gatewayOf());
    for (const a of ["34.123.10.1", "34.123.10.2"]) this.cloud.reserve(a);
  }
  /** The seed's route and one Pod, on node-1. */
  withRoute(over: Parameters<typeof routeOf>[0] = {}): this {
    this.put("route", routeOf(over));
    this.put("pod", podRaw("pod-1", 1));
    return this;
  }
  put(kind: keyof typeof KINDS, object: object): void {
    const { name, namespace } = (object as KubeObject).metadata;
    this.api.put(pathOf(kind, name, namespace), object);
  }
  route(name = "my-ip-route"): GKEIPRoute | undefined {
    return this.api.get<GKEIPRoute>(pathOf("route", name));
  }
  condition(type: string, name?: string): { status: string; reason: string; message: string } | undefined {
    return this.route(name)?.status?.conditions?.find((c) => c.type === type);
  }
  binding(name = "34-123-10-1"): AddressBinding | undefined {
    return this.api.get<AddressBinding>(pathOf("binding", name));
  }
  /** VM that the rule of an address points at. */
  vmOf(address = "34.123.10.1"): string | undefined {
    const target =
      [...this.cloud.rules.values()]
        .find((r) => r.address === address)
        ?.target?.split("/")
        .at(-1) ?? "";
    return this.cloud.targets.get(target)?.instance;
  }
  count(method: string): number {
    return this.cloud.done.filter((d) => d.startsWith(`${method} `)).length;
  }
  edit(name: string, change: (route: GKEIPRoute) => GKEIPRoute): void {
    this.api.change<GKEIPRoute>(pathOf("route", name), (r) => {
      const next = change(r);
      return { ...next, metadata: { ...next.metadata, generation: (r.metadata.generation ?? 1) + 1 } };
    });
  }
  /** GKE's node agents: say DPV2Ready of each accepted route with one Pod. Answers whether anything was said. */
  agent(): boolean {
    if (this.datapath === "linux") return this.nodeAgents();
    let said = false;
    for (const r of this.api.list("/apis/networking.gke.io/v1/namespaces/default/gkeiproutes/") as GKEIPRoute[]) {
      const { generation = 1 } = r.metadata;
      const good = (t: string): boolean =>
        r.status?.conditions?.some((c) => c.type === t && c.status === "True" && c.observedGeneration === generation) ?? false;
      if (!good("Accepted") || r.status?.pods?.length !== 1 || good("DPV2Ready")) continue;
      said = true;
      const condition = {
        type: "DPV2Ready",
        status: "True" as const,
        reason: "DPV2Ready",
        message: "",
        observedGeneration: generation,
      };
      this.api.change<GKEIPRoute>(pathOf("route", r.metadata.name), (o) => ({
        ...o,
        metadata: { ...o.metadata, managedFields: [...managedOf(o), managedEntry("cilium-agent", ["DPV2Ready"])] },
        status: {
          ...o.status,
          conditions: [
            ...(o.status?.conditions ?? []).filter((c) => c.type !== "DPV2Ready"),
            { ...condition, lastTransitionTime: "2026-01-01T00:00:00Z" },
          ],
        },
      }));
    }
    return said;
  }
  /** Datapath linux: nodes whose agent does not answer, or says that it cannot. */
  readonly silent = new Set<string>();
  readonly unable = new Set<string>();
  /** Our node agents: write their entries of the journals. Answers whether anything was said. */
  nodeAgents(): boolean {
    let said = false;
    for (const b of this.api.list("/apis/gke-persistent-ip.dev/v1alpha1/addressbindings/") as AddressBinding[])
      for (const node of ["node-1", "node-2", "node-3"]) {
        const { serves: duty, standby } = nodeDuties(b.status, node);
        const { generation = 0, nodes = [] } = b.status ?? {};
        const had = nodes.find((n) => n.node === node);
        const ahead = standby === undefined ? {} : { standby };
        const entry = duty && {
          node,
          pod: duty.pod,
          podUID: duty.podUID,
          generation,
          programmed: !this.unable.has(node),
          ...ahead,
        };
        if (this.silent.has(node) || JSON.stringify(had) === JSON.stringify(entry)) continue;
        said = true;
        const others = nodes.filter((n) => n.node !== node);
        this.api.change<AddressBinding>(pathOf("binding", b.metadata.name), (o) => ({
          ...o,
          status: { ...o.status, nodes: [...others, ...(entry ? [entry] : [])] },
        }));
      }
    return said;
  }
  async boot(): Promise<Leader> {
    const leader = new Leader(this);
    await leader.start();
    return leader;
  }
}
const managedOf = (o: KubeObject): { manager?: string }[] =>
  ((o.metadata as { managedFields?: { manager?: string }[] }).managedFields ?? []).filter((e) => e.manager !== "cilium-agent");

export class Leader {
  readonly keys = new Map<string, Priority>();
  readonly results = new Map<string, number | undefined>();
  readonly errors: unknown[] = [];
  readonly metrics = new Metrics();
  readonly caches: Caches;
  readonly cloud: CloudView;
  readonly parts: Parts;
  reconciler!: Reconciler;
  private working = false;

  constructor(readonly world: TestWorld) {
    const { api, clock, cloud: fabric, told, logged } = world;
    const settings = { ...SETTINGS, datapath: world.datapath, defaultNetwork: world.defaultNetwork };
    const fence: Fence = {
      check: (method) => {
        if (!world.leading) throw new ComputeError({ code: "Fenced", method, message: `${method} was not sent` });
      },
    };
    const log = (fields: object, message: string): void => void logged.push({ fields: fields as Logged["fields"], message });
    const logger = { ...silentLogger, info: log, warn: log };
    this.cloud = new CloudView(fabric, { project: "demo", region: "us-central1", clusterUid: CLUSTER });
    this.caches = new Caches({
      client: api,
      clock,
      random: () => 0.5,
      logger,
      settings,
      addressFact: (address, scope) => this.cloud.fact({ address, scope }),
    });
    this.parts = {
      caches: this.caches,
      cloud: this.cloud,
      fabric,
      fence,
      targets: new Targets({ fabric, fence, cloud: this.cloud, clusterUid: CLUSTER, logger }),
      clock,
      logger,
      metrics: this.metrics,
      settings,
      clusterUid: CLUSTER,
      tell: (route, type, reason, message) => void told.push({ route: route.metadata.name, type, reason, message }),
      writer: new Writer({ client: api, caches: this.caches, clock, fence }),
    };
  }
  async start(): Promise<void> {
    const add = (key: string, priority: Priority): void => {
      if (this.working) this.keys.set(key, priority);
    };
    this.caches.listen(triggers(this.caches, add));
    this.caches.start();
    for (let i = 0; i < 20 && this.caches.notReady().length > 0; i++) await settle();
    this.reconciler = new Reconciler(this.parts, add);
    await this.reconciler.firstLook();
    this.working = true;
    this.reconciler.everything("background");
  }
  /** Works everything off, with the node agents, until nothing is left to do. What a reconcile throws is repeated a few times. */
  async run(): Promise<void> {
    for (let i = 0; i < 200; i++) {
      await settle();
      const [key] = this.keys.keys();
      if (key === undefined) {
        if (!this.world.agent()) return;
        continue;
      }
      this.keys.delete(key);
      await this.one(key);
    }
    throw new Error(`not settled: ${[...this.keys.keys()].join(" ")}`);
  }
  private async one(key: string): Promise<void> {
    try {
      this.results.set(key, (await this.reconciler.reconcile(key))?.requeueAfterMs);
    } catch (error) {
      if (error instanceof Crash) throw error;
      this.errors.push(error);
      if (this.errors.length < 20 && this.world.leading) this.keys.set(key, "live");
    }
  }
  requeueOf(route = "my-ip-route"): number | undefined {
    return this.results.get(routeKey(`default/${route}`));
  }
  /** Has a route looked at again after its requeue time. */
  async again(route = "my-ip-route"): Promise<void> {
    await this.world.clock.advance(this.requeueOf(route) ?? 0);
    this.keys.set(routeKey(`default/${route}`), "live");
    await this.run();
  }
  async stop(): Promise<void> {
    this.working = false;
    await this.caches.stop();
  }
}

/** The end of the process, as an exception that nobody handles. */
export class Crash extends Error {}
