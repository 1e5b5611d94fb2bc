// SPDX-License-Identifier: Apache-2.0
// The language host as a program of its own: the first line on stdout is the port, which is what the CLI waits for.
import { startLanguageHost } from "./langhost";

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
}

void main();
