// SPDX-License-Identifier: Apache-2.0
// One Pod's life on a simulated node, as its kubelet would lead it: volumes and environment, containers, honest status, token
// renewal, and the final deletion of the object once everything has ended.
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isApiError, type ApiClient } from "../../controller/kubernetes/transport";
import { freePorts } from "../controlplane/ports";
import { ContainerRun, type BackOff } from "./container-run";
import type { CommandContext } from "./pod-command";
import { commonEnvironment, containerEnvironment } from "./pod-environment";
import { runInitContainer } from "./pod-init";
import type { Housing, PodPlace } from "./pod-place";
import type { PodFacts } from "./pod-sources";
import { podStatus } from "./pod-status";
import { PodError, type Container, type Pod, type PodCondition } from "./pod-types";
import { mountsOf, renewToken, writeVolumes, type TokenFile, type VolumeContext } from "./pod-volumes";
import type { CrashKind } from "./types";

export interface RunnerContext {
  client: ApiClient;
  /** Where the API server listens, for KUBERNETES_SERVICE_HOST and _PORT. */
  api: { host: string; port: string };
  /** Folder for this Pod's files. */
  root: string;
  logs: string;
  extraEnv: Record<string, string>;
  backOff: BackOff;
  facts: PodFacts;
  /** Where its processes run, and what they find there. Default: this machine itself, where each port becomes a free one. */
  housing?: Pick<Housing, "path" | "entrypoints"> & { place: PodPlace };
}

const RETRY_MS = 300;
const TOKEN_CHECK_MS = 5_000;

export class PodRunner {
  readonly ports = new Map<number, number>();
  private containers: ContainerRun[] = [];
  private conditions: PodCondition[] = [];
  private tokens: TokenFile[] = [];
  private readonly startTime: string;
  private down = false;
  private over = false;
  private terminating = false;
  private writing = false;
  private dirty = false;
  private tokenTimer: NodeJS.Timeout | undefined;
  /** Set while everything of the Pod is being taken away by a power cut. */
  private cutting: Promise<unknown> | undefined;
  private reboots = 0;
  private starting: Promise<void> | undefined;

  constructor(
    private readonly context: RunnerContext,
    public pod: Pod,
  ) {
    this.startTime = pod.status?.startTime ?? new Date().toISOString();
    this.conditions = pod.status?.conditions ?? [];
  }

  get pid(): number | undefined {
    return this.containers[0]?.pid;
  }

  get podIP(): string {
    return this.context.facts.podIP;
  }

  get runs(): readonly ContainerRun[] {
    return this.containers;
  }

  /** Brings the Pod up; tries again while something it mounts or refers to is missing. One attempt at a time, whoever asks. */
  start(): Promise<void> {
    this.starting ??= this.bringUp().finally(() => (this.starting = undefined));
    return this.starting;
  }

  private async bringUp(): Promise<void> {
    while (!this.over && !this.terminating) {
      try {
        await this.prepare();
        if (this.over || this.terminating) return await this.place?.close();
        await Promise.all(this.containers.map((run) => run.start()));
        return;
      } catch (error) {
        await this.reportWaiting(error);
        await sleep(RETRY_MS);
      }
    }
  }

  /** The object changed: it may be on its way out, or a readiness gate was set. */
  update(pod: Pod): void {
    this.pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) void this.terminate();
    else if (pod.spec.readinessGates?.length) this.report();
  }

  nodeDown(kind: CrashKind): void {
    this.down = true;
    if (kind === "freeze") this.containers.forEach((run) => run.signal("SIGSTOP"));
    else this.cutting = this.cut();
  }

  async nodeUp(): Promise<void> {
    if (!this.down) return;
    const rebooted = this.cutting !== undefined;
    await this.cutting;
    this.cutting = undefined;
    this.down = false;
    this.containers.forEach((run) => run.signal("SIGCONT"));
    if (this.pod.metadata.deletionTimestamp !== undefined) return this.terminate();
    if (rebooted && this.place) {
      if (!this.starting) this.reboots++;
      return this.start(); // its namespaces went with the node
    }
    await Promise.all(this.containers.filter((run) => run.pid === undefined).map((run) => run.restart()));
    this.report(); // the control plane wrote "not ready" over it meanwhile
  }

  /** Ends the processes at once and forgets the Pod; the object is gone or does not matter any more. */
  async vanish(): Promise<void> {
    this.over = true;
    clearInterval(this.tokenTimer);
    await Promise.all(this.containers.map((run) => run.stop(0)));
    await this.place?.close();
    await rm(this.context.root, { recursive: true, force: true });
  }

  private async prepare(): Promise<void> {
    const { root, logs } = this.context;
    await Promise.all([mkdir(join(root, "home"), { recursive: true }), mkdir(logs, { recursive: true })]);
    const { folders, tokens } = await writeVolumes(this.volumeContext());
    this.tokens = tokens;
    this.tokenTimer ??= setInterval(() => void this.renewTokens(), TOKEN_CHECK_MS).unref();
    await this.choosePorts();
    await this.place?.open();
    const place = this.place && { place: this.place };
    const common = (spec: Container) => ({ spec, cwd: join(root, "home"), logFile: this.logFile(spec), ...place });
    for (const spec of this.pod.spec.initContainers ?? [])
      await runInitContainer({ ...common(spec), command: await this.command(spec, folders) });
    this.containers = await Promise.all(
      this.pod.spec.containers.map(
        async (spec) =>
          new ContainerRun({
            ...common(spec),
            restartPolicy: this.pod.spec.restartPolicy ?? "Always",
            restartCount: this.restartCount(spec),
            command: await this.command(spec, folders),
            backOff: this.context.backOff,
            active: () => !this.down && !this.over,
            changed: () => this.report(),
          }),
      ),
    );
  }

  private get place(): PodPlace | undefined {
    return this.context.housing?.place;
  }

  private async cut(): Promise<void> {
    await Promise.all(this.containers.map((run) => run.cut()));
    await this.place?.close();
  }

  private logFile({ name: container }: Container): string {
    const { namespace, name, uid } = this.pod.metadata;
    return join(this.context.logs, `${namespace}_${name}_${uid.slice(0, 8)}_${container}.log`);
  }

  private restartCount({ name }: Container): number {
    const known = this.pod.status?.containerStatuses?.find((status) => status.name === name)?.restartCount ?? 0;
    return known + this.reboots;
  }

  private async command(spec: Container, folders: ReadonlyMap<string, string>): Promise<CommandContext> {
    const { client, facts, extraEnv, housing, api, root } = this.context;
    const mounts = mountsOf(spec, folders);
    const common = commonEnvironment({ api, root, path: housing?.path, hostname: this.pod.metadata.name, mounts });
    const own = await containerEnvironment(client, this.pod, spec, facts);
    const env = { ...common, ...own, ...extraEnv };
    const entrypoints = housing ? { entrypoints: housing.entrypoints } : {};
    return { mounts, ports: this.ports, env, nodePath: process.execPath, ...entrypoints };
  }

  private async choosePorts(): Promise<void> {
    if (this.ports.size > 0 || this.place) return;
    const declared = this.pod.spec.containers.flatMap((spec) => (spec.ports ?? []).map((port) => port.containerPort));
    const free = await freePorts(declared.length);
    declared.forEach((port, i) => this.ports.set(port, free[i] ?? port));
  }

  private async terminate(): Promise<void> {
    if (this.terminating || this.down || this.over) return;
    this.terminating = true;
    const { deletionGracePeriodSeconds } = this.pod.metadata;
    const seconds = deletionGracePeriodSeconds ?? this.pod.spec.terminationGracePeriodSeconds ?? 30;
    await Promise.all(this.containers.map((run) => run.stop(seconds * 1000)));
    if (this.down || this.over) {
      this.terminating = false;
      return;
    }
    await this.place?.close();
    await this.deleteObject();
  }

  private async deleteObject(): Promise<void> {
    while (!this.over) {
      try {
        const body = { gracePeriodSeconds: 0, preconditions: { uid: this.pod.metadata.uid } };
        await this.context.client.request("DELETE", this.path(), { body });
        return;
      } catch (error) {
        if (isApiError(error, "NotFound", "Conflict")) return;
        await sleep(RETRY_MS);
      }
    }
  }

  private report(): void {
    this.dirty = true;
    if (!this.writing) void this.writeWhileDirty();
  }

  private async writeWhileDirty(): Promise<void> {
    this.writing = true;
    while (this.dirty && !this.down && !this.over && this.containers.length > 0) {
      this.dirty = false;
      const status = podStatus({
        pod: this.pod,
        containers: this.containers.map((run) => run.state),
        ...this.context.facts,
        startTime: this.startTime,
        before: this.conditions,
        now: new Date().toISOString(),
      });
      try {
        await this.patchStatus(status);
        this.conditions = status.conditions;
      } catch (error) {
        if (isApiError(error, "NotFound", "Conflict")) break;
        this.dirty = true;
        await sleep(RETRY_MS);
      }
    }
    this.writing = false;
  }

  /** Shows why the Pod cannot start. */
  private async reportWaiting(error: unknown): Promise<void> {
    if (this.down) return;
    const reason = error instanceof PodError ? error.reason : "ContainerCreating";
    const message = error instanceof Error ? error.message : String(error);
    const waiting = { waiting: { reason, message }, running: null, terminated: null };
    const containerStatuses = this.pod.spec.containers.map(({ name, image }) => ({
      ...{ name, image, imageID: "", ready: false, started: false, restartCount: 0 },
      state: waiting,
    }));
    await this.patchStatus({ phase: "Pending", hostIP: this.context.facts.hostIP, containerStatuses }).catch(() => undefined);
  }

  private patchStatus(status: object): Promise<unknown> {
    return this.context.client.request("PATCH", `${this.path()}/status`, {
      // With its uid in it the patch cannot land on a namesake that came later.
      body: { metadata: { uid: this.pod.metadata.uid }, status },
      contentType: "application/strategic-merge-patch+json",
    });
  }

  private async renewTokens(): Promise<void> {
    const renewed = this.tokens.map(async (token) => {
      if (Date.now() < token.renewAt || this.down) return token;
      return renewToken(this.volumeContext(), token).catch(() => token); // tried again at the next look
    });
    this.tokens = await Promise.all(renewed);
  }

  private volumeContext(): VolumeContext {
    const { client, facts, root } = this.context;
    return { client, facts, root, pod: this.pod, now: Date.now, hostPaths: this.place !== undefined };
  }

  private path(): string {
    return `/api/v1/namespaces/${this.pod.metadata.namespace}/pods/${this.pod.metadata.name}`;
  }
}
