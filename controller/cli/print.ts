// SPDX-License-Identifier: Apache-2.0
// Tables as kubectl prints them, and JSON. Commands make data; only this file makes text of it.

export type Format = "table" | "json";
export interface Terminal {
  out(line: string): void;
  err(line: string): void;
}

/** Columns under capital heads, three blanks apart; an empty cell is `-`. The last column is not padded. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = [heads, ...rows].map((r) => r.map((c) => (c === "" ? "-" : c)));
  const widths = heads.map((_, i) => Math.max(...cells.map((r) => (r[i] ?? "").length)));
  return cells.map((r) =>
    r
      .map((c, i) => (i === r.length - 1 ? c : c.padEnd(widths[i]!)))
      .join("   ")
      .trimEnd(),
  );
}

/** `3d4h`, `5m10s`, `12s`: the two largest units, as kubectl's AGE. @param ms milliseconds */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  if (first < 0) return "0s";
  return parts
    .slice(first, first + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n}${unit}`)
    .join("");
}
/** Age of a server's time stamp, `<unknown>` where there is none. */
export const since = (stamp: string | undefined, now: number): string => {
  const at = Date.parse(stamp ?? "");
  return Number.isNaN(at) ? "<unknown>" : age(now - at);
};

export const json = (value: unknown): string => JSON.stringify(value, null, 2);
