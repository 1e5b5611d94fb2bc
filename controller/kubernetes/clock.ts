// SPDX-License-Identifier: Apache-2.0
// Time and chance as arguments: every timer, back-off and lease in this room takes these two, so that tests own both.

import { Pace } from "./pace";

/** A timer that can be called off. Calling `cancel` twice, or after it fired, is harmless. */
export interface Timer {
  cancel(): void;
}

/** The passage of time. `now` may jump (NTP); only `monotonic` may be used to measure a duration. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonic(): number;
  /** Runs `fn` once after `ms` milliseconds. */
  setTimeout(fn: () => void, ms: number): Timer;
  /** Resolves after `ms` milliseconds, or at once (without an error) when `signal` aborts: look at the signal afterwards. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** To be asked between two pieces of work of a long loop: undefined, or what to wait for first (`Pace`). A clock without it never holds up. */
  breathe?(): Promise<void> | undefined;
}

/** Uniform in [0, 1), like `Math.random`. */
export type Random = () => number;

// Node turns a longer delay into 1 ms; a cap is the lesser evil for a controller that re-evaluates anyway.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const pace = new Pace(() => performance.now());

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(fn, ms) {
    const handle = setTimeout(fn, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
    return { cancel: () => clearTimeout(handle) };
  },
  sleep(ms, signal) {
    return sleepOn(this, ms, signal);
  },
  breathe: () => pace.breathe(),
};

/** `Clock.sleep` for any clock that has `setTimeout`. */
export function sleepOn(clock: Pick<Clock, "setTimeout">, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const wake = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = clock.setTimeout(wake, ms);
    signal?.addEventListener("abort", wake, { once: true });
  });
}
