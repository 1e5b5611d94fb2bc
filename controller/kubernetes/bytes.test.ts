// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import fc from "fast-check";
import { cutManagedFields, LineSplitter, parseObject } from "./bytes";

const ENTRIES =
  '[{"manager":"kubectl","operation":"Apply","fieldsV1":{"f:a":{"k:{\\"x\\":[1]}":{}}}},{"manager":"]}\\\\","time":"t"}]';

describe("line splitter", () => {
  it("finds the same lines however the bytes are cut into chunks", () => {
    const line = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => !text.includes("\n"));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (lines, sizes) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(""));
        const splitter = new LineSplitter();
        const found: string[] = [];
        for (let at = 0, i = 0; at < bytes.length; at += sizes[i++ % sizes.length] ?? 1) {
          for (const part of splitter.push(bytes.subarray(at, at + (sizes[i % sizes.length] ?? 1)))) found.push(part.toString());
        }
        expect(found).to.deep.equal(lines);
      }),
    );
  });

  it("skips empty lines and keeps an unfinished one for later", () => {
    const splitter = new LineSplitter();
    expect([...splitter.push(Buffer.from("\n\na\nb"))].map(String)).to.deep.equal(["a"]);
    expect([...splitter.push(Buffer.from("c\n"))].map(String)).to.deep.equal(["bc"]);
  });

  it("refuses a line that never ends", () => {
    const splitter = new LineSplitter();
    const chunk = Buffer.alloc(16 << 20, 0x61);
    expect(() => {
      for (let i = 0; i < 5; i++) Array.from(splitter.push(chunk));
    }).to.throw("longer than 67108864 bytes");
  });
});

describe("cutting managedFields", () => {
  const cases: [string, string, unknown][] = [
    [
      "in the middle of metadata",
      `{"metadata":{"name":"a","managedFields":${ENTRIES},"uid":"u"}}`,
      { metadata: { name: "a", uid: "u" } },
    ],
    ["at the end of metadata", `{"metadata":{"name":"a","managedFields":${ENTRIES}},"x":1}`, { metadata: { name: "a" }, x: 1 }],
    ["at the start of metadata", `{"metadata":{"managedFields":${ENTRIES},"name":"a"}}`, { metadata: { name: "a" } }],
    ["alone in metadata", `{"metadata":{"managedFields":${ENTRIES}}}`, { metadata: {} }],
    [
      "in every item of a list",
      `{"items":[{"metadata":{"a":1,"managedFields":${ENTRIES}}},{"metadata":{"managedFields":${ENTRIES},"b":2}}]}`,
      { items: [{ metadata: { a: 1 } }, { metadata: { b: 2 } }] },
    ],
  ];
  for (const [where, json, expected] of cases) {
    it(`works ${where}`, () => {
      expect(JSON.parse(cutManagedFields(Buffer.from(json)))).to.deep.equal(expected);
    });
  }

  const untouched = [
    `{"metadata":{"name":"a"}}`,
    `{"metadata":{"annotations":{"last":"{\\"managedFields\\":[{\\"manager\\":\\"x\\"}]}"}}}`,
    `{"spec":{"managedFields":["mine"]}}`,
    `{"spec":{"odd\\"managedFields":[{"manager":"x"}]}}`,
    `{"metadata":{"a":1,"managedFields":[{"manager":"x"`,
    `{"metadata":{"a":1,"managedFields":[{"manager":"x`,
  ];
  for (const json of untouched) {
    it(`leaves alone: ${json.slice(0, 60)}`, () => {
      expect(cutManagedFields(Buffer.from(json))).to.equal(json);
    });
  }

  it("equals parsing and deleting, for any strings around and inside", () => {
    const text = fc.string({ unit: "grapheme" });
    const entry = fc.record({ manager: text, fieldsV1: fc.dictionary(text, fc.array(text)) });
    fc.assert(
      fc.property(
        text,
        fc.dictionary(text, text),
        fc.array(entry, { minLength: 1 }),
        fc.boolean(),
        (name, annotations, managedFields, first) => {
          const metadata = first ? { managedFields, name, annotations } : { name, annotations, managedFields };
          const bytes = Buffer.from(JSON.stringify({ metadata, status: annotations }));
          expect(parseObject(bytes, false)).to.deep.equal({ metadata: { name, annotations }, status: annotations });
          expect(parseObject(bytes, true)).to.deep.equal(JSON.parse(bytes.toString()));
        },
      ),
    );
  });
});
