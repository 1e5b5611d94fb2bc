// SPDX-License-Identifier: Apache-2.0
// Nodes with a real kubelet, a real containerd and real Pods, each in a jail of namespaces that hangs on the fabric by the interfaces of its
// VM. Needs root.
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../../../controller/kubernetes/transport";
import { KUBERNETES_SERVICE_IP, logTail, ProcessError, type ControlPlane } from "../../controlplane";
import type { Gke } from "../../gke";
import type { Tools } from "../../tools";
import type { Fabric, VmNic } from "../../vpc";
import { drainNode, ignoreNotFound, isReady, type NodeView } from "../node-look";
import { datapathOf, joinFabric, nicsOf } from "../node-network";
import { nodeObject } from "../node-object";
import type { CrashKind, NodeListener, NodeRuntime, NodeSpec } from "../types";
import { cgroupsLike, removeCgroup } from "./cgroups";
import { containerdSocket } from "./config";
import { startCniServer, type CniServer } from "./cni-server";
import type { DatapathNode } from "./google-datapath";
import { Jail } from "./jail";
import { cniFolder } from "./requirements";

export { GoogleDatapath, type DatapathNode } from "./google-datapath";
export { missingForRealNodes, PACKAGES } from "./requirements";

export interface RealNodesOptions {
  controlPlane: Pick<ControlPlane, "admin" | "server" | "dir" | "kubeconfigFor">;
  tools: Pick<Tools, "kubelet">;
  fabric: Fabric;
  gke: Pick<Gke, "attachPod">;
  /** Tar files to import. */
  images: string[];
  /** Gateway of the subnetwork that an address of a VM is in. */
  gatewayOf(ip: string, subnetwork?: string): string;
  logs: string;
  listeners?: NodeListener[];
  /** Lease duration in seconds; a quarter of it is the heartbeat (default 4, a kubelet's is 40). */
  leaseSeconds?: number;
}

/** What only real nodes can do. */
export interface RealNodes extends NodeRuntime {
  /** Runs a program in a node's mounts, processes and network. @throws NetworkError unless it ends with 0 */
  run(node: string, command: string, args: readonly string[]): Promise<string>;
  /** Stops the kubelet alone: Pods live on, heartbeats do not. */
  stopKubelet(node: string): Promise<void>;
  startKubelet(node: string): void;
  /** Gives every node one more image, from a tar file. */
  importImage(tar: string): Promise<void>;
  /** What a datapath of this node may use, while it has power. */
  datapathNode(node: string): DatapathNode | undefined;
  /** Folder with the node's logs. */
  folder(node: string): string;
}

interface Entry {
  spec: NodeSpec;
  jail: Jail;
  dir: string;
  podCidr: string;
  nics: VmNic[];
  up: boolean;
  frozen: boolean;
}

const READY_TIMEOUT_MS = 60_000;
const CGROUP_PREFIX = "persistent-ip-";

/** Starts no node yet: they come with `add`. @throws ProcessError where the CNI plug-ins are missing */
export async function realNodes(options: RealNodesOptions): Promise<RealNodes> {
  const cni = cniFolder();
  if (cni === undefined) throw new ProcessError("the CNI plug-ins are not on this machine");
  await sweep();
  const nodes = new JailedNodes(options, cni);
  await nodes.start();
  return nodes;
}

/** Cgroups of sandboxes that were killed. Their name holds the process that made them. */
async function sweep(): Promise<void> {
  for (const name of cgroupsLike(CGROUP_PREFIX)) {
    const pid = Number(name.slice(CGROUP_PREFIX.length).split("-")[0]);
    if (pid > 0 && !alive(pid)) await removeCgroup(name);
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

class JailedNodes implements RealNodes {
  private readonly nodes = new Map<string, Entry>();
  private readonly client: ApiClient;
  private readonly listeners: NodeListener[];
  private readonly root = mkdtempSync(join(tmpdir(), "pip-"));
  private readonly tag = `${CGROUP_PREFIX}${process.pid}-${randomBytes(2).toString("hex")}`;
  private cni: CniServer | undefined;
  private next = 1;

  constructor(
    private readonly options: RealNodesOptions,
    private readonly cniPlugins: string,
  ) {
    this.client = options.controlPlane.admin;
    this.listeners = options.listeners ?? [];
    mkdirSync(options.logs, { recursive: true });
  }

  async start(): Promise<void> {
    this.cni = await startCniServer({
      path: join(this.root, "cni.sock"),
      attach: (node, namespace, pod) => this.options.gke.attachPod(node, namespace, pod),
      hostNic: (node, nic) => this.nodes.get(node)?.nics.find((one) => one.nic === nic),
    });
  }

  async add(spec: NodeSpec): Promise<void> {
    if (this.nodes.has(spec.name)) throw new RangeError(`node ${spec.name}: is there already`);
    const number = this.next++;
    const podCidr = spec.podCidr ?? `10.200.${number}.0/24`;
    const dir = join(this.root, String(number));
    const nics = nicsOf(spec, podCidr, (ip, subnetwork) => this.options.gatewayOf(ip, subnetwork));
    const entry: Entry = { spec, dir, podCidr, nics, up: false, frozen: false, jail: this.jail(spec, dir, podCidr, number) };
    this.nodes.set(spec.name, entry);
    await this.client.request("POST", "/api/v1/nodes", { body: nodeObject(spec, podCidr) });
    this.listeners.forEach((listener) => listener.nodeAdded?.(spec));
    await this.boot(entry);
  }

  async remove(name: string): Promise<void> {
    const entry = this.entry(name);
    if (entry.up) await drainNode(this.client, name);
    await this.crash(name);
    this.nodes.delete(name);
    await this.client.request("DELETE", `/api/v1/nodes/${name}`).catch(ignoreNotFound);
    this.listeners.forEach((listener) => listener.nodeRemoved?.(name));
    rmSync(entry.dir, { recursive: true, force: true });
  }

  /** `freeze` cuts the wires: from outside, a VM that hangs looks no different. */
  async crash(name: string, kind: CrashKind = "power"): Promise<void> {
    const entry = this.entry(name);
    if (!entry.up) return;
    entry.up = false;
    this.listeners.forEach((listener) => listener.nodeDown(name, kind));
    if (kind === "freeze") {
      entry.frozen = true;
      return this.options.fabric.setLinks(name, false);
    }
    await entry.jail.powerOff();
    await this.options.fabric.detach(name);
  }

  async restore(name: string): Promise<void> {
    const entry = this.entry(name);
    if (entry.up) return;
    if (!entry.frozen) return this.boot(entry);
    entry.frozen = false;
    entry.up = true;
    await this.options.fabric.setLinks(name, true);
    this.listeners.forEach((listener) => listener.nodeUp(name));
    await this.untilReady(entry);
  }

  isUp(name: string): boolean {
    return this.nodes.get(name)?.up ?? false;
  }

  names(): string[] {
    return [...this.nodes.keys()];
  }

  run(node: string, command: string, args: readonly string[]): Promise<string> {
    return this.entry(node).jail.run(command, args);
  }

  stopKubelet(node: string): Promise<void> {
    return this.entry(node).jail.kubeletOff();
  }

  startKubelet(node: string): void {
    this.entry(node).jail.kubeletOn();
  }

  async importImage(tar: string): Promise<void> {
    const up = [...this.nodes.values()].filter((entry) => entry.up);
    await Promise.all(
      up.map(({ jail, dir }) => jail.run("ctr", ["-a", containerdSocket(dir), "-n", "k8s.io", "images", "import", tar])),
    );
  }

  datapathNode(node: string): DatapathNode | undefined {
    const entry = this.nodes.get(node);
    if (!entry?.up) return undefined;
    return datapathOf(entry.jail.namespace, entry.nics);
  }

  folder(node: string): string {
    return this.entry(node).dir;
  }

  async stop(): Promise<void> {
    const entries = [...this.nodes.values()];
    this.nodes.clear();
    await Promise.all(entries.map((entry) => entry.jail.powerOff()));
    this.cni?.close();
    rmSync(this.root, { recursive: true, force: true });
  }

  private entry(name: string): Entry {
    const entry = this.nodes.get(name);
    if (!entry) throw new RangeError(`node ${name}: no such node; there are ${this.names().join(", ") || "none"}`);
    return entry;
  }

  private jail(spec: NodeSpec, dir: string, podCidr: string, number: number): Jail {
    const { controlPlane, tools, images, logs, leaseSeconds = 4 } = this.options;
    const kubeconfig = controlPlane.kubeconfigFor(`system:node:${spec.name}`, ["system:nodes"]);
    return new Jail({
      ...{ dir, podCidr, images, logs, leaseSeconds, cniPlugins: this.cniPlugins, kubelet: tools.kubelet },
      name: spec.name,
      cgroup: `${this.tag}-${number}`,
      ip: spec.internalIP,
      caFile: join(controlPlane.dir, "pki", "ca.crt"),
      cniSocket: join(this.root, "cni.sock"),
      kubeconfig: kubeconfig.replace(controlPlane.server, `https://${KUBERNETES_SERVICE_IP}:443`),
    });
  }

  private async boot(entry: Entry): Promise<void> {
    const { spec, jail, nics } = entry;
    const namespace = await jail.powerOn();
    await joinFabric(this.options.fabric, spec.name, namespace, nics);
    entry.up = true;
    await jail.boot();
    this.listeners.forEach((listener) => listener.nodeUp(spec.name));
    await this.untilReady(entry);
  }

  private async untilReady(entry: Entry): Promise<void> {
    const { spec, dir } = entry;
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (performance.now() < deadline) {
      if (!entry.up) return; // crashed or removed meanwhile, on purpose
      const { child } = entry.jail;
      if (child?.exit()) throw new ProcessError(`node ${spec.name} ended:\n${logTail(child.logFile)}`);
      const node = await this.client.request<NodeView>("GET", `/api/v1/nodes/${spec.name}`);
      if (isReady(node)) return;
      await sleep(50);
    }
    const logs = ["init.log", "containerd.log", "kubelet.log"].map((file) => `${file}:\n${logTail(join(dir, file), 8)}`);
    throw new ProcessError(`node ${spec.name}: not Ready after ${READY_TIMEOUT_MS / 1000} s\n${logs.join("\n")}`);
  }
}
