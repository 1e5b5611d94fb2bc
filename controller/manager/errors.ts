// SPDX-License-Identifier: Apache-2.0
// Which failures are the user's to know, and when to try again.
import { isComputeError, type ComputeError } from "../compute";
import type { Clock } from "../kubernetes";

/** When something is tried again of which the cloud did not say when, milliseconds. */
export const RETRY_MS = 15_000;
const LEAST_MS = 1_000;
const MOST_MS = 600_000;

/**
 * True for what the cloud refused, which the user is told. Anything else (a lost lease, a lost race, an API server that is away, a bug) is
 * nobody's status: the reconcile is repeated.
 */
export const isRefusal = (error: unknown): error is ComputeError => isComputeError(error) && error.code !== "Fenced";

/** Milliseconds until the cloud is asked again: its own word where it gave one (C3), within bounds. */
export const retryOf = (error: ComputeError): number =>
  error.retryAfterMs === undefined ? RETRY_MS : Math.min(MOST_MS, Math.max(LEAST_MS, error.retryAfterMs));

/** All of several deeds are waited for before the first failure is passed on: nothing goes on unseen behind a reconcile that has ended. */
export async function allEnded<T>(deeds: Iterable<Promise<T>>): Promise<T[]> {
  const ended = await Promise.allSettled(deeds);
  for (const e of ended) if (e.status === "rejected") throw e.reason;
  return ended.flatMap((e) => (e.status === "fulfilled" ? [e.value] : []));
}

export interface Refusal {
  message: string;
  /** Milliseconds until the next try. */
  retryMs: number;
}

/**
 * Holds to the cloud's word about when to come again (C3, E50), whatever else asks for a look: our own writes are events too, and would
 * have us back at once.
 */
export class Pauses {
  private readonly until = new Map<string, { at: number; message: string }>();
  constructor(private readonly clock: Pick<Clock, "monotonic">) {}

  /** @param name of the AddressBinding */
  of(name: string): Refusal | undefined {
    const pause = this.until.get(name);
    const left = (pause?.at ?? 0) - this.clock.monotonic();
    if (pause && left > 0) return { message: pause.message, retryMs: left };
    this.until.delete(name);
    return undefined;
  }
  refused(name: string, error: ComputeError): Refusal {
    const retryMs = retryOf(error);
    const word = error.reason ?? error.code;
    const message = error.message.includes(word) ? error.message : `${error.message} (${word})`;
    if (error.retryAfterMs !== undefined) this.until.set(name, { at: this.clock.monotonic() + retryMs, message });
    return { message, retryMs };
  }
}
