// SPDX-License-Identifier: Apache-2.0
// A few worlds for `npm test`; ten thousand are `npm run sim`. And the simulator's own promises: the same seed is the same run, a failing plan is
// cut down to what is needed, and a mutant is only as good as the text that it changes.
import { expect } from "chai";
import { readFileSync } from "node:fs";
import path from "node:path";
import { loadMutated, patched, ROOT } from "./mutation/hook";
import { MUTANTS } from "./mutation/list";
import { partOf } from "./range";
import { runSeed } from "./run";
import { planOf, shapeOf } from "./world/shape";
import type * as replay from "./replay";

describe("The simulator", function () {
  this.timeout(60_000);

  it("F1 F2 F3 E47 E51 E60 S5: finds no violation in a few worlds with crashes, partitions, two leaders, lost replies and changing Pods", async () => {
    const limit = Error.stackTraceLimit;
    const part = await partOf({ from: 1, step: 1, to: 41, budgetMs: 20_000 });
    Error.stackTraceLimit = limit;
    expect(part.violations).to.deep.equal([]);
    expect(part.seeds).to.be.greaterThan(5);
    for (const what of ["moves", "crashes", "leaders", "cloudWrites"]) expect(part.counts[what], what).to.be.greaterThan(0);
    for (const invariant of ["1-holder", "1-journal", "3-condition", "5-quiet", "7-leader", "7-stale"])
      expect(part.exercised[invariant], invariant).to.be.greaterThan(0);
  });

  it("runs a seed the same way every time, to the last step", async () => {
    const [a, b] = [await runSeed(11, { trace: true }), await runSeed(11, { trace: true })];
    expect(a.lines.length).to.be.greaterThan(50);
    expect(b.lines).to.deep.equal(a.lines);
    expect([b.steps, b.ms]).to.deep.equal([a.steps, a.ms]);
  });

  it("draws worlds and plans from the seed alone, in order of time", () => {
    for (const seed of [1, 2, 3]) {
      const plan = planOf(shapeOf(seed));
      expect(plan).to.deep.equal(planOf(shapeOf(seed)));
      expect(plan.map((e) => e.at)).to.deep.equal([...plan.map((e) => e.at)].sort((x, y) => x - y));
    }
  });

  it("catches a mutant, and cuts its plan down to one that still breaks the same invariant", async () => {
    const mutant = MUTANTS.find((m) => m.name === "oldest Pod wins")!;
    const { shrink } = loadMutated<typeof replay>(require.resolve("./replay"), mutant);
    const plan = planOf(shapeOf(1));
    const short = await shrink(1, plan);
    expect(short?.violation.invariant).to.be.oneOf(["5-quiet", "6-bad-object", "1-choice"]);
    expect(short!.plan.length).to.be.lessThan(plan.length);
  });

  it("has mutants whose text is in the code exactly once", () => {
    expect(MUTANTS.length).to.be.at.least(25);
    for (const m of MUTANTS)
      for (const p of m.patches) expect(patched(readFileSync(path.join(ROOT, p.file), "utf8"), p), m.name).to.be.a("string");
    expect(() => patched("a a", { file: "x.ts", from: "a", to: "b" }))
      .to.throw("x.ts")
      .with.property("message")
      .that.includes("2 times");
  });
});
