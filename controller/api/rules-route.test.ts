// SPDX-License-Identifier: Apache-2.0
// The rules of one route: one wording for preview, controller and CLI.
import { expect } from "chai";
import { describeFinding, errorsOf } from "./findings";
import { specOf, type GKEIPRouteSpecInput } from "./gkeiproute";
import { canonicalAddresses, immutableFindings, isGatewayRef, parentRefFindings, routeFindings } from "./rules-route";

const route = (over: Partial<GKEIPRouteSpecInput> = {}): GKEIPRouteSpecInput => ({
  parentRefs: [{ name: "allowed-pod-ips" }],
  addresses: [{ type: "gke.networking.io/cidr", value: "34.123.10.1/32" }],
  network: "blue-network",
  podSelector: { matchLabels: { component: "proxy" } },
  ...over,
});
const told = (over: Partial<GKEIPRouteSpecInput>): string[] => routeFindings(route(over)).map((f) => `${f.code} ${f.path}`);
const many = (n: number): { value: string }[] => Array.from({ length: n }, (_, i) => ({ value: `34.1.2.${i + 1}` }));

describe("The rules of a route", () => {
  const table: [title: string, over: Partial<GKEIPRouteSpecInput>, expected: string[]][] = [
    ["the seed's spec (SEED-55)", {}, []],
    ["no parentRefs", { parentRefs: undefined }, ["MissingParentRef spec.parentRefs"]],
    ["an empty list of parentRefs", { parentRefs: [] }, ["MissingParentRef spec.parentRefs"]],
    [
      "only a Service as a parent (A9)",
      { parentRefs: [{ kind: "Service", group: "", name: "s" }] },
      ["ForeignParentKind spec.parentRefs"],
    ],
    ["a Service beside a Gateway (E41)", { parentRefs: [{ kind: "Service", group: "", name: "s" }, { name: "gw" }] }, []],
    ["type IPAddress with /32 (E29)", { addresses: [{ value: "34.123.10.1/32" }] }, []],
    ["a range (E28, SEED-58)", { addresses: [{ value: "34.123.10.0/24" }] }, ["InvalidAddress spec.addresses[0].value"]],
    ["IPv6 (SEED-12)", { addresses: [{ value: "2001:db8::1" }] }, ["InvalidAddress spec.addresses[0].value"]],
    ["a host name", { addresses: [{ type: "Hostname", value: "a.b" }] }, ["UnsupportedAddressType spec.addresses[0].type"]],
    [
      "one address twice (E26)",
      { addresses: [{ value: "1.2.3.4" }, { value: "1.2.3.4/32" }] },
      ["DuplicateAddress spec.addresses[1].value"],
    ],
    ["16 addresses (E30)", { addresses: many(16) }, []],
    ["17 addresses (E30)", { addresses: many(17) }, ["TooManyAddresses spec.addresses"]],
    [
      "17 entries of 16 addresses (E26, E30)",
      { addresses: [...many(16), { value: "34.1.2.1" }] },
      ["DuplicateAddress spec.addresses[16].value"],
    ],
    ["an empty selector (E13)", { podSelector: {} }, ["EmptySelector spec.podSelector"]],
    [
      "an operator that is none (E14)",
      { podSelector: { matchExpressions: [{ key: "a", operator: "Like" }] } },
      ["InvalidSelector spec.podSelector.matchExpressions[0].operator"],
    ],
    ["a node selector that selects every node", { nodeSelector: {} }, []],
    [
      "a node selector that cannot be read",
      { nodeSelector: { matchExpressions: [{ key: "a", operator: "In" }] } },
      ["InvalidSelector spec.nodeSelector.matchExpressions[0].values"],
    ],
    ["the primary network (SEED-6)", { network: "default" }, ["DefaultNetwork spec.network"]],
    ["no network, which is the primary one (SEED-6)", { network: undefined }, ["DefaultNetwork spec.network"]],
  ];
  for (const [title, over, expected] of table)
    it(`say of ${title}: ${expected.join(", ") || "nothing"}`, () => expect(told(over)).to.deep.equal(expected));

  it("tell shape errors alone, since the rest would be guesswork", () => {
    const findings = routeFindings({ addresses: "34.1.2.3", podSelector: {} } as unknown as GKEIPRouteSpecInput);
    expect(findings.map((f) => f.code)).to.deep.equal(["Type"]);
  });

  it("call the primary network and duplicates a warning, so that they stop nobody", () => {
    expect(
      errorsOf(routeFindings(route({ network: "default", addresses: [{ value: "1.2.3.4" }, { value: "1.2.3.4" }] }))),
    ).to.deep.equal([]);
  });

  it("read as a sentence with field, value and remedy", () => {
    const [found] = routeFindings(route({ addresses: [{ value: "34.123.10.0/24" }] }));
    expect(describeFinding(found!)).to.equal(
      'spec.addresses[0].value: "34.123.10.0/24" is a range; only single addresses, /32, are supported [InvalidAddress]',
    );
    expect(parentRefFindings([])[0]!.message).to.contain("name the Gateway");
  });

  it("put the paths below a path of the caller's", () =>
    expect(routeFindings(route({ parentRefs: [] }), "routes.edge")[0]!.path).to.equal("routes.edge.parentRefs"));

  it("take a missing kind and group as a Gateway, and no other kind or group", () => {
    expect(isGatewayRef({ name: "gw" })).to.equal(true);
    expect(isGatewayRef({ name: "s", group: "", kind: "Gateway" })).to.equal(false);
    expect(isGatewayRef({ name: "s", kind: "Service" })).to.equal(false);
  });

  it("collapse spellings of one address, keep the order, and leave out what is none (E26, E29)", () =>
    expect(
      canonicalAddresses([{ value: "1.2.3.4/32" }, { value: "oops" }, { value: "1.2.3.3" }, { value: "1.2.3.4" }, {}]),
    ).to.deep.equal(["1.2.3.4", "1.2.3.3"]));
});

describe("Fields that must not change", () => {
  const edits: [title: string, after: Partial<GKEIPRouteSpecInput>, expected: string[]][] = [
    ["parentRefs (SEED-56)", { parentRefs: [{ name: "other" }] }, ["spec.parentRefs"]],
    ["network (SEED-65)", { network: "red-network" }, ["spec.network"]],
    ["reactionMode (SEED-64)", { reactionMode: "Exists" }, ["spec.reactionMode"]],
    ["haPolicy", { haPolicy: true }, ["spec.haPolicy"]],
    ["several at once (E44)", { network: "x", reactionMode: "Exists" }, ["spec.network", "spec.reactionMode"]],
    ["addresses, which are mutable (SEED-57)", { addresses: [{ value: "9.9.9.9" }] }, []],
    ["podSelector, which is mutable (SEED-59)", { podSelector: { matchLabels: { a: "b" } } }, []],
    ["a default that is written out (SEED-63)", { reactionMode: "ReadyCondition", haPolicy: false }, []],
    [
      "the defaults of a parentRef written out",
      { parentRefs: [{ kind: "Gateway", name: "allowed-pod-ips", group: "gateway.networking.k8s.io" }] },
      [],
    ],
    ["nothing", {}, []],
  ];
  for (const [title, after, expected] of edits)
    it(`are compared on an edit of ${title}`, () =>
      expect(immutableFindings(route(), route(after)).map((f) => f.path)).to.deep.equal(expected));

  it("are compared by content, not by the order of keys", () => {
    const [a, b] = [
      { name: "gw", port: 1 },
      { port: 1, name: "gw" },
    ];
    expect(immutableFindings(route({ parentRefs: [a] }), route({ parentRefs: [b] }))).to.deep.equal([]);
  });

  it("are compared whatever is in them, also what cannot be made a text of (C1)", () => {
    const odd = { name: "gw", port: { toString: null }, kind: { toString: null } } as unknown as { name: string };
    expect(immutableFindings(route({ parentRefs: [odd] }), route({ parentRefs: [odd] }))).to.deep.equal([]);
  });

  it("are refused with the old value, the new value and the way out (E44)", () => {
    const [found] = immutableFindings(route(), route({ network: "red-network" }));
    expect(found).to.include({ code: "Immutable", severity: "error" });
    expect(found!.message).to.match(/from "blue-network" to "red-network"; delete the route and create it again/);
  });

  it("count an unset network as the primary one", () => {
    expect(immutableFindings(route({ network: undefined }), route({ network: "default" }))).to.deep.equal([]);
    expect(immutableFindings(route({ network: undefined }), route())[0]!.message).to.contain('from unset to "blue-network"');
  });
});

describe("A route without a spec", () => {
  it("reads as one that has defaults and nothing else, since the schema lets it into the cluster (api.md 1.2)", () => {
    const bare = { addresses: [], podSelector: {}, network: "default", reactionMode: "ReadyCondition" };
    expect(specOf({})).to.deep.equal(bare);
    expect(specOf({ spec: null })).to.deep.equal(bare);
    expect(specOf({ spec: { network: "blue" } }).network).to.equal("blue");
  });
});
