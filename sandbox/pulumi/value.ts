// SPDX-License-Identifier: Apache-2.0
// Property values as the engine sends them: JSON plus tagged objects (secrets, assets, archives, references) and unknowns.
// Handlers see plain JSON in which an unknown is the one string UNKNOWN; assets and archives keep their tag and go back unchanged.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Props = { [key: string]: Json };

/** Stands for a value that is only known after an update. The engine's sentinel for an unknown string (pulumi sdk `runtime/rpc`). */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

// The engine has one sentinel per element type; a provider has no use for the difference.
const UNKNOWNS: ReadonlySet<string> = new Set([
  UNKNOWN,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

const TAG = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";

export const isRecord = (v: unknown): v is Props => typeof v === "object" && v !== null && !Array.isArray(v);
export const isUnknown = (v: unknown): boolean => v === UNKNOWN;
export const isAsset = (v: unknown): boolean => isRecord(v) && v[TAG] === ASSET;
export const isArchive = (v: unknown): boolean => isRecord(v) && v[TAG] === ARCHIVE;

/** True if the value is unknown or holds an unknown at any depth. */
export function hasUnknown(v: Json | undefined): boolean {
  if (isUnknown(v)) return true;
  return typeof v === "object" && v !== null && Object.values(v).some(hasUnknown);
}

/** Marks a value as secret for the way back to the engine. */
export const secret = (value: Json): Json => ({ [TAG]: SECRET, value });

/**
 * Plain JSON of what came over the wire. Secrets and output values give their inner value, an output without one is unknown,
 * a resource reference gives its id (or URN if it is a component).
 */
export function decode(v: Json): Json {
  if (typeof v === "string") return UNKNOWNS.has(v) ? UNKNOWN : v;
  if (Array.isArray(v)) return v.map(decode);
  if (v === null || typeof v !== "object") return v;
  return decodeTagged(v) ?? mapValues(v, decode);
}

function decodeTagged(v: Props): Json | undefined {
  switch (v[TAG]) {
    case SECRET:
      return decode(v.value ?? null);
    case OUTPUT:
      return v.value === undefined ? UNKNOWN : decode(v.value);
    case REFERENCE:
      return decode(v.id ?? v.urn ?? null);
    default:
      return undefined; // assets and archives are kept with their tag; anything else is an ordinary object
  }
}

/** Value at a dotted path with `[n]` indexes, or undefined. `a.b[0].c` */
export function at(v: unknown, path: string): Json | undefined {
  let now: unknown = v;
  for (const step of steps(path)) {
    if (typeof now !== "object" || now === null) return undefined;
    now = (now as Record<string, unknown>)[step];
  }
  return now as Json | undefined;
}

/** The string at a path; undefined when it is absent or something else. */
export function textAt(v: unknown, path: string): string | undefined {
  const found = at(v, path);
  return typeof found === "string" ? found : undefined;
}

/** Parts of an engine path: `a.b[0]["c.d"]` gives a, b, 0, c.d. */
export function steps(path: string): string[] {
  const parts: string[] = [];
  for (const m of path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.[\]]+)/g)) parts.push(m[1] ?? m[2] ?? m[3] ?? "");
  return parts;
}

export function mapValues(v: Props, f: (x: Json, key: string) => Json | undefined): Props {
  const out: Props = {};
  for (const [key, x] of Object.entries(v)) {
    const y = f(x, key);
    if (y !== undefined) out[key] = y;
  }
  return out;
}

/** A copy without the entries that are undefined, so that optional fields can be written as plain literals. */
export function compact(v: { [key: string]: Json | undefined }): Props {
  return Object.fromEntries(Object.entries(v).filter((e): e is [string, Json] => e[1] !== undefined));
}

/** Equality of two JSON values; the order of keys is of no account. */
export function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = Object.keys(a);
  if (left.length !== Object.keys(b).length) return false;
  return left.every((k) => k in b && same((a as Props)[k], (b as Props)[k]));
}
