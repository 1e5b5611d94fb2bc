// SPDX-License-Identifier: Apache-2.0
// The emulator by itself: prints its URL and stays until SIGINT or SIGTERM. `PORT` and `PROJECT` may be set.
import { startEmulator } from "./index";

async function main(): Promise<void> {
  const portText = process.env.PORT ?? "0";
  const port = Number(portText);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new RangeError(`PORT is '${portText}', it must be 0 to 65535`);
  const emulator = await startEmulator({ port, ...(process.env.PROJECT ? { project: process.env.PROJECT } : {}) });
  process.stdout.write(`${emulator.url}\n`);
  const stop = () => void emulator.close();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
}

main().catch((error: unknown) => {
  process.stderr.write(`emulator: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
