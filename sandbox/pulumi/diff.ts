// SPDX-License-Identifier: Apache-2.0
// The difference of two sets of inputs, leaf by leaf, in the engine's path syntax, and what a provider answers with it.
import { isRecord, steps, type Json, type Props } from "./value";

export type ChangeKind = "add" | "delete" | "update";
export interface Change {
  path: string;
  kind: ChangeKind;
}

export interface DiffResult {
  changes: Change[];
  /** Paths whose change needs a new resource. */
  replaces: string[];
  deleteBeforeReplace: boolean;
}

export const NO_DIFF: DiffResult = { changes: [], replaces: [], deleteBeforeReplace: false };

/** Every leaf that differs, sorted by path. An object or list against something of another shape is one update. */
export function diffLeaves(a: Json | undefined, b: Json | undefined, path = ""): Change[] {
  if (a === b) return [];
  if (a === undefined) return [{ path, kind: "add" }];
  if (b === undefined) return [{ path, kind: "delete" }];
  if (Array.isArray(a) && Array.isArray(b)) {
    return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => diffLeaves(a[i], b[i], `${path}[${i}]`)).flat();
  }
  if (isRecord(a) && isRecord(b)) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
    return keys.flatMap((key) => diffLeaves(a[key], b[key], join(path, key)));
  }
  return [{ path, kind: "update" }];
}

/** Path of a member: dotted where the key is a plain word, quoted in brackets otherwise. */
export function join(path: string, key: string): string {
  if (!/^[A-Za-z0-9_$-]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

/** True if `path` is `prefix` or lies below it; a `*` in the prefix stands for any one step. */
export function under(path: string, prefix: string): boolean {
  const whole = steps(path);
  const head = steps(prefix);
  return head.length <= whole.length && head.every((step, i) => step === "*" || step === whole[i]);
}

/** True if one of the prefixes covers the path, or the path is a whole that contains a covered part (an added or removed parent). */
export function covered(path: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => under(path, prefix) || under(prefix, path));
}

export interface DiffPlan {
  oldInputs: Props;
  news: Props;
  /** The `ignoreChanges` of the resource. */
  ignore: readonly string[];
  /** Paths that cannot be changed in place. */
  immutable: readonly string[];
  /** Paths where two spellings mean the same, or the cloud's own value is kept. */
  equal?: (path: string, a: Json | undefined, b: Json | undefined) => boolean;
  /** Asked only when something is replaced: does the old one have to go first? */
  keepsName: boolean;
}

/** Compares old and new inputs and tells what is replaced. */
export function diffInputs(plan: DiffPlan): DiffResult {
  const changes = diffLeaves(plan.oldInputs, plan.news).filter(
    (c) =>
      !plan.ignore.some((g) => under(c.path, g)) &&
      !(plan.equal?.(c.path, valueAt(plan.oldInputs, c), valueAt(plan.news, c)) ?? false),
  );
  const replaces = changes.map((c) => c.path).filter((p) => covered(p, plan.immutable));
  return { changes, replaces, deleteBeforeReplace: replaces.length > 0 && plan.keepsName };
}

function valueAt(root: Props, change: Change): Json | undefined {
  let now: Json | undefined = root;
  for (const step of steps(change.path)) {
    if (typeof now !== "object" || now === null) return undefined;
    now = (now as Props)[step];
  }
  return now;
}
