// SPDX-License-Identifier: Apache-2.0
// The changelog tells what a preview shows after each change, and the checks notice where one does not.
import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { changelogProblems, sectionsOf } from "./changelog";

const ROOT = path.resolve(__dirname, "..");
const HEAD = "# Changelog\n\n## [Unreleased]\n\n";
const FIRST = "## [0.1.0] - 2026-01-01\n\n**Preview effect:** everything is created.\n\n### Added\n\n- All of it.\n";
const next = (name: string, entry: string, group = "Fixed", effect = "**Preview effect:** none\n\n"): string =>
  `${HEAD}## [${name}] - 2026-02-01\n\n${effect}### ${group}\n\n- ${entry}\n\n${FIRST}`;

describe("CHANGELOG.md", () => {
  it("says of every change what a preview shows after it", () => {
    const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, "package.json"), "utf8")) as { version: string };
    expect(changelogProblems(fs.readFileSync(path.join(ROOT, "CHANGELOG.md"), "utf8"), version)).to.deep.equal([]);
  });
});

describe("the check of the changelog", () => {
  it("reads sections, effects and entries of several lines", () => {
    const [, second] = sectionsOf(next("0.1.1", "A thing\n  that goes on (preview: none)"));
    expect(second).to.deep.include({ name: "0.1.1", date: "2026-02-01", effect: "none" });
    expect(second!.entries).to.deep.equal([{ group: "Fixed", text: "A thing that goes on (preview: none)" }]);
  });

  const cases: [what: string, text: string, version: string, said: RegExp | undefined][] = [
    ["a good one has no problem", next("0.1.1", "A thing (preview: controller rolls)"), "0.1.1", undefined],
    ["the first version needs no effect an entry", `${HEAD}${FIRST}`, "0.1.0", undefined],
    ["a section of package.json's version must be there", `${HEAD}${FIRST}`, "0.2.0", /no section \[0\.2\.0\]/],
    ["an entry without its effect is named", next("0.1.1", "A thing"), "0.1.1", /"A thing" does not end with its effect/],
    [
      "a section without its line is named",
      next("0.1.1", "A thing (preview: none)", "Fixed", ""),
      "0.1.1",
      /\[0\.1\.1\] has no line/,
    ],
    ["a group that nobody knows is named", next("0.1.1", "A thing (preview: none)", "Misc"), "0.1.1", /group "Misc"/],
    ["versions go down", next("0.0.9", "A thing (preview: none)"), "0.0.9", /\[0\.0\.9\] must stand below \[0\.1\.0\]/],
    [
      "a breaking entry needs more than a patch",
      next("0.1.1", "**Breaking** gone (preview: none)", "Removed"),
      "0.1.1",
      /breaking entry/,
    ],
    ["before 1.0.0 a minor version may break", next("0.2.0", "**Breaking** gone (preview: none)", "Removed"), "0.2.0", undefined],
    ["[Unreleased] comes first", FIRST, "0.1.0", /first section must be \[Unreleased\]/],
    [
      "entries that wait under [Unreleased] say it too",
      `${HEAD}### Fixed\n\n- A thing\n\n${FIRST}`,
      "0.1.0",
      /\[Unreleased\] has no line/,
    ],
  ];
  for (const [what, text, version, said] of cases)
    it(what, () => {
      const problems = changelogProblems(text, version);
      if (said === undefined) expect(problems).to.deep.equal([]);
      else expect(problems.join("\n")).to.match(said);
    });
});
