// SPDX-License-Identifier: Apache-2.0
// Three ways of waiting: exponential per key (queue), a token bucket over all keys (queue), exponential with jitter and a
// reset after a healthy spell (reflector). Figures are client-go's.
import type { Clock, Random } from "./clock";

/** Doubling delay per key, from `baseMs` up to `capMs`; the table only holds keys that failed since their last `forget`. */
export class KeyBackoff {
  private readonly failures = new Map<string, number>();

  constructor(
    private readonly baseMs = 5,
    private readonly capMs = 1_000_000,
  ) {}

  next(key: string): number {
    const failures = this.failures.get(key) ?? 0;
    this.failures.set(key, failures + 1);
    return Math.min(this.baseMs * 2 ** Math.min(failures, 60), this.capMs);
  }

  forget(key: string): void {
    this.failures.delete(key);
  }

  failuresOf(key: string): number {
    return this.failures.get(key) ?? 0;
  }
}

/** `reserve` takes one token and says how many milliseconds to wait for it; the debt is remembered, as in x/time/rate. */
export class TokenBucket {
  private tokens: number;
  private filledAt: number;

  constructor(
    private readonly clock: Clock,
    private readonly perSecond = 10,
    private readonly burst = 100,
  ) {
    this.tokens = burst;
    this.filledAt = clock.monotonic();
  }

  reserve(): number {
    this.refill();
    this.tokens -= 1;
    return this.tokens >= 0 ? 0 : (-this.tokens / this.perSecond) * 1000;
  }

  /** Takes a token only if one is there. */
  tryTake(): boolean {
    this.refill();
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }

  /** True when nothing was taken lately: the bucket may then be thrown away without losing anything. */
  get full(): boolean {
    this.refill();
    return this.tokens >= this.burst;
  }

  private refill(): void {
    const now = this.clock.monotonic();
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.filledAt) / 1000) * this.perSecond);
    this.filledAt = now;
  }
}

/** Jittered back-off of one connection: a delay lies between the step and twice the step, never above `capMs`; then the step doubles. */
export class ConnectionBackoff {
  private step: number;

  constructor(
    private readonly random: Random,
    private readonly baseMs = 800,
    private readonly capMs = 30_000,
  ) {
    this.step = baseMs;
  }

  next(): number {
    const delay = Math.min(this.step * (1 + this.random()), this.capMs);
    this.step = Math.min(this.step * 2, this.capMs);
    return delay;
  }

  /** Call it after a healthy spell. */
  reset(): void {
    this.step = this.baseMs;
  }
}
