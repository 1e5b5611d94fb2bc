// SPDX-License-Identifier: Apache-2.0
// Staying inside Google's quotas: a token bucket per group (read, write) and a bound on what is under way.
// Google counts per calendar minute (api.md 4.8). A bucket of burst B refilled with R per minute lets at most B + R through in ANY minute,
// so B + R is set to the quota: a third as burst for a node drain, two thirds as steady rate.
import type { Clock } from "./types";

export interface Bucket {
  /** Most tokens that can be saved up. */
  burst: number;
  /** Tokens per millisecond. */
  perMs: number;
  tokens: number;
  /** Monotonic time of `tokens`. */
  at: number;
}

/** A full bucket that lets at most `perMinute` (at least 2) tokens through in any 60 seconds. */
export function newBucket(perMinute: number, nowMs: number): Bucket {
  const quota = Math.max(2, Math.floor(perMinute));
  const burst = Math.max(1, Math.floor(quota / 3));
  return { burst, perMs: (quota - burst) / 60_000, tokens: burst, at: nowMs };
}

const refill = (bucket: Bucket, nowMs: number): number =>
  Math.min(bucket.burst, bucket.tokens + Math.max(0, nowMs - bucket.at) * bucket.perMs);

/** Takes one token, or says how many milliseconds to wait for it. The bucket itself is not changed. */
export function takeToken(bucket: Bucket, nowMs: number): { bucket: Bucket; waitMs: number } {
  const tokens = refill(bucket, nowMs);
  const at = Math.max(bucket.at, nowMs);
  // The tolerance keeps rounding of 60000ths from asking for a wait of a millionth of a millisecond.
  if (tokens >= 1 - 1e-9) return { bucket: { ...bucket, tokens: Math.max(0, tokens - 1), at }, waitMs: 0 };
  return { bucket: { ...bucket, tokens, at }, waitMs: Math.max(1, Math.ceil((1 - tokens) / bucket.perMs)) };
}

/** Empties the bucket and keeps it shut until `untilMs`, after the server said "too many". */
export const drain = (bucket: Bucket, untilMs: number): Bucket => ({ ...bucket, tokens: 0, at: Math.max(bucket.at, untilMs) });

/** Google counts `regionOperations.wait` apart from other reads (api.md 4.8), so waiting for operations never starves a look, nor the reverse. */
export type QuotaGroup = "read" | "write" | "wait";
export interface Rates {
  read: number;
  write: number;
  /** Default: as `read`. */
  wait?: number;
}

/** Hands out tokens first come, first served; a long queue of one kind never holds up the other. */
export class RateLimiter {
  private readonly buckets: Record<QuotaGroup, Bucket>;
  private readonly tails: Record<QuotaGroup, Promise<void>> = {
    read: Promise.resolve(),
    write: Promise.resolve(),
    wait: Promise.resolve(),
  };

  constructor(
    private readonly clock: Clock,
    rates: Rates,
  ) {
    const now = clock.monotonic();
    this.buckets = {
      read: newBucket(rates.read, now),
      write: newBucket(rates.write, now),
      wait: newBucket(rates.wait ?? rates.read, now),
    };
  }

  /** Resolves when one request of the group may be sent. */
  take(group: QuotaGroup): Promise<void> {
    const turn = this.tails[group].then(() => this.wait(group));
    this.tails[group] = turn;
    return turn;
  }

  /** The server refused for rate: nobody of the group sends for `ms` milliseconds. */
  penalize(group: QuotaGroup, ms: number): void {
    this.buckets[group] = drain(this.buckets[group], this.clock.monotonic() + ms);
  }

  private async wait(group: QuotaGroup): Promise<void> {
    for (;;) {
      const now = this.clock.monotonic();
      const shutFor = this.buckets[group].at - now;
      const { bucket, waitMs } = takeToken(this.buckets[group], now);
      this.buckets[group] = bucket;
      if (waitMs === 0) return;
      await this.clock.sleep(waitMs + Math.max(0, shutFor));
    }
  }
}

/** At most `size` tasks under way; the rest wait in the order they came. */
export class Slots {
  private free: number;
  private readonly queue: (() => void)[] = [];

  constructor(size: number) {
    this.free = size;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.queue.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.queue.shift();
      if (next) next();
      else this.free++;
    }
  }
}

/** One task at a time for each key, in order; keys do not hold each other up. */
export class KeyedLock {
  private readonly tails = new Map<string, Promise<unknown>>();

  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.tails.get(key) ?? Promise.resolve();
    const turn = before.then(task, task);
    this.tails.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.tails.get(key) === turn) this.tails.delete(key);
    }
  }
}
