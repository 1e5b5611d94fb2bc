// SPDX-License-Identifier: Apache-2.0
// `ts-node sandbox/tools/main.ts`: makes sure that the programs are there and prints where. CI runs it once before everything else.
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
  const tools = await ensureTools({ progress });
  process.stdout.write(`${JSON.stringify(tools, null, 2)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
