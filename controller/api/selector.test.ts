// SPDX-License-Identifier: Apache-2.0
// Label selectors mean here what they mean in Kubernetes. The oracle is written after the API documentation of LabelSelectorRequirement.
import { expect } from "chai";
import * as fc from "fast-check";
import { parseSelector, requiredLabels, type Labels, type LabelSelector } from "./selector";

const matches = (s: LabelSelector, labels: Labels): boolean => {
  const parsed = parseSelector(s, true);
  if (!parsed.ok) throw new Error(parsed.problems.map((p) => p.message).join("; "));
  return parsed.matches(labels);
};
const one = (key: string, operator: string, values?: string[]): LabelSelector => ({
  matchExpressions: [{ key, operator, ...(values ? { values } : {}) }],
});

describe("Label selectors", () => {
  const table: [title: string, selector: LabelSelector, labels: Labels, expected: boolean][] = [
    ["matchLabels wants the very value (SEED-59)", { matchLabels: { component: "proxy" } }, { component: "proxy", x: "y" }, true],
    ["matchLabels refuses another value", { matchLabels: { component: "proxy" } }, { component: "web" }, false],
    ["matchLabels refuses a missing key", { matchLabels: { component: "proxy" } }, {}, false],
    ["matchLabels are joined by AND", { matchLabels: { a: "1", b: "2" } }, { a: "1" }, false],
    ["an empty value is a value", { matchLabels: { a: "" } }, { a: "" }, true],
    ["an empty value is not a missing key", { matchLabels: { a: "" } }, {}, false],
    ["In takes one of its values", one("a", "In", ["1", "2"]), { a: "2" }, true],
    ["In refuses a missing key", one("a", "In", ["1"]), {}, false],
    ["NotIn takes a missing key", one("a", "NotIn", ["1"]), {}, true],
    ["NotIn refuses its values", one("a", "NotIn", ["1"]), { a: "1" }, false],
    ["Exists takes an empty value", one("a", "Exists"), { a: "" }, true],
    ["Exists refuses a missing key", one("a", "Exists"), { b: "" }, false],
    ["DoesNotExist takes a missing key", one("a", "DoesNotExist"), { b: "" }, true],
    ["DoesNotExist refuses a present key", one("a", "DoesNotExist"), { a: "" }, false],
    ["Exists does not take what every JavaScript object has", one("constructor", "Exists"), {}, false],
    ["DoesNotExist does not see what every JavaScript object has", one("toString", "DoesNotExist"), {}, true],
    ["labels and expressions are joined by AND", { matchLabels: { a: "1" }, ...one("b", "Exists") }, { a: "1" }, false],
  ];
  for (const [title, selector, labels, expected] of table) it(title, () => expect(matches(selector, labels)).to.equal(expected));

  it("agrees with the written rules for any selector and any labels (SEED-59, SEED-61)", () => {
    const key = fc.constantFrom("a", "b", "app.kubernetes.io/name");
    const value = fc.constantFrom("", "1", "2");
    const expression = fc.oneof(
      fc.record({
        key,
        operator: fc.constantFrom("In", "NotIn"),
        values: fc.uniqueArray(value, { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ key, operator: fc.constantFrom("Exists", "DoesNotExist") }),
    );
    const selector = fc.record({
      matchLabels: fc.dictionary(key, value, { maxKeys: 2 }),
      matchExpressions: fc.array(expression, { maxLength: 3 }),
    });
    const rule = (labels: Labels, e: { key: string; operator: string; values?: string[] }): boolean => {
      const has = e.key in labels;
      const inside = has && (e.values ?? []).includes(labels[e.key]!);
      return { In: inside, NotIn: !inside, Exists: has, DoesNotExist: !has }[e.operator]!;
    };
    fc.assert(
      fc.property(selector, fc.dictionary(key, value), (s, labels) => {
        const expected =
          Object.entries(s.matchLabels).every(([k, v]) => labels[k] === v) && s.matchExpressions.every((e) => rule(labels, e));
        expect(matches(s, labels)).to.equal(expected);
        if (expected) for (const [k, v] of requiredLabels(s)) expect(labels).to.have.own.property(k, v);
      }),
      { numRuns: 300 },
    );
  });

  it("names the labels that whatever it matches must carry, so that an index finds it", () => {
    const expressions = [
      { key: "b", operator: "In", values: ["2"] },
      { key: "c", operator: "In", values: ["3", "4"] },
      { key: "d", operator: "NotIn", values: ["5"] },
      { key: "e", operator: "Exists" },
    ];
    expect(requiredLabels({ matchLabels: { a: "1" }, matchExpressions: expressions })).to.deep.equal([
      ["a", "1"],
      ["b", "2"],
    ]);
    expect(requiredLabels({ matchExpressions: [{ key: "a", operator: "Exists" }] })).to.deep.equal([]);
    expect(requiredLabels(undefined)).to.deep.equal([]);
  });

  const empty: [string, LabelSelector | undefined][] = [
    ["nothing", undefined],
    ["{}", {}],
    ["matchLabels: {}", { matchLabels: {} }],
    ["two empty lists", { matchLabels: {}, matchExpressions: [] }],
  ];
  for (const [title, selector] of empty)
    it(`refuses an empty selector written as ${title}, and takes it only where empty means all (E13, S9)`, () => {
      const parsed = parseSelector(selector);
      expect(parsed.ok ? [] : parsed.problems.map((p) => p.path)).to.deep.equal([""]);
      expect(matches(selector ?? {}, { any: "thing" })).to.equal(true);
    });

  const long = "x".repeat(64);
  const bad: [title: string, selector: LabelSelector, path: string, message: RegExp][] = [
    ["In without values", one("a", "In", []), "matchExpressions[0].values", /operator In needs at least one value/],
    ["NotIn without values", one("a", "NotIn"), "matchExpressions[0].values", /NotIn needs/],
    ["Exists with values", one("a", "Exists", ["1"]), "matchExpressions[0].values", /Exists takes no values/],
    ["DoesNotExist with values", one("a", "DoesNotExist", ["1"]), "matchExpressions[0].values", /takes no values/],
    [
      "unknown operator",
      one("a", "Like", ["1"]),
      "matchExpressions[0].operator",
      /"Like" is not one of In, NotIn, Exists, DoesNotExist/,
    ],
    ["operator in lower case", one("a", "in", ["1"]), "matchExpressions[0].operator", /"in" is not one of/],
    ["operator that every object has", one("a", "constructor", ["1"]), "matchExpressions[0].operator", /not one of/],
    ["empty key", one("", "Exists"), "matchExpressions[0].key", /label key "" must be 1 to 63/],
    ["key of 64 characters", one(long, "Exists"), "matchExpressions[0].key", /must be 1 to 63/],
    ["key with two slashes", one("a/b/c", "Exists"), "matchExpressions[0].key", /"a\/b\/c"/],
    ["key with an empty prefix", one("/a", "Exists"), "matchExpressions[0].key", /prefix that is not a DNS name/],
    ["key with a prefix in upper case", one("A.b/c", "Exists"), "matchExpressions[0].key", /not a DNS name/],
    ["key that ends in a dot", { matchLabels: { "a.": "1" } }, 'matchLabels["a."]', /begin and end/],
    ["value of 64 characters", { matchLabels: { a: long } }, 'matchLabels["a"]', /label value .* at most 63/],
    ["value with a space", { matchLabels: { a: "b c" } }, 'matchLabels["a"]', /"b c"/],
    ["value with a slash in a list", one("a", "In", ["ok", "b/c"]), "matchExpressions[0].values[1]", /"b\/c"/],
  ];
  for (const [title, selector, path, message] of bad)
    it(`refuses ${title} and names the field and the value (E14)`, () => {
      const parsed = parseSelector(selector, true);
      expect(parsed.ok ? [] : parsed.problems.map((p) => p.path)).to.deep.equal([path]);
      expect(parsed.ok ? "" : parsed.problems[0]!.message).to.match(message);
    });

  it("names every problem at once, not only the first", () => {
    const parsed = parseSelector({ matchLabels: { "": "b c" }, matchExpressions: [{ key: "a", operator: "x" }] });
    expect(parsed.ok ? 0 : parsed.problems.length).to.equal(3);
  });

  for (const key of ["statefulset.kubernetes.io/pod-name", "a", "A-1_b.c", "x".repeat(63), `${"p".repeat(253)}/n`])
    it(`takes the key ${key.slice(0, 40)}`, () => expect(parseSelector(one(key, "Exists")).ok).to.equal(true));
});
