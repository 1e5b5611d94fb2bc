// SPDX-License-Identifier: Apache-2.0
// Trying again inside one call: only what a short pause can heal, a bounded number of times, with jitter, and never before Retry-After.
// Longer waits (quota, conflicts, permissions) belong to the caller's work queue, which can do other addresses meanwhile.
import { ComputeError, isBusy, type ComputeErrorCode } from "./errors";
import type { Clock } from "./types";

export interface RetryPolicy {
  /** Tries in all. */
  attempts: number;
  /** Longest single pause, milliseconds; a Retry-After beyond it goes to the caller. */
  capMs: number;
  /** First pause by code, milliseconds; it doubles with each try. A code without entry is not tried again. */
  baseMs: Partial<Record<ComputeErrorCode, number>>;
}

export const DEFAULT_POLICY: RetryPolicy = {
  attempts: 5,
  capMs: 30_000,
  // A rate is counted per minute and a slot of the concurrent-operations limit frees when an operation ends: both want longer pauses (E50).
  baseMs: { RateLimited: 2_000, ConcurrentOperations: 1_000, Unavailable: 300, Network: 200 },
};

/**
 * Milliseconds to wait before try number `tried + 1`, or undefined when the error goes to the caller.
 * Half of the pause is fixed and half is chance, so that many routes do not come back in step and none comes back at once.
 * @param random uniform in [0, 1)
 */
export function pauseBefore(policy: RetryPolicy, error: unknown, tried: number, random: () => number): number | undefined {
  if (!(error instanceof ComputeError) || tried >= policy.attempts || !error.retry) return undefined;
  // 401 is the one refused permission worth a second try, and only one: with a fresh token.
  if (error.code === "PermissionDenied") return tried === 1 ? 0 : undefined;
  const base = policy.baseMs[error.code];
  // A busy resource is free when its operation ends, which may take far longer than these tries: operations.ts has the patience for it.
  if (base === undefined || isBusy(error)) return undefined;
  const { retryAfterMs = 0 } = error;
  const full = Math.min(policy.capMs, base * 2 ** (tried - 1));
  return retryAfterMs > policy.capMs ? undefined : Math.max(full / 2 + (full / 2) * random(), retryAfterMs);
}

export interface RetryDeps {
  clock: Pick<Clock, "sleep">;
  random: () => number;
  policy: RetryPolicy;
  onRetry?: (error: ComputeError, pauseMs: number, tried: number) => void;
}

/** Runs `attempt` until it succeeds or `pauseBefore` gives up; throws the last error. */
export async function withRetry<T>(deps: RetryDeps, attempt: (tried: number) => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await attempt(tried);
    } catch (error) {
      const pause = pauseBefore(deps.policy, error, tried, deps.random);
      if (pause === undefined) throw error;
      deps.onRetry?.(error as ComputeError, pause, tried);
      if (pause > 0) await deps.clock.sleep(pause);
    }
  }
}
