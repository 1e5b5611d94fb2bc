// SPDX-License-Identifier: Apache-2.0
// Plays the kubelet for Pods that shall really run: those of the controller's namespace on simulated nodes. Each container is a
// local process with the Pod's own service-account token, volumes, environment, ports and probes.
import { join } from "node:path";
import type { ApiClient } from "../../controller/kubernetes/transport";
import { watchResource, type Watched } from "../controlplane/watch";
import type { BackOff } from "./container-run";
import type { Housing } from "./pod-place";
import { PodRunner } from "./pod-runner";
import type { Pod } from "./pod-types";
import type { CrashKind, NodeListener } from "./types";

export const CONTROLLER_NAMESPACE = "persistent-ip-system";

export interface ProcessPodsOptions {
  controlPlane: { admin: ApiClient; server: string };
  /** Folder for the Pods' files. */
  dir: string;
  /** Folder for the containers' output, one file each. */
  logs: string;
  /** Default: the controller's namespace. */
  namespaces?: string[] | "all";
  /** Default: Pods are processes of this machine. */
  housing?: Housing;
  /** Added to every container's environment and stronger than it, e.g. the endpoints of the Compute emulator. */
  extraEnv?: Record<string, string>;
  backOff?: Partial<BackOff>;
}

export interface ProcessPod {
  name: string;
  namespace: string;
  uid: string;
  node: string;
  /** Process of the first container; undefined while it does not run. */
  pid?: number;
  restartCount: number;
  ready: boolean;
  /** Port really used, by the name (or number) of the declared one. */
  ports: Record<string, number>;
  logFile?: string;
}

/** A node listener: give it to the node runtime, Pods run only on nodes that it has announced. */
export interface ProcessPods extends NodeListener {
  pidOf(podName: string): number | undefined;
  /** @throws RangeError when no such Pod runs */
  kill(podName: string, signal?: NodeJS.Signals): void;
  list(): ProcessPod[];
  /** Ends all processes. */
  stop(): Promise<void>;
}

// A kubelet waits 10 s to 5 min; a test bed has less patience.
const BACK_OFF: BackOff = { baseMs: 1_000, maxMs: 30_000, resetAfterMs: 60_000 };

export function processPods(options: ProcessPodsOptions): ProcessPods {
  return new Runners(options);
}

interface NodeFacts {
  hostIP: string;
  /** First three octets of the node's Pod range. */
  prefix: string;
  used: Set<number>;
}

class Runners implements ProcessPods {
  private readonly runners = new Map<string, PodRunner>();
  private readonly starting = new Set<string>();
  private readonly upNodes = new Set<string>();
  private readonly nodeFacts = new Map<string, Promise<NodeFacts>>();
  private readonly watches: Watched<Pod>[];
  private stopped = false;

  constructor(private readonly options: ProcessPodsOptions) {
    const { namespaces = [CONTROLLER_NAMESPACE] } = options;
    const paths = namespaces === "all" ? ["/api/v1/pods"] : namespaces.map((name) => `/api/v1/namespaces/${name}/pods`);
    this.watches = paths.map((path) =>
      watchResource<Pod>(options.controlPlane.admin, path, {
        changed: (pod) => void this.changed(pod),
        gone: (pod) => void this.gone(pod),
      }),
    );
  }

  nodeUp(name: string): void {
    this.upNodes.add(name);
    for (const runner of this.runners.values()) if (runner.pod.spec.nodeName === name) void runner.nodeUp();
    for (const watch of this.watches) for (const pod of watch.items.values()) void this.changed(pod);
  }

  nodeDown(name: string, kind: CrashKind): void {
    this.upNodes.delete(name);
    for (const runner of this.runners.values()) if (runner.pod.spec.nodeName === name) runner.nodeDown(kind);
  }

  pidOf(podName: string): number | undefined {
    return this.byName(podName)?.pid;
  }

  kill(podName: string, signal: NodeJS.Signals = "SIGKILL"): void {
    const runner = this.byName(podName);
    if (!runner?.pid) throw new RangeError(`Pod ${podName}: no process of it runs`);
    runner.runs[0]?.signal(signal);
  }

  list(): ProcessPod[] {
    return [...this.runners.values()].map((runner) => {
      const { name, namespace, uid } = runner.pod.metadata;
      const declared = runner.pod.spec.containers.flatMap((container) => container.ports ?? []);
      const ports = declared.map((port) => [port.name ?? String(port.containerPort), runner.ports.get(port.containerPort) ?? 0]);
      const first = runner.runs[0];
      return {
        ...{ name, namespace, uid, node: runner.pod.spec.nodeName ?? "", pid: runner.pid },
        restartCount: first?.state.restartCount ?? 0,
        ready: runner.runs.length > 0 && runner.runs.every((run) => run.state.ready),
        ports: Object.fromEntries(ports) as Record<string, number>,
        logFile: first?.logFile,
      };
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.watches.forEach((watch) => watch.stop());
    await Promise.all([...this.runners.values()].map((runner) => runner.vanish()));
    this.runners.clear();
  }

  private byName(podName: string): PodRunner | undefined {
    return [...this.runners.values()].find((runner) => runner.pod.metadata.name === podName);
  }

  private async changed(pod: Pod): Promise<void> {
    const { uid } = pod.metadata;
    const running = this.runners.get(uid);
    if (running) return running.update(pod);
    if (this.stopped || this.starting.has(uid) || !this.mayRun(pod)) return;
    this.starting.add(uid);
    try {
      await this.begin(pod, pod.spec.nodeName ?? "");
    } catch (error) {
      process.stderr.write(`Pod ${pod.metadata.name}: ${String(error)}\n`); // the next event of the Pod tries again
    } finally {
      this.starting.delete(uid);
    }
  }

  private mayRun({ spec, status }: Pod): boolean {
    const finished = status?.phase === "Failed" || status?.phase === "Succeeded";
    return !finished && spec.nodeName !== undefined && this.upNodes.has(spec.nodeName);
  }

  private async begin(pod: Pod, nodeName: string): Promise<void> {
    const { controlPlane, housing } = this.options;
    const node = await this.factsOf(nodeName);
    const url = new URL(controlPlane.server);
    const facts = { hostIP: node.hostIP, podIP: takeAddress(node, pod) };
    const runner = new PodRunner(
      {
        client: controlPlane.admin,
        api: housing?.api ?? { host: url.hostname, port: url.port },
        root: join(this.options.dir, "pods", pod.metadata.uid),
        logs: this.options.logs,
        extraEnv: this.options.extraEnv ?? {},
        backOff: { ...BACK_OFF, ...this.options.backOff },
        facts,
        ...(housing
          ? { housing: { path: housing.path, entrypoints: housing.entrypoints, place: housing.place(pod, facts) } }
          : {}),
      },
      pod,
    );
    if (this.stopped) return;
    this.runners.set(pod.metadata.uid, runner);
    // The object may have changed while we asked for the node.
    const latest = this.watches.flatMap((watch) => [...watch.items.values()]).find((p) => p.metadata.uid === pod.metadata.uid);
    if (latest) runner.update(latest);
    if (!this.upNodes.has(nodeName)) runner.nodeDown("power");
    void runner.start();
  }

  private async gone(pod: Pod): Promise<void> {
    const runner = this.runners.get(pod.metadata.uid);
    if (!runner) return;
    this.runners.delete(pod.metadata.uid);
    await runner.vanish();
    const node = await this.nodeFacts.get(pod.spec.nodeName ?? "");
    if (!pod.spec.hostNetwork) node?.used.delete(lastOctet(runner.podIP));
  }

  private factsOf(name: string): Promise<NodeFacts> {
    const known = this.nodeFacts.get(name) ?? this.readNode(name);
    this.nodeFacts.set(name, known);
    known.catch(() => this.nodeFacts.delete(name));
    return known;
  }

  private async readNode(name: string): Promise<NodeFacts> {
    const node = await this.options.controlPlane.admin.request<NodeView>("GET", `/api/v1/nodes/${name}`);
    const hostIP = node.status?.addresses?.find((address) => address.type === "InternalIP")?.address ?? "127.0.0.1";
    return { hostIP, prefix: (node.spec?.podCIDR ?? "10.201.0.0/24").split(".").slice(0, 3).join("."), used: new Set() };
  }
}

interface NodeView {
  spec?: { podCIDR?: string };
  status?: { addresses?: { type: string; address: string }[] };
}

const lastOctet = (ip: string): number => Number(ip.split(".")[3]);

/** From the top of the node's range downwards: kwok hands out its addresses from the bottom. */
function takeAddress(node: NodeFacts, { spec }: Pod): string {
  if (spec.hostNetwork) return node.hostIP;
  let last = 254;
  while (node.used.has(last)) last--;
  node.used.add(last);
  return `${node.prefix}.${last}`;
}
