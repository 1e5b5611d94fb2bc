// SPDX-License-Identifier: Apache-2.0
// What may come from outside: JSON of any shape, and good objects with one place made arbitrary.
import * as fc from "fast-check";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Texts that parsers have trouble with, besides any other. */
const TRICKY = [
  "",
  " ",
  "null",
  "[]",
  "{}",
  "[null]",
  "\u0000",
  "__proto__",
  "constructor",
  "-1",
  "1e999",
  "0x10",
  "𝟘",
  "a".repeat(300),
];
export const text: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.string({ maxLength: 20 }) },
  { weight: 2, arbitrary: fc.constantFrom(...TRICKY) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 10 }) },
);
export const json: fc.Arbitrary<Json> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom<Json>(null, true, 0, -1, 1.5, [], {}, [null], [[]], [{}], { a: null }) },
  { weight: 2, arbitrary: text },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json> },
);

type Path = (string | number)[];
function pathsIn(value: unknown, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([k, v]) => pathsIn(v, [...at, Array.isArray(value) ? Number(k) : k]))];
}

/** A copy with the value at the path replaced; `undefined` takes it away. */
export function replaced<T>(value: T, path: Path, by: unknown): T {
  const copy = structuredClone(value);
  if (path.length === 0) return by as T;
  let holder = copy as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string | number, unknown>;
  const last = path.at(-1)!;
  if (by === undefined) delete holder[last];
  else holder[last] = by;
  return copy;
}

export interface Keep {
  /** Paths, joined with dots, that stay as they are, with all that leads to them. */
  (path: string): boolean;
}
/**
 * A good object with one to three places made arbitrary: replaced by any JSON, taken away, or with a field that nobody knows.
 * @param keep places that must stay, such as the name under which a test finds the object
 */
export function mangled<T extends object>(good: T, keep: Keep): fc.Arbitrary<T> {
  const places = pathsIn(good).filter((p) => p.length > 0 && !keep(p.join(".")));
  const edit = fc.record({
    place: fc.constantFrom(...places),
    how: fc.oneof(
      { weight: 4, arbitrary: json.map((by): { by: unknown } => ({ by })) },
      { weight: 1, arbitrary: fc.constant<{ by: unknown }>({ by: undefined }) },
      { weight: 1, arbitrary: fc.tuple(text, json).map(([name, value]): { by: unknown } => ({ by: { [name]: value } })) },
    ),
  });
  return fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) => edits.reduce((o, e) => apply(o, e.place, e.how.by), good));
}
/** An earlier edit may have taken the way to a later place. */
function apply<T>(value: T, path: Path, by: unknown): T {
  let holder: unknown = value;
  for (const key of path.slice(0, -1)) {
    if (typeof holder !== "object" || holder === null) return value;
    holder = (holder as Record<string | number, unknown>)[key];
  }
  return typeof holder === "object" && holder !== null ? replaced(value, path, by) : value;
}

/** Bytes cut into pieces anywhere. */
export const pieces = (bytes: Buffer): fc.Arbitrary<Buffer[]> =>
  fc.array(fc.nat({ max: Math.max(0, bytes.length) }), { maxLength: 6 }).map((cuts) => {
    const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
    return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
  });
