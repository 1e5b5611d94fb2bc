// SPDX-License-Identifier: Apache-2.0
// `ts-node sandbox/tools/main.ts [group...]`: makes sure that the programs are there and prints where. CI runs it once before everything
// else. Groups: kubernetes, pulumi (both unless named), nodes (the kubelet of real nodes), languages (Pulumi's Python and YAML hosts).
import { GROUPS, type Group } from "./table";
import { ensureTools, progressText, type Progress } from "./index";

const QUIET_MS = 10_000;

async function main(): Promise<void> {
  let shownAt = 0;
  const progress = (p: Progress): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${progressText(p)}${p.finished ? "\n" : ""}`);
    else if (p.finished || Date.now() - shownAt >= QUIET_MS) {
      shownAt = Date.now();
      process.stderr.write(`${progressText(p)}\n`);
    }
  };
  const named = process.argv.slice(2).filter(isGroup);
  const tools = await ensureTools({ progress, ...(named.length > 0 ? { need: named } : {}) });
  process.stdout.write(`${JSON.stringify(tools, null, 2)}\n`);
}

const isGroup = (text: string): text is Group => (GROUPS as readonly string[]).includes(text);

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
