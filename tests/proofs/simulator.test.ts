// SPDX-License-Identifier: Apache-2.0
// The simulator over more worlds than the fast suite has time for, and the deliberate bugs that it must catch.
import { expect } from "chai";
import { prove } from "./run";

const SEEDS = 1_000;

describe("npm run sim", function () {
  this.timeout(600_000);

  it(`breaks no invariant in ${SEEDS} worlds of crashes, partitions and two leaders (DESIGN 9)`, async () => {
    const { code, output, report } = await prove("tests/simulator/main.ts", ["--seeds", String(SEEDS), "--jobs", "1"], true);
    expect(code, output).to.equal(0);
    const { seeds, violations } = report as { seeds: number; violations: unknown[] };
    expect(violations).to.deep.equal([]);
    expect(seeds).to.equal(SEEDS);
  });

  it("catches every deliberate bug", async () => {
    const { code, output } = await prove("tests/simulator/mutants.ts", [], false);
    expect(code, output).to.equal(0);
    const caught = output.match(/^caught /gm)?.length ?? 0;
    expect(caught, output).to.be.at.least(25);
  });
});
