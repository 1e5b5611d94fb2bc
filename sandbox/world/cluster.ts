// SPDX-License-Identifier: Apache-2.0
// One GKE cluster of the sandbox: a real control plane, a VM in the emulator and a simulated kubelet for each node, and GKE's own part.
import { mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { startControlPlane, type ControlPlane } from "../controlplane";
import type { ClusterView, Emulator, NodePoolView } from "../emulator";
import { computeLookup, startGke, type CloudLookup, type Gke } from "../gke";
import { processPods, simulatedNodes, type NodeNetwork, type NodeRuntime, type NodeSpec, type ProcessPods } from "../nodes";
import type { RealNodes } from "../nodes/real";
import type { Tools } from "../tools";
import { egressFlags } from "../vpc";
import { plannedNodes, type PlannedNode } from "./names";
import { socketFolder, startRealParts, type Packets, type RealParts } from "./packets";
import { cidrOnNode } from "./ranges";

export interface ClusterOptions {
  dir: string;
  tools: Tools;
  emulator: Emulator;
  note: (line: string) => void;
  crdDelayMs?: number;
  /** CRD manifests (files or folders) beside those of every cluster. */
  extraCrds?: string[];
  /** Nodes on this fabric, with real packets, instead of simulated ones. */
  packets?: Packets;
}
interface Pool {
  view: NodePoolView;
  nodes: PlannedNode[];
}
interface Parts {
  controlPlane: ControlPlane;
  gke: Gke;
  nodes: NodeRuntime;
  /** Pods that are processes: with simulated nodes the controller's, with namespaces all of them. */
  pods?: ProcessPods;
  real?: RealParts;
}

const DEFAULT_POOL = "default-pool";
const DEFAULT_POOL_MS = 5_000;

const AUDIT_LOG = "audit.log";
const AUDIT_POLICY = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "Metadata", userGroups: ["system:serviceaccounts:persistent-ip-system"] }, { level: "None" }],
};
/** Writes the policy; the server's own record shows which rights the controller really uses. */
function auditing(dir: string): string[] {
  const folder = path.join(dir, "..", `${path.basename(dir)}-audit`);
  mkdirSync(folder, { recursive: true });
  const policy = path.join(folder, "policy.json");
  writeFileSync(policy, JSON.stringify(AUDIT_POLICY));
  return [`--audit-policy-file=${policy}`, `--audit-log-path=${path.join(folder, AUDIT_LOG)}`, "--audit-log-mode=blocking"];
}

const last = (url: string): string => url.slice(url.lastIndexOf("/") + 1);
const regionOf = (zone: string): string => zone.replace(/-[a-z]$/, "");

/** Paths of the network and subnet that a cluster's nodes are in; with Shared VPC they lie in the host project. */
const placeOf = (view: ClusterView): { network?: string; subnetwork?: string } =>
  (view.resource["networkConfig"] ?? {}) as { network?: string; subnetwork?: string };

function lookupFor(view: ClusterView, emulator: Emulator): CloudLookup {
  const region = view.zones[0] ? regionOf(view.zones[0]) : view.location;
  const { network } = placeOf(view);
  const clusterVpc = network && last(network);
  return computeLookup({
    baseUrl: `${emulator.url}compute/v1`,
    // Networks of Pods lie where the cluster's own does; a GKENetworkParamSet names them without a project.
    project: /^projects\/([^/]+)\//.exec(network ?? "")?.[1] ?? view.project,
    region,
    ...(clusterVpc ? { clusterVpc } : {}),
  });
}

interface SimulatedOptions {
  controlPlane: ControlPlane;
  gke: Gke;
  dir: string;
  logs: string;
  o: ClusterOptions;
}
function simulated({ controlPlane, gke, dir, logs, o }: SimulatedOptions): Parts {
  const { host } = new URL(o.emulator.url);
  const extraEnv = { GCE_METADATA_HOST: host, COMPUTE_ENDPOINT: o.emulator.url };
  const pods = processPods({ controlPlane, dir: path.join(dir, "pods"), logs, extraEnv });
  const nodes = simulatedNodes({ controlPlane, tools: o.tools, dir, logs, listeners: [gke, pods] });
  return { controlPlane, gke, nodes, pods };
}

export class Cluster {
  private readonly pools = new Map<string, Pool>();
  private readonly later = new Map<string, NodeJS.Timeout>();
  /** How many nodes have had a piece of a secondary range. */
  private readonly pieces = new Map<string, number>();

  private constructor(
    readonly view: ClusterView,
    private readonly parts: Parts,
    private readonly o: ClusterOptions,
  ) {}

  /** Boots the control plane and starts GKE's part beside it. */
  static async create(view: ClusterView, o: ClusterOptions): Promise<Cluster> {
    const dir = path.join(o.dir, `cluster-${view.name}`);
    const auditFlags = auditing(dir);
    const { packets } = o;
    const extraApiServerFlags = [...auditFlags, ...(packets ? egressFlags(socketFolder(o.dir)) : [])];
    const controlPlane = await startControlPlane({ dir, tools: o.tools, extraApiServerFlags });
    o.note(`cluster ${view.name}: ${controlPlane.server}, API ready after ${controlPlane.timings.apiReady} ms`);
    const lookup = lookupFor(view, o.emulator);
    const { crdDelayMs = 0, extraCrds = [] } = o;
    const gke = startGke({
      ...{ controlPlane, tools: o.tools, lookup, crdDelayMs, extraCrds },
      // On real nodes the CNI plug-in gives Pods their addresses, and Google's node agent is there only with its datapath.
      parts: packets ? { pods: false, agents: packets.datapath === "dataplane-v2" } : {},
      programNode: (node, entries) => real?.google.apply(node, entries) ?? Promise.resolve(),
    });
    const logs = path.join(dir, "logs");
    const { emulator, tools } = o;
    const real = packets && (await startRealParts({ packets, controlPlane, emulator, tools, gke, dir: o.dir, logs }));
    const parts: Parts = real
      ? { controlPlane, gke, nodes: real.nodes, ...(real.pods ? { pods: real.pods } : {}), real }
      : simulated({ controlPlane, gke, dir, logs, o });
    // A young cluster may serve its CRDs later; only without a delay is it ready with them.
    if (!o.crdDelayMs) await gke.ready;
    return new Cluster(view, parts, o);
  }

  get controlPlane(): ControlPlane {
    return this.parts.controlPlane;
  }
  get nodes(): NodeRuntime {
    return this.parts.nodes;
  }
  /** Pods that run as plain processes. @throws Error where nodes have kubelets, which run all Pods */
  get pods(): ProcessPods {
    if (!this.parts.pods) throw new Error("nodes have kubelets here; ask the API server for the controller's Pods");
    return this.parts.pods;
  }
  /** What only nodes with kubelets can do. @throws Error where nodes are others */
  get realNodes(): RealNodes {
    if (!this.parts.real?.kubelets) throw new Error("nodes have no kubelets here");
    return this.parts.real.kubelets;
  }
  get gke(): Gke {
    return this.parts.gke;
  }
  /** What service accounts of the controller's namespace asked of the API server: one JSON object a line. */
  get auditLog(): string {
    return path.join(this.o.dir, `cluster-${this.view.name}-audit`, AUDIT_LOG);
  }
  endpoint(): { endpoint: string; caCertificateBase64: string } {
    const { server, caPem } = this.parts.controlPlane;
    return { endpoint: new URL(server).host, caCertificateBase64: Buffer.from(caPem).toString("base64") };
  }

  async addPool(view: NodePoolView): Promise<void> {
    const nodes = plannedNodes(this.view.name, view.name, view.zones, view.nodeCount);
    this.pools.set(view.name, { view, nodes });
    const start = (): Promise<unknown> => Promise.all(nodes.map((n) => this.addNode(n, view)));
    if (view.name !== DEFAULT_POOL) return void (await start());
    // Programs with pools of their own delete GKE's first one at once (removeDefaultNodePool): its kubelets start only if it stays.
    this.later.set(
      view.name,
      setTimeout(() => {
        this.later.delete(view.name);
        start().catch((error: unknown) => this.o.note(`default pool: ${String(error)}`));
      }, DEFAULT_POOL_MS),
    );
  }
  /** @param count nodes in each zone */
  async resizePool(view: NodePoolView, count: number): Promise<void> {
    const before = this.pools.get(view.name)?.nodes ?? [];
    const nodes = plannedNodes(this.view.name, view.name, view.zones, count);
    this.pools.set(view.name, { view, nodes });
    const has = (list: readonly PlannedNode[], n: PlannedNode): boolean => list.some((m) => m.name === n.name);
    await Promise.all(before.filter((n) => !has(nodes, n)).map((n) => this.removeNode(n)));
    await Promise.all(nodes.filter((n) => !has(before, n)).map((n) => this.addNode(n, view)));
  }
  async removePool(view: NodePoolView): Promise<void> {
    if (this.cancelStart(view.name)) return void this.pools.delete(view.name);
    const nodes = this.pools.get(view.name)?.nodes ?? [];
    this.pools.delete(view.name);
    await Promise.all(nodes.map((n) => this.removeNode(n)));
  }

  private cancelStart(pool: string): boolean {
    const timer = this.later.get(pool);
    clearTimeout(timer);
    this.later.delete(pool);
    return timer !== undefined;
  }
  private async addNode(node: PlannedNode, pool: NodePoolView): Promise<void> {
    const { emulator, note } = this.o;
    const { network, subnetwork } = placeOf(this.view);
    const nic0 = { ...(network ? { network } : {}), ...(subnetwork ? { subnetwork } : {}) };
    const vm = emulator.putInstance({
      name: node.name,
      zone: node.zone,
      networkInterfaces: [nic0, ...pool.networks],
      tags: [...pool.tags],
    });
    const [first, ...rest] = vm.networkInterfaces;
    const networks = rest.map((nic): NodeNetwork => {
      const subnetwork = last(nic.subnetwork ?? "");
      const podCidr = this.podRange(nic.subnetwork ?? "", pool);
      return { name: "", nic: nic.name, ip: nic.networkIP, vpc: last(nic.network), subnetwork, ...(podCidr ? { podCidr } : {}) };
    });
    const spec: NodeSpec = {
      name: node.name,
      zone: node.zone,
      region: regionOf(node.zone),
      project: this.view.project,
      pool: pool.name,
      labels: { ...pool.labels },
      networks,
      internalIP: first!.networkIP,
    };
    await this.parts.nodes.add(spec);
    note(`node ${node.name} is Ready in ${node.zone}`);
  }
  private podRange(selfLink: string, pool: NodePoolView): string | undefined {
    const wanted = pool.podNetworks.find((p) => last(p.subnetwork) === last(selfLink));
    const found = this.o.emulator.list("subnetworks").find((s) => s.selfLink === selfLink);
    const range = found?.secondaryIpRanges?.find((r) => r.rangeName === wanted?.secondaryPodRange)?.ipCidrRange;
    if (!wanted || !range) return undefined;
    const index = this.pieces.get(range) ?? 0;
    this.pieces.set(range, index + 1);
    return cidrOnNode(range, wanted.maxPodsPerNode, index);
  }
  private async removeNode(node: PlannedNode): Promise<void> {
    await this.parts.nodes.remove(node.name);
    this.o.emulator.removeInstance(node.zone, node.name);
    this.o.note(`node ${node.name} is gone`);
  }

  async stop(): Promise<void> {
    const { pods, gke, nodes, controlPlane, real } = this.parts;
    [...this.later.keys()].forEach((pool) => this.cancelStart(pool));
    await pods?.stop();
    gke.stop();
    await nodes.stop();
    await real?.services.stop();
    for (const n of [...this.pools.values()].flatMap((p) => p.nodes)) this.o.emulator.removeInstance(n.zone, n.name);
    await controlPlane.stop();
  }
}
