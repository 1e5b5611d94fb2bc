// SPDX-License-Identifier: Apache-2.0
// Writes sdk/ (Node.js, Python, Go) from schema/schema.json with Pulumi's own generators, through the Go tool in sandbox/tools/schemagen.
// `--check` writes nothing and fails where sdk/ is not what the schema gives. Needs Go.
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";

const ROOT = path.resolve(__dirname, "..");
const TOOL = path.join(ROOT, "sandbox", "tools", "schemagen");
const SCHEMA = path.join(ROOT, "schema", "schema.json");
/** Where each language's files lie below sdk/. What stands beside a generated folder (go.mod) is ours. */
export const FOLDERS = { nodejs: "nodejs", python: "python", go: "go/gkepersistentip" } as const;

/** Generates every language below a folder. @throws Error of the Go tool */
export function generate(folder: string): void {
  const gen = path.join(folder, "schemagen");
  // The same flags as for the other programs of the sandbox, whose packages are then compiled already.
  const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off" };
  execFileSync("go", ["build", "-trimpath", "-o", gen, "."], { cwd: TOOL, env, stdio: ["ignore", "inherit", "inherit"] });
  for (const [language, where] of Object.entries(FOLDERS))
    execFileSync(gen, [language, SCHEMA, path.join(folder, where)], { stdio: ["ignore", "inherit", "inherit"] });
  // pyproject.toml names it, and the generator puts it elsewhere.
  const python = path.join(folder, FOLDERS.python);
  fs.copyFileSync(path.join(python, "pulumi_gke_persistent_ip", "README.md"), path.join(python, "README.md"));
}

/** Files of a folder and their contents, by relative path. */
export function contentOf(folder: string): Map<string, string> {
  if (!fs.existsSync(folder)) return new Map();
  const files = fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
  const paths = files.map((e) => path.relative(folder, path.join(e.parentPath, e.name))).filter((f) => !ARTEFACT.test(f));
  return new Map(paths.sort().map((f) => [f, fs.readFileSync(path.join(folder, f), "utf8")]));
}
/** What building or importing an SDK leaves in its folder. */
const ARTEFACT = /(^|\/)(node_modules|bin|build|__pycache__|[^/]*\.egg-info)\//;

/** Files that differ between what is kept and what the schema gives now. */
export function differences(generated: string, kept: string): string[] {
  return Object.values(FOLDERS).flatMap((where) => {
    const [now, was] = [contentOf(path.join(generated, where)), contentOf(path.join(kept, where))];
    const names = [...new Set([...now.keys(), ...was.keys()])].sort();
    return names.filter((f) => now.get(f) !== was.get(f)).map((f) => `${where}/${f}`);
  });
}

function main(): void {
  const folder = fs.mkdtempSync(path.join(tmpdir(), "sdk-"));
  const kept = path.join(ROOT, "sdk");
  try {
    generate(folder);
    const changed = differences(folder, kept);
    if (process.argv.includes("--check")) {
      if (changed.length === 0) return;
      console.error(`sdk/ is not what the schema gives; run: npx ts-node -T scripts/sdk.ts\n${changed.join("\n")}`);
      process.exitCode = 1;
      return;
    }
    for (const where of Object.values(FOLDERS)) {
      fs.rmSync(path.join(kept, where), { recursive: true, force: true });
      fs.cpSync(path.join(folder, where), path.join(kept, where), { recursive: true });
    }
    console.log(`${changed.length} files of sdk/ changed`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
if (require.main === module) main();
