// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { type Condition, mergeConditions, ownConditions, sameStatus } from "./status";

const T0 = "2026-01-01T00:00:00Z";
const NOW = Date.UTC(2026, 5, 1, 12, 0, 0, 999);
const ready = (status: Condition["status"], more: Partial<Condition> = {}): Condition => ({
  type: "Ready",
  status,
  reason: "R",
  ...more,
});

describe("conditions", () => {
  it("keep lastTransitionTime while the status stays, even when reason, message or generation change (T2)", () => {
    const before = [ready("True", { lastTransitionTime: T0, observedGeneration: 1 })];
    const [after] = ownConditions(before, [ready("True", { reason: "Other", message: "m", observedGeneration: 2 })], NOW);
    expect(after).to.deep.equal(ready("True", { reason: "Other", message: "m", observedGeneration: 2, lastTransitionTime: T0 }));
  });

  it("get the present second as lastTransitionTime when the status changes or is new", () => {
    const before = [ready("True", { lastTransitionTime: T0 })];
    expect(ownConditions(before, [ready("False")], NOW)[0]?.lastTransitionTime).to.equal("2026-06-01T12:00:00Z");
    expect(ownConditions(undefined, [ready("False")], NOW)[0]?.lastTransitionTime).to.equal("2026-06-01T12:00:00Z");
  });

  it("of others are kept where and as they are; own ones are replaced in place or added at the end (T7)", () => {
    const foreign: Condition = { type: "Foreign", status: "Unknown", lastTransitionTime: T0 };
    const before = [ready("True", { lastTransitionTime: T0 }), foreign];
    const after = mergeConditions(before, [{ type: "New", status: "True" }, ready("True")], NOW);
    expect(after.map((condition) => condition.type)).to.deep.equal(["Ready", "Foreign", "New"]);
    expect(after[1]).to.equal(foreign);
  });

  it("leave their arguments alone", () => {
    const before = Object.freeze([Object.freeze(ready("True", { lastTransitionTime: T0 }))]);
    mergeConditions(before, Object.freeze([Object.freeze(ready("False"))]), NOW);
    expect(before[0]?.status).to.equal("True");
  });
});

describe("sameStatus", () => {
  const table: [string, unknown, unknown, boolean][] = [
    ["equal objects with other key order", { a: 1, b: { c: [1, 2] } }, { b: { c: [1, 2] }, a: 1 }, true],
    ["absent and undefined", { a: 1 }, { a: 1, b: undefined }, true],
    ["absent and empty", { a: 1 }, { a: 1, b: [] }, false],
    [
      "conditions in another order",
      { conditions: [{ type: "A" }, { type: "B" }] },
      { conditions: [{ type: "B" }, { type: "A" }] },
      true,
    ],
    ["other lists in another order", { pods: ["a", "b"] }, { pods: ["b", "a"] }, false],
    ["a changed message", { conditions: [{ type: "A", message: "x" }] }, { conditions: [{ type: "A", message: "y" }] }, false],
    ["nothing at all", undefined, undefined, true],
  ];
  for (const [what, a, b, same] of table)
    it(`says ${same ? "same" : "different"} for ${what}`, () => expect(sameStatus(a, b)).to.equal(same));
});
