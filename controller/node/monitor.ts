// SPDX-License-Identifier: Apache-2.0
// `ip -o monitor` as a hint that something may have changed, never as news: netlink drops events, so a pass always reads the whole state.
import { spawn, type ChildProcess } from "node:child_process";
import type { Clock, Logger, Timer } from "./ports";

export interface MonitorOptions {
  clock: Clock;
  logger: Logger;
  command?: readonly string[];
  /** Called for each line that the kernel reports. */
  onLine(line: string): void;
}
const RESTART_MS = 1_000;

export class Monitor {
  private child: ChildProcess | undefined;
  private timer: Timer | undefined;
  private stopped = false;

  constructor(private readonly o: MonitorOptions) {}

  start(): void {
    if (this.stopped) return;
    const [program = "ip", ...before] = this.o.command ?? ["ip"];
    const child = spawn(program, [...before, "-4", "-N", "-o", "monitor", "link", "route", "rule"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.child = child;
    let rest = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.o.onLine(line);
    });
    child.on("error", (error) => this.ended(error.message));
    child.on("close", (code) => this.ended(`exit code ${code}`));
  }
  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.child?.kill();
  }
  private ended(why: string): void {
    if (this.stopped || this.timer) return;
    this.o.logger.warn({ why }, "ip monitor ended; it is started again");
    this.timer = this.o.clock.setTimeout(() => {
      this.timer = undefined;
      this.start();
      // What happened meanwhile was not heard.
      this.o.onLine("restarted");
    }, RESTART_MS);
  }
}
