// SPDX-License-Identifier: Apache-2.0
// The range of Pod addresses that a node gets of a secondary range: a power of two with room for twice its Pods, as GKE does.
import { formatAddress, parseRange } from "../../controller/api";

/** Number of address bits for `maxPods` Pods, e.g. 8 (a /24) for 110. */
export const bitsFor = (maxPods: number): number => Math.ceil(Math.log2(Math.max(1, maxPods) * 2));

/**
 * The `index`-th node's piece of a range.
 * @returns CIDR; undefined where the range is none or is used up
 */
export function cidrOnNode(range: string, maxPods: number, index: number): string | undefined {
  const whole = parseRange(range);
  const bits = bitsFor(maxPods);
  if (!whole || index < 0) return undefined;
  const first = whole.first + index * 2 ** bits;
  return first + 2 ** bits - 1 <= whole.last ? `${formatAddress(first)}/${32 - bits}` : undefined;
}
