// SPDX-License-Identifier: Apache-2.0
// The language host as an installed plugin of the CLI's own home, so that the CLI starts it itself. Measured against the two other
// forms: attached (PULUMI_DEBUG_LANGUAGES) the program gets this process's environment instead of the caller's and its output is
// not shown by the CLI; on PATH the CLI warns at every command. Bundled, because the CLI starts it for each command.
import { chmodSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { LANGUAGE_HOST_VERSION } from "./langhost";

const SOURCE = path.join(__dirname, "langhostmain.ts");
/** In the package of npm the sources are not there, and this is (scripts/build-sandbox.ts). */
const COMPILED = path.join(__dirname, "..", "..", "dist", "sandbox", "langhost.cjs");

/** Writes the plugin below `home/plugins`. @throws Error when the bundle cannot be built */
export async function installLanguagePlugin(home: string): Promise<void> {
  const folder = path.join(home, "plugins", `language-nodejs-v${LANGUAGE_HOST_VERSION}`);
  mkdirSync(folder, { recursive: true });
  const bundle = path.join(folder, "host.cjs");
  if (existsSync(SOURCE)) await compile(bundle);
  else copyFileSync(COMPILED, bundle);
  const script = path.join(folder, "pulumi-language-nodejs");
  writeFileSync(script, `#!/bin/sh\nexec "${process.execPath}" "$(dirname "$0")/host.cjs" "$@"\n`);
  chmodSync(script, 0o755);
}

async function compile(outfile: string): Promise<void> {
  const { build } = await import("esbuild");
  await build({
    entryPoints: [SOURCE],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    logLevel: "silent",
  });
}
