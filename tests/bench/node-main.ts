// SPDX-License-Identifier: Apache-2.0
// `ts-node -T tests/bench/node-main.ts`: the figures of the node agent alone.
import { benchNode } from "./node";

benchNode().then(
  (lines) => console.log(lines.join("\n")),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
