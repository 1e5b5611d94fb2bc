// SPDX-License-Identifier: Apache-2.0
// Golden plans: what each everyday edit changes, and how, on the real engine. `UPDATE_GOLDEN=1` writes golden.json anew.
import { expect } from "chai";
import { type Edit, EDITS } from "./edits";
import { type Plan, planOf, readPlans, writePlans } from "./plans";
import { useGolden } from "./shared";
import type { Run } from "../stack";

const UPDATE = process.env.UPDATE_GOLDEN === "1";
/** Those of the base as it is, which can run two at a time; and those that deploy something first, one by one after them. */
const [PLAIN, DEPLOYING] = [EDITS.filter((e) => !e.first), EDITS.filter((e) => e.first)];

describe("golden plans", function () {
  this.timeout(120_000);
  const stack = useGolden();
  const golden = UPDATE ? [] : readPlans();
  const found: Plan[] = [];
  const started: Promise<Run>[] = [];

  after(() => {
    if (UPDATE)
      writePlans(
        found,
        EDITS.map((e) => e.title),
      );
  });

  const start = (index: number): Promise<Run> | undefined => {
    const edit = PLAIN[index];
    return edit && (started[index] ??= stack().lanes[index % 2]!(edit.change));
  };
  const judge = ({ title }: Edit, run: Run): void => {
    const plan = planOf(title, run);
    found.push(plan);
    if (!UPDATE) expect(plan).to.deep.equal(golden.find((g) => g.title === title));
  };

  PLAIN.forEach((edit, index) =>
    it(edit.title, async () => {
      const run = start(index)!;
      start(index + 1)?.catch(() => undefined); // its own test awaits it
      judge(edit, await run);
    }),
  );

  describe("after a deployment", () => {
    after(() => stack().deploy());

    for (const edit of DEPLOYING)
      it(edit.title, async () => {
        await stack().deploy(edit.first);
        judge(edit, await stack().preview(edit.change));
      });
  });

  // A group of its own, since a suite's own tests come before its groups.
  describe("all of them", () => {
    it("are at least twenty edits, each told of once, and every row of the file is shown by a test", () => {
      expect(new Set(found.map((p) => p.title)).size)
        .to.equal(found.length)
        .and.at.least(20);
      if (!UPDATE) expect(golden.map((g) => g.title)).to.have.members(found.map((p) => p.title));
    });
  });
});
