// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { table, type Known } from "./coverage-ids";
import { definedIds, idsIn, titlesIn } from "./ids";

const titles = (source: string): string[] => titlesIn("x.test.ts", source);
const LIST = JSON.parse(readFileSync(path.resolve(__dirname, "../tests/contract/seed-ids.json"), "utf8")) as {
  [id: string]: Known;
};

describe("ids in a text", () => {
  it("are found alone, in brackets and in lists, in order of number", () => {
    expect(idsIn("moves at once (E15, E3; SEED-7)", "E")).to.deep.equal(["E3", "E15"]);
    expect(idsIn("moves at once (E15, E3; SEED-7)", "SEED")).to.deep.equal(["SEED-7"]);
  });
  it("are all of a range, written either way", () => {
    expect(idsIn("SEED-9..SEED-11", "SEED")).to.deep.equal(["SEED-9", "SEED-10", "SEED-11"]);
    expect(idsIn("E27..30", "E")).to.deep.equal(["E27", "E28", "E29", "E30"]);
  });
  it("are not parts of other words", () => {
    expect(idsIn("UE12 E12b SEED-7 USE5 RFC-E9", "E")).to.deep.equal([]);
    expect(idsIn("SEED-71", "SEED")).to.deep.equal(["SEED-71"]);
  });
  it("are defined by the first cell of a row or a bold run", () => {
    const page = "| SEED-2 | GKE, see SEED-9 |\n**SEED-3** Example\n* **E7** Tie\n| S1 | n Pods |\n";
    expect(definedIds(page, "SEED")).to.deep.equal(["SEED-2", "SEED-3"]);
    expect(definedIds(page, "E")).to.deep.equal(["E7"]);
    expect(definedIds(page, "S")).to.deep.equal(["S1"]);
  });
});

describe("titles of tests", () => {
  it("are those of describe, it and their likes", () => {
    const source =
      'describe("a SEED-1", () => { it("b SEED-2", () => {}); context("c", () => { specify("d", f); it.only("e", f); }); });';
    expect(titles(source)).to.deep.equal(["a SEED-1", "b SEED-2", "c", "d", "e"]);
  });
  it("leave out comments, bodies, assertions and tests that do not run", () => {
    const source = `// SEED-1
      it("x", () => { expect(a, "SEED-2").to.equal("SEED-3"); });
      it.skip("SEED-4", f); xit("SEED-5", f); describe.skip("SEED-6", () => { it("SEED-7", f); });
      it("SEED-8");`;
    expect(titles(source)).to.deep.equal(["x"]);
  });
  it("are found where a table makes them, whichever way it is walked", () => {
    const source = `
      const CASES = { "one SEED-1": 1, "two SEED-2": 2 };
      const LIST = [{ name: "three SEED-3" }, { name: "four SEED-4" }];
      for (const [name, n] of Object.entries(CASES)) it(name, () => n);
      for (const c of LIST) it(\`\${c.name} SEED-5\`, () => c);
      ["six SEED-6"].forEach((title) => it(title, f));
      const unused = "SEED-7";`;
    const ids = idsIn(titles(source).join(" "), "SEED");
    expect(ids).to.deep.equal(["SEED-1", "SEED-2", "SEED-3", "SEED-4", "SEED-5", "SEED-6"]);
  });
  it("are found under a name that only stands for describe", () => {
    expect(titles('const describeData = here ? describe : describe.skip; describeData("SEED-1", () => {});')).to.deep.equal([
      "SEED-1",
    ]);
  });
});

describe("coverage of ids", () => {
  const known: { [id: string]: Known } = { "SEED-1": { topic: "a", advice: true }, "SEED-2": { topic: "b", advice: false } };
  const shown = (suite: string): boolean[] => {
    const place = [{ file: "f", suite }];
    return table(
      ["SEED-1", "SEED-2"],
      known,
      new Map([
        ["SEED-1", place],
        ["SEED-2", place],
      ]),
    ).map((row) => row.shown);
  };
  it("takes a test for anything, a document for advice only, and nothing for nothing", () => {
    expect(shown("fast")).to.deep.equal([true, true]);
    expect(shown("document")).to.deep.equal([true, false]);
    expect(table(["SEED-1"], known, new Map())[0]!.shown).to.equal(false);
  });
  it("has a committed list of the seed's ids, each with a short topic of its own", () => {
    expect(Object.keys(LIST)).to.deep.equal(Array.from({ length: 98 }, (_, i) => `SEED-${i + 1}`));
    for (const [id, { topic }] of Object.entries(LIST)) expect(topic.split(" ").length, id).to.be.within(2, 6);
    expect(new Set(Object.values(LIST).map((k) => k.topic)).size).to.equal(98);
  });
  it("has the same ids in that list as the reference page, where it is here", function () {
    const page = path.resolve(__dirname, "../../shared/reference/seed.md");
    if (!existsSync(page)) this.skip();
    expect(definedIds(readFileSync(page, "utf8"), "SEED")).to.deep.equal(Object.keys(LIST));
  });
});
