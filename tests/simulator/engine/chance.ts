// SPDX-License-Identifier: Apache-2.0
// One repeatable source of chance, with the few draws that a world needs.
import { seededRandom } from "../../../controller/kubernetes/testing";

export class Chance {
  /** From 0 up to 1. */
  readonly next: () => number;
  constructor(seed: number) {
    this.next = seededRandom(seed);
    // The first numbers of neighbouring seeds resemble each other.
    for (let i = 0; i < 4; i++) this.next();
  }
  /** True once in a while: with probability `p`. */
  hit(p: number): boolean {
    return this.next() < p;
  }
  /** Whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }
  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)]!;
  }
  /** One of the keys, by weight. */
  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let left = this.next() * entries.reduce((sum, [, w]) => sum + w, 0);
    for (const [key, weight] of entries) if ((left -= weight) < 0) return key;
    return entries.at(-1)![0];
  }
  uuid(): string {
    const hex = (n: number): string => Array.from({ length: n }, () => this.int(0, 15).toString(16)).join("");
    return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
  }
}
