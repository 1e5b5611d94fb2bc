// SPDX-License-Identifier: Apache-2.0
// A good plan with exactly one thing wrong in it: exactly one finding, with the right code, at the right object. And a good plan: none.
import { expect } from "chai";
import * as fc from "fast-check";
import {
  CIDR_ADDRESS_TYPE,
  FINDING_CODES,
  immutableFindings,
  OWN_CLASSES,
  STABILITY_ANNOTATION,
  type FindingCode,
} from "../../controller/api";
import { analyze } from "../../controller/cli/analyze";
import { replaced } from "./arbitraries";
import { check } from "./budget";

const cidr = (value: string): object => ({ type: CIDR_ADDRESS_TYPE, value });
interface Doc {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; annotations?: Record<string, string> };
  spec: Record<string, unknown>;
}
interface Plan {
  gateways: Doc[];
  routes: Doc[];
}
const dns = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}[a-z0-9]$/);
const labels = fc.dictionary(fc.constantFrom("app", "tier", "example.com/role"), fc.constantFrom("web", "a.b", ""), {
  minKeys: 1,
  maxKeys: 3,
  noNullPrototype: true,
});
const selector = fc.oneof(
  labels.map((matchLabels) => ({ matchLabels })),
  fc.constantFrom("In", "NotIn").map((operator) => ({ matchExpressions: [{ key: "app", operator, values: ["web"] }] })),
  fc.constantFrom("Exists", "DoesNotExist").map((operator) => ({ matchExpressions: [{ key: "app", operator }] })),
);
/** Good plans: up to three Gateways, each with routes that share its addresses among them. */
const good: fc.Arbitrary<Plan> = fc
  .record({
    ns: dns,
    names: fc.uniqueArray(dns, { minLength: 4, maxLength: 4 }),
    counts: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
    own: selector,
    from: fc.constantFrom("All", "Same"),
    mode: fc.constantFrom(undefined, "ReadyCondition", "Exists"),
    bare: fc.boolean(),
    scope: fc.constantFrom(...Object.values(OWN_CLASSES)),
  })
  .map(({ ns, names, counts, own, from, mode, bare, scope }) => {
    const address = (g: number, i: number): string => `34.10.${g}.${i + 1}/32`;
    const all = (g: number): object[] => Array.from({ length: counts[g]! }, (_, i) => cidr(address(g, i)));
    const gateways = counts.map((_, g): Doc => ({
      ...{ apiVersion: "gateway.networking.k8s.io/v1", kind: "Gateway", metadata: { name: `${names[g]}-gw`, namespace: ns } },
      spec: {
        gatewayClassName: scope,
        listeners: [{ name: "default", port: 443, protocol: "none", allowedRoutes: { namespaces: { from } } }],
        addresses: all(g),
      },
    }));
    const routes = counts.flatMap((n, g) =>
      Array.from({ length: n }, (_, i): Doc => ({
        ...{ apiVersion: "networking.gke.io/v1", kind: "GKEIPRoute", metadata: { name: `r-${g}-${i}`, namespace: ns } },
        spec: {
          ...{
            parentRefs: [bare ? { name: `${names[g]}-gw` } : { name: `${names[g]}-gw`, namespace: ns, kind: "Gateway" }],
            addresses: [cidr(address(g, i))],
          },
          ...{ network: "blue-network", podSelector: own, ...(mode ? { reactionMode: mode } : {}) },
        },
      })),
    );
    return { gateways, routes };
  });
const objects = (p: Plan): Doc[] => [...p.gateways, ...p.routes];
const codes = (p: Plan): string[] => analyze(objects(p), "default").findings.map((f) => f.code);

type Path = (string | number)[];
/** Where the one thing goes wrong: the first route or Gateway, and what is written there. */
type Defect = [code: FindingCode, where: "route" | "gateway", path: Path, by: unknown];
const many = (n: number): object[] => Array.from({ length: n }, (_, i) => cidr(`34.99.0.${i + 1}/32`));
const DEFECTS: Defect[] = [
  ["MissingParentRef", "route", ["spec", "parentRefs"], []],
  ["MissingParentRef", "route", ["spec", "parentRefs"], undefined],
  ["ForeignParentKind", "route", ["spec", "parentRefs"], [{ kind: "Service", group: "", name: "x" }]],
  ...["1.2.3.4/31", "01.2.3.4", "1.2.3.400", "::1", "1.2.3.4 ", "1.2.3", "127.0.0.1", "224.0.0.1", "1.2.3.4/32/32", "x"].map(
    (value): Defect => ["InvalidAddress", "route", ["spec", "addresses", 0, "value"], value],
  ),
  ["UnsupportedAddressType", "route", ["spec", "addresses", 0, "type"], "NamedAddress"],
  ["Required", "route", ["spec", "addresses"], undefined],
  ["Bounds", "route", ["spec", "addresses"], []],
  ["Required", "route", ["spec", "podSelector"], undefined],
  ["EmptySelector", "route", ["spec", "podSelector"], {}],
  ["EmptySelector", "route", ["spec", "podSelector"], { matchLabels: {} }],
  ["InvalidSelector", "route", ["spec", "podSelector"], { matchLabels: { "-a": "x" } }],
  ["InvalidSelector", "route", ["spec", "podSelector"], { matchLabels: { a: "-x" } }],
  ["InvalidSelector", "route", ["spec", "podSelector"], { matchExpressions: [{ key: "a", operator: "Near" }] }],
  ["InvalidSelector", "route", ["spec", "podSelector"], { matchExpressions: [{ key: "a", operator: "In" }] }],
  ["InvalidSelector", "route", ["spec", "nodeSelector"], { matchExpressions: [{ key: "a", operator: "Exists", values: ["b"] }] }],
  ["DefaultNetwork", "route", ["spec", "network"], "default"],
  ["DefaultNetwork", "route", ["spec", "network"], undefined],
  ["Enum", "route", ["spec", "reactionMode"], "Never"],
  ["Type", "route", ["spec", "reactionMode"], 5],
  ["Type", "route", ["spec", "network"], null],
  ["UnknownField", "route", ["spec", "adresses"], []],
  ["Bounds", "route", ["spec", "parentRefs", 0, "port"], 0],
  ["Length", "route", ["spec", "parentRefs", 0, "name"], ""],
  ["Pattern", "route", ["spec", "parentRefs", 0, "namespace"], "Bad"],
  ["AddressNotInGateway", "route", ["spec", "addresses", 0, "value"], "34.77.0.1/32"],
  ["StabilityValue", "route", ["metadata", "annotations"], { [STABILITY_ANNOTATION.sticky]: "yes" }],
  ["StabilityValue", "gateway", ["metadata", "annotations"], { [STABILITY_ANNOTATION.moveBudget]: "3" }],
  ["UnknownAnnotation", "route", ["metadata", "annotations"], { "gke-persistent-ip.dev/stickey": "true" }],
  ["Required", "gateway", ["spec", "listeners"], []],
  ["Required", "gateway", ["spec", "listeners"], undefined],
  ["Required", "gateway", ["spec", "gatewayClassName"], undefined],
  ["Type", "gateway", ["spec", "listeners"], "default"],
  ["UnknownClass", "gateway", ["spec", "gatewayClassName"], "nginx"],
  ["ListenerSelectorMissing", "gateway", ["spec", "listeners", 0, "allowedRoutes", "namespaces", "from"], "Selector"],
  ["ListenerKindUnsupported", "gateway", ["spec", "listeners", 0, "allowedRoutes", "kinds"], [{ kind: "HTTPRoute" }]],
  [
    "InvalidSelector",
    "gateway",
    ["spec", "listeners", 0, "allowedRoutes", "namespaces"],
    { from: "Selector", selector: { matchLabels: { "-": "x" } } },
  ],
  ["InvalidAddress", "gateway", ["spec", "addresses", 9], cidr("1.2.3.4/24")],
  ["InvalidAddress", "gateway", ["spec", "addresses", 9], { type: "IPAddress", value: "34.98.0.1/32" }],
  ["UnsupportedAddressType", "gateway", ["spec", "addresses", 9], { type: "Hostname", value: "34.98.0.1" }],
];
/** A path past the end of a list appends. */
const spoiled = (doc: Doc, path: Path, by: unknown): Doc => {
  const list = path.at(-1) === 9 ? (doc.spec.addresses as unknown[]) : undefined;
  return replaced(doc, list ? [...path.slice(0, -1), list.length] : path, by);
};
/** Defects that need two objects, or more than one place. */
const WIDER: [code: FindingCode, make: (p: Plan) => Plan][] = [
  [
    "AddressClaimedTwice",
    (p) => ({ ...p, routes: [...p.routes, { ...p.routes[0]!, metadata: { ...p.routes[0]!.metadata, name: "again" } }] }),
  ],
  [
    "AddressClaimedTwice",
    (p) => ({
      ...p,
      gateways: [
        ...p.gateways,
        {
          ...p.gateways[0]!,
          metadata: { ...p.gateways[0]!.metadata, name: "again" },
          spec: { ...p.gateways[0]!.spec, addresses: [(p.gateways[0]!.spec.addresses as object[])[0]!] },
        },
      ],
    }),
  ],
  [
    "DuplicateAddress",
    (p) => ({
      ...p,
      routes: p.routes.map((r, i) =>
        i === 0
          ? { ...r, spec: { ...r.spec, addresses: [...(r.spec.addresses as object[]), ...(r.spec.addresses as object[])] } }
          : r,
      ),
    }),
  ],
  [
    "DuplicateAddress",
    (p) => ({
      ...p,
      gateways: p.gateways.map((g, i) =>
        i === 0
          ? { ...g, spec: { ...g.spec, addresses: [...(g.spec.addresses as object[]), (g.spec.addresses as object[])[0]!] } }
          : g,
      ),
    }),
  ],
  [
    "TooManyAddresses",
    (p) => ({
      ...p,
      gateways: p.gateways.map((g, i) =>
        i === 0 ? { ...g, spec: { ...g.spec, addresses: [...(g.spec.addresses as object[]), ...many(16)] } } : g,
      ),
    }),
  ],
];

describe("fuzz: one defect, one finding", function () {
  this.timeout(300_000);

  it("a good plan has none", () => check(0.02, good, (p) => void expect(codes(p)).to.deep.equal([])));

  it("every place that can be wrong gives exactly its own finding, at the object that is wrong", () =>
    check(0.1, fc.record({ plan: good, defect: fc.constantFrom(...DEFECTS) }), ({ plan, defect: [code, where, path, by] }) => {
      const [list, other] = where === "route" ? [plan.routes, plan.gateways] : [plan.gateways, plan.routes];
      const bad = spoiled(list[0]!, path, by);
      const { findings } = analyze([...other, bad, ...list.slice(1)], "default");
      // Where a Gateway is not sound, nobody can say whether it has an address; nothing more is said.
      expect(
        findings.map((f) => f.code),
        JSON.stringify(findings),
      ).to.deep.equal([code]);
      expect(findings[0]!.object).to.equal(`${bad.kind} ${bad.metadata.namespace}/${bad.metadata.name}`);
    }));

  it("and so does every mistake between objects", () =>
    check(0.03, fc.record({ plan: good, wider: fc.constantFrom(...WIDER) }), ({ plan, wider: [code, make] }) => {
      expect(codes(make(plan))).to.deep.equal([code]);
    }));

  it("an edit of an immutable field gives exactly one, one of any other field none (E44)", () => {
    const edits: [string, unknown, boolean][] = [
      ["parentRefs", [{ name: "other" }], true],
      ["network", "other", true],
      ["reactionMode", "Exists", true],
      ["haPolicy", true, true],
      ["addresses", [cidr("34.10.0.9/32")], false],
      ["podSelector", { matchLabels: { x: "y" } }, false],
      ["nodeSelector", { matchLabels: { x: "y" } }, false],
    ];
    check(0.02, fc.record({ plan: good, edit: fc.constantFrom(...edits) }), ({ plan, edit: [field, to, immutable] }) => {
      const before = { ...plan.routes[0]!.spec, reactionMode: "ReadyCondition" };
      const found = immutableFindings(before as never, { ...before, [field]: to } as never);
      expect(found.map((f) => f.path)).to.deep.equal(immutable ? [`spec.${field}`] : []);
    });
  });

  it("every code of the contract is among these", () => {
    // Those of Pods are shown by controller/api/rules-pod.test.ts.
    const others = ["Immutable", "PodCannotAnswer", "PodNotPrepared"];
    const shown = new Set([...DEFECTS.map(([code]) => code), ...WIDER.map(([code]) => code), ...others]);
    expect(FINDING_CODES.filter((c) => !shown.has(c))).to.deep.equal([]);
  });
});
