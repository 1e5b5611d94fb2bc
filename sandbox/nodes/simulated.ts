// SPDX-License-Identifier: Apache-2.0
// Nodes whose kubelets are played by kwok: one kwok process per node, so that each node can be lost by itself. The control plane
// around them is real: it notices missing heartbeats, taints, evicts and reschedules by its own rules.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../../controller/kubernetes/transport";
import { logTail, ProcessError, startProcess, type Child, type ControlPlane } from "../controlplane";
import type { Tools } from "../tools";
import { drainNode, ignoreNotFound, isReady, type NodeView } from "./node-look";
import { nodeObject, nodeStatus } from "./node-object";
import { CONTROLLER_NAMESPACE } from "./process-pods";
import { stagesYaml } from "./stages";
import type { CrashKind, NodeListener, NodeRuntime, NodeSpec } from "./types";

export interface SimulatedNodesOptions {
  controlPlane: Pick<ControlPlane, "admin" | "adminKubeconfigPath">;
  tools: Tools;
  /** For generated configuration. */
  dir: string;
  /** Folder for log files. */
  logs: string;
  /** Namespaces whose Pods something else runs (see process-pods.ts), or all of them; default: the controller's. */
  processNamespaces?: string[] | "all";
  /** Lease duration in seconds; a quarter of it is the heartbeat (default 4, a kubelet's is 40). */
  leaseSeconds?: number;
  listeners?: NodeListener[];
}

interface Entry {
  spec: NodeSpec;
  podCidr: string;
  kwok?: Child;
}

const READY_TIMEOUT_MS = 30_000;

/** Starts nothing yet: nodes come with `add`. */
export function simulatedNodes(options: SimulatedNodesOptions): NodeRuntime {
  return new KwokNodes(options);
}

class KwokNodes implements NodeRuntime {
  private readonly nodes = new Map<string, Entry>();
  private readonly client: ApiClient;
  private readonly listeners: NodeListener[];
  private configured: Promise<string> | undefined;
  private nextRange = 0;

  constructor(private readonly options: SimulatedNodesOptions) {
    this.client = options.controlPlane.admin;
    this.listeners = options.listeners ?? [];
  }

  async add(spec: NodeSpec): Promise<void> {
    if (this.nodes.has(spec.name)) throw new RangeError(`node ${spec.name}: is there already`);
    const entry: Entry = { spec, podCidr: spec.podCidr ?? `10.200.${this.nextRange++}.0/24` };
    this.nodes.set(spec.name, entry);
    await this.client.request("POST", "/api/v1/nodes", { body: nodeObject(spec, entry.podCidr) });
    await this.client.request("PATCH", `/api/v1/nodes/${spec.name}/status`, { body: { status: nodeStatus(spec) } });
    this.listeners.forEach((listener) => listener.nodeAdded?.(spec));
    await this.startKubelet(entry);
  }

  async remove(name: string): Promise<void> {
    const entry = this.entry(name);
    if (entry.kwok) await drainNode(this.client, name);
    this.tellDown(name, "power");
    await entry.kwok?.stop();
    this.nodes.delete(name);
    await this.client.request("DELETE", `/api/v1/nodes/${name}`).catch(ignoreNotFound);
    this.listeners.forEach((listener) => listener.nodeRemoved?.(name));
  }

  async crash(name: string, kind: CrashKind = "power"): Promise<void> {
    const entry = this.entry(name);
    const kwok = entry.kwok;
    if (!kwok) return;
    entry.kwok = undefined;
    this.tellDown(name, kind);
    kwok.signal("SIGKILL");
    await kwok.exited;
  }

  async restore(name: string): Promise<void> {
    const entry = this.entry(name);
    if (entry.kwok) return;
    await this.startKubelet(entry);
  }

  isUp(name: string): boolean {
    return this.nodes.get(name)?.kwok !== undefined;
  }

  names(): string[] {
    return [...this.nodes.keys()];
  }

  async stop(): Promise<void> {
    const children = [...this.nodes.values()].flatMap((entry) => entry.kwok ?? []);
    this.nodes.clear();
    children.forEach((kwok) => kwok.signal("SIGKILL")); // it has nothing to put in order
    await Promise.all(children.map((kwok) => kwok.exited));
  }

  private entry(name: string): Entry {
    const entry = this.nodes.get(name);
    if (!entry) throw new RangeError(`node ${name}: no such node; there are ${this.names().join(", ") || "none"}`);
    return entry;
  }

  private async startKubelet(entry: Entry): Promise<void> {
    const { name, internalIP } = entry.spec;
    entry.kwok = await startProcess({
      name: `kwok ${name}`,
      command: this.options.tools.kwok,
      args: [
        `--kubeconfig=${this.options.controlPlane.adminKubeconfigPath}`,
        `--config=${await this.config()}`,
        `--manage-single-node=${name}`,
        `--node-name=${name}`,
        `--node-ip=${internalIP}`,
        `--cidr=${entry.podCidr}`,
        `--node-lease-duration-seconds=${this.options.leaseSeconds ?? 4}`,
      ],
      env: { PATH: process.env["PATH"], HOME: this.options.dir }, // kwok would read a configuration of the user's from there
      logFile: join(this.options.logs, `kwok-${name}.log`),
    });
    this.listeners.forEach((listener) => listener.nodeUp(name));
    await this.untilReady(entry, entry.kwok);
  }

  private async untilReady(entry: Entry, kwok: Child): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (performance.now() < deadline) {
      if (kwok.exit() && entry.kwok === kwok) throw new ProcessError(`${kwok.name} ended:\n${logTail(kwok.logFile)}`);
      if (entry.kwok !== kwok) return; // crashed or removed meanwhile, on purpose
      const node = await this.client.request<NodeView>("GET", `/api/v1/nodes/${entry.spec.name}`);
      if (isReady(node)) return;
      await sleep(50);
    }
    throw new ProcessError(`node ${entry.spec.name}: not Ready after ${READY_TIMEOUT_MS / 1000} s:\n${logTail(kwok.logFile)}`);
  }

  private config(): Promise<string> {
    this.configured ??= this.writeConfig();
    return this.configured;
  }

  private async writeConfig(): Promise<string> {
    const file = join(this.options.dir, "kwok-stages.yaml");
    await mkdir(this.options.dir, { recursive: true });
    await mkdir(this.options.logs, { recursive: true });
    await writeFile(file, stagesYaml(this.options.processNamespaces ?? [CONTROLLER_NAMESPACE]));
    return file;
  }

  private tellDown(name: string, kind: CrashKind): void {
    this.listeners.forEach((listener) => listener.nodeDown(name, kind));
  }
}
