// SPDX-License-Identifier: Apache-2.0
// A clock that only moves when a test says so. Timers fire in order of time, then of creation; after each one the pending
// promises run, so that a chain of sleeps unrolls within one `advance`.
import { type Clock, sleepOn, type Timer } from "./clock";

interface Pending {
  at: number;
  order: number;
  fn: () => void;
}

export class FakeClock implements Clock {
  private elapsed = 0;
  private order = 0;
  private skew = 0;
  private readonly pending = new Set<Pending>();

  /** @param start wall time in milliseconds at monotonic zero */
  constructor(private readonly start = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.start + this.elapsed + this.skew;
  }

  monotonic(): number {
    return this.elapsed;
  }

  setTimeout(fn: () => void, ms: number): Timer {
    const entry = { at: this.elapsed + Math.max(ms, 0), order: this.order++, fn };
    this.pending.add(entry);
    return { cancel: () => void this.pending.delete(entry) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** How many timers wait; a leak check. */
  get timers(): number {
    return this.pending.size;
  }

  /** Delay of the next timer in milliseconds, undefined when none waits. */
  get nextDelay(): number | undefined {
    const next = this.next(Number.POSITIVE_INFINITY);
    return next === undefined ? undefined : next.at - this.elapsed;
  }

  /** Moves the wall clock alone, as NTP does; monotonic time stays. */
  jumpWall(ms: number): void {
    this.skew += ms;
  }

  /** Moves time on by `ms`, firing what falls due on the way. */
  async advance(ms: number): Promise<void> {
    const target = this.elapsed + ms;
    await settle();
    for (let due = this.next(target); due !== undefined; due = this.next(target)) {
      this.elapsed = Math.max(this.elapsed, due.at);
      this.pending.delete(due);
      due.fn();
      await settle();
    }
    this.elapsed = target;
  }

  private next(until: number): Pending | undefined {
    let best: Pending | undefined;
    for (const entry of this.pending) {
      if (entry.at > until) continue;
      if (best === undefined || entry.at < best.at || (entry.at === best.at && entry.order < best.order)) best = entry;
    }
    return best;
  }
}

/** Lets everything run that needs no timer and no socket. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A repeatable source of chance (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}
