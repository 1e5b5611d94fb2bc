// SPDX-License-Identifier: Apache-2.0
// The agent as it ships: the one file of the built bundle, unpacked. Made anew here only where the sources are newer than the build.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gunzipSync } from "node:zlib";
import { build } from "esbuild";

const root = path.resolve(__dirname, "../..");
const built = path.join(root, "dist/bundle/controller.js.gz");

function newestSource(): number {
  const folder = path.join(root, "controller");
  const files = fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((f) => f.endsWith(".ts") && !f.endsWith(".test.ts"));
  return Math.max(...files.map((f) => fs.statSync(path.join(folder, f)).mtimeMs));
}

/** Path of a program `node FILE agent …` runs; in a folder of its own, which the caller removes. */
export async function agentProgram(): Promise<{ file: string; folder: string }> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pip-packets-"));
  const file = path.join(folder, "controller.js");
  if (fs.existsSync(built) && fs.statSync(built).mtimeMs > newestSource())
    fs.writeFileSync(file, gunzipSync(fs.readFileSync(built)));
  else
    await build({
      entryPoints: [path.join(root, "controller/main.ts")],
      bundle: true,
      platform: "node",
      target: "node20",
      format: "cjs",
      minify: true,
      keepNames: true,
      outfile: file,
      logLevel: "warning",
    });
  return { file, folder };
}
