// SPDX-License-Identifier: Apache-2.0
// Golden plans: what each everyday edit changes, and how, on the real engine. `UPDATE_GOLDEN=1` writes golden.json anew.
import { expect } from "chai";
import { EDITS } from "./edits";
import { type Plan, planOf, readPlans, writePlans } from "./plans";
import { useGolden } from "./shared";

const UPDATE = process.env.UPDATE_GOLDEN === "1";

describe("golden plans", function () {
  this.timeout(120_000);
  const stack = useGolden();
  const golden = UPDATE ? [] : readPlans();
  const found: Plan[] = [];

  after(() => {
    if (UPDATE)
      writePlans(
        found,
        EDITS.map((e) => e.title),
      );
  });

  for (const edit of EDITS)
    it(edit.title, async () => {
      const { deploy, preview } = stack();
      if (edit.first) await deploy(edit.first);
      const run = await preview(edit.change);
      if (edit.first) await deploy();
      const plan = planOf(edit.title, run);
      found.push(plan);
      if (!UPDATE) expect(plan).to.deep.equal(golden.find((g) => g.title === edit.title));
    });

  it("tell of at least twenty edits, each once, and every row of the file is shown by a test", () => {
    expect(new Set(found.map((p) => p.title)).size)
      .to.equal(found.length)
      .and.at.least(20);
    if (!UPDATE) expect(golden.map((g) => g.title)).to.deep.equal(found.map((p) => p.title));
  });
});
