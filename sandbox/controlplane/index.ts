// SPDX-License-Identifier: Apache-2.0
// The door of this room: a real Kubernetes control plane on 127.0.0.1, up in seconds and gone without a trace.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { kubeconfigClient } from "../../controller/kubernetes/config";
import { createApiClient, isApiError, type ApiClient } from "../../controller/kubernetes/transport";
import type { Tools } from "../tools";
import { commandLine, type ComponentName, type Layout } from "./flags";
import { freePorts } from "./ports";
import { kubeconfigYaml, writePki, type Pki } from "./pki";
import { logTail, ProcessError, startProcess, type Child } from "./processes";

export { watchResource, type Watched, type WatchHandlers } from "./watch";
export { installCrds, CrdError } from "./crds";
export { freePorts } from "./ports";
export { kubeconfigYaml } from "./pki";
export { logTail, ProcessError, startProcess, type Child, type Exit, type ProcessSpec } from "./processes";
export { KUBERNETES_SERVICE_IP, SERVICE_CIDR, type ComponentName } from "./flags";

export interface ControlPlaneOptions {
  /** State folder of this cluster; made if missing, an old cluster in it is thrown away. */
  dir: string;
  tools: Tools;
  /** Node failures are acted on in seconds instead of minutes (default true). */
  fast?: boolean;
  extraApiServerFlags?: string[];
}

/** Milliseconds since the start began. */
export interface Timings {
  apiReady: number;
  controllersReady: number;
}

export interface ControlPlane {
  /** `https://127.0.0.1:PORT` */
  readonly server: string;
  readonly caPem: string;
  readonly adminToken: string;
  readonly adminKubeconfigPath: string;
  readonly adminKubeconfig: string;
  readonly admin: ApiClient;
  readonly dir: string;
  readonly timings: Timings;
  /** A kubeconfig for any user and groups, with a client certificate. */
  kubeconfigFor(user: string, groups?: string[]): string;
  /** Process ids, for tests that look for leftovers. */
  pids(): Record<ComponentName, number>;
  /** Freezes a component (SIGSTOP): connections stay open, nothing is answered. */
  pause(name: ComponentName): void;
  resume(name: ComponentName): void;
  /** SIGKILL. */
  kill(name: ComponentName): Promise<void>;
  /** Kills it if it runs, starts it again on the same port, and waits until the API answers. */
  restart(name: ComponentName): Promise<void>;
  stop(): Promise<void>;
}

const COMPONENTS: ComponentName[] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
const ATTEMPTS = 3;
const READY_TIMEOUT_MS = 60_000;

/**
 * Starts etcd, kube-apiserver, kube-controller-manager and kube-scheduler, and waits until they work.
 * @throws ProcessError with the tail of the log of the component that failed
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  for (let attempt = 1; ; attempt++) {
    const started = await LocalControlPlane.prepare(options);
    try {
      await started.start();
      return started;
    } catch (error) {
      await started.stop();
      const portTaken = error instanceof ProcessError && /address already in use/.test(error.message);
      if (!portTaken || attempt === ATTEMPTS) throw error;
    }
  }
}

class LocalControlPlane implements ControlPlane {
  readonly server: string;
  readonly caPem: string;
  readonly adminToken: string;
  readonly adminKubeconfigPath: string;
  readonly adminKubeconfig: string;
  readonly admin: ApiClient;
  readonly dir: string;
  readonly timings: Timings = { apiReady: 0, controllersReady: 0 };
  private readonly children = new Map<ComponentName, Child>();
  private readonly clients: ApiClient[] = [];

  private constructor(
    private readonly layout: Layout,
    private readonly pki: Pki,
    private readonly tools: Tools,
  ) {
    this.dir = layout.dir;
    this.server = `https://127.0.0.1:${layout.ports.api}`;
    this.caPem = pki.caPem;
    this.adminToken = pki.adminToken;
    this.adminKubeconfig = kubeconfigYaml(this.server, pki.caPem, { token: pki.adminToken });
    this.adminKubeconfigPath = join(this.dir, "admin.kubeconfig");
    this.admin = createApiClient({ ...kubeconfigClient(this.adminKubeconfig), userAgent: "sandbox" });
    this.clients.push(this.admin);
  }

  static async prepare(options: ControlPlaneOptions): Promise<LocalControlPlane> {
    const { dir, tools, fast = true, extraApiServerFlags = [] } = options;
    await rm(join(dir, "etcd"), { recursive: true, force: true });
    await mkdir(join(dir, "log"), { recursive: true });
    const [etcd = 0, peer = 0, api = 0] = await freePorts(3);
    const pki = await writePki(dir);
    const plane = new LocalControlPlane({ dir, ports: { etcd, peer, api }, fast, extraApiServerFlags }, pki, tools);
    const write = (file: string, text: string): Promise<void> => writeFile(join(dir, file), text, { mode: 0o600 });
    await Promise.all([
      write("admin.kubeconfig", plane.adminKubeconfig),
      write("controller-manager.kubeconfig", plane.kubeconfigFor("system:kube-controller-manager")),
      write("scheduler.kubeconfig", plane.kubeconfigFor("system:kube-scheduler")),
    ]);
    return plane;
  }

  async start(): Promise<void> {
    const began = performance.now();
    // The API server waits for etcd by itself, so both may start together.
    await Promise.all([this.run("etcd"), this.run("kube-apiserver")]);
    await this.until("kube-apiserver", () => this.admin.request("GET", "/readyz"));
    this.timings.apiReady = Math.round(performance.now() - began);
    await Promise.all([this.run("kube-controller-manager"), this.run("kube-scheduler")]);
    await this.until("kube-controller-manager", () =>
      Promise.all([
        this.admin.request("GET", "/api/v1/namespaces/default/serviceaccounts/default"),
        this.admin.request("GET", "/api/v1/namespaces/default/configmaps/kube-root-ca.crt"),
      ]),
    );
    this.timings.controllersReady = Math.round(performance.now() - began);
  }

  kubeconfigFor(user: string, groups: string[] = []): string {
    return kubeconfigYaml(this.server, this.caPem, this.pki.issueClient(user, groups));
  }

  pids(): Record<ComponentName, number> {
    const pid = (name: ComponentName): number => this.children.get(name)?.pid ?? 0;
    return Object.fromEntries(COMPONENTS.map((name) => [name, pid(name)])) as Record<ComponentName, number>;
  }

  pause(name: ComponentName): void {
    this.children.get(name)?.signal("SIGSTOP");
  }

  resume(name: ComponentName): void {
    this.children.get(name)?.signal("SIGCONT");
  }

  async kill(name: ComponentName): Promise<void> {
    const child = this.children.get(name);
    this.children.delete(name); // an end that was asked for must not look like a failure to the next wait
    child?.signal("SIGKILL");
    await child?.exited;
  }

  async restart(name: ComponentName): Promise<void> {
    await this.kill(name);
    await this.run(name);
    await this.until(name, () => this.admin.request("GET", "/readyz"));
  }

  async stop(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
    const stop = (name: ComponentName, againMs?: number): Promise<unknown> | undefined =>
      this.children.get(name)?.stop({ graceMs: 2000, againMs });
    // After one SIGTERM the API server would drain open watches for up to a minute; a second one ends that.
    await Promise.all([stop("kube-scheduler", 100), stop("kube-controller-manager", 100), stop("kube-apiserver", 100)]);
    await stop("etcd");
    this.children.clear();
  }

  private async run(name: ComponentName): Promise<void> {
    const logFile = join(this.dir, "log", `${name}.log`);
    const child = await startProcess({ name, logFile, cwd: this.dir, ...commandLine(name, this.layout, this.tools) });
    this.children.set(name, child);
  }

  /** Polls until `probe` succeeds. @throws ProcessError when a component ends or time is up */
  private async until(name: ComponentName, probe: () => Promise<unknown>): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    let last: unknown;
    while (performance.now() < deadline) {
      this.assertAlive();
      try {
        await probe();
        return;
      } catch (error) {
        if (!isApiError(error)) throw error;
        last = error;
      }
      await sleep(25);
    }
    throw this.failure(name, `not ready after ${READY_TIMEOUT_MS / 1000} s (${String(last)})`);
  }

  private assertAlive(): void {
    for (const [name, child] of this.children) {
      const exit = child.exit();
      if (exit) throw this.failure(name, `ended with ${exit.signal ?? exit.code}`);
    }
  }

  private failure(name: ComponentName, what: string): ProcessError {
    const file = join(this.dir, "log", `${name}.log`);
    return new ProcessError(`${name} ${what}; the end of its log (${file}):\n${logTail(file)}`);
  }
}
