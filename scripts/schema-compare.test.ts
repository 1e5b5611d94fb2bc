// SPDX-License-Identifier: Apache-2.0
// Each way in which a schema can change, and what it means to programs that use the SDKs.
import { expect } from "chai";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { compareSchemas, versionAllows, type Change } from "./schema-compare";
import { gate } from "./schema-gate";
import type { PackageSchema, PropertySpec } from "./schema-types";

const TYPE = "p:index:Pool";
const KIND = "p:index:Kind";
const THING = "p:index:Thing";

function base(): PackageSchema {
  return {
    name: "p",
    version: "1.2.0",
    description: "text",
    language: { python: { packageName: "p" } },
    types: {
      [TYPE]: {
        type: "object",
        properties: { size: { type: "number", plain: true }, label: { type: "string" } },
        required: ["size"],
      },
      [KIND]: {
        type: "string",
        enum: [
          { name: "A", value: "a" },
          { name: "B", value: "b" },
        ],
      },
    },
    resources: {
      [THING]: {
        inputProperties: {
          region: { type: "string", plain: true, description: "where" },
          net: { type: "string" },
          pools: { type: "object", plain: true, additionalProperties: { $ref: `#/types/${TYPE}`, plain: true } },
        },
        requiredInputs: ["region", "pools", "net"],
        properties: { name: { type: "string" }, note: { type: "string" } },
        required: ["name"],
      },
    },
  };
}
const thing = (s: PackageSchema) => s.resources[THING]!;
const pool = (s: PackageSchema) => s.types[TYPE]!;
const drop = (list: string[], item: string): void => void list.splice(list.indexOf(item), 1);

/** Changes as `kind path: what` after an edit. */
function after(edit: (s: PackageSchema) => void): string[] {
  const changed = base();
  edit(changed);
  return compareSchemas(base(), changed).map((c) => `${c.kind} ${c.path}: ${c.what}`);
}

describe("comparing schemas", () => {
  const cases: [title: string, edit: (s: PackageSchema) => void, wanted: string[]][] = [
    ["nothing is nothing", () => undefined, []],
    ["a new version alone is no change", (s) => void (s.version = "9.0.0"), []],
    ["a component that goes breaks", (s) => void delete s.resources[THING], ["breaking Thing: component removed"]],
    [
      "a component that comes is additive",
      (s) => void (s.resources["p:index:New"] = thing(s)),
      ["additive New: component added"],
    ],
    ["an input that goes breaks", (s) => void delete thing(s).inputProperties["net"], ["breaking Thing.inputs.net: removed"]],
    [
      "an input that may be given is additive",
      (s) => void (thing(s).inputProperties["extra"] = { type: "string" }),
      ["additive Thing.inputs.extra: added"],
    ],
    [
      "an input that must be given breaks",
      (s) => {
        thing(s).inputProperties["extra"] = { type: "string" };
        thing(s).requiredInputs.push("extra");
      },
      ["breaking Thing.inputs.extra: added, and must be given"],
    ],
    [
      "an input of another type breaks",
      (s) => void (thing(s).inputProperties["net"]!.type = "number"),
      ["breaking Thing.inputs.net: was string, is number"],
    ],
    [
      "an input that takes Outputs no longer, or from now on, breaks: compiled languages name another type",
      (s) => void (thing(s).inputProperties["net"]!.plain = true),
      ["breaking Thing.inputs.net: was string, is plain string"],
    ],
    [
      "the type inside of a map counts",
      (s) => void (thing(s).inputProperties["pools"]!.additionalProperties = { type: "string" } as PropertySpec),
      ["breaking Thing.inputs.pools: was plain object{plain Pool}, is plain object{string}"],
    ],
    [
      "an Input that may be left out from now on is additive",
      (s) => drop(thing(s).requiredInputs, "net"),
      ["additive Thing.inputs.net: may be left out now"],
    ],
    [
      "a plain field that may be left out from now on breaks Go",
      (s) => drop(thing(s).requiredInputs, "region"),
      ["breaking Thing.inputs.region: may be left out now, which makes the plain field a pointer in Go"],
    ],
    [
      "a plain map that may be left out stays a map",
      (s) => drop(thing(s).requiredInputs, "pools"),
      ["additive Thing.inputs.pools: may be left out now"],
    ],
    [
      "a field of a type that must be given now breaks",
      (s) => pool(s).required!.push("label"),
      ["breaking Pool.label: must be given now"],
    ],
    ["an output that goes breaks", (s) => void delete thing(s).properties["note"], ["breaking Thing.outputs.note: removed"]],
    [
      "an output that may be missing breaks",
      (s) => drop(thing(s).required, "name"),
      ["breaking Thing.outputs.name: may be missing now"],
    ],
    [
      "an output that is always there is additive",
      (s) => thing(s).required.push("note"),
      ["additive Thing.outputs.note: is always there now"],
    ],
    [
      "an output that comes is additive, required or not",
      (s) => {
        thing(s).properties["more"] = { type: "string" };
        thing(s).required.push("more");
      },
      ["additive Thing.outputs.more: added"],
    ],
    ["a value that goes breaks", (s) => void s.types[KIND]!.enum!.pop(), ["breaking Kind.B=b: value removed"]],
    [
      "a value that comes is additive",
      (s) => void s.types[KIND]!.enum!.push({ name: "C", value: "c" }),
      ["additive Kind.C=c: value added"],
    ],
    [
      "a value under another name breaks, since the name is the constant",
      (s) => void (s.types[KIND]!.enum![1]!.name = "Bee"),
      ["breaking Kind.B=b: value removed", "additive Kind.Bee=b: value added"],
    ],
    [
      "an enumeration that becomes an object breaks",
      (s) => void (s.types[KIND] = pool(s)),
      ["breaking Kind: object and enumeration took turns"],
    ],
    [
      "another name of an SDK breaks",
      (s) => void (s.language["python"] = { packageName: "q" }),
      ["breaking language.python: options of the generated SDK changed: its names or imports may"],
    ],
    [
      "another text is docs",
      (s) => void (thing(s).inputProperties["region"]!.description = "there"),
      ["docs Thing.inputs.region: text changed"],
    ],
  ];
  for (const [title, edit, wanted] of cases)
    it(title, () => {
      expect(after(edit)).to.deep.equal(wanted);
    });

  it("breaking changes come first, then additive ones, then docs", () => {
    const kinds = after((s) => {
      thing(s).inputProperties["region"]!.description = "there";
      thing(s).inputProperties["extra"] = { type: "string" };
      delete thing(s).properties["note"];
    }).map((c) => c.split(" ")[0]);
    expect(kinds).to.deep.equal(["breaking", "additive", "docs"]);
  });

  it("a breaking change needs a new major number, and before 1.0.0 a new minor one", () => {
    const broken: Change[] = [{ kind: "breaking", path: "x", what: "removed" }];
    const added: Change[] = [{ kind: "additive", path: "x", what: "added" }];
    const allowed = (from: string, to: string): boolean => versionAllows(from, to, broken);
    expect([allowed("1.2.3", "1.3.0"), allowed("1.2.3", "2.0.0"), allowed("1.2.3", "2.0.0-rc.1")]).to.deep.equal([
      false,
      true,
      true,
    ]);
    expect([allowed("0.1.0", "0.1.1"), allowed("0.1.0", "0.2.0"), allowed("0.9.0", "1.0.0")]).to.deep.equal([false, true, true]);
    expect(versionAllows("1.2.3", "1.2.4", added)).to.equal(true);
    expect(() => allowed("1.2.3", "next")).to.throw('"next" is no version like 1.2.3');
  });

  it("the gate reads both files, lists every change and says what to do", () => {
    const folder = fs.mkdtempSync(path.join(tmpdir(), "gate-"));
    try {
      const write = (name: string, schema: PackageSchema): void =>
        fs.writeFileSync(path.join(folder, name), JSON.stringify(schema));
      const changed = base();
      delete thing(changed).properties["note"];
      write("schema.json", changed);
      expect(gate(folder)).to.deep.equal({ ok: true, text: "nothing is released yet: the schema may change freely" });
      write("released.json", base());
      expect(gate(folder).ok).to.equal(false);
      expect(gate(folder).text).to.match(
        /^1\.2\.0 -> 1\.2\.0: 1 breaking, 0 additive, 0 docs\nbreaking Thing\.outputs\.note: removed\nbreaking changes need/,
      );
      write("schema.json", { ...changed, version: "2.0.0" });
      expect(gate(folder).ok).to.equal(true);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});
