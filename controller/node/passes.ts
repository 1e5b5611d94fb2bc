// SPDX-License-Identifier: Apache-2.0
// Passes one after the other: one in flight, at most one pending. A hint waits a moment for its like; a wish does not wait.
import type { Clock, Timer } from "./ports";

export interface PassOptions {
  clock: Clock;
  pass(): Promise<void>;
  /** Called for what a pass throws; another one follows after `retryMs`. */
  onError(error: unknown): void;
  debounceMs: number;
  periodicMs: number;
  retryMs: number;
}

export class Passes {
  private running: Promise<void> | undefined;
  private pending = false;
  private stopped = false;
  private hinted: Timer | undefined;
  private periodic: Timer | undefined;
  private retry: Timer | undefined;
  /** Ends of passes, for those who wait. */
  private waiting: (() => void)[] = [];

  constructor(private readonly o: PassOptions) {}

  /** Runs a pass now, or right after the one under way. */
  request(): void {
    if (this.stopped) return;
    this.hinted?.cancel();
    this.hinted = undefined;
    if (this.running) this.pending = true;
    else this.running = this.run();
  }
  /** Runs a pass after the debounce; more hints meanwhile are the same hint. */
  hint(): void {
    if (this.stopped || this.hinted) return;
    this.hinted = this.o.clock.setTimeout(() => {
      this.hinted = undefined;
      this.request();
    }, this.o.debounceMs);
  }
  /** Resolves after the next pass that begins from now on has ended. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.request();
    });
  }
  async stop(): Promise<void> {
    this.stopped = true;
    for (const timer of [this.hinted, this.periodic, this.retry]) timer?.cancel();
    await this.running;
  }

  private async run(): Promise<void> {
    do {
      this.pending = false;
      const waiting = this.waiting.splice(0);
      await this.once();
      for (const resolve of waiting) resolve();
    } while (this.pending && !this.stopped);
    this.running = undefined;
    this.later();
  }
  private async once(): Promise<void> {
    this.retry?.cancel();
    try {
      await this.o.pass();
    } catch (error) {
      this.o.onError(error);
      if (!this.stopped) this.retry = this.o.clock.setTimeout(() => this.request(), this.o.retryMs);
    }
  }
  private later(): void {
    this.periodic?.cancel();
    if (!this.stopped) this.periodic = this.o.clock.setTimeout(() => this.request(), this.o.periodicMs);
  }
}
