// SPDX-License-Identifier: Apache-2.0
// The rooms of the house (layout and dependency rule of ARCHITECTURE.md): ESLint is run on small made-up files, and must refuse each
// import that crosses a wall, and let through each one that goes by a door.
import path from "node:path";
import { expect } from "chai";
import { ESLint } from "eslint";
import tseslint from "typescript-eslint";

const ROOT = path.resolve(__dirname, "../..");
const WALL = "import-x/no-restricted-paths";
const PURE = "@typescript-eslint/no-restricted-imports";

type Case = [file: string, code: string];
const from = (file: string, what: string): Case => [file, `import * as x from "${what}";\nexport const y = x;\n`];

/** Made-up names: nothing of the kind exists, so the text alone is judged. */
const FORBIDDEN: { [sentence: string]: Case[] } = {
  "api imports nothing of ours": [
    from("controller/api/zz.ts", "../core"),
    from("controller/api/zz.ts", "../kubernetes"),
    from("controller/api/zz.ts", "../compute"),
    from("controller/api/zz.ts", "../manager"),
    from("controller/api/zz.ts", "../main"),
    from("controller/api/zz.ts", "../../components/enums"),
    from("controller/api/zz.ts", "../../sandbox/emulator"),
  ],
  "core imports only api": [
    from("controller/core/zz.ts", "../kubernetes"),
    from("controller/core/zz.ts", "../compute"),
    from("controller/core/zz.ts", "../manager"),
    from("controller/core/zz.ts", "../../components/enums"),
    from("controller/core/zz.ts", "../../sandbox/emulator"),
  ],
  "kubernetes imports only api and its own room": [
    from("controller/kubernetes/zz.ts", "../core"),
    from("controller/kubernetes/zz.ts", "../compute"),
    from("controller/kubernetes/zz.ts", "../manager"),
    from("controller/kubernetes/zz.test.ts", "../../sandbox/emulator"),
  ],
  "compute imports only api and its own room": [
    from("controller/compute/zz.ts", "../core"),
    from("controller/compute/zz.ts", "../kubernetes"),
    from("controller/compute/zz.ts", "../manager"),
    from("controller/compute/zz.test.ts", "../../sandbox/emulator"),
  ],
  "the node agent imports only api and its own room": [
    from("controller/node/zz.ts", "../core"),
    from("controller/node/zz.ts", "../kubernetes"),
    from("controller/node/zz.ts", "../compute"),
  ],
  "no room of the controller imports components": [
    from("controller/zz.ts", "../components/enums"),
    from("controller/manager/zz.ts", "../../components/enums"),
    from("controller/kubernetes/zz.ts", "../../components/enums"),
  ],
  "components import only controller/api": [
    from("components/zz.ts", "../controller/core"),
    from("components/zz.ts", "../controller/kubernetes"),
    from("components/zz.ts", "../controller/compute"),
    from("components/zz.ts", "../controller/manager"),
    from("components/zz.ts", "../controller/main"),
  ],
  "only tests, examples and the sandbox import the sandbox": [
    from("components/zz.ts", "../sandbox/emulator"),
    from("controller/manager/zz.ts", "../../sandbox/emulator"),
    from("controller/zz.ts", "../sandbox/emulator"),
    from("scripts/zz.ts", "../sandbox/emulator"),
  ],
  "only tests import tests": [
    from("components/zz.ts", "../tests/compute/world"),
    from("controller/manager/zz.ts", "../../tests/compute/world"),
    from("sandbox/zz.ts", "../tests/compute/world"),
    from("scripts/zz.ts", "../tests/compute/world"),
  ],
};

const ALLOWED: Case[] = [
  from("controller/api/zz.ts", "./names"),
  from("controller/core/zz.ts", "../api"),
  from("controller/kubernetes/zz.ts", "../api"),
  from("controller/compute/zz.ts", "../api/names"),
  from("controller/node/zz.ts", "../api"),
  from("controller/manager/zz.ts", "../core"),
  from("controller/manager/zz.ts", "../kubernetes"),
  from("controller/manager/zz.ts", "../compute"),
  from("controller/zz.ts", "./manager"),
  from("components/zz.ts", "../controller/api"),
  from("components/zz.ts", "./enums"),
  from("sandbox/zz.ts", "../controller/api"),
  from("tests/zz/zz.ts", "../../sandbox/emulator"),
  from("tests/zz/zz.ts", "../../components/enums"),
];

describe("boundaries between the rooms (DESIGN section 2)", function () {
  this.timeout(30_000);
  let eslint: ESLint;
  before(() => {
    // Rules that need types are switched off: a made-up file belongs to no project, and boundaries need none.
    const untyped = { files: ["**/*.ts"], ...tseslint.configs.disableTypeChecked } as ESLint.Options["overrideConfig"];
    eslint = new ESLint({ cwd: ROOT, overrideConfigFile: path.join(ROOT, "eslint.config.mjs"), overrideConfig: untyped });
  });
  async function rulesBroken([file, code]: Case): Promise<string[]> {
    const [result] = await eslint.lintText(code, { filePath: path.join(ROOT, file) });
    const fatal = result!.messages.find((m) => m.fatal);
    if (fatal) throw new Error(`${file}: ${fatal.message}`);
    return result!.messages.map((m) => m.ruleId ?? "");
  }

  for (const [sentence, cases] of Object.entries(FORBIDDEN))
    it(sentence, async () => {
      for (const one of cases) expect(await rulesBroken(one), one.join(": ")).to.include(WALL);
    });

  it("imports by the doors are let through", async () => {
    for (const one of ALLOWED) expect(await rulesBroken(one), one.join(": ")).to.deep.equal([]);
  });

  it("api and core use no package and no Node.js module but node:crypto", async () => {
    for (const room of ["api", "core"]) {
      for (const name of ["node:fs", "fs", "node:net", "node:timers/promises", "undici", "@googleapis/compute", "prom-client"])
        expect(await rulesBroken(from(`controller/${room}/zz.ts`, name)), `${room}: ${name}`).to.include(PURE);
      expect(await rulesBroken(from(`controller/${room}/zz.ts`, "node:crypto"))).to.deep.equal([]);
    }
  });

  it("api and core read no clock, draw no number, start no timer and do no I/O", async () => {
    const impure: { [code: string]: string } = {
      "Date.now()": "no-restricted-properties",
      "Math.random()": "no-restricted-properties",
      "new Date()": "no-restricted-syntax",
      "Date()": "no-restricted-syntax",
      "setTimeout(() => 1, 5)": "no-restricted-globals",
      "performance.now()": "no-restricted-globals",
      "process.env": "no-restricted-globals",
      'fetch("http://localhost")': "no-restricted-globals",
      'import("node:fs")': "no-restricted-syntax",
    };
    for (const [code, rule] of Object.entries(impure))
      for (const room of ["api", "core"])
        expect(await rulesBroken([`controller/${room}/zz.ts`, `export const y = ${code};\n`]), code).to.include(rule);
    expect(await rulesBroken(["controller/core/zz.ts", "export const y = (text: string) => Date.parse(text);\n"])).to.deep.equal(
      [],
    );
  });

  it("a file of 301 lines, a function with 5 parameters, an `any` and a fourth level of nesting are refused", async () => {
    const long = "export const y = [\n" + "  1,\n".repeat(299) + "];\n";
    expect(await rulesBroken(["controller/manager/zz.ts", long])).to.include("max-lines");
    const wide = "export const y = (a: number, b: number, c: number, d: number, e: number) => a + b + c + d + e;\n";
    expect(await rulesBroken(["components/zz.ts", wide])).to.include("@typescript-eslint/max-params");
    expect(await rulesBroken(["components/zz.ts", "export const y: any = 1;\n"])).to.include(
      "@typescript-eslint/no-explicit-any",
    );
    const deep =
      "export function y(a: boolean) {\n  if (a) {\n if (a) {\n if (a) {\n if (a) {\n return 1;\n }\n }\n }\n }\n return 2;\n}\n";
    expect(await rulesBroken(["components/zz.ts", deep])).to.include("max-depth");
  });
});
