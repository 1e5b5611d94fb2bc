// SPDX-License-Identifier: Apache-2.0
// A process of the simulated world: a clock of its own (skewed, a little fast or slow), three roads (API server, its watches, the cloud) on
// which requests and answers are late or lost, and an end that can come at any request, before or after its effect.
import { sleepOn, type Clock, type Timer } from "../../../controller/kubernetes";
import type { Chance } from "./chance";
import type { Scheduler } from "./scheduler";

export type RoadName = "api" | "watch" | "cloud";
/** How a road is now. Probabilities are per request. */
export interface Road {
  blocked: boolean;
  /** Longest one-way delay, milliseconds. */
  slowMs: number;
  /** Answer lost after the effect. */
  lossy: number;
  /** Refused before the effect. */
  errors: number;
  /** Watches only: told twice. */
  twice: number;
  /** Watches only: nothing of this collection arrives. */
  held: string | undefined;
}
export const goodRoad = (): Road => ({ blocked: false, slowMs: 15, lossy: 0, errors: 0, twice: 0, held: undefined });

export interface Exchange<T> {
  road: RoadName;
  what: string;
  mutates: boolean;
  timeoutMs: number;
  /** Runs at the server; answers through `reply`, at once or later. Throws what the server refuses. */
  serve(reply: (answer: T) => void): void;
  /** What the caller gets when nothing comes back. */
  lost(why: "reset" | "timeout"): Error;
  /** What the caller gets when the server has a bad moment. */
  refusal(): Error;
}
/** Who watches over a process: called at every request that leaves, and at everything that happens to it. */
export interface Overseer {
  leaves(process: Process, what: string, mutates: boolean): void;
  ended(process: Process): void;
  count(what: string): void;
  trace(who: string, line: string): void;
}

export class ProcessClock implements Clock {
  constructor(
    private readonly process: { scheduler: Scheduler; deliver(fn: () => void): void },
    /** Wall clock minus true time, milliseconds; may be changed. */
    public skewMs: number,
    /** Speed of the monotonic clock, 1 is right. */
    readonly rate: number,
  ) {}
  now(): number {
    return Math.floor(EPOCH + this.process.scheduler.now + this.skewMs);
  }
  monotonic(): number {
    return this.process.scheduler.now * this.rate;
  }
  setTimeout(fn: () => void, ms: number): Timer {
    let cancelled = false;
    const timer = this.process.scheduler.in(ms / this.rate, () => this.process.deliver(() => void (cancelled || fn())));
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }
}
/** True time at the beginning of every world. */
export const EPOCH = Date.UTC(2026, 0, 1);

export interface ProcessOptions {
  name: string;
  scheduler: Scheduler;
  chance: Chance;
  overseer: Overseer;
  roads: Record<RoadName, Road>;
  skewMs: number;
  rate: number;
}
export interface CrashOrder {
  /** So many requests from now. */
  calls: number;
  moment: "before" | "after";
}

export class Process {
  alive = true;
  readonly clock: ProcessClock;
  readonly scheduler: Scheduler;
  readonly name: string;
  readonly roads: Record<RoadName, Road>;
  crash: CrashOrder | undefined;
  /** Called once when the process ends by itself or is killed. */
  onEnd: (why: string) => void = () => undefined;
  private paused = false;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly o: ProcessOptions) {
    this.scheduler = o.scheduler;
    this.name = o.name;
    this.roads = o.roads;
    this.clock = new ProcessClock(this, o.skewMs, o.rate);
  }

  /** Something arrives at the process: a timer, an answer, bytes. A dead one gets nothing, a frozen one gets it later. */
  deliver(fn: () => void): void {
    if (!this.alive) return;
    if (this.paused) this.waiting.push(fn);
    else fn();
  }
  freeze(): void {
    this.paused = true;
  }
  thaw(): void {
    if (!this.paused) return;
    this.paused = false;
    const late = this.waiting.splice(0);
    for (const fn of late) this.scheduler.in(0, () => this.deliver(fn));
  }
  /** The end of the process, at once. */
  kill(why: string): void {
    if (!this.alive) return;
    this.alive = false;
    this.waiting.length = 0;
    this.o.overseer.ended(this);
    this.o.overseer.trace(this.name, `ends: ${why}`);
    this.onEnd(why);
  }
  delay(road: RoadName): number {
    const { slowMs } = this.roads[road];
    return 1 + this.o.chance.next() * slowMs;
  }
  twice(): boolean {
    return this.roads.watch.twice > 0 && this.o.chance.hit(this.roads.watch.twice);
  }

  /** One request and its answer. Never settles for a process that has ended. */
  exchange<T>(x: Exchange<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.alive) return;
      let settled = false;
      const settle = (how: () => void): void => {
        if (settled) return;
        settled = true;
        timer.cancel();
        this.deliver(how);
      };
      const timer = this.scheduler.in(x.timeoutMs / this.clock.rate, () => settle(() => reject(x.lost("timeout"))));
      this.o.overseer.leaves(this, x.what, x.mutates);
      if (this.dies("before")) return;
      const road = this.roads[x.road];
      this.scheduler.in(this.delay(x.road), () => {
        if (road.blocked) return;
        if (this.refused(x, (error) => this.back(x, () => settle(() => reject(error))))) return;
        try {
          x.serve((answer) => {
            if (this.alive && this.dies("after")) return;
            this.answer(
              x,
              () => settle(() => resolve(answer)),
              (error) => settle(() => reject(error)),
            );
          });
        } catch (error) {
          const refused = error instanceof Error ? error : new Error("not an error", { cause: error });
          this.back(x, () => settle(() => reject(refused)));
        }
      });
    });
  }
  private answer(x: Exchange<never> | Exchange<unknown>, good: () => void, bad: (error: Error) => void): void {
    const lost = x.mutates && this.o.chance.hit(this.roads[x.road].lossy);
    if (!lost) return this.back(x, good);
    this.o.overseer.count("lostReplies");
    this.o.overseer.trace(this.name, `answer to ${x.what} is lost`);
    // Half of the losses are seen at once as a reset, the others only as silence.
    if (this.o.chance.hit(0.5)) this.back(x, () => bad(x.lost("reset")));
  }
  private refused(x: Exchange<never> | Exchange<unknown>, pass: (error: Error) => void): boolean {
    const { errors } = this.roads[x.road];
    if (errors === 0 || !this.o.chance.hit(errors)) return false;
    this.o.overseer.count("refusals");
    const error = x.refusal();
    this.o.overseer.trace(this.name, `${x.what} refused: ${error.message}`);
    pass(error);
    return true;
  }
  private back(x: { road: RoadName }, fn: () => void): void {
    this.scheduler.in(this.delay(x.road), () => {
      if (!this.roads[x.road].blocked) fn();
    });
  }
  private dies(moment: "before" | "after"): boolean {
    if (this.crash?.moment !== moment) return false;
    this.crash.calls -= 1;
    if (this.crash.calls > 0) return false;
    this.o.overseer.count("crashes");
    this.kill(`crash ${moment} a request's effect`);
    return true;
  }
}
