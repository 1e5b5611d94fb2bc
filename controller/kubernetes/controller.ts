// SPDX-License-Identifier: Apache-2.0
// The loop around a reconciler: take a key, work on it, back off when it fails. An exception in one reconcile is that key's
// affair only; it never ends a worker or the process.
import { type Clock, systemClock } from "./clock";
import { ApiError } from "./errors";
import type { QueueItem, WorkQueue } from "./workqueue";

export type ReconcileResult = { requeueAfterMs?: number } | void;

export interface WorkerOptions {
  queue: WorkQueue;
  /** How many keys at a time. */
  workers: number;
  reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult>;
  onError?: (error: unknown, key: string) => void;
  /** For controller_runtime_reconcile_total and _time_seconds. */
  onResult?: (result: { key: string; outcome: "success" | "requeue_after" | "error"; seconds: number }) => void;
  /** Aborts the reconciles under way (their `signal`); the workers end when the queue is shut down. */
  signal?: AbortSignal;
  clock?: Clock;
}

/** Runs the workers; resolves when the queue has been shut down and the last reconcile has ended. Never rejects. */
export async function runWorkers(options: WorkerOptions): Promise<void> {
  const clock = options.clock ?? systemClock;
  const signal = options.signal ?? new AbortController().signal;
  await Promise.all(Array.from({ length: options.workers }, () => work(options, clock, signal)));
}

async function work(options: WorkerOptions, clock: Clock, signal: AbortSignal): Promise<void> {
  for (let item = await options.queue.get(); !item.shutdown; item = await options.queue.get()) {
    // Reconciles that find nothing to do never wait for anything: without this a thousand of them would be one turn of the event loop.
    const pause = clock.breathe?.();
    if (pause !== undefined) await pause;
    const started = clock.monotonic();
    const outcome = await workOn(item, options, signal);
    options.queue.done(item.key);
    const { key } = item;
    guarded(() => options.onResult?.({ key, outcome, seconds: (clock.monotonic() - started) / 1000 }));
  }
}

async function workOn(
  { key, priority }: Extract<QueueItem, { shutdown: false }>,
  { queue, reconcile, onError }: WorkerOptions,
  signal: AbortSignal,
): Promise<"success" | "requeue_after" | "error"> {
  try {
    const result = await reconcile(key, signal);
    queue.forget(key);
    if (result?.requeueAfterMs === undefined) return "success";
    queue.addAfter(key, result.requeueAfterMs, priority);
    return "requeue_after";
  } catch (error) {
    guarded(() => onError?.(error, key));
    const wait = error instanceof ApiError ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
    if (wait > 0) queue.addAfter(key, wait, priority);
    else queue.addRateLimited(key, priority);
    return "error";
  }
}

// A throwing hook must not end the worker that called it.
function guarded(fn: () => void): void {
  try {
    fn();
  } catch {
    // Hooks are logs and metrics; there is nowhere left to report to.
  }
}
