// SPDX-License-Identifier: Apache-2.0
// Inputs of an object that this program did not make: who applied what is written in managedFields.
import { diffLeaves } from "../diff";
import { isRecord, same, textAt, type Json, type Props } from "../value";

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
