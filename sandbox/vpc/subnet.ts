// SPDX-License-Identifier: Apache-2.0
// Arithmetic of ranges for wiring. Pure.
import { formatAddress, parseRange } from "../../controller/api";

/** First usable address of a range: Google's gateway. @throws RangeError when it is no range */
export function gatewayOf(range: string): string {
  return formatAddress(parsed(range).first + 1);
}

function parsed(range: string): { first: number } {
  const found = parseRange(range);
  if (!found) throw new RangeError(`${range} is not an IPv4 range`);
  return found;
}
