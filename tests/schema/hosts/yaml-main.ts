// SPDX-License-Identifier: Apache-2.0
// The sandbox's language host as a program that runs PROGRAM, the interpreter, in the folder of a YAML program. First line: the port.
import { startLanguageHost } from "../../../sandbox/pulumi/langhost";

async function main(): Promise<void> {
  const engine = process.argv
    .slice(2)
    .filter((a) => !a.startsWith("-"))
    .at(-1);
  const host = await startLanguageHost(engine, undefined, process.env["PROGRAM"]);
  process.stdout.write(`${host.port}\n`);
  process.once("SIGTERM", () => process.exit(0));
}
void main();
