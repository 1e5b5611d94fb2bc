// SPDX-License-Identifier: Apache-2.0
// The three ways of patching an object: JSON patch (RFC 6902, as far as it is used), merge patch (RFC 7386), and server-side apply of a status.
import { ApiError } from "../../../controller/kubernetes";

export type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const out: Json = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete out[key];
    else out[key] = mergePatch(out[key], value);
  }
  return out;
}

export interface PatchOp {
  op: "test" | "add" | "remove" | "replace";
  path: string;
  value?: unknown;
}
const failed = (why: string): ApiError => new ApiError("Invalid", why, { status: 422, body: { kind: "Status", code: 422 } });

/** Changes `object` in place. @throws ApiError Invalid, naming no object, as kube-apiserver 1.34 answers a patch that cannot be applied */
export function jsonPatch(object: Json, ops: readonly PatchOp[]): void {
  for (const { op, path, value } of ops) {
    const keys = path
      .split("/")
      .slice(1)
      .map((k) => k.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = keys.pop() ?? "";
    const parent = keys.reduce<unknown>((at, key) => (at as Json | undefined)?.[key], object) as Json | unknown[] | undefined;
    if (op === "test") test((parent as Json | undefined)?.[last], value, path);
    else if (parent === undefined) throw failed(`${op} ${path}: missing path`);
    else if (Array.isArray(parent)) changeList(parent, op, last, value);
    else changeMap(parent, op, last, value);
  }
}
function test(have: unknown, want: unknown, path: string): void {
  if (JSON.stringify(have ?? null) !== JSON.stringify(want ?? null)) throw failed(`testing value ${path} failed`);
}
function changeMap(parent: Json, op: string, key: string, value: unknown): void {
  if (op !== "remove") parent[key] = value;
  else if (key in parent) delete parent[key];
  else throw failed(`remove ${key}: missing`);
}
function changeList(parent: unknown[], op: string, key: string, value: unknown): void {
  const at = key === "-" ? parent.length : Number(key);
  if (!(at >= 0) || at > parent.length || (op !== "add" && at === parent.length)) throw failed(`${op} index ${key}`);
  if (op === "add") parent.splice(at, 0, value);
  else if (op === "remove") parent.splice(at, 1);
  else parent[at] = value;
}

type Condition = Json & { type: string };
const conditionsOf = (status: Json): Condition[] => (status.conditions ?? []) as Condition[];
/** Members of a status that a manager can own: each condition by its type, everything else by its name. */
function members(status: Json): Map<string, unknown> {
  const plain = Object.entries(status).filter(([key]) => key !== "conditions");
  return new Map([...plain, ...conditionsOf(status).map((c): [string, unknown] => [`c:${c.type}`, c])]);
}
/** Who owns which members, by manager. */
export type Owners = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Server-side apply with force: what is given is set and taken over, what the manager applied before and leaves out now goes unless somebody
 * else owns it too, what others own stays.
 */
export function applyStatus(have: Json, given: Json, manager: string, owners: Owners): { status: Json; owners: Owners } {
  const now = members(have);
  const want = members(given);
  const before = owners.get(manager) ?? new Set<string>();
  const next = new Map([...owners].map(([who, set]): [string, Set<string>] => [who, new Set(set)]));
  const others = [...next].filter(([who]) => who !== manager).map(([, set]) => set);
  for (const [member, value] of want) {
    const same = JSON.stringify(sorted(now.get(member))) === JSON.stringify(sorted(value));
    if (!same) others.forEach((set) => set.delete(member));
    now.set(member, value);
  }
  next.set(manager, new Set(want.keys()));
  for (const member of before) if (![...next.values()].some((set) => set.has(member))) now.delete(member);
  for (const [who, set] of next) if (set.size === 0) next.delete(who);
  return { status: assembled(now), owners: next };
}
/** Owners after somebody has changed a status without applying it. */
export function takenFrom(owners: Owners, before: Json, after: Json): Owners {
  const [had, has] = [members(before), members(after)];
  const text = (value: unknown): string => JSON.stringify(sorted(value));
  const changed = [...had.keys()].filter((m) => text(had.get(m)) !== text(has.get(m)));
  const left = [...owners].map(([who, set]): [string, Set<string>] => [
    who,
    new Set([...set].filter((m) => !changed.includes(m))),
  ]);
  return new Map(left.filter(([, set]) => set.size > 0));
}
function assembled(parts: ReadonlyMap<string, unknown>): Json {
  const status: Json = {};
  const conditions: unknown[] = [];
  for (const [member, value] of parts) {
    if (member.startsWith("c:")) conditions.push(value);
    else status[member] = value;
  }
  return conditions.length > 0 ? { ...status, conditions } : status;
}
const sorted = (value: unknown): unknown =>
  isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;

/** metadata.managedFields of the owners of a status. */
export const managedFields = (owners: Owners): Json[] =>
  [...owners].map(([manager, set]) => {
    const types = [...set]
      .filter((m) => m.startsWith("c:"))
      .map((m) => [`k:${JSON.stringify({ type: m.slice(2) })}`, { ".": {}, "f:status": {} }]);
    const plain = [...set].filter((m) => !m.startsWith("c:")).map((m) => [`f:${m}`, {}]);
    const status: Json = Object.fromEntries(plain) as Json;
    if (types.length > 0) status["f:conditions"] = Object.fromEntries(types) as Json;
    return { manager, operation: "Apply", subresource: "status", fieldsV1: { "f:status": status } };
  });
