// SPDX-License-Identifier: Apache-2.0
// Addresses that Google has yet to choose, as the contract's rules see them in a first preview: stand-ins from the range for benchmarks (RFC 2544),
// which no reserved address is in. Pure.
import type { Finding } from "../controller/api";
import { show } from "./checks";
import type { Problem } from "./problems";

/** The i-th stand-in; up to 131,072 differ. */
export const standIn = (i: number): string => `198.${18 + ((i >>> 16) & 1)}.${(i >>> 8) & 255}.${i & 255}`;

const STAND_IN = /\b198\.1[89]\.\d{1,3}\.\d{1,3}(\/32)?\b/g;

/**
 * A finding in the words of the arguments: names for stand-ins, and paths of arguments for paths of specs.
 * @param names of stand-ins; others are called unknown
 */
export function asArgument(f: Finding, names: ReadonlyMap<string, string> = new Map()): Problem {
  const message = f.message.replace(STAND_IN, (ip) => show(names.get(ip) ?? "an address that is not known yet"));
  const path = f.path.replace(/^\./, "").replace(/(addresses\[\d+\])\.value$/, "$1");
  return { ...f, message, path };
}
