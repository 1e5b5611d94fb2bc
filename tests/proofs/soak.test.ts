// SPDX-License-Identifier: Apache-2.0
// The soak, as much of it as CI can afford, and that it would notice.
import { expect } from "chai";
import { prove } from "./run";

describe("npm run soak", function () {
  this.timeout(300_000);

  it("loses no event, leaks nothing and leaves no rejection unhandled through 1,500 faults on a real API server", async () => {
    const { code, output, report } = await prove("tests/chaos/main.ts", ["--faults", "1500"], true);
    expect(code, output).to.equal(0);
    const { ok, faults, unhandled } = report as { ok: boolean; faults: { injected: number }; unhandled: number };
    expect(ok).to.equal(true);
    expect(unhandled).to.equal(0);
    expect(faults.injected).to.be.at.least(1_500);
  });

  it("finds one event that vanished", async () => {
    const { code, output } = await prove("tests/chaos/main.ts", ["--faults", "60", "--drop-one"], false);
    expect(code, output).to.equal(1);
    expect(output).to.match(/problem: .* namespace: 1 missing/);
  });
});
