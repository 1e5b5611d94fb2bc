// SPDX-License-Identifier: Apache-2.0
// The agent as it ships: the one file of the built bundle, unpacked. Made anew here only where the sources are newer than the build.
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { build } from "esbuild";

const root = path.resolve(__dirname, "../..");
const built = path.join(root, "dist/bundle/controller.js.br");

function newestSource(): number {
  const folder = path.join(root, "controller");
  const files = fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((f) => f.endsWith(".ts") && !f.endsWith(".test.ts"));
  return Math.max(...files.map((f) => fs.statSync(path.join(folder, f)).mtimeMs));
}

export interface Programs {
  /** `node FILE agent …` */
  file: string;
  /** `node TRAFFIC serve|ask|meter|hold JSON` */
  traffic: string;
  /** Where both are, and where tests may write; the caller removes it. */
  folder: string;
}
const AGENT_BUILD = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  minify: true,
  keepNames: true,
  logLevel: "warning",
} as const;
const git = (...args: string[]): string => execFileSync("git", args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 });

/** The agent as it was at the commit that brought it, built from there. */
export async function olderAgent(folder: string): Promise<{ file: string } | { reason: string }> {
  try {
    const [commit] = git("log", "--format=%H", "--diff-filter=A", "--", "controller/agent.ts").trim().split("\n");
    if (!commit) return { reason: "no history of controller/agent.ts in this checkout" };
    const sources = path.join(folder, "older");
    fs.mkdirSync(sources);
    const tar = execFileSync("git", ["archive", commit, "controller", "package.json"], { cwd: root, maxBuffer: 1 << 28 });
    execFileSync("tar", ["-x", "-C", sources], { input: tar });
    fs.symlinkSync(path.join(root, "node_modules"), path.join(sources, "node_modules"));
    const file = path.join(folder, "older.js");
    await build({ ...AGENT_BUILD, entryPoints: [path.join(sources, "controller/main.ts")], outfile: file });
    return { file };
  } catch (error) {
    return { reason: `no older agent can be built here: ${String(error).split("\n")[0]}` };
  }
}
export async function programs(): Promise<Programs> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pip-packets-"));
  const file = path.join(folder, "controller.js");
  const traffic = path.join(folder, "traffic.js");
  await build({
    entryPoints: [path.join(__dirname, "traffic.ts")],
    platform: "node",
    format: "cjs",
    outfile: traffic,
    logLevel: "warning",
  });
  // Another agent under the same tests: a release before this one, or one that was broken on purpose (mutants.ts).
  const other = process.env["PACKETS_AGENT"];
  if (other) fs.copyFileSync(other, file);
  else if (fs.existsSync(built) && fs.statSync(built).mtimeMs > newestSource())
    fs.writeFileSync(file, brotliDecompressSync(fs.readFileSync(built)));
  else await build({ ...AGENT_BUILD, entryPoints: [path.join(root, "controller/main.ts")], outfile: file });
  return { file, traffic, folder };
}
