// SPDX-License-Identifier: Apache-2.0
// Any JSON value as text for messages and names, never "[object Object]".

/** Strings as they are, other scalars as JavaScript prints them, the rest as JSON; empty for undefined. */
export function asText(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined ? "" : JSON.stringify(value);
}
