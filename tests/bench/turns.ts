// SPDX-License-Identifier: Apache-2.0
// How long the event loop stood still: by the clock, and by the processor time that this process spent in one turn. Other load on the machine
// shows only in the first.
import { monitorEventLoopDelay } from "node:perf_hooks";

export class Turns {
  private longestCpu = 0;
  private running = true;
  private last = process.cpuUsage();
  private readonly delay = monitorEventLoopDelay({ resolution: 1 });

  constructor() {
    this.delay.enable();
    this.turn();
  }
  /** Milliseconds. */
  stop(): { clockMs: number; cpuMs: number; p99Ms: number } {
    this.running = false;
    this.delay.disable();
    const ms = (ns: number): number => Math.round(ns / 1e5) / 10;
    return { clockMs: ms(this.delay.max), p99Ms: ms(this.delay.percentile(99)), cpuMs: Math.round(this.longestCpu * 10) / 10 };
  }
  private turn(): void {
    const { user, system } = process.cpuUsage(this.last);
    this.longestCpu = Math.max(this.longestCpu, (user + system) / 1000);
    this.last = process.cpuUsage();
    if (this.running) setImmediate(() => this.turn());
  }
}
