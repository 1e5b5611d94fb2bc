// SPDX-License-Identifier: Apache-2.0
// The tarball as its users have it: under each supported Node.js, and with the newest and the oldest TypeScript that Pulumi programs are compiled by.
import { expect } from "chai";
import { rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { ROOT } from "../../sandbox/demo";
import { run } from "../support/clients";
import { nodeOf } from "./nodes";
import { consumer, unpack } from "./pack";
import { JAVASCRIPT, typescript } from "./programs";

/** Compiles a program and prints what the compiler has to say, one line each. */
const COMPILE = `const ts = require(process.argv[2]);
const options = { noEmit: true, strict: true, skipLibCheck: true, types: [], lib: ["lib.es2018.d.ts", "lib.dom.d.ts"],
  moduleResolution: ts.ModuleResolutionKind.NodeJs, target: ts.ScriptTarget.ES2018, module: ts.ModuleKind.CommonJS };
const program = ts.createProgram([process.argv[3]], options);
const said = ts.getPreEmitDiagnostics(program);
console.log(JSON.stringify({ version: ts.version, said: said.map((d) => (d.file ? d.file.fileName + ": " : "") + ts.flattenDiagnosticMessageText(d.messageText, " ")) }));`;

const COMPILERS: [what: string, file: string, version: RegExp][] = [
  ["5.9", path.join(ROOT, "node_modules", "typescript"), /^5\.9\./],
  [
    "3.8, which comes with the SDK",
    path.join(ROOT, "node_modules/@pulumi/pulumi/vendor/typescript@3.8.3/typescript.js"),
    /^3\.8\./,
  ],
];

describe("the tarball in a user's project", function () {
  this.timeout(240_000);
  let project: string;
  before(async () => {
    project = await consumer();
    writeFileSync(path.join(project, "index.js"), JAVASCRIPT);
    writeFileSync(path.join(project, "compile.js"), COMPILE);
  });
  after(() => {
    rmSync(project, { recursive: true, force: true });
    unpack();
  });

  for (const major of [20, 22, 24])
    it(`Node.js ${major}: registers everything, refuses what makes no sense`, async function () {
      const node = await nodeOf(major);
      if ("why" in node) {
        console.log(`      skipped: ${node.why}`);
        return this.skip();
      }
      const version = await run(node.executable, ["--version"]);
      expect(version.stdout).to.match(new RegExp(`^v${major}\\.`));
      const ran = await run(node.executable, ["index.js"], { cwd: project });
      expect(ran.code, ran.stderr).to.equal(0);
      const said = JSON.parse(ran.stdout.trim().split("\n").at(-1)!) as { count: number; address: string; refused: string };
      expect(said).to.include({ address: "203.0.113.1", refused: "true" });
      expect(said.count).to.be.greaterThan(15);
    });

  for (const [what, file, version] of COMPILERS)
    it(`TypeScript ${what}: compiles, and refuses an argument that there is not`, async () => {
      const compile = async (text: string): Promise<{ version: string; said: string[] }> => {
        const program = path.join(project, "program.ts");
        writeFileSync(program, text);
        const ran = await run(process.execPath, ["compile.js", file, program], { cwd: project });
        expect(ran.code, ran.stderr).to.equal(0);
        return JSON.parse(ran.stdout) as { version: string; said: string[] };
      };
      const good = await compile(typescript());
      expect(good.version).to.match(version);
      // The SDK's own declarations are not ours to judge: what names our files and the program counts.
      expect(good.said.filter((line) => /program\.ts|persistent-ip/.test(line))).to.deep.equal([]);
      const bad = await compile(typescript("reigon: 1,"));
      expect(bad.said.join("\n")).to.match(/program\.ts: .*'reigon' does not exist in type 'PersistentPodIpsArgs'/);
    });

  it("the plugin answers its port and ends with its caller's signal", async () => {
    const bin = path.join(project, "node_modules", "pulumi-gke-persistent-ip", "bin", "pulumi-resource-gke-persistent-ip.js");
    const ran = await run("timeout", ["--preserve-status", "3", process.execPath, bin], { cwd: project, timeoutMs: 20_000 });
    expect(ran.stdout).to.match(/^\d+\n$/);
  });
});
