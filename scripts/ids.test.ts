// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { kindOfSuite, table, type Known, type SuiteKind } from "./coverage-ids";
import { definedIds, idsIn, titlesIn, type Kind } from "./ids";

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
  const known: { [id: string]: Known } = {
    E1: { topic: "advice", advice: true },
    E2: { topic: "a fact", advice: false },
    E3: { topic: "packets only", by: "packets" },
    E4: { topic: "live cloud only", by: "limits" },
  };
  const ids = Object.keys(known);
  const shown = (kind: SuiteKind, file = "f"): boolean[] =>
    table(ids, known, new Map(ids.map((id) => [id, [{ file, kind, title: "t" }]]))).map((row) => row.shown);

  it("takes a test for anything but packets, a document for advice only, docs/limits.md for what only a live cloud shows", () => {
    expect(shown("unit")).to.deep.equal([true, true, false, true]);
    expect(shown("real")).to.deep.equal([true, true, false, true]);
    expect(shown("packets")).to.deep.equal([true, true, true, true]);
    expect(shown("document")).to.deep.equal([true, false, false, false]);
    expect(shown("document", "docs/limits.md")).to.deep.equal([true, false, false, true]);
    expect(table(["E1"], known, new Map())[0]!.shown).to.equal(false);
  });
  it("tells suites in memory, with packets and with real parts apart", () => {
    expect(kindOfSuite({ name: "fast", kind: "fast" })).to.equal("unit");
    expect(kindOfSuite({ name: "simulator", kind: "real" })).to.equal("simulator");
    expect(kindOfSuite({ name: "packets", kind: "real" })).to.equal("packets");
    expect(kindOfSuite({ name: "seed", kind: "real" })).to.equal("real");
  });
  const COUNTS: [Kind, number, string][] = [
    ["E", 70, "api.md"],
    ["S", 18, "scenarios.md"],
    ["A", 9, "scenarios.md"],
    ["T", 7, "scenarios.md"],
    ["C", 9, "scenarios.md"],
    ["F", 10, "scenarios.md"],
  ];
  for (const [kind, count, page] of COUNTS)
    it(`has a committed list of all ${count} ids of kind ${kind}, the same as ${page} has where it is here`, () => {
      const file = path.resolve(__dirname, `../tests/contract/${kind.toLowerCase()}-ids.json`);
      const list = Object.keys(JSON.parse(readFileSync(file, "utf8")) as object);
      expect(list).to.deep.equal(Array.from({ length: count }, (_, i) => `${kind}${i + 1}`));
      const reference = path.resolve(__dirname, "../../shared/reference", page);
      if (existsSync(reference)) expect(definedIds(readFileSync(reference, "utf8"), kind)).to.deep.equal(list);
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
