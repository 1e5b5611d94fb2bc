// SPDX-License-Identifier: Apache-2.0
// Arithmetic of ranges for wiring. Pure.
import { formatAddress, parseAddress, parseRange, rangeContains, type Range } from "../../controller/api";

/** First usable address of a range: Google's gateway. @throws RangeError when it is no range */
export function gatewayOf(range: string): string {
  return formatAddress(parsed(range).first + 1);
}

/** @throws RangeError when it is no range */
export function inRange(range: string, address: string): boolean {
  const value = parseAddress(address);
  return value.ok && rangeContains(parsed(range), value.value);
}

function parsed(range: string): Range {
  const found = parseRange(range);
  if (!found) throw new RangeError(`${range} is not an IPv4 range`);
  return found;
}
