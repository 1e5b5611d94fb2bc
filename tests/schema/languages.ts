// SPDX-License-Identifier: Apache-2.0
// Installs the stand-ins for Pulumi's Python and YAML language hosts as plugins of the engine's home, where the CLI looks for them.
import { buildSync } from "esbuild";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { ROOT } from "../../sandbox/demo";

const VERSION = "1.0.0";

function install(home: string, language: string, script: string): void {
  const folder = path.join(home, "plugins", `language-${language}-v${VERSION}`);
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `pulumi-language-${language}`);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

/** @param python an interpreter with Pulumi's SDK */
export function installPython(home: string, python: string): void {
  install(home, "python", `exec "${python}" "${path.join(__dirname, "hosts", "python.py")}" "$@"`);
}

/** YAML runs as a Node.js program: the host of the sandbox, told to run the interpreter instead of the folder. */
export function installYaml(home: string): void {
  const folder = path.join(home, "yaml");
  mkdirSync(folder, { recursive: true });
  const bundled = { bundle: true, platform: "node", target: "node20", format: "cjs", logLevel: "silent" } as const;
  const program = path.join(folder, "program.js");
  buildSync({
    entryPoints: [path.join(__dirname, "hosts", "yaml-program.ts")],
    outfile: program,
    ...bundled,
    // One SDK a process: the one that cmd/run has set up.
    external: ["@pulumi/pulumi"],
    nodePaths: [path.join(ROOT, "node_modules")],
  });
  const host = path.join(folder, "host.cjs");
  buildSync({ entryPoints: [path.join(__dirname, "hosts", "yaml-main.ts")], outfile: host, ...bundled });
  const schema = path.join(ROOT, "schema", "schema.json");
  install(
    home,
    "yaml",
    `export SCHEMA="${schema}" PROGRAM="${program}" NODE_PATH="${path.join(ROOT, "node_modules")}"\nexec "${process.execPath}" "${host}" "$@"`,
  );
}
