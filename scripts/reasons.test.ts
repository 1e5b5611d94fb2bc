// SPDX-License-Identifier: Apache-2.0
// The page of reasons: made from the table, complete, and each line with a test that is really there.
import { expect } from "chai";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import {
  explainReason,
  FINDING_CODES,
  GATEWAY_REASONS,
  MOVE_CAUSES,
  PHASES,
  REASON_SECTIONS,
  ROUTE_REASONS,
} from "../controller/api";
import { COMPUTE_ERROR_CODES } from "../controller/compute/errors";
import { VERDICTS } from "../controller/core";
import { allTests, PAGE, reaching, reasonsPage, testsIn } from "./reasons";

const codesOf = (heading: string): string[] =>
  REASON_SECTIONS.find((s) => s.heading.startsWith(heading))!.entries.map((e) => e.code);

describe("The table of reasons", () => {
  const lists: [string, readonly string[]][] = [
    ["Routes", ROUTE_REASONS],
    ["Gateways", GATEWAY_REASONS],
    ["Verdicts", VERDICTS],
    ["Causes", MOVE_CAUSES],
    ["Phases", PHASES],
    ["Findings of the contract", FINDING_CODES],
    ["Codes of the Compute client", COMPUTE_ERROR_CODES],
  ];
  for (const [heading, wanted] of lists)
    it(`has a text for each of: ${heading}`, () => expect(codesOf(heading)).to.have.members([...wanted]));

  it("says how to put right whatever is not well", () => {
    const silent = REASON_SECTIONS.flatMap((s) => s.entries).filter((e) => e.meaning.length < 5);
    expect(silent).to.deep.equal([]);
  });
  it("is found by its code, in every section that has it", () => {
    expect(explainReason("NoPodsFound").map((e) => e.section.split(":")[0])).to.deep.equal(["Routes", "Events"]);
    expect(explainReason("NoSuchThing")).to.deep.equal([]);
  });
});

describe("docs/reasons.md", () => {
  const tests = allTests();
  const before = readFileSync(path.resolve(__dirname, "..", PAGE), "utf8");
  const { page, gaps } = reasonsPage(tests, before);
  it("is what the table says (npm run docs:reasons)", () => expect(before).to.equal(page));
  it("names a test for every reason", () => expect(gaps).to.deep.equal([]));
  it("would show a gap: a reason that no test reaches is reported", () => {
    const none = reasonsPage([], "");
    expect(none.gaps.length).to.equal(REASON_SECTIONS.reduce((n, s) => n + s.entries.length, 0));
  });
});

describe("Finding tests for a reason", () => {
  const section = { heading: "H", tests: ["a/"], entries: [] };
  const source = `describe("g", () => {
    const rows = [["NotReady", 1], ["True/Invalid", 2]];
    it("HeldBySticky: waits", () => undefined);
    it("accepts an Invalid word", () => check("LessPreferred"));
    for (const r of rows) it(\`\${r[0]}\`, () => undefined);
  });`;
  const found = testsIn("a/x.test.ts", source);
  const names = (code: string): string[] => reaching(section, code, found);
  it("goes by title, then by body, then by the table that a test comes from", () => {
    expect(names("HeldBySticky")[0]).to.equal("g: HeldBySticky: waits (x.test.ts)");
    expect(names("LessPreferred")[0]).to.equal("g: accepts an Invalid word (x.test.ts)");
    expect(names("NotReady")).to.have.lengthOf(3);
  });
  it("takes a plain word for a code only where it stands as one", () => {
    expect(names("Invalid")).to.have.lengthOf(3);
    expect(names("Waits")).to.deep.equal([]);
    expect(reaching({ ...section, tests: ["b/"] }, "HeldBySticky", found)).to.deep.equal([]);
  });
  it("keeps the test that the page names while it reaches the reason", () => {
    const own = allTests().filter((t) => t.file.startsWith("controller/"));
    const first = reasonsPage(own, "").page;
    const other = [...own].reverse();
    expect(reasonsPage(other, first).page).to.equal(first);
  });
});
