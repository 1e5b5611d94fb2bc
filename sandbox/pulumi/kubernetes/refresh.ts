// SPDX-License-Identifier: Apache-2.0
// The inputs of an object as its live form shows them, so that a change by hand appears in `pulumi refresh` and the next preview.
// A field only counts as drifted when the server's value differs from what the server itself answered after our last write:
// the server's own spelling of a value ("1000m" and "1", a null that became absent) is then never a difference.
import { diffLeaves } from "../diff";
import { isRecord, same, textAt, type Json, type Props } from "../value";

/** Inputs after a refresh. `before` is the live object as it is in the state. */
export function refreshedInputs(inputs: Props, before: Props, live: Props): Props {
  return merge(inputs, before, live) as Props;
}

function merge(input: Json, before: Json | undefined, live: Json | undefined): Json | undefined {
  if (same(before, live)) return input;
  if (live === undefined) return undefined;
  if (isRecord(input) && isRecord(live)) return mergeRecord(input, isRecord(before) ? before : {}, live);
  if (Array.isArray(input) && Array.isArray(live)) return mergeList(input, Array.isArray(before) ? before : [], live);
  return live;
}

function mergeRecord(input: Props, before: Props, live: Props): Props {
  const out: Props = {};
  for (const [key, value] of Object.entries(input)) {
    const merged = merge(value, before[key], live[key]);
    if (merged !== undefined) out[key] = merged;
  }
  return out;
}

// A list of another length is taken whole, cut down to the members that our own elements have.
function mergeList(input: Json[], before: Json[], live: Json[]): Json[] {
  if (input.length === live.length) return input.map((v, i) => merge(v, before[i], live[i]) ?? v);
  return live.map((v) => {
    const twin = input.find((x) => textAt(x, "name") !== undefined && textAt(x, "name") === textAt(v, "name")) ?? input[0];
    return isRecord(twin) && isRecord(v) ? Object.fromEntries(Object.entries(v).filter(([k]) => k in twin)) : v;
  });
}

const SERVER_METADATA = [
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "managedFields",
  "selfLink",
  "deletionTimestamp",
];
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** Inputs of an object that was never ours (import, get): what was last applied by our manager or by kubectl, else the whole object. */
export function importedInputs(live: Props, manager: string): Props {
  const owned = ownedFields(live, manager);
  if (owned !== undefined) return { ...identity(live), ...pruned(live, owned) };
  const applied = textAt((isRecord(live.metadata) ? live.metadata.annotations : undefined) ?? {}, `["${LAST_APPLIED}"]`);
  if (applied !== undefined) return JSON.parse(applied) as Props;
  const { status: _status, ...rest } = live;
  const metadata = isRecord(live.metadata) ? live.metadata : {};
  return { ...rest, metadata: Object.fromEntries(Object.entries(metadata).filter(([k]) => !SERVER_METADATA.includes(k))) };
}

function identity(live: Props): Props {
  const metadata: Props = { name: textAt(live, "metadata.name") ?? "" };
  const namespace = textAt(live, "metadata.namespace");
  if (namespace !== undefined) metadata.namespace = namespace;
  return { apiVersion: live.apiVersion ?? "", kind: live.kind ?? "", metadata };
}

/** `fieldsV1` of a manager's applied set, or undefined if it has none. */
export function ownedFields(live: Props, manager: string): Props | undefined {
  const managed = isRecord(live.metadata) ? live.metadata.managedFields : undefined;
  const entry = (Array.isArray(managed) ? managed : []).find(
    (m) => textAt(m, "manager") === manager && textAt(m, "operation") === "Apply" && textAt(m, "subresource") === undefined,
  );
  return isRecord(entry) && isRecord(entry.fieldsV1) ? entry.fieldsV1 : undefined;
}

// managedFields: "f:name" is a member, "k:{...}" a list element by its keys, "v:..." a set element, "." the thing itself.
function pruned(live: Json, fields: Props): Props {
  const out = prune(live, fields);
  const name = identity(isRecord(live) ? live : {});
  return isRecord(out)
    ? { ...out, metadata: { ...(name.metadata as Props), ...(isRecord(out.metadata) ? out.metadata : {}) } }
    : name;
}

function prune(live: Json | undefined, fields: Props): Json | undefined {
  const keys = Object.keys(fields).filter((k) => k !== ".");
  if (keys.length === 0 || live === undefined) return live;
  if (Array.isArray(live)) return live.filter((v) => keys.some((k) => matches(v, k))).map((v) => pruneElement(v, fields, keys));
  if (!isRecord(live)) return live;
  const out: Props = {};
  for (const key of keys) {
    const inner = fields[key];
    const value = prune(live[key.slice(2)], isRecord(inner) ? inner : {});
    if (value !== undefined) out[key.slice(2)] = value;
  }
  return out;
}

function pruneElement(v: Json, fields: Props, keys: string[]): Json {
  const inner = fields[keys.find((k) => matches(v, k)) ?? ""];
  return prune(v, isRecord(inner) ? inner : {}) ?? v;
}

function matches(v: Json, key: string): boolean {
  const wanted = JSON.parse(key.slice(2)) as Json;
  if (key.startsWith("v:")) return same(v, wanted);
  return (
    isRecord(wanted) &&
    isRecord(v) &&
    diffLeaves(wanted, Object.fromEntries(Object.keys(wanted).map((k) => [k, v[k] ?? null]))).length === 0
  );
}
