// SPDX-License-Identifier: Apache-2.0
// Stops a release that would break programs in other languages without saying so in its number: compares schema/schema.json with the one of the
// last release. `--release` records the present one as released; the release workflow does so, after publishing.
import * as fs from "node:fs";
import * as path from "node:path";
import { compareSchemas, versionAllows, type Change } from "./schema-compare";
import type { PackageSchema } from "./schema-types";

const FOLDER = path.resolve(__dirname, "..", "schema");
const read = (file: string): PackageSchema => JSON.parse(fs.readFileSync(file, "utf8")) as PackageSchema;
const line = (c: Change): string => `${c.kind.padEnd(8)} ${c.path}: ${c.what}`;

export interface Verdict {
  ok: boolean;
  text: string;
}

/** Compares the schema with the released one of a folder. */
export function gate(folder: string): Verdict {
  const released = path.join(folder, "released.json");
  if (!fs.existsSync(released)) return { ok: true, text: "nothing is released yet: the schema may change freely" };
  const [before, after] = [read(released), read(path.join(folder, "schema.json"))];
  const changes = compareSchemas(before, after);
  const ok = versionAllows(before.version, after.version, changes);
  const count = (kind: Change["kind"]): number => changes.filter((c) => c.kind === kind).length;
  const summary = `${before.version} -> ${after.version}: ${count("breaking")} breaking, ${count("additive")} additive, ${count("docs")} docs`;
  const remedy = ok
    ? []
    : ["breaking changes need a new major version (before 1.0.0: a new minor one); raise it, or keep what was"];
  return { ok, text: [summary, ...changes.map(line), ...remedy].join("\n") };
}

function main(): void {
  if (process.argv.includes("--release"))
    return fs.copyFileSync(path.join(FOLDER, "schema.json"), path.join(FOLDER, "released.json"));
  const { ok, text } = gate(FOLDER);
  console.log(text);
  if (!ok) process.exitCode = 1;
}
if (require.main === module) main();
