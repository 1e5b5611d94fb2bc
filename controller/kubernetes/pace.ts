// SPDX-License-Identifier: Apache-2.0
// One budget for a turn of the event loop, shared by everything that works in it. Promises that are ready go on within the same turn, so ten loops
// that each look at their own share only would together hold up probes and the Lease for ten shares (rule: no stall over 50 ms at 10,000 Pods).

import { Deque } from "./deque";

/** How long a turn may go on with work that could wait, milliseconds by the clock. What is under way then is still ended. */
export const TURN_MS = 8;

export class Pace {
  private began: number | undefined;
  private readonly waiting = new Deque<() => void>();

  /**
   * @param monotonic milliseconds
   * @param soon runs a function in the next turn
   */
  constructor(
    private readonly monotonic: () => number,
    private readonly soon: (fn: () => void) => void = setImmediate,
    private readonly mostMs = TURN_MS,
  ) {}

  /** Undefined while the present turn may go on; else resolves in a turn that may. Ask between two pieces of work. */
  breathe(): Promise<void> | undefined {
    this.began ??= this.begin();
    if (this.monotonic() - this.began < this.mostMs) return undefined;
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private begin(): number {
    this.soon(() => this.next());
    return this.monotonic();
  }
  /** A new turn, for whoever has waited longest: were all woken, the one that woke first would be the first in line again. */
  private next(): void {
    this.began = undefined;
    const first = this.waiting.shift();
    if (first === undefined) return;
    this.began = this.begin();
    first();
  }
}
