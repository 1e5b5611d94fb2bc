// SPDX-License-Identifier: Apache-2.0
// What the types cost a user: the declarations that a program reaches through index.ts name @pulumi/pulumi and nothing else, old compilers can read
// them, and they follow the rules that let a schema be made of them (pulumi.md 5.4 and 7.2).
import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import * as ts from "typescript";

interface Declared {
  file: string;
  text: string;
}

/** Declarations of a file and of all files that they name. */
function closure(): { declared: Declared[]; packages: Set<string> } {
  const packages = new Set<string>();
  const declared = new Map<string, Declared>();
  const visit = (file: string): void => {
    if (declared.has(file)) return;
    const { outputText, diagnostics } = ts.transpileDeclaration(fs.readFileSync(file, "utf8"), {
      fileName: file,
      compilerOptions: { target: ts.ScriptTarget.ES2021, declaration: true, isolatedDeclarations: true },
      reportDiagnostics: true,
    });
    const errors = (diagnostics ?? []).map((d) => ts.flattenDiagnosticMessageText(d.messageText, " "));
    expect(errors, `${path.basename(file)} says outright what it exports`).to.deep.equal([]);
    declared.set(file, { file: path.basename(file), text: outputText });
    for (const [, name] of outputText.matchAll(/(?:from|import\()\s*"([^"]+)"/g))
      if (name!.startsWith(".")) visit(path.resolve(path.dirname(file), `${name}.ts`));
      else packages.add(name!);
  };
  visit(path.join(__dirname, "index.ts"));
  return { declared: [...declared.values()], packages };
}

describe("declarations", () => {
  const { declared, packages } = closure();
  const source = (d: Declared): ts.SourceFile => ts.createSourceFile(d.file, d.text, ts.ScriptTarget.ES2021, true);
  const nodes = (d: Declared): ts.Node[] => {
    const found: ts.Node[] = [];
    const walk = (n: ts.Node): void => {
      found.push(n);
      n.forEachChild(walk);
    };
    walk(source(d));
    return found;
  };

  it("name only @pulumi/pulumi", () => {
    expect([...packages]).to.deep.equal(["@pulumi/pulumi"]);
    expect(declared.map((d) => d.file)).to.include.members(["persistentPodIps.ts", "argsPods.ts", "enums.ts"]);
  });

  it("can be read by TypeScript 3.8, which comes with the SDK", () => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- another compiler than the one of this program
    const old = require("@pulumi/pulumi/vendor/typescript@3.8.3/typescript.js") as typeof ts;
    expect(old.version).to.equal("3.8.3");
    for (const d of declared) {
      const parsed = old.createSourceFile(d.file.replace(/ts$/, "d.ts"), d.text, old.ScriptTarget.ES2020) as unknown as {
        parseDiagnostics: unknown[];
      };
      expect(parsed.parseDiagnostics, d.file).to.deep.equal([]);
    }
  });

  it("have components that extend ComponentResource directly and keep nothing private, which would become an output", () => {
    const classes = declared.flatMap((d) => nodes(d).filter(ts.isClassDeclaration));
    const components = classes.filter((c) => c.name!.text !== "ArgumentError");
    expect(components.map((c) => c.name!.text).sort()).to.deep.equal([
      "AddressSet",
      "MultiNetworkCluster",
      "PersistentPodIps",
      "PodIpController",
      "PodIpGateway",
      "PodIpRoute",
      "PodNetworks",
    ]);
    for (const c of components) {
      expect(c.heritageClauses![0]!.getText()).to.equal("extends pulumi.ComponentResource");
      const hidden = c.members.filter(
        (m) => m.name && (ts.isPrivateIdentifier(m.name) || /\b(private|protected)\b/.test(m.getText())),
      );
      expect(hidden.map((m) => m.getText())).to.deep.equal([]);
      const constructors = c.members.filter(ts.isConstructorDeclaration);
      expect(constructors.map((k) => k.parameters.map((p) => p.name.getText()))).to.deep.equal([["name", "args", "opts"]]);
    }
  });

  it("have arguments that a schema can say: documented fields, no unions of literals, no tuples, no functions", () => {
    const fields = declared
      .filter((d) => d.file.startsWith("args"))
      .flatMap((d) => nodes(d).filter(ts.isInterfaceDeclaration))
      .flatMap((i) => i.members.filter(ts.isPropertySignature).map((m) => ({ owner: i.name.text, m })));
    expect(fields.length).to.be.greaterThan(100);
    for (const { owner, m } of fields) {
      const name = `${owner}.${m.name.getText()}`;
      expect(ts.getJSDocCommentsAndTags(m), `${name} is documented`).to.have.length(1);
      expect(m.type!.getText(), name).to.not.match(/\||=>|unknown|any\b|readonly|Pick<|Omit<|\[\w+, /);
    }
  });

  it("have fewer than 40 fields on the all-in-one", () => {
    const pods = declared.find((d) => d.file === "argsPods.ts")!;
    const all = nodes(pods).filter(ts.isInterfaceDeclaration);
    const count = (name: string): number => all.find((i) => i.name.text === name)!.members.length;
    expect(count("PersistentPodIpsArgs") + count("ControllerArgs")).to.be.lessThan(40);
  });
});
