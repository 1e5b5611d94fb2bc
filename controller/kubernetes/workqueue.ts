// SPDX-License-Identifier: Apache-2.0
// A de-duplicating queue of keys with client-go's laws: a key waits at most once, is never with two workers at a time, and runs
// once more when it was added while being worked on. Live changes go before initial-list and resync items (controller-runtime's
// priority queue), so that a restart with many objects does not slow down the one that just changed.
import { KeyBackoff, TokenBucket } from "./backoff";
import type { Clock, Timer } from "./clock";
import { Deque } from "./deque";

export type Priority = "live" | "background";

/** Hooks for controller-runtime's workqueue_* metrics; durations in seconds. */
export interface WorkQueueMetrics {
  depth?(waiting: number): void;
  added?(): void;
  retried?(): void;
  queueDuration?(seconds: number): void;
  workDuration?(seconds: number): void;
}

export interface WorkQueueOptions {
  clock: Clock;
  /** First retry delay of a key, milliseconds (default 5). */
  baseDelayMs?: number;
  /** Longest retry delay of a key, milliseconds (default 1,000,000). */
  maxDelayMs?: number;
  /** Bucket over all failures: tokens per second and burst (default 10 and 100). */
  failureRate?: { perSecond: number; burst: number };
  metrics?: WorkQueueMetrics;
}

export type QueueItem = { shutdown: false; key: string; priority: Priority } | { shutdown: true };

interface Waiting {
  priority: Priority;
  since: number;
}

// Without this a storm of live changes would keep resync items out for ever.
const LIVE_IN_A_ROW = 64;

export class WorkQueue {
  private readonly clock: Clock;
  private readonly metrics: WorkQueueMetrics;
  private readonly backoff: KeyBackoff;
  private readonly bucket: TokenBucket;
  private readonly lanes: Record<Priority, Deque<string>> = { live: new Deque(), background: new Deque() };
  /** Keys that wait, or that wait for the end of their present run. */
  private readonly dirty = new Map<string, Waiting>();
  private readonly processing = new Map<string, number>();
  private readonly delayed = new Map<string, { readyAt: number; priority: Priority; timer: Timer }>();
  private readonly getters: ((item: QueueItem) => void)[] = [];
  private readonly drainers: (() => void)[] = [];
  private liveInARow = 0;
  private closed = false;

  constructor(options: WorkQueueOptions) {
    this.clock = options.clock;
    this.metrics = options.metrics ?? {};
    this.backoff = new KeyBackoff(options.baseDelayMs, options.maxDelayMs);
    this.bucket = new TokenBucket(options.clock, options.failureRate?.perSecond, options.failureRate?.burst);
  }

  /** Keys that wait now (neither delayed ones nor those being worked on). */
  get length(): number {
    let waiting = this.dirty.size;
    for (const key of this.processing.keys()) if (this.dirty.has(key)) waiting -= 1;
    return waiting;
  }

  get shuttingDown(): boolean {
    return this.closed;
  }

  /** Adds a key; a key that waits already stays where it is, unless this call raises its priority. */
  add(key: string, priority: Priority = "live"): void {
    if (this.closed) return;
    const waiting = this.dirty.get(key);
    if (waiting !== undefined) {
      if (waiting.priority === "live" || priority === "background") return;
      waiting.priority = "live";
    } else {
      this.dirty.set(key, { priority, since: this.clock.monotonic() });
      this.metrics.added?.();
    }
    if (!this.processing.has(key)) this.enqueue(key, priority);
  }

  /** Adds a key in `ms` milliseconds; of two such calls the earlier time wins. */
  addAfter(key: string, ms: number, priority: Priority = "live"): void {
    if (this.closed) return;
    if (ms <= 0) return this.add(key, priority);
    const readyAt = this.clock.monotonic() + ms;
    const before = this.delayed.get(key);
    const strongest = before?.priority === "live" ? "live" : priority;
    if (before !== undefined && before.readyAt <= readyAt) {
      before.priority = strongest;
      return;
    }
    before?.timer.cancel();
    const timer = this.clock.setTimeout(() => this.ripen(key), ms);
    this.delayed.set(key, { readyAt, priority: strongest, timer });
  }

  /** Adds a key that failed, after the longer of its own back-off and the bucket over all failures. */
  addRateLimited(key: string, priority: Priority = "live"): void {
    if (this.closed) return;
    this.metrics.retried?.();
    this.addAfter(key, Math.max(this.backoff.next(key), this.bucket.reserve()), priority);
  }

  /** Starts the back-off of a key over; call it after success. */
  forget(key: string): void {
    this.backoff.forget(key);
  }

  /** How often a key failed since its last `forget`. */
  failures(key: string): number {
    return this.backoff.failuresOf(key);
  }

  /** The next key, as soon as there is one; `shutdown` once the queue is shut down and empty. Every key got must be given to `done`. */
  get(): Promise<QueueItem> {
    const item = this.take();
    if (item !== undefined) return Promise.resolve(item);
    if (this.closed) return Promise.resolve({ shutdown: true });
    return new Promise((resolve) => this.getters.push(resolve));
  }

  /** The work on a key has ended, well or badly. */
  done(key: string): void {
    const startedAt = this.processing.get(key);
    if (startedAt === undefined) return;
    this.processing.delete(key);
    this.metrics.workDuration?.((this.clock.monotonic() - startedAt) / 1000);
    const again = this.dirty.get(key);
    if (again !== undefined) this.enqueue(key, again.priority);
    this.checkDrained();
  }

  /** No more keys are taken; what waits is still handed out, delayed keys are dropped. */
  shutDown(): void {
    this.closed = true;
    for (const { timer } of this.delayed.values()) timer.cancel();
    this.delayed.clear();
    if (this.dirty.size === 0) for (const resolve of this.getters.splice(0)) resolve({ shutdown: true });
    this.checkDrained();
  }

  /** Like `shutDown`, and resolves when the last key has been worked off. */
  shutDownWithDrain(): Promise<void> {
    const drained = new Promise<void>((resolve) => this.drainers.push(resolve));
    this.shutDown();
    return drained;
  }

  /** Seconds of work under way, summed over all workers (workqueue_unfinished_work_seconds). */
  unfinishedSeconds(): number {
    let sum = 0;
    for (const startedAt of this.processing.values()) sum += this.clock.monotonic() - startedAt;
    return sum / 1000;
  }

  /** Seconds the oldest work under way has taken (workqueue_longest_running_processor_seconds). */
  longestRunningSeconds(): number {
    let longest = 0;
    for (const startedAt of this.processing.values()) longest = Math.max(longest, this.clock.monotonic() - startedAt);
    return longest / 1000;
  }

  private ripen(key: string): void {
    const entry = this.delayed.get(key);
    this.delayed.delete(key);
    if (entry !== undefined) this.add(key, entry.priority);
  }

  private enqueue(key: string, priority: Priority): void {
    this.lanes[priority].push(key);
    this.metrics.depth?.(this.length);
    const getter = this.getters.shift();
    if (getter === undefined) return;
    const item = this.take();
    if (item === undefined) this.getters.unshift(getter);
    else getter(item);
  }

  private take(): QueueItem | undefined {
    const key = this.nextKey();
    if (key === undefined) return undefined;
    const { priority, since } = this.dirty.get(key) as Waiting;
    const now = this.clock.monotonic();
    this.dirty.delete(key);
    this.processing.set(key, now);
    this.metrics.depth?.(this.length);
    this.metrics.queueDuration?.((now - since) / 1000);
    return { shutdown: false, key, priority };
  }

  private nextKey(): string | undefined {
    const order: Priority[] = this.liveInARow >= LIVE_IN_A_ROW ? ["background", "live"] : ["live", "background"];
    for (const lane of order) {
      const key = this.popFrom(lane);
      if (key === undefined) continue;
      this.liveInARow = lane === "live" ? this.liveInARow + 1 : 0;
      return key;
    }
    return undefined;
  }

  private popFrom(lane: Priority): string | undefined {
    for (let key = this.lanes[lane].shift(); key !== undefined; key = this.lanes[lane].shift()) {
      // A key whose priority was raised has left its old place behind: skip that.
      if (this.dirty.get(key)?.priority === lane && !this.processing.has(key)) return key;
    }
    return undefined;
  }

  private checkDrained(): void {
    if (!this.closed || this.processing.size > 0 || this.dirty.size > 0) return;
    for (const resolve of this.getters.splice(0)) resolve({ shutdown: true });
    for (const resolve of this.drainers.splice(0)) resolve();
  }
}
