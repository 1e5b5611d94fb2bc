// SPDX-License-Identifier: Apache-2.0
// The language host as a program of its own: the first line on stdout is the port, which is what the CLI waits for.
import { startLanguageHost } from "./langhost";

/** How often the host looks whether the CLI that started it still lives, milliseconds. */
const LOOK_MS = 1_000;

async function main(): Promise<void> {
  const engine =
    process.argv
      .slice(2)
      .filter((a) => !a.startsWith("-"))
      .at(-1) ?? "";
  const host = await startLanguageHost(engine);
  process.stdout.write(`${host.port}\n`);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      host.stop();
      process.exit(0);
    });
  }
  // A CLI that was killed (-9) tells nobody; the process that inherits this one is another.
  const cli = process.ppid;
  setInterval(() => (process.ppid === cli ? undefined : process.exit(0)), LOOK_MS).unref();
}

void main();
