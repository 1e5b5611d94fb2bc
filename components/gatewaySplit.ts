// SPDX-License-Identifier: Apache-2.0
// Splits addresses over Gateways of at most 16, keeping together what a route uses together. Pure.
import { MAX_ADDRESSES } from "../controller/api";

/** Merges sets that share a member; each key is in exactly one group, in the order of the keys. */
export function groupsOf(keys: readonly string[], together: readonly (readonly string[])[]): string[][] {
  const leader = new Map(keys.map((k) => [k, k]));
  const find = (k: string): string => (leader.get(k) === k ? k : find(leader.get(k)!));
  for (const set of together)
    for (const k of set.slice(1)) {
      const [a, b] = [find(set[0]!), find(k)].sort((x, y) => keys.indexOf(x) - keys.indexOf(y));
      leader.set(b!, a!);
    }
  const groups = new Map<string, string[]>();
  for (const k of keys) groups.set(find(k), [...(groups.get(find(k)) ?? []), k]);
  return [...groups.values()];
}

/** Names in an order of their own, since that of a program is lost on the way from some languages; sip-2 comes before sip-10. */
export const inOrder = (names: readonly string[]): string[] =>
  [...names].sort((a, b) => collator.compare(a, b) || (a < b ? -1 : 1));
const collator = new Intl.Collator("en", { numeric: true });

/**
 * First fit in the order of the names: one that comes last never moves another. Others can move later ones where there is more than one Gateway,
 * which the preview refuses for each route that would follow; a route that must never follow names its addresses in a Gateway of its own.
 */
export function splitAddresses(
  keys: readonly string[],
  together: readonly (readonly string[])[] = [],
  max = MAX_ADDRESSES,
): string[][] {
  const bins: string[][] = [];
  for (const group of groupsOf(inOrder(keys), together)) {
    const bin = bins.find((b) => b.length + group.length <= max);
    if (bin) bin.push(...group);
    else bins.push([...group]);
  }
  return bins.map(inOrder);
}

/** Name of the n-th Gateway (from 0): the first has no number, so that a split never renames it. */
export const splitName = (name: string, n: number): string => (n === 0 ? name : `${name}-${n + 1}`);
