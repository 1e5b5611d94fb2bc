// SPDX-License-Identifier: Apache-2.0
// Pulumi's own language hosts for Python and YAML, built from their Go modules, as plugins of the engine's home, where the CLI looks for them.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { ensureTools } from "../../sandbox/tools";

const VERSION = "1.0.0";

/** A plugin that starts the program, which looks beside itself for its scripts. */
function install(home: string, language: string, program: string): void {
  const folder = path.join(home, "plugins", `language-${language}-v${VERSION}`);
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `pulumi-language-${language}`);
  writeFileSync(file, `#!/bin/sh\nexec "${program}" "$@"\n`);
  chmodSync(file, 0o755);
}

/**
 * Where a host lies beside the CLI, that one is taken.
 * @param home of the engine (PULUMI_HOME)
 * @throws ToolsMissingError, ToolsBuildError
 */
export async function installLanguages(home: string): Promise<void> {
  const { pulumiPython, pulumiYaml } = await ensureTools({ need: ["languages"] });
  install(home, "yaml", pulumiYaml);
  install(home, "python", pulumiPython);
}
