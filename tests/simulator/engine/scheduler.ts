// SPDX-License-Identifier: Apache-2.0
// Virtual time: one heap of events, run one after the other; between two of them every promise that can go on goes on. Nothing else in a
// simulated world moves, so that the same seed gives the same run.
import type { Timer } from "../../../controller/kubernetes";

interface Entry {
  at: number;
  order: number;
  fn: (() => void) | undefined;
}

/** A hundred times what a world needs. */
const MOST_STEPS = 500_000;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class Scheduler {
  /** Milliseconds since the world began. */
  now = 0;
  steps = 0;
  private order = 0;
  private readonly heap: Entry[] = [];

  /** Runs `fn` in `ms` milliseconds. */
  in(ms: number, fn: () => void): Timer {
    // Time goes on in whole microseconds: a wait that rounding would swallow must not be waited for again and again.
    const at = ms > 0 ? Math.ceil((this.now + ms) * 1000) / 1000 : this.now;
    const entry: Entry = { at: ms > 0 && at <= this.now ? this.now + 0.001 : at, order: this.order++, fn };
    this.push(entry);
    return { cancel: () => void (entry.fn = undefined) };
  }

  /** Runs everything up to a time, or until `stop` says so. */
  async until(time: number, stop: () => boolean = () => false): Promise<void> {
    await turn();
    for (let next = this.heap[0]; next && next.at <= time && !stop(); next = this.heap[0]) {
      this.pop();
      if (!next.fn) continue;
      this.now = Math.max(this.now, next.at);
      this.steps += 1;
      if (this.steps > MOST_STEPS) throw new Error(`no end after ${MOST_STEPS} steps, at ${this.now} ms`);
      next.fn();
      await turn();
    }
    if (!stop()) this.now = Math.max(this.now, time);
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }
  private pop(): void {
    const { heap } = this;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

const before = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
