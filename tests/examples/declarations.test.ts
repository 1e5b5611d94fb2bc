// SPDX-License-Identifier: Apache-2.0
// The declarations as they are packed: in a consumer that has nothing but @pulumi/pulumi they compile by themselves, libraries checked, and name no other package.
import { expect } from "chai";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as ts from "typescript";
import { ROOT } from "../../sandbox/demo";

const PACKAGE = "pulumi-gke-persistent-ip";
const DIST = process.env.COMPONENTS_DIST ?? path.join(ROOT, "dist");
const ROOMS = ["components", path.join("controller", "api")];
const declarations = (): string[] =>
  ROOMS.flatMap((room) =>
    readdirSync(path.join(DIST, room), { recursive: true, encoding: "utf8" })
      .filter((f) => f.endsWith(".d.ts"))
      .map((f) => path.join(room, f)),
  ).sort();

/** A folder with the packed declarations and the one SDK, and a program over all components. */
function consumer(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "declared-"));
  const own = path.join(folder, "node_modules", PACKAGE);
  for (const file of declarations()) cpSync(path.join(DIST, file), path.join(own, "dist", file));
  cpSync(path.join(ROOT, "package.json"), path.join(own, "package.json"));
  mkdirSync(path.join(folder, "node_modules", "@pulumi"));
  symlinkSync(path.join(ROOT, "node_modules", "@pulumi", "pulumi"), path.join(folder, "node_modules", "@pulumi", "pulumi"));
  writeFileSync(
    path.join(folder, "index.ts"),
    `import * as kit from "${PACKAGE}";
const args: kit.PersistentPodIpsArgs = { region: "r", cluster: { existing: { name: "c", location: "r" } }, addresses: { web: {} }, routes: {} };
export const all = new kit.PersistentPodIps("x", args).addresses["web"]!.apply((a) => a.length);\n`,
  );
  return folder;
}

describe("packed declarations", function () {
  this.timeout(120_000);

  it("name no package but @pulumi/pulumi, in any file that is packed", () => {
    expect(declarations()).to.include(path.join("components", "persistentPodIps.d.ts"));
    for (const file of declarations())
      for (const [, name] of readFileSync(path.join(DIST, file), "utf8").matchAll(
        /(?:from|import\(|reference types=)\s*"([^"]+)"/g,
      ))
        if (!name!.startsWith(".")) expect(name, file).to.equal("@pulumi/pulumi");
  });

  it("compile with skipLibCheck off where nothing else can be resolved", () => {
    const folder = consumer();
    try {
      const options: ts.CompilerOptions = {
        ...{ target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS, moduleResolution: ts.ModuleResolutionKind.Node10 },
        ...{ strict: true, skipLibCheck: false, noEmit: true, types: [] },
      };
      const program = ts.createProgram([path.join(folder, "index.ts")], options);
      const own = (file: ts.SourceFile | undefined): boolean => file === undefined || file.fileName.includes("declared-");
      const found = ts.getPreEmitDiagnostics(program).filter((d) => own(d.file));
      expect(
        found.map((d) => `${path.basename(d.file?.fileName ?? "")}: ${ts.flattenDiagnosticMessageText(d.messageText, " ")}`),
      ).to.deep.equal([]);
      const read = program.getSourceFiles().map((f) => f.fileName);
      expect(read.filter((f) => f.includes(PACKAGE)).length).to.be.greaterThan(5);
      expect(read.filter((f) => /@pulumi\/(gcp|kubernetes)/.test(f))).to.deep.equal([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
