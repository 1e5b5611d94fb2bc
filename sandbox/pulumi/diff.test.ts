// SPDX-License-Identifier: Apache-2.0
// The difference of inputs and what is replaced by it.
import { expect } from "chai";
import fc from "fast-check";
import { covered, diffInputs, diffLeaves, under } from "./diff";
import type { Json, Props } from "./value";

const plan = { ignore: [] as string[], immutable: ["name", "spec.selector"], keepsName: true };

describe("difference of inputs", () => {
  it("names each leaf in the engine's path syntax", () => {
    const a = { spec: { list: [1, 2], "a.b/c": "x" }, gone: true };
    const b = { spec: { list: [1, 3, 4], "a.b/c": "y" }, more: { x: 1 } };
    expect(diffLeaves(a, b)).to.deep.equal([
      { path: "gone", kind: "delete" },
      { path: "more", kind: "add" },
      { path: 'spec["a.b/c"]', kind: "update" },
      { path: "spec.list[1]", kind: "update" },
      { path: "spec.list[2]", kind: "add" },
    ]);
  });

  it("is empty exactly for equal values (any JSON)", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const clone = JSON.parse(JSON.stringify(a)) as Json;
        expect(diffLeaves(clone, JSON.parse(JSON.stringify(a)) as Json)).to.deep.equal([]);
        if (JSON.stringify(a) === JSON.stringify(b)) return;
        const byKey = ([k]: [string, unknown], [l]: [string, unknown]): number => (k < l ? -1 : 1);
        const sorted = (v: unknown): string =>
          JSON.stringify(v, (_k, x: unknown) => (isPlain(x) ? Object.fromEntries(Object.entries(x).sort(byKey)) : x));
        if (sorted(a) !== sorted(b)) expect(diffLeaves(clone, b as Json)).to.not.deep.equal([]);
      }),
    );
  });

  it("replaces for a leaf below an immutable path, and for an immutable part that comes with its parent", () => {
    const below = diffInputs({
      ...plan,
      oldInputs: { spec: { selector: { a: "1" } } },
      news: { spec: { selector: { a: "2" } } },
    });
    expect(below.replaces).to.deep.equal(["spec.selector.a"]);
    expect(below.deleteBeforeReplace).to.equal(true);
    const parent = diffInputs({ ...plan, oldInputs: {}, news: { spec: { selector: { a: "2" } } } });
    expect(parent.replaces).to.deep.equal(["spec"]);
  });

  it("does not delete first when nothing is replaced or the name is another", () => {
    const update = diffInputs({ ...plan, oldInputs: { a: 1 }, news: { a: 2 } });
    expect([update.replaces, update.deleteBeforeReplace]).to.deep.equal([[], false]);
    const renamed = diffInputs({ ...plan, keepsName: false, oldInputs: { name: "a" }, news: { name: "b" } });
    expect([renamed.replaces, renamed.deleteBeforeReplace]).to.deep.equal([["name"], false]);
  });

  it("leaves out ignored paths and those that are equal in meaning", () => {
    const olds: Props = { nodePools: [{ a: 1 }], link: "x/n", size: 1 };
    const news: Props = { nodePools: [{ a: 2 }], link: "n", size: 1 };
    const equal = (path: string, a: Json | undefined, b: Json | undefined): boolean =>
      path === "link" && a === "x/n" && b === "n";
    expect(diffInputs({ ...plan, oldInputs: olds, news, ignore: ["nodePools"], equal }).changes).to.deep.equal([]);
    expect(diffInputs({ ...plan, oldInputs: olds, news, ignore: ["nodePools[*].b"] }).changes).to.have.length(2);
  });

  it("covers by whole steps, never by half a word", () => {
    expect(under("nameserver", "name")).to.equal(false);
    expect(under('a["b.c"].d', 'a["b.c"]')).to.equal(true);
    expect(under("list[3].x", "list[*].x")).to.equal(true);
    expect(covered("spec", ["spec.selector"])).to.equal(true);
  });
});

function isPlain(x: unknown): x is Record<string, unknown> {
  return typeof x === "object" && x !== null && !Array.isArray(x);
}
