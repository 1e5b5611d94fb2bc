// SPDX-License-Identifier: Apache-2.0
// The door of this room, which plays the part of GKE that is not open: it installs the cluster's CRDs, annotates nodes and Pods of
// a multi-network cluster, judges Network and GKENetworkParamSet, and stands in for Google's node agent (`DPV2Ready`). It follows
// what is publicly known of GKE and nothing else; each part can be switched off.
import { setTimeout as sleep } from "node:timers/promises";
import { isApiError, type ApiClient } from "../../controller/kubernetes/transport";
import { installCrds } from "../controlplane";
import type { CrashKind, NodeListener, NodeSpec } from "../nodes";
import type { Tools } from "../tools";
import { AgentsPart, type DatapathFault } from "./agents-part";
import { startCache, type Cache } from "./cache";
import { tableLookup, type CloudLookup } from "./lookup";
import { reconcileNetworks } from "./networks-part";
import { reconcileNodes } from "./nodes-part";
import { PodsPart, type PodInterface } from "./pods-part";
import { repeater } from "./repeat";
import { PATHS, type GkePod } from "./types";

export { computeLookup, tableLookup, type CloudLookup, type ComputeLookupOptions, type Subnetwork } from "./lookup";
export type { DatapathFault } from "./agents-part";
export type { PodInterface } from "./pods-part";

export type GkePart = "crds" | "networks" | "nodes" | "pods" | "agents";

export interface GkeOptions {
  controlPlane: { admin: ApiClient };
  tools: Pick<Tools, "crds">;
  /** Decides whether VPCs, subnetworks and ranges exist. Without it none does, so no parameter set becomes Ready. */
  lookup?: CloudLookup;
  /** Parts to leave out: `{ agents: false }`. Default: all on. */
  parts?: Partial<Record<GkePart, boolean>>;
  /** Installs the CRDs so many milliseconds late, as a young GKE cluster does. */
  crdDelayMs?: number;
  /** Makes a node's route map real: address in CIDR form to the Pod's address. Told before the status says so. */
  programNode?: (node: string, entries: ReadonlyMap<string, string>) => Promise<void>;
  /** More CRD manifests (files or folders) to install with the others, e.g. GKEIPRoute. */
  extraCrds?: string[];
}

/** Give it to the node runtime as a listener: it must know the nodes, and which of them are up. */
export interface Gke extends Required<NodeListener> {
  /** Resolves when the CRDs are served and the default Network exists. */
  readonly ready: Promise<void>;
  /** What the node's route map holds: address in CIDR form to the Pod's address on the route's network. */
  datapath(node: string): ReadonlyMap<string, string>;
  /** The CNI plug-in's question: which interfaces a new Pod gets. Its answer is written on the Pod too. @throws Error, ApiError */
  attachPod(node: string, namespace: string, name: string): Promise<PodInterface[]>;
  /** Makes nodes refuse addresses: `DPV2Ready` becomes False with the given text. Undefined: no more faults. */
  setDatapathFault(fault: DatapathFault | undefined): void;
  /** Asks the cloud again at once, after something was created or deleted there. */
  recheck(): void;
  stop(): void;
}

const RECHECK_MS = 1_000;

/** Starts GKE's part. Does not wait for `ready`. */
export function startGke(options: GkeOptions): Gke {
  return new GkeStandIn(options);
}

class GkeStandIn implements Gke {
  readonly ready: Promise<void>;
  private readonly client: ApiClient;
  private readonly halt = new AbortController();
  private readonly specs = new Map<string, NodeSpec>();
  private readonly upNodes = new Set<string>();
  private readonly cache: Cache;
  private readonly pods: PodsPart;
  private readonly agents: AgentsPart;
  private readonly loops;
  private fault: DatapathFault | undefined;

  constructor(private readonly options: GkeOptions) {
    this.client = options.controlPlane.admin;
    const lookup = options.lookup ?? tableLookup({});
    const cache = (): Cache => this.cache;
    this.pods = new PodsPart({
      client: this.client,
      cache,
      spec: (name) => this.specs.get(name),
      isNodeUp: (name) => this.upNodes.has(name),
    });
    const { programNode: program } = options;
    this.agents = new AgentsPart({ client: this.client, cache, fault: () => this.fault, ...(program ? { program } : {}) });
    this.loops = {
      networks: this.loop("networks", () => reconcileNetworks(this.client, this.cache, lookup)),
      nodes: this.loop("nodes", () => reconcileNodes(this.client, this.cache, this.specs.values())),
      pods: this.loop("pods", () => this.pods.reconcile()),
    };
    this.cache = startCache(this.client, {
      networks: () => this.recheck(),
      nodes: () => this.loops.nodes.kick(),
      routes: () => this.agents.routesChanged(),
      pod: (pod) => this.podChanged(pod),
      podGone: (pod) => {
        this.pods.gone(pod);
        this.loops.networks.kick();
      },
    });
    this.ready = this.prepare();
    this.ready.catch(() => undefined); // whoever awaits it hears of it
  }

  nodeAdded(spec: NodeSpec): void {
    this.specs.set(spec.name, spec);
    this.loops.nodes.kick();
  }

  nodeRemoved(name: string): void {
    this.specs.delete(name);
  }

  nodeUp(name: string): void {
    this.upNodes.add(name);
    this.loops.pods.kick();
    if (this.on("agents")) this.agents.up(name);
  }

  nodeDown(name: string, kind: CrashKind): void {
    this.upNodes.delete(name);
    this.agents.down(name, kind === "freeze");
  }

  datapath(node: string): ReadonlyMap<string, string> {
    return this.agents.entries(node);
  }

  attachPod(node: string, namespace: string, name: string): Promise<PodInterface[]> {
    return this.pods.attach(node, namespace, name);
  }

  setDatapathFault(fault: DatapathFault | undefined): void {
    this.fault = fault;
    this.agents.routesChanged();
  }

  recheck(): void {
    Object.values(this.loops).forEach((loop) => loop.kick());
    this.agents.routesChanged();
  }

  stop(): void {
    this.halt.abort();
    Object.values(this.loops).forEach((loop) => loop.stop());
    this.agents.stop();
    this.cache.stop();
  }

  private on(part: GkePart): boolean {
    return this.options.parts?.[part] ?? true;
  }

  private loop(part: GkePart, work: () => Promise<boolean>): ReturnType<typeof repeater> {
    return repeater(() => (this.on(part) ? work() : Promise.resolve(false)), { retryMs: RECHECK_MS });
  }

  private podChanged(pod: GkePod): void {
    this.loops.pods.kick();
    this.loops.networks.kick(); // the in-use mark follows the Pods
    this.agents.podChanged(pod);
  }

  private async prepare(): Promise<void> {
    if (!this.on("crds")) return;
    const { crdDelayMs = 0, tools, extraCrds = [] } = this.options;
    if (crdDelayMs > 0) await sleep(crdDelayMs, undefined, { signal: this.halt.signal });
    await installCrds(this.client, [tools.crds.gatewayApi, ...tools.crds.network, ...extraCrds]);
    const body = {
      apiVersion: "networking.gke.io/v1",
      kind: "Network",
      metadata: { name: "default" },
      spec: { type: "L3", provider: "GKE" },
    };
    await this.client.request("POST", PATHS.networks, { body }).catch((error: unknown) => {
      if (!isApiError(error, "AlreadyExists")) throw error;
    });
  }
}
