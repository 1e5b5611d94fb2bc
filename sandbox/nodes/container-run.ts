// SPDX-License-Identifier: Apache-2.0
// One container as a process: start, probes, restart with back-off, orderly end.
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startProcess, type Child, type Exit } from "../controlplane/processes";
import { hostCommand, hostEnvironment, hostWords, type CommandContext, type HostCommand } from "./pod-command";
import { attempt, startProbes, type ProbeTarget, type Prober } from "./pod-probes";
import type { ContainerState, Terminated } from "./pod-status";
import type { PodPlace } from "./pod-place";
import { PodError, type Container } from "./pod-types";

export interface BackOff {
  /** Wait before the second restart in a row; the first is immediate, later ones double. Milliseconds. */
  baseMs: number;
  maxMs: number;
  /** A run of at least this length is forgiven. */
  resetAfterMs: number;
}

export interface ContainerOptions {
  spec: Container;
  restartPolicy: "Always" | "OnFailure" | "Never";
  restartCount: number;
  command: CommandContext;
  /** Default: this machine itself. */
  place?: PodPlace;
  /** Working directory where the container names none. */
  cwd: string;
  logFile: string;
  backOff: BackOff;
  /** False while the node is down: nothing may be noticed or restarted then. */
  active: () => boolean;
  changed: () => void;
}

/** Runs one container until `stop`. */
export class ContainerRun {
  readonly state: ContainerState;
  private child: Child | undefined;
  private prober: Prober | undefined;
  private env: Record<string, string> = {};
  private ending = false;
  private restartTimer: NodeJS.Timeout | undefined;
  private quickExits = 0;

  constructor(private readonly options: ContainerOptions) {
    const { name, image = "" } = options.spec;
    const waiting = { waiting: { reason: "ContainerCreating" } };
    this.state = { name, image, restartCount: options.restartCount, ready: false, started: false, state: waiting };
  }

  get pid(): number | undefined {
    return this.child?.exit() === undefined ? this.child?.pid : undefined;
  }

  get logFile(): string {
    return this.options.logFile;
  }

  async start(): Promise<void> {
    if (this.ending) return;
    try {
      await this.spawn();
    } catch (error) {
      const reason = error instanceof PodError ? error.reason : "RunContainerError";
      this.wait(reason, error instanceof Error ? error.message : String(error));
    }
    this.options.changed();
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.signal(signal);
  }

  /** preStop hook, SIGTERM, and SIGKILL when the grace period is over. */
  async stop(graceMs: number): Promise<void> {
    this.ending = true;
    this.halt();
    const child = this.child;
    if (!child || child.exit()) return;
    const deadline = performance.now() + graceMs;
    if (graceMs > 0) await Promise.race([this.preStop(graceMs), child.exited]);
    const left = deadline - performance.now();
    if (left <= 0) child.signal("SIGKILL");
    await child.stop({ graceMs: Math.max(left, 0) });
  }

  /** Ends it at once, as a power cut does; `restart` brings it back. */
  async cut(): Promise<void> {
    this.halt();
    this.child?.signal("SIGKILL");
    await this.child?.exited;
  }

  /** Starts it again after `cut`. */
  async restart(): Promise<void> {
    this.state.restartCount++;
    await this.start();
  }

  private halt(): void {
    clearTimeout(this.restartTimer);
    this.prober?.stop();
  }

  private async spawn(): Promise<void> {
    const { spec, command, cwd, logFile } = this.options;
    this.env = hostEnvironment(spec, command);
    const words = this.inside(hostCommand(spec, command));
    const wanted = spec.workingDir ? hostWords([spec.workingDir], command).command : cwd;
    const workingDir = wanted.startsWith(dirname(cwd)) ? wanted : cwd; // a folder of the image is not here
    await mkdir(workingDir, { recursive: true });
    const child = await startProcess({ name: spec.name, ...words, cwd: workingDir, env: this.env, logFile });
    const began = performance.now();
    this.child = child;
    this.state.state = { running: { startedAt: new Date().toISOString() } };
    this.state.started = false;
    void child.exited.then((exit) => this.ended(child, exit, began));
    if (this.ending || !this.options.active()) child.signal("SIGKILL");
    else this.probe();
  }

  private probe(): void {
    const set = (change: Partial<ContainerState>): void => {
      if (!this.options.active() || this.ending || this.pid === undefined) return;
      Object.assign(this.state, change);
      this.options.changed();
    };
    this.prober = startProbes(this.options.spec, this.probeTarget(), {
      started: () => set({ started: true }),
      ready: (ready) => set({ ready }),
      unhealthy: () => {
        // The kubelet ends it with the usual grace; its exit then leads to the restart.
        if (this.options.active()) void this.child?.stop({ graceMs: 30_000 });
      },
    });
  }

  private ended(child: Child, exit: Exit, began: number): void {
    if (child !== this.child) return;
    this.prober?.stop();
    const running = "running" in this.state.state ? this.state.state.running : undefined;
    const terminated = terminatedBy(exit, running?.startedAt);
    Object.assign(this.state, { ready: false, started: false, state: { terminated }, lastTermination: terminated });
    if (!this.options.active()) return;
    if (!this.ending && this.shouldRestart(terminated)) this.scheduleRestart(performance.now() - began);
    this.options.changed();
  }

  private shouldRestart({ exitCode }: Terminated): boolean {
    const { restartPolicy } = this.options;
    return restartPolicy === "Always" || (restartPolicy === "OnFailure" && exitCode !== 0);
  }

  private scheduleRestart(ranMs: number): void {
    const { baseMs, maxMs, resetAfterMs } = this.options.backOff;
    this.quickExits = ranMs >= resetAfterMs ? 1 : this.quickExits + 1;
    const delay = this.quickExits === 1 ? 0 : Math.min(maxMs, baseMs * 2 ** (this.quickExits - 2));
    if (delay > 0) this.wait("CrashLoopBackOff", `back-off ${delay} ms restarting failed container ${this.state.name}`);
    this.restartTimer = setTimeout(() => {
      if (this.options.active()) void this.restart();
    }, delay);
  }

  private wait(reason: string, message: string): void {
    Object.assign(this.state, { ready: false, started: false, state: { waiting: { reason, message } } });
  }

  private async preStop(graceMs: number): Promise<void> {
    const hook = this.options.spec.lifecycle?.preStop;
    if (hook?.sleep) await sleep(hook.sleep.seconds * 1000);
    else if (hook) await attempt(hook, this.probeTarget(), graceMs);
  }

  private inside(words: HostCommand): HostCommand {
    return this.options.place?.inside(words) ?? words;
  }

  private probeTarget(): ProbeTarget {
    const { spec, command, place } = this.options;
    return {
      env: this.env,
      command: (words): HostCommand => this.inside(hostWords(words, command)),
      ...(place ? { connect: (port, host) => place.connect(port, host) } : {}),
      port(declared) {
        const number =
          typeof declared === "number" ? declared : spec.ports?.find((port) => port.name === declared)?.containerPort;
        if (number === undefined)
          throw new PodError("ProbeError", `port "${declared}": no port of container ${spec.name} has this name`);
        return command.ports.get(number) ?? number;
      },
    };
  }
}

const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = { SIGKILL: 9, SIGTERM: 15, SIGINT: 2, SIGSEGV: 11, SIGABRT: 6 };

function terminatedBy(exit: Exit, startedAt: string | undefined): Terminated {
  const signal = exit.signal ? (SIGNAL_NUMBERS[exit.signal] ?? 0) : undefined;
  const exitCode = exit.code ?? 128 + (signal ?? 0);
  return {
    exitCode,
    signal,
    reason: exitCode === 0 ? "Completed" : "Error",
    startedAt,
    finishedAt: new Date().toISOString(),
  };
}
