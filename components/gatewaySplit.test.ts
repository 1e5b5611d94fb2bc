// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import * as fc from "fast-check";
import { groupsOf, splitAddresses, splitName } from "./gatewaySplit";

const keys = (n: number): string[] => Array.from({ length: n }, (_v, i) => `k${i}`);

describe("splitting addresses over Gateways", () => {
  it("E30: keeps up to 16 in one, in their order", () => {
    expect(splitAddresses(keys(16))).to.deep.equal([keys(16)]);
    expect(splitAddresses(keys(17)).map((b) => b.length)).to.deep.equal([16, 1]);
    expect(splitAddresses([])).to.deep.equal([]);
  });

  it("names the first as if there were no other, so that a split renames nothing", () => {
    expect([0, 1, 2].map((n) => splitName("edge-external", n))).to.deep.equal([
      "edge-external",
      "edge-external-2",
      "edge-external-3",
    ]);
  });

  it("merges sets that share an address", () => {
    expect(
      groupsOf(
        ["a", "b", "c", "d"],
        [
          ["a", "d"],
          ["d", "c"],
        ],
      ),
    ).to.deep.equal([["a", "c", "d"], ["b"]]);
  });

  const plan = fc.integer({ min: 0, max: 60 }).chain((n) =>
    fc.record({
      n: fc.constant(n),
      together:
        n === 0
          ? fc.constant([])
          : fc.array(fc.uniqueArray(fc.integer({ min: 0, max: n - 1 }), { minLength: 1, maxLength: 3 }), { maxLength: 6 }),
    }),
  );
  const named = (together: readonly number[][] = []): string[][] => together.map((set) => set.map((i) => `k${i}`));

  it("loses none, doubles none, overfills none and parts no set (any plan)", () => {
    fc.assert(
      fc.property(plan, ({ n, together }) => {
        const bins = splitAddresses(keys(n), named(together));
        expect(bins.flat().sort()).to.deep.equal(keys(n).sort());
        for (const b of bins) expect(b.length).to.be.within(1, 18 * 16);
        for (const set of named(together)) expect(new Set(set.map((k) => bins.findIndex((b) => b.includes(k)))).size).to.equal(1);
        if (groupsOf(keys(n), named(together)).every((g) => g.length <= 16))
          for (const b of bins) expect(b.length).to.be.at.most(16);
      }),
    );
  });

  it("moves nothing when an address is added at the end (any plan)", () => {
    fc.assert(
      fc.property(plan, ({ n, together }) => {
        const where = (bins: string[][]) => new Map(bins.flatMap((b, i) => b.map((k) => [k, i])));
        const before = where(splitAddresses(keys(n), named(together)));
        const after = where(splitAddresses(keys(n + 1), named(together)));
        for (const [k, bin] of before) expect(after.get(k)).to.equal(bin);
      }),
    );
  });

  it("is the same when its own result is split again, as the Gateway component does (any plan)", () => {
    fc.assert(
      fc.property(plan, ({ n, together }) => {
        const bins = splitAddresses(keys(n), named(together));
        expect(splitAddresses(bins.flat(), named(together)).map((b) => [...b].sort())).to.deep.equal(
          bins.map((b) => [...b].sort()),
        );
      }),
    );
  });
});

describe("the order of a program", () => {
  it("means nothing: names written in any order are split alike, and listed alike", () => {
    const names = Array.from({ length: 40 }, (_, i) => `a${i}`);
    const shuffled = [...names].sort((a, b) => (a.split("").reverse().join("") < b.split("").reverse().join("") ? -1 : 1));
    expect(splitAddresses(shuffled)).to.deep.equal(splitAddresses(names));
    expect(splitAddresses(names)[0]).to.deep.equal(names.slice(0, 16));
  });
});
