// SPDX-License-Identifier: Apache-2.0
// Programs that are not Node.js in the sandbox: Pulumi's own language hosts for Python and YAML, and this package as the plugin that makes the
// components for them. Both become plugins of the CLI's home, where it looks for them.
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { ROOT } from "./demo";
import type { Tools } from "./tools";

export const VERSION = (JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as { version: string }).version;
const HOST_VERSION = "1.0.0";

/** `runtime` of the project in this folder or the nearest one above, as the CLI finds it; undefined: there is none, or it does not say. */
export function runtimeOf(folder: string): string | undefined {
  const file = ["Pulumi.yaml", "Pulumi.yml"].map((name) => path.join(folder, name)).find((f) => existsSync(f));
  if (file) return /^runtime:[ \t]*(?:\r?\n\s+name:\s*)?["']?([\w-]+)/m.exec(readFileSync(file, "utf8"))?.[1];
  const above = path.dirname(folder);
  return above === folder ? undefined : runtimeOf(above);
}

/**
 * The interpreter of a Python project's virtual environment: the active one, or `venv` or `.venv` in the folder. The host that can be built is
 * older than the engine's way of telling it the options of the runtime, but it knows PULUMI_PYTHON_CMD.
 */
export function pythonOf(folder: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const places = [...(env.VIRTUAL_ENV ? [env.VIRTUAL_ENV] : []), path.join(folder, "venv"), path.join(folder, ".venv")];
  return env.PULUMI_PYTHON_CMD ?? places.map((place) => path.join(place, "bin", "python")).find((f) => existsSync(f));
}

/** A host that lies beside the CLI goes before these. @param home PULUMI_HOME of the engine */
export function installHosts(home: string, tools: Pick<Tools, "pulumiPython" | "pulumiYaml">): void {
  for (const [language, program] of [
    ["python", tools.pulumiPython],
    ["yaml", tools.pulumiYaml],
  ] as const) {
    const folder = path.join(home, "plugins", `language-${language}-v${HOST_VERSION}`);
    mkdirSync(folder, { recursive: true });
    const file = path.join(folder, `pulumi-language-${language}`);
    writeFileSync(file, `#!/bin/sh\nexec "${program}" "$@"\n`);
    chmodSync(file, 0o755);
  }
}

/** The plugin: the files that a release carries, and beside them what "npm install" would bring. @param home PULUMI_HOME of the engine */
export function installPlugin(home: string): void {
  const folder = path.join(home, "plugins", `resource-gke-persistent-ip-v${VERSION}`);
  mkdirSync(path.join(folder, "node_modules"), { recursive: true });
  cpSync(path.join(ROOT, "provider", "plugin"), folder, { recursive: true });
  symlinkSync(ROOT, path.join(folder, "node_modules", "pulumi-gke-persistent-ip"));
  const sdk = path.dirname(require.resolve("@pulumi/pulumi/package.json", { paths: [ROOT] }));
  symlinkSync(path.dirname(sdk), path.join(folder, "node_modules", "@pulumi"));
}
