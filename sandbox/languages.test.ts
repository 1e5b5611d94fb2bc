// SPDX-License-Identifier: Apache-2.0
// What language a project is in, and which Python it wants.
import { expect } from "chai";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { pythonOf, runtimeOf } from "./languages";

describe("the language of a project in the sandbox", () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(path.join(tmpdir(), "languages-"))));
  afterEach(() => rmSync(dir, { recursive: true }));
  const project = (text: string, file = "Pulumi.yaml"): void => writeFileSync(path.join(dir, file), text);

  it("is read in both forms of runtime, from a folder below too", () => {
    const below = path.join(dir, "a", "b");
    mkdirSync(below, { recursive: true });
    for (const [text, runtime] of [
      ["name: x\nruntime: yaml\n", "yaml"],
      ["name: x\nruntime:\n  name: python\n  options:\n    virtualenv: venv\n", "python"],
      ['name: x\nruntime: "nodejs"\ndescription: runtime of it\n', "nodejs"],
      ["name: x\n", undefined],
    ] as const) {
      project(text);
      expect([runtimeOf(dir), runtimeOf(below)], text).to.deep.equal([runtime, runtime]);
    }
  });
  it("is read from Pulumi.yml as well, and unknown where there is no project", () => {
    expect(runtimeOf(dir)).to.equal(undefined);
    project("runtime: python\n", "Pulumi.yml");
    expect(runtimeOf(dir)).to.equal("python");
  });
  it("Python: the one that is named, the active environment, then venv and .venv of the folder", () => {
    expect(pythonOf(dir, {})).to.equal(undefined);
    const make = (name: string): string => {
      const file = path.join(dir, name, "bin", "python");
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, "");
      return file;
    };
    const hidden = make(".venv");
    expect(pythonOf(dir, {})).to.equal(hidden);
    const plain = make("venv");
    expect(pythonOf(dir, {})).to.equal(plain);
    const active = make("active");
    expect(pythonOf(dir, { VIRTUAL_ENV: path.join(dir, "active") })).to.equal(active);
    expect(pythonOf(dir, { PULUMI_PYTHON_CMD: "/x/python", VIRTUAL_ENV: path.join(dir, "active") })).to.equal("/x/python");
  });
});
