// SPDX-License-Identifier: Apache-2.0
// Nodes without root: each is a network namespace on the fabric whose kubelet's heartbeat is kwok's, and each of its Pods a namespace of its own
// in which the containers' commands run as plain processes. Needs a user namespace around it, no runtime and no cgroups.
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { SANDBOX_IMAGE } from "../../image";
import { KUBERNETES_SERVICE_IP, type ControlPlane } from "../../controlplane";
import type { Gke } from "../../gke";
import type { Tools } from "../../tools";
import { gatewayOf, Namespace, openDoorway, writeScript, type Fabric, type VmNic } from "../../vpc";
import { datapathOf, joinFabric, nicsOf } from "../node-network";
import type { Housing } from "../pod-place";
import { processPods, type ProcessPods } from "../process-pods";
import type { DatapathNode } from "../real/google-datapath";
import { simulatedNodes } from "../simulated";
import type { CrashKind, NodeListener, NodeRuntime, NodeSpec } from "../types";
import { PodNamespace, type NodeSide } from "./pod-namespace";

export { followOuter, isInside, runInside } from "./enter";
export { missingForNamespaces, NAMESPACE_PACKAGES } from "./requirements";

export interface NamespaceNodesOptions {
  controlPlane: Pick<ControlPlane, "admin" | "server" | "adminKubeconfigPath">;
  tools: Tools;
  fabric: Fabric;
  gke: Pick<Gke, "attachPod"> & NodeListener;
  /** Gateway of the subnetwork that an address of a VM is in. */
  gatewayOf(ip: string, subnetwork?: string): string;
  dir: string;
  /** Short folder for socket files. */
  sockets: string;
  logs: string;
  /** Absolute path of busybox. */
  busybox: string;
  listeners?: NodeListener[];
}

export interface NamespaceNodes extends NodeRuntime {
  readonly pods: ProcessPods;
  /** What a datapath of this node may use, while it has power. */
  datapathNode(node: string): DatapathNode | undefined;
}

/** Starts no node yet: they come with `add`. */
export function namespaceNodes(options: NamespaceNodesOptions): NamespaceNodes {
  return new Spaces(options);
}

interface Entry {
  spec: NodeSpec & { podCidr: string };
  nics: VmNic[];
  side?: NodeSide;
  frozen: boolean;
}

class Spaces implements NamespaceNodes {
  readonly pods: ProcessPods;
  private readonly kubelets: NodeRuntime;
  private readonly entries = new Map<string, Entry>();
  private next = 1;

  constructor(private readonly o: NamespaceNodesOptions) {
    const { controlPlane, tools, dir, logs, gke } = o;
    this.pods = processPods({ controlPlane, dir: join(dir, "pods"), logs, namespaces: "all", housing: this.housing() });
    const listeners = [...(o.listeners ?? []), gke, this.pods];
    this.kubelets = simulatedNodes({ controlPlane, tools, dir, logs, listeners, processNamespaces: "all" });
  }

  async add(spec: NodeSpec): Promise<void> {
    if (this.entries.has(spec.name)) throw new RangeError(`node ${spec.name}: is there already`);
    const podCidr = spec.podCidr ?? `10.200.${this.next++}.0/24`;
    const nics = nicsOf(spec, podCidr, (ip, subnetwork) => this.o.gatewayOf(ip, subnetwork));
    const entry: Entry = { spec: { ...spec, podCidr }, nics, frozen: false };
    this.entries.set(spec.name, entry);
    await this.powerOn(entry);
    await this.kubelets.add(entry.spec);
  }

  async remove(name: string): Promise<void> {
    const entry = this.entry(name);
    await this.kubelets.remove(name);
    await this.powerOff(entry);
    this.entries.delete(name);
  }

  /** `freeze` stops the processes and cuts the wires. */
  async crash(name: string, kind: CrashKind = "power"): Promise<void> {
    const entry = this.entry(name);
    if (!this.kubelets.isUp(name)) return;
    entry.frozen = kind === "freeze";
    // The wires first: what still runs for a moment must not answer.
    if (kind === "freeze") await this.o.fabric.setLinks(name, false);
    else await this.powerOff(entry);
    await this.kubelets.crash(name, kind);
  }

  async restore(name: string): Promise<void> {
    const entry = this.entry(name);
    if (this.kubelets.isUp(name)) return;
    if (entry.frozen) await this.o.fabric.setLinks(name, true);
    else await this.powerOn(entry);
    entry.frozen = false;
    await this.kubelets.restore(name);
  }

  isUp(name: string): boolean {
    return this.kubelets.isUp(name);
  }

  names(): string[] {
    return this.kubelets.names();
  }

  datapathNode(node: string): DatapathNode | undefined {
    const entry = this.entries.get(node);
    return entry?.side && datapathOf(entry.side.namespace, entry.nics);
  }

  async stop(): Promise<void> {
    await this.pods.stop();
    await this.kubelets.stop();
    await Promise.all([...this.entries.values()].map((entry) => this.powerOff(entry)));
    this.entries.clear();
  }

  private entry(name: string): Entry {
    const entry = this.entries.get(name);
    if (!entry) throw new RangeError(`node ${name}: no such node; there are ${this.names().join(", ") || "none"}`);
    return entry;
  }

  private async powerOn(entry: Entry): Promise<void> {
    const { spec, nics } = entry;
    mkdirSync(this.o.logs, { recursive: true });
    const namespace = await Namespace.start(`node-${spec.name}`, this.o.logs);
    await joinFabric(this.o.fabric, spec.name, namespace, nics);
    const doorway = await openDoorway(this.o.sockets, namespace);
    entry.side = { namespace, doorway, gateway: gatewayOf(spec.podCidr) };
  }

  private async powerOff(entry: Entry): Promise<void> {
    const { side } = entry;
    entry.side = undefined;
    if (!side) return;
    await this.o.fabric.detach(entry.spec.name);
    await Promise.all([side.doorway.stop(), side.namespace.stop()]);
  }

  private housing(): Housing {
    const { gke, logs } = this.o;
    return {
      api: { host: KUBERNETES_SERVICE_IP, port: "443" },
      path: this.programs(),
      entrypoints: new Map([[SANDBOX_IMAGE, ["node", this.workload()]]]),
      place: (pod, facts) => {
        const { namespace, name } = pod.metadata;
        const node = pod.spec.nodeName ?? "";
        return new PodNamespace({
          ...{ pod, facts, logs },
          node: () => this.entries.get(node)?.side,
          attach: () => gke.attachPod(node, namespace, name),
        });
      },
    };
  }

  /** What the image has: busybox's ping and hostname, node, and where administrators' programs are. */
  private programs(): string {
    const bin = join(this.o.dir, "bin");
    mkdirSync(bin, { recursive: true });
    for (const name of ["ping", "hostname"]) {
      rmSync(join(bin, name), { force: true });
      symlinkSync(this.o.busybox, join(bin, name));
    }
    const system = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    return [bin, dirname(process.execPath), ...system].join(delimiter);
  }

  private workload(): string {
    return writeScript(join(__dirname, "../../image/hello.ts"), join(this.o.dir, "bin"));
  }
}
