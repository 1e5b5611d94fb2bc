// SPDX-License-Identifier: Apache-2.0
// What the stand-in has to know of a resource type to keep it in the emulator, and the mapping of fields between the two worlds.
import type { Cloud } from "./rest";
import { at, isRecord, textAt, type Json, type Props } from "../value";

export interface Kind {
  /** Terraform's word for it in error messages. */
  label: string;
  /** Gets a random name when it has none. */
  named: boolean;
  /** Filled from the provider's configuration where the program says nothing. */
  defaults: readonly ("project" | "region" | "zone" | "location")[];
  id(inputs: Props): string;
  /** Inputs that an id stands for, or undefined if it has not that form. */
  fromId(id: string): Props | undefined;
  create(cloud: Cloud, inputs: Props): Promise<void>;
  /** Properties in Pulumi's names, or undefined if it is gone. */
  read(cloud: Cloud, inputs: Props): Promise<Props | undefined>;
  update(cloud: Cloud, olds: Props, news: Props): Promise<void>;
  delete(cloud: Cloud, state: Props): Promise<void>;
  /** Inputs that name another resource by name, id or URL. */
  references: readonly string[];
  /** What the cloud reports differently later on (a pool's size at birth): kept from the state once known. */
  sticky?: readonly string[];
  /** The input with labels, if it has labels. */
  labels?: "labels" | "resourceLabels";
}

/** One field: where it is in the inputs, where in the REST body, and how its value changes on the way. */
export interface Field {
  input: string;
  rest: string;
  write?: (v: Json, inputs: Props) => Json;
  read?: (v: Json) => Json;
}

/** A field with the same value on both sides. */
export const field = (input: string, rest = input): Field => ({ input, rest });
export const fields = (names: string): Field[] => names.split(" ").map((n) => field(n));
/** A number that JSON carries as text (int64). */
export const int64 = (input: string, rest: string): Field => ({
  input,
  rest,
  write: (v) => JSON.stringify(v),
  read: (v) => Number(v),
});
/** A list or object whose members change their names. */
export function renamed(input: string, rest: string, names: Record<string, string>): Field {
  const back = Object.fromEntries(Object.entries(names).map(([a, b]) => [b, a]));
  return { input, rest, write: (v) => renameKeys(v, names), read: (v) => renameKeys(v, back) };
}

function renameKeys(v: Json, names: Record<string, string>): Json {
  if (Array.isArray(v)) return v.map((x) => renameKeys(x, names));
  return isRecord(v) ? Object.fromEntries(Object.entries(v).map(([k, x]) => [names[k] ?? k, x])) : v;
}

/** The REST body of some inputs. */
export function toRest(list: readonly Field[], inputs: Props): Props {
  const body: Props = {};
  for (const f of list) {
    const v = at(inputs, f.input);
    if (v !== undefined && v !== null) put(body, f.rest, f.write === undefined ? v : f.write(v, inputs));
  }
  return body;
}

/** Properties that a REST body shows. */
export function fromRest(list: readonly Field[], body: Props): Props {
  const props: Props = {};
  for (const f of list) {
    const v = at(body, f.rest);
    if (v !== undefined) put(props, f.input, f.read === undefined ? v : f.read(v));
  }
  return props;
}

function put(root: Props, path: string, v: Json): void {
  const parts = path.split(".");
  const last = parts.pop() ?? path;
  let now = root;
  for (const part of parts) {
    const next = now[part];
    const inner: Props = isRecord(next) ? next : {};
    now[part] = inner;
    now = inner;
  }
  now[last] = v;
}

export const text = (inputs: Props, key: string): string => textAt(inputs, key) ?? "";
/** Last part of a name, id or URL. */
export const shortName = (v: Json | undefined): string => (typeof v === "string" ? (v.split("/").at(-1) ?? v) : "");

/** True if two spellings (name, partial path, URL) can mean the same resource. */
export function sameReference(a: Json | undefined, b: Json | undefined): boolean {
  if (typeof a !== "string" || typeof b !== "string") return false;
  const left = pathOf(a).split("/").reverse();
  const right = pathOf(b).split("/").reverse();
  const shared = Math.min(left.length, right.length);
  return left.slice(0, shared).every((part, i) => part === right[i]);
}

const pathOf = (v: string): string => v.replace(/^https?:\/\/[^/]+\/(?:compute\/)?(?:v1|beta)\//, "").replace(/^\/\/[^/]+\//, "");

const COMPUTE = "https://www.googleapis.com/compute/v1/";

/** A reference as Compute wants it: a URL. A bare name becomes one below `where`. */
export function link(where: (inputs: Props) => string): (v: Json, inputs: Props) => Json {
  return (v, inputs) => {
    if (typeof v !== "string" || v === "" || /^https?:/.test(v)) return v;
    if (v.startsWith("projects/")) return COMPUTE + v;
    if (/^(global|regions|zones)\//.test(v)) return `${COMPUTE}projects/${text(inputs, "project")}/${v}`;
    return `${COMPUTE}projects/${text(inputs, "project")}/${where(inputs)}/${v}`;
  };
}

/** Inputs from an id by a pattern such as `projects/{project}/regions/{region}/addresses/{name}`. */
export function parseId(patterns: readonly string[], id: string): Props | undefined {
  for (const pattern of patterns) {
    const regexp = new RegExp(`^${pattern.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)").replace(/\{(\w+)\+\}/g, "(?<$1>.+)")}$`);
    const groups = regexp.exec(id)?.groups;
    if (groups !== undefined) return { ...groups };
  }
  return undefined;
}
