// SPDX-License-Identifier: Apache-2.0
// Examples compile under strict types (their own tsconfig.json switches the check off, for quick previews), have a picture, and say how to take them down.
import { expect } from "chai";
import { mkdtempSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { ROOT } from "../../sandbox/demo";
import { run } from "../support/clients";

const FOLDER = path.join(ROOT, "examples");
const folders = readdirSync(FOLDER, { recursive: true, encoding: "utf8", withFileTypes: true })
  .filter((e) => e.isFile() && (e.name === "index.ts" || e.name === "Pulumi.yaml"))
  .map((e) => path.relative(FOLDER, e.parentPath))
  .filter((f, i, all) => all.indexOf(f) === i)
  .sort();
const programs = folders.map((f) => path.join(FOLDER, f, "index.ts")).filter((f) => existsSync(f));

describe("examples", function () {
  this.timeout(120_000);

  it("are there for every topology", () => {
    expect(folders).to.include.members([
      "adopt",
      "byoip",
      "device",
      "failover",
      "managed",
      "python",
      "quickstart",
      "statefulset",
      "yaml",
    ]);
    expect(folders).to.include.members(["two-stacks/app", "two-stacks/platform"]);
  });

  it("compile under strict types", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "types-"));
    try {
      const compilerOptions = {
        ...{ target: "ES2022", module: "CommonJS", moduleResolution: "Node10", strict: true },
        ...{ skipLibCheck: true, noEmit: true, types: ["node"], typeRoots: [path.join(ROOT, "node_modules", "@types")] },
        ...{ baseUrl: ROOT, paths: { "pulumi-gke-persistent-ip": ["components"] } },
      };
      const file = path.join(folder, "tsconfig.json");
      writeFileSync(file, JSON.stringify({ compilerOptions, files: programs }));
      const ran = await run(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", file], { cwd: ROOT });
      expect(ran.stdout).to.equal("");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  for (const folder of folders)
    it(`${folder}: a README with a picture and a way down`, () => {
      const readme = [folder, path.dirname(folder)].map((f) => path.join(FOLDER, f, "README.md")).find((f) => existsSync(f))!;
      const text = readFileSync(readme, "utf8");
      expect(text)
        .to.contain("```mermaid")
        .and.to.contain("## Take it down")
        .and.to.match(/## Run it/);
    });
});
