// SPDX-License-Identifier: Apache-2.0
// The validator refuses what the API server would refuse, with one finding for each place.
import { expect } from "chai";
import * as fc from "fast-check";
import { gkeIpRouteSchema } from "./gkeiproute";
import type { Schema } from "./schema-type";
import { schemaFindings } from "./schema-validate";

const spec: Schema = gkeIpRouteSchema.properties.spec;
const good = { addresses: [{ value: "34.123.10.1/32" }], podSelector: { matchLabels: { component: "proxy" } } };
const told = (value: unknown): string[] => schemaFindings(spec, value, "spec").map((f) => `${f.code} ${f.path}`);
const ref = (over: object): object => ({ ...good, parentRefs: [{ name: "gw", ...over }] });

describe("The schema validator", () => {
  const fits: [string, unknown][] = [
    ["the smallest route", good],
    [
      "every field of the newer schema",
      {
        ...good,
        parentRefs: [{ name: "gw", namespace: "default", group: "", kind: "Gateway", sectionName: "a.b", port: 65535 }],
        network: "blue",
        reactionMode: "Exists",
        loadBalancing: { healthCheckName: "hc" },
        allowGlobalAccess: true,
        haPolicy: false,
        nodeSelector: { matchExpressions: [{ key: "a", operator: "In", values: ["b"] }] },
      },
    ],
    ["253 characters that are 506 UTF-16 units", { ...good, addresses: [{ value: "\u{1F600}".repeat(253) }] }],
    ["an absent field that is written as undefined", { ...good, network: undefined }],
    ["an empty selector, which is for the rules to refuse", { ...good, podSelector: {} }],
  ];
  for (const [title, value] of fits) it(`takes ${title}`, () => expect(told(value)).to.deep.equal([]));

  const wrong: [string, unknown, string[]][] = [
    ["no addresses", { podSelector: {} }, ["Required spec.addresses"]],
    ["nothing", {}, ["Required spec.addresses", "Required spec.podSelector"]],
    ["null", null, ["Type spec"]],
    ["a list", [], ["Type spec"]],
    ["null in place of a selector", { ...good, podSelector: null }, ["Type spec.podSelector"]],
    ["an empty list of addresses", { ...good, addresses: [] }, ["Bounds spec.addresses"]],
    ["an address as text", { ...good, addresses: ["1.2.3.4/32"] }, ["Type spec.addresses[0]"]],
    ["an address without a value", { ...good, addresses: [{}] }, ["Required spec.addresses[0].value"]],
    ["an empty value", { ...good, addresses: [{ value: "" }] }, ["Length spec.addresses[0].value"]],
    ["a value of 254 characters", { ...good, addresses: [{ value: "x".repeat(254) }] }, ["Length spec.addresses[0].value"]],
    [
      "a type that fits no pattern",
      { ...good, addresses: [{ value: "1.2.3.4", type: "cidr" }] },
      ["Pattern spec.addresses[0].type"],
    ],
    ["a number for a string", { ...good, network: 7 }, ["Type spec.network"]],
    ["text for a boolean", { ...good, haPolicy: "true" }, ["Type spec.haPolicy"]],
    ["an unknown reactionMode", { ...good, reactionMode: "Ready" }, ["Enum spec.reactionMode"]],
    ["port 0", ref({ port: 0 }), ["Bounds spec.parentRefs[0].port"]],
    ["port 65536", ref({ port: 65536 }), ["Bounds spec.parentRefs[0].port"]],
    ["a port with a fraction", ref({ port: 1.5 }), ["Type spec.parentRefs[0].port"]],
    ["a port as text", ref({ port: "443" }), ["Type spec.parentRefs[0].port"]],
    ["a namespace in upper case", ref({ namespace: "Default" }), ["Pattern spec.parentRefs[0].namespace"]],
    ["33 parents", { ...good, parentRefs: Array.from({ length: 33 }, () => ({ name: "gw" })) }, ["Bounds spec.parentRefs"]],
    ["a misspelt field", { ...good, podSelectors: {} }, ["UnknownField spec.podSelectors"]],
    ["a field that every JavaScript object has", { ...good, constructor: 1 }, ["UnknownField spec.constructor"]],
    ["a label that is a number", { ...good, podSelector: { matchLabels: { a: 1 } } }, ["Type spec.podSelector.matchLabels.a"]],
    ["load balancing without its health check", { ...good, loadBalancing: {} }, ["Required spec.loadBalancing.healthCheckName"]],
  ];
  for (const [title, value, expected] of wrong)
    it(`refuses ${title} and names the place`, () => expect(told(value)).to.deep.equal(expected));

  it("finds everything at once and says what is allowed", () => {
    const findings = schemaFindings(spec, { addresses: [{ value: 1 }], reactionMode: "x", oops: 1 }, "spec");
    expect(findings.map((f) => f.code)).to.have.members(["Required", "Type", "Enum", "UnknownField"]);
    expect(findings.find((f) => f.code === "Enum")!.message).to.equal('"x" is not one of ReadyCondition, Exists');
    expect(findings.find((f) => f.code === "UnknownField")!.message).to.contain("addresses, allowGlobalAccess");
    expect(findings.every((f) => f.severity === "error")).to.equal(true);
  });

  it("cuts a long value short in its message", () => {
    const [found] = schemaFindings({ type: "integer" }, "x".repeat(500));
    expect(found!.message.length).to.be.lessThan(140);
  });

  it("answers any JSON value, and each finding has a path below the root", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const f of schemaFindings(spec, value, "spec")) expect(f.path.startsWith("spec")).to.equal(true);
      }),
    );
  });

  it("accepts every value that is made after the schema (property)", () => {
    const text = (s: Schema): fc.Arbitrary<unknown> => {
      if (s.default !== undefined) return fc.constant(s.default);
      if (s.enum || s.pattern) return fc.constantFrom(...(s.enum ?? ["a", "a-1"]));
      return fc.string({ minLength: s.minLength ?? 0, maxLength: 20 });
    };
    const fields = (s: Schema): fc.Arbitrary<unknown> =>
      fc.record(Object.fromEntries(Object.entries(s.properties ?? {}).map(([k, v]) => [k, made(v)])), {
        requiredKeys: [...(s.required ?? [])],
      });
    const kinds: Record<string, (s: Schema) => fc.Arbitrary<unknown>> = {
      string: text,
      boolean: () => fc.boolean(),
      integer: (s) => fc.integer({ min: s.minimum!, max: s.maximum! }),
      array: (s) => fc.array(made(s.items!), { minLength: s.minItems ?? 0, maxLength: 3 }),
      object: (s) =>
        s.additionalProperties ? fc.dictionary(fc.string(), made(s.additionalProperties), { maxKeys: 3 }) : fields(s),
    };
    const made = (s: Schema): fc.Arbitrary<unknown> => kinds[s.type!]!(s);
    fc.assert(
      fc.property(made(spec), (value) => {
        expect(told(value)).to.deep.equal([]);
      }),
    );
  });
});
