// SPDX-License-Identifier: Apache-2.0
// The entry point as it is started: flags that make no sense end it at once, with the flag, the value and what is allowed.
import { execFile } from "node:child_process";
import * as path from "node:path";
import { expect } from "chai";

const MAIN = path.join(__dirname, "main.ts");
const start = (...args: string[]): Promise<{ code: number; said: string }> =>
  new Promise((resolve) => {
    const command = [require.resolve("ts-node/dist/bin"), "-T", MAIN, "controller", "--project", "p", "--region", "r", ...args];
    execFile(process.execPath, command, { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, said: stdout + stderr }),
    );
  });

describe("The entry point", function () {
  this.timeout(130_000);

  it("F8: refuses a nonsense timer or mode at start, and names flag, value and what is allowed", async () => {
    const wrong: [flag: string, value: string, allowed: RegExp][] = [
      ["--drift-interval-seconds", "0", /whole number from 5 to 86400/],
      ["--datapath", "ebpf", /Allowed choices are dataplane-v2/],
    ];
    for (const [flag, value, allowed] of wrong) {
      const { code, said } = await start(flag, value);
      expect(said).to.contain(flag).and.contain(`'${value}'`).and.match(allowed);
      expect(code, flag).to.equal(1);
    }
  });
});
