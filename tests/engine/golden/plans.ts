// SPDX-License-Identifier: Apache-2.0
// The golden plans as they lie in golden.json. scripts/previews.ts makes a page of them.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import type { Op, Run } from "../stack";

export interface Plan {
  title: string;
  /** Steps of the preview, sorted by what they are about. */
  plan: string[];
  /** Why the preview refuses, where it does: one line a reason. */
  refused?: string[];
}

const FILE = path.join(__dirname, "golden.json");
export const readPlans = (): Plan[] => JSON.parse(readFileSync(FILE, "utf8")) as Plan[];
/** Writes those that were found in place of the ones of the same title. */
export function writePlans(found: readonly Plan[], titles: readonly string[]): void {
  const all = new Map([...(existsSync(FILE) ? readPlans() : []), ...found].map((p) => [p.title, p]));
  const kept = titles.flatMap((title) => all.get(title) ?? []);
  writeFileSync(FILE, `${JSON.stringify(kept, null, 2)}\n`);
}

/** `update gcp:container/cluster:Cluster edge [releaseChannel]`: what a reader of a pull request sees of a step. */
export function seen(op: Op): string {
  const diffs = op.diffs.length === 0 ? "" : ` [${[...op.diffs].sort().join(", ")}]`;
  return `${op.op} ${op.what}${diffs}`;
}
/** Steps of a run; of a replacement only the first of its three. */
export const steps = (run: Run): string[] =>
  run.ops.filter((o) => !["create-replacement", "delete-replaced"].includes(o.op)).map(seen);

/** The engine's words without the frame around ours, and without the stack's name. */
function reasons(errors: readonly string[]): string[] {
  return errors
    .filter((e) => !/^(preview|update|destroy) failed$/.test(e))
    .flatMap((e) => {
      const lines = e.split("\n").map((l) => l.trim());
      return /has edits that are refused|in its arguments/.test(lines[0]!) ? lines.slice(1) : [lines.join(" ")];
    })
    .map((line) =>
      line.replace(/urn:pulumi:[^"]*::([^:"]+::[^:"]+)/g, (_, end: string) => `…${end.slice(end.lastIndexOf("$") + 1)}`),
    )
    .sort();
}

export function planOf(title: string, run: Run): Plan {
  return run.code === 0 ? { title, plan: steps(run) } : { title, plan: [], refused: reasons(run.errors) };
}
