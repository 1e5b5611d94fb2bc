// SPDX-License-Identifier: Apache-2.0
// How long the event loop stood still: by the clock, and by the processor time of the thread that runs it, which other load on the machine does not
// change. Where the kernel does not tell that (`schedstat`, Linux), the time of the whole process stands in, helpers included. A timer of 1 ms looks:
// what it finds between two looks is the longest turn and a millisecond at most of its neighbours, and the loop may rest meanwhile.
import { readFileSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";

export interface Turned {
  /** Longest turn, milliseconds by the clock. */
  clockMs: number;
  /** Longest turn, milliseconds of processor time. */
  cpuMs: number;
  /** Longest pause of the garbage collector within the whole, milliseconds by the clock. */
  gcMs: number;
  /** Turns of more than 20 ms of processor time. */
  over20: number;
}
export interface Turn {
  /** Milliseconds since the begin. */
  at: number;
  clockMs: number;
  cpuMs: number;
}

const SCHEDSTAT = `/proc/self/task/${process.pid}/schedstat`;
const ofProcess = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const ofThread = (): number => Number(readFileSync(SCHEDSTAT, "latin1").split(" ")[0]) / 1e6;
/** Milliseconds of processor time that the main thread has had. */
export const cpuMs: () => number = (() => {
  try {
    return ofThread() > 0 ? ofThread : ofProcess;
  } catch {
    return ofProcess;
  }
})();

const KEPT = 5;
const round = (ms: number): number => Math.round(ms * 10) / 10;

export class Turns {
  /** The longest turns, by processor time, the longest first. */
  readonly longest: Turn[] = [];
  private running = true;
  private readonly began = performance.now();
  private last = { clock: performance.now(), cpu: cpuMs() };
  private most = { clock: 0, gc: 0 };
  private over20 = 0;
  private readonly gc = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) this.most.gc = Math.max(this.most.gc, duration);
  });

  constructor() {
    this.gc.observe({ entryTypes: ["gc"] });
    setTimeout(() => this.turn(), 1);
  }
  /** The turn under way counts too. */
  async stop(): Promise<Turned> {
    await new Promise((resolve) => setTimeout(resolve, 3));
    this.running = false;
    this.gc.disconnect();
    const { clock, gc } = this.most;
    const cpu = this.longest[0]?.cpuMs ?? 0;
    return { clockMs: round(clock), cpuMs: round(cpu), gcMs: round(gc), over20: this.over20 };
  }
  private turn(): void {
    const now = { clock: performance.now(), cpu: cpuMs() };
    const turn = {
      at: Math.round(this.last.clock - this.began),
      clockMs: now.clock - this.last.clock,
      cpuMs: now.cpu - this.last.cpu,
    };
    this.last = now;
    this.note(turn);
    if (this.running) setTimeout(() => this.turn(), 1);
  }
  private note(turn: Turn): void {
    this.most.clock = Math.max(this.most.clock, turn.clockMs);
    if (turn.cpuMs > 20) this.over20 += 1;
    if (turn.cpuMs <= (this.longest[KEPT - 1]?.cpuMs ?? 0)) return;
    this.longest.push(turn);
    this.longest.sort((a, b) => b.cpuMs - a.cpuMs).splice(KEPT);
  }
}
