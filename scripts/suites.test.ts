// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { failureLines, inexcusable, readCounts, suitesOf, testFiles, total, type Need, type Run } from "./suites";

const ROOT = path.resolve(__dirname, "..");
const line = (state: string, title = state): string => `${JSON.stringify({ state, title })}\n`;

describe("suites", () => {
  it("put every test file of the repository into exactly one suite", () => {
    const files = testFiles(ROOT);
    const placed = suitesOf(files).flatMap((suite) => suite.files);
    expect(files.length).to.be.greaterThan(20);
    expect([...placed].sort()).to.deep.equal([...files].sort());
  });

  it("know every folder in which git has a test file", function () {
    const git = spawnSync("git", ["ls-files", "*.test.ts"], { cwd: ROOT, encoding: "utf8" });
    if (git.status !== 0) this.skip(); // an unpacked archive
    const known = git.stdout.split("\n").filter((file) => file !== "" && existsSync(path.join(ROOT, file)));
    expect(known.filter((file) => !testFiles(ROOT).includes(file))).to.deep.equal([]);
  });

  it("are the fast one, then the known ones in order, then folders that nobody has named", () => {
    const files = [
      "tests/zebra/a.test.ts",
      "tests/engine/a.test.ts",
      "tests/apiserver/a.test.ts",
      "controller/api/a.test.ts",
      "tests/ant/b.test.ts",
    ];
    expect(suitesOf(files).map((s) => s.name)).to.deep.equal(["fast", "engine", "apiserver", "ant", "zebra"]);
  });

  it("keep the part of a folder that needs no program in the fast suite", () => {
    const suites = suitesOf(["tests/emulator/gcloud.test.ts", "tests/emulator/schema.test.ts"]);
    expect(suites.map((s) => [s.name, s.files])).to.deep.equal([
      ["fast", ["tests/emulator/schema.test.ts"]],
      ["emulator", ["tests/emulator/gcloud.test.ts"]],
    ]);
  });
});

describe("counts of a suite", () => {
  it("are read from the reporter's lines", () => {
    const failed = `${JSON.stringify({ state: "failed", title: "a title", why: "expected 1 to equal 2" })}\n`;
    const text = line("passed") + line("passed") + line("skipped", "no gcloud") + failed + line("end");
    const failures = ["a title: expected 1 to equal 2"];
    expect(readCounts(text, 1)).to.deep.equal({ passed: 2, failed: 1, skipped: 1, pending: ["no gcloud"], failures });
  });

  it("show one failure where the run broke off, crashed or could not start", () => {
    expect(readCounts(line("passed"), 0).failed).to.equal(1);
    expect(readCounts(line("passed") + line("end"), 7).failed).to.equal(1);
    expect(readCounts("", undefined).failed).to.equal(1);
    expect(readCounts(line("passed") + line("end"), 0).failed).to.equal(0);
  });

  it("are summed over suites", () => {
    const sum = total([
      { passed: 1, failed: 2, skipped: 3 },
      { passed: 10, failed: 20, skipped: 30 },
    ]);
    expect(sum).to.deep.equal({ passed: 11, failed: 22, skipped: 33 });
  });

  it("name at the end what failed and why, and say of a suite without a failed test that it ended early", () => {
    const [suite] = suitesOf(["tests/seed/a.test.ts"]);
    const run: Run = { suite: suite!, passed: 1, failed: 1, skipped: 0, pending: [], failures: ["a title: a reason"] };
    const lines = failureLines([run, { ...run, failures: [] }, { ...run, failed: 0, failures: [] }]);
    expect(lines).to.deep.equal(["FAILED seed: a title: a reason", "FAILED seed: ended early"]);
  });

  it("excuse a skip only where a part is missing", () => {
    const [suite] = suitesOf(["tests/seed/a.test.ts"]);
    const run: Run = { suite: suite!, passed: 0, failed: 0, skipped: 1, pending: ["x"], failures: [] };
    expect(inexcusable(run, new Set<Need>(["tools", "gcloud", "shared"]))).to.equal(true);
    expect(inexcusable(run, new Set<Need>(["tools", "shared"]))).to.equal(false);
    expect(inexcusable({ ...run, skipped: 0 }, new Set<Need>(["tools", "gcloud", "shared"]))).to.equal(false);
  });
});
