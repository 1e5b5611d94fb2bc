// SPDX-License-Identifier: Apache-2.0
// The loader as a Pod runs it: a real Node process, its arguments, a read-only bundle.
import { spawnSync } from "node:child_process";
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import { expect } from "chai";
import { LOADER } from "./loader";
import { bundleFile } from "./testing/mocks";

const PROGRAM = `console.log(JSON.stringify({argv:process.argv.slice(1),main:require.main===module,file:__filename,has:typeof require("node:fs").readFileSync}))`;
const hash = (file: string): string => crypto.createHash("sha256").update(fs.readFileSync(file)).digest("hex");

describe("loader", () => {
  const bundle = bundleFile(PROGRAM);
  after(bundle.done);
  const run = (...args: string[]) => spawnSync(process.execPath, ["-e", LOADER, ...args], { encoding: "utf8" });

  it("runs the bundle from memory with its arguments, flags included, as the main module", () => {
    const { stdout, status } = run(bundle.file, hash(bundle.file), "controller", "--project", "p", "--workers", "4");
    const name = bundle.file.replace(/\.br$/, "");
    expect(status).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.equal({
      argv: [name, "controller", "--project", "p", "--workers", "4"],
      main: true,
      file: name,
      has: "function",
    });
    expect(fs.existsSync(name)).to.equal(false);
  });

  it("refuses a bundle with another hash, a short hash and none, and runs nothing of it", () => {
    for (const wrong of [hash(bundle.file).replace(/^./, (c) => (c === "0" ? "1" : "0")), hash(bundle.file).slice(2), ""]) {
      const { stdout, stderr, status } = run(bundle.file, wrong, "controller");
      expect(status).to.equal(78);
      expect(stdout).to.equal("");
      expect(JSON.parse(stderr)).to.include({ level: "fatal", want: wrong, have: hash(bundle.file) });
    }
  });

  it("is text of one line without anything that a shell or YAML could change", () => {
    expect(LOADER).to.not.match(/[\n\r\t$`]/);
  });
});
