// SPDX-License-Identifier: Apache-2.0
// Startup, readiness and liveness probes as the kubelet runs them: real requests to the process, thresholds, start-up first.
import { execFile } from "node:child_process";
import { request } from "node:http";
import { request as requestTls } from "node:https";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { HostCommand } from "./pod-command";
import { PodError, type Container, type Probe, type ProbeAction } from "./pod-types";

export interface ProbeTarget {
  /** The port really used for a declared port, by number or name. */
  port(declared: number | string): number;
  /** Runs a command in the container's environment. */
  command(words: string[]): HostCommand;
  env: NodeJS.ProcessEnv;
  /** Connects as the node's kubelet would, where that is not from here. */
  connect?(port: number, host?: string): Promise<Socket>;
}

export interface ProbeHandlers {
  started(): void;
  ready(ready: boolean): void;
  /** Liveness or startup failed for good. */
  unhealthy(why: string): void;
}

/** Runs all probes of one container until `stop`. */
export interface Prober {
  stop(): void;
}

/** Starts probing. A container without readiness probe is Ready once started. */
export function startProbes(container: Container, target: ProbeTarget, handlers: ProbeHandlers): Prober {
  const loops: Loop[] = [];
  const afterStart = (): void => {
    handlers.started();
    if (!container.readinessProbe) handlers.ready(true);
    else
      loops.push(
        new Loop(container.readinessProbe, target, { up: () => handlers.ready(true), down: () => handlers.ready(false) }),
      );
    if (container.livenessProbe) {
      loops.push(
        new Loop(container.livenessProbe, target, { up: () => undefined, down: (why) => handlers.unhealthy(`liveness: ${why}`) }),
      );
    }
  };
  if (!container.startupProbe) afterStart();
  else {
    const startup: Loop = new Loop(container.startupProbe, target, {
      up: () => {
        startup.stop();
        afterStart();
      },
      down: (why) => handlers.unhealthy(`startup: ${why}`),
    });
    loops.push(startup);
  }
  return { stop: () => loops.forEach((loop) => loop.stop()) };
}

interface Verdicts {
  up(): void;
  down(why: string): void;
}

/** One probe on its period. Verdicts are told when they change, and `down` again for every further threshold of failures. */
class Loop {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private successes = 0;
  private failures = 0;
  private last: boolean | undefined;

  constructor(
    private readonly probe: Probe,
    private readonly target: ProbeTarget,
    private readonly verdicts: Verdicts,
  ) {
    this.timer = setTimeout(() => void this.round(), (probe.initialDelaySeconds ?? 0) * 1000);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async round(): Promise<void> {
    const why = await attempt(this.probe, this.target, (this.probe.timeoutSeconds ?? 1) * 1000);
    if (this.stopped) return;
    if (why === undefined) this.success();
    else this.failure(why);
    // A container that has not come up yet is looked at more often than its period says, so that tests do not wait for it.
    const periodMs = (this.probe.periodSeconds ?? 10) * 1000;
    const next = this.last === true ? periodMs : Math.min(periodMs, QUICK_MS);
    if (!this.stopped) this.timer = setTimeout(() => void this.round(), next);
  }

  private success(): void {
    this.failures = 0;
    if (++this.successes < (this.probe.successThreshold ?? 1) || this.last === true) return;
    this.last = true;
    this.verdicts.up();
  }

  private failure(why: string): void {
    this.successes = 0;
    // Before the first success the quick rhythm must not use the failure threshold up faster than the period would.
    const periodMs = (this.probe.periodSeconds ?? 10) * 1000;
    this.failures += this.last === true ? 1 : Math.min(1, QUICK_MS / periodMs);
    if (this.failures < (this.probe.failureThreshold ?? 3)) return;
    this.failures = 0;
    this.last = false;
    this.verdicts.down(why);
  }
}

const QUICK_MS = 200;

/** Undefined for success, otherwise what went wrong. */
export async function attempt(action: ProbeAction, target: ProbeTarget, timeoutMs: number): Promise<string | undefined> {
  try {
    if (action.httpGet) return await httpGet(action.httpGet, target, timeoutMs);
    if (action.tcpSocket) return await tcpConnect(target.port(action.tcpSocket.port), target, timeoutMs);
    if (action.exec) return await exec(target, action.exec.command ?? [], timeoutMs);
    throw new PodError("ProbeUnsupported", `a probe of this kind is not known here: ${Object.keys(action).join(", ")}`);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

type HttpGet = NonNullable<ProbeAction["httpGet"]>;

async function httpGet(get: HttpGet, target: ProbeTarget, timeoutMs: number): Promise<string | undefined> {
  const port = target.port(get.port);
  const tls = get.scheme === "HTTPS";
  const open = tls ? requestTls : request;
  const socket = await target.connect?.(port, get.host);
  const way = socket && (tls ? connectTls({ socket, rejectUnauthorized: false }) : socket);
  const headers = Object.fromEntries((get.httpHeaders ?? []).map(({ name, value }) => [name, value]));
  return new Promise((done, fail) => {
    const options = {
      host: "127.0.0.1",
      port,
      path: get.path ?? "/",
      headers,
      timeout: timeoutMs,
      rejectUnauthorized: false,
      ...(way ? { createConnection: () => way } : { agent: false as const }),
    };
    const req = open(options, (res) => {
      res.resume();
      const status = res.statusCode ?? 0;
      done(status >= 200 && status < 400 ? undefined : `HTTP ${status}`);
    });
    req.once("timeout", () => req.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    req.once("error", fail).end();
  });
}

async function tcpConnect(port: number, target: ProbeTarget, timeoutMs: number): Promise<string | undefined> {
  if (target.connect) {
    (await target.connect(port)).destroy();
    return undefined;
  }
  return new Promise((done, fail) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: timeoutMs });
    socket.once("connect", () => {
      socket.destroy();
      done(undefined);
    });
    socket.once("timeout", () => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)));
    socket.once("error", fail);
  });
}

function exec(target: ProbeTarget, words: string[], timeoutMs: number): Promise<string | undefined> {
  const { command, args } = target.command(words);
  return new Promise((done) => {
    execFile(command, args, { env: target.env, timeout: timeoutMs }, (error) => done(error ? error.message : undefined));
  });
}
