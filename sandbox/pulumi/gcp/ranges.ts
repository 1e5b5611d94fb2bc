// SPDX-License-Identifier: Apache-2.0
// The one range rule of an update: a subnetwork's primary range may only grow in place.
import type { Json } from "../value";

/** True if `after` does not contain the whole of `before` (both IPv4 CIDR), so that the subnetwork has to be made anew. */
export function shrinks(before: Json | undefined, after: Json | undefined): boolean {
  const old = bounds(before);
  const now = bounds(after);
  if (old === undefined || now === undefined) return false;
  return now.first > old.first || now.last < old.last;
}

function bounds(v: Json | undefined): { first: number; last: number } | undefined {
  const m = typeof v === "string" ? /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(v) : null;
  if (m === null) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, bits = 0] = m.slice(1).map(Number);
  const size = 2 ** (32 - bits);
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  const first = number - (number % size);
  return { first, last: first + size - 1 };
}
