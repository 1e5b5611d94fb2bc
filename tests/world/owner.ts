// SPDX-License-Identifier: Apache-2.0
// Starts a control plane, prints its process ids, and waits to be killed.
import { startControlPlane } from "../../sandbox/controlplane";
import { ensureTools } from "../../sandbox/tools";

async function main(dir: string): Promise<void> {
  const controlPlane = await startControlPlane({ dir, tools: await ensureTools({ need: ["kubernetes"] }) });
  process.stdout.write(JSON.stringify(Object.values(controlPlane.pids())));
  setInterval(() => undefined, 1000);
}

void main(process.argv[2] ?? "");
