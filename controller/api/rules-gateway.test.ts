// SPDX-License-Identifier: Apache-2.0
// The rules of a Gateway and of a whole plan.
import { expect } from "chai";
import type { GKEIPRouteSpecInput } from "./gkeiproute";
import type { Gateway, Listener } from "./kinds";
import { gatewayFindings, isSupportedKind, supportsAddressType } from "./rules-gateway";
import { planFindings, type PlannedGateway, type PlannedRoute } from "./rules-plan";

type Spec = Gateway["spec"];
const CIDR = "gke.networking.io/cidr";
const listener = (allowedRoutes?: Listener["allowedRoutes"]): Listener => ({
  name: "default",
  port: 443,
  protocol: "none",
  ...(allowedRoutes ? { allowedRoutes } : {}),
});
const gateway = (over: Partial<Spec> = {}): Spec => ({
  gatewayClassName: "gke-persistent-regional-external-managed",
  listeners: [listener({ namespaces: { from: "All" } })],
  addresses: [{ type: CIDR, value: "34.123.10.1/32" }],
  ...over,
});
const listed = (n: number): { type: string; value: string }[] =>
  Array.from({ length: n }, (_, i) => ({ type: CIDR, value: `34.1.2.${i + 1}/32` }));

describe("The rules of a Gateway", () => {
  const table: [title: string, over: Partial<Spec>, expected: string[]][] = [
    ["the seed's Gateway (SEED-48)", {}, []],
    ["another class", { gatewayClassName: "gke-l7-gxlb" }, ["warning UnknownClass spec.gatewayClassName"]],
    ["no addresses (SEED-49)", { addresses: undefined }, ["error Required spec.addresses"]],
    ["only an empty address (A5)", { addresses: [{ type: CIDR, value: "" }] }, ["error Required spec.addresses"]],
    ["a range", { addresses: [{ type: CIDR, value: "34.1.0.0/16" }] }, ["error InvalidAddress spec.addresses[0].value"]],
    [
      "a host name (A4)",
      { addresses: [{ type: "Hostname", value: "a.b" }] },
      ["error UnsupportedAddressType spec.addresses[0].type"],
    ],
    ["type IPAddress without a prefix", { addresses: [{ value: "34.123.10.1" }] }, []],
    [
      "type IPAddress with /32, which the Gateway API refuses (api.md 6.3)",
      { addresses: [{ value: "34.123.10.1/32" }] },
      ["error InvalidAddress spec.addresses[0].value"],
    ],
    [
      "one address twice (E26)",
      { addresses: [...listed(1), ...listed(1)] },
      ["warning DuplicateAddress spec.addresses[1].value"],
    ],
    ["16 addresses (E30)", { addresses: listed(16) }, []],
    ["17 addresses (E30)", { addresses: listed(17) }, ["error TooManyAddresses spec.addresses"]],
    [
      "17 entries of 16 addresses, which the Gateway API refuses (E30)",
      { addresses: [...listed(16), ...listed(1)] },
      ["warning DuplicateAddress spec.addresses[16].value", "error TooManyAddresses spec.addresses"],
    ],
    ["no listeners (SEED-50)", { listeners: [] }, ["error Required spec.listeners"]],
    ["a listener without allowedRoutes, which means Same (SEED-47)", { listeners: [listener()] }, []],
    [
      "Selector without a selector (SEED-46)",
      { listeners: [listener({ namespaces: { from: "Selector" } })] },
      ["error ListenerSelectorMissing spec.listeners[0].allowedRoutes.namespaces.selector"],
    ],
    [
      "Selector with an empty selector, which means all",
      { listeners: [listener({ namespaces: { from: "Selector", selector: {} } })] },
      [],
    ],
    [
      "Selector with a bad selector",
      { listeners: [listener({ namespaces: { from: "Selector", selector: { matchLabels: { "a b": "c" } } } })] },
      ['error InvalidSelector spec.listeners[0].allowedRoutes.namespaces.selector.matchLabels["a b"]'],
    ],
    [
      "a bad selector that All does not read",
      { listeners: [listener({ namespaces: { from: "All", selector: { matchLabels: { "a b": "c" } } } })] },
      [],
    ],
    [
      "only another kind of route",
      { listeners: [listener({ kinds: [{ kind: "HTTPRoute" }] })] },
      ["error ListenerKindUnsupported spec.listeners[0].allowedRoutes.kinds"],
    ],
    [
      "another kind beside ours",
      { listeners: [listener({ kinds: [{ kind: "HTTPRoute" }, { group: "networking.gke.io", kind: "GKEIPRoute" }] })] },
      [],
    ],
  ];
  for (const [title, over, expected] of table)
    it(`say of ${title}: ${expected.join(", ") || "nothing"}`, () =>
      expect(gatewayFindings(gateway(over)).map((f) => `${f.severity} ${f.code} ${f.path}`)).to.deep.equal(expected));

  it("take GKEIPRoute of Google's group only, and both address types", () => {
    expect(isSupportedKind({ group: "networking.gke.io", kind: "GKEIPRoute" })).to.equal(true);
    expect(isSupportedKind({ kind: "GKEIPRoute" })).to.equal(false);
    expect([undefined, "IPAddress", CIDR].every(supportsAddressType)).to.equal(true);
    expect(supportsAddressType("NamedAddress")).to.equal(false);
  });
});

describe("The rules of a whole plan", () => {
  const spec = (addresses: string[], over: Partial<GKEIPRouteSpecInput> = {}): GKEIPRouteSpecInput => ({
    parentRefs: [{ name: "gw" }],
    addresses: addresses.map((value) => ({ value })),
    network: "blue",
    podSelector: { matchLabels: { a: "b" } },
    ...over,
  });
  const route = (name: string, s: GKEIPRouteSpecInput): PlannedRoute => ({ key: `ns/${name}`, path: `routes.${name}`, spec: s });
  const gw = (name: string, ...addresses: string[]): PlannedGateway => ({
    key: `ns/${name}`,
    path: `gateways.${name}`,
    addresses,
  });
  const told = (routes: PlannedRoute[], gateways: PlannedGateway[]): string[] =>
    planFindings(routes, gateways).map((f) => `${f.severity} ${f.code} ${f.path}`);

  it("find nothing where every address is offered once and claimed once, whatever its spelling (E29)", () =>
    expect(
      told([route("a", spec(["1.2.3.4"])), route("b", spec(["1.2.3.5/32"]))], [gw("gw", "1.2.3.4/32", "1.2.3.5")]),
    ).to.deep.equal([]));

  it("name the other claimant of an address (E23)", () => {
    const findings = planFindings([route("a", spec(["1.2.3.4"])), route("b", spec(["1.2.3.4/32"]))], [gw("gw", "1.2.3.4")]);
    expect(findings.map((f) => `${f.severity} ${f.code} ${f.path}`)).to.deep.equal([
      "error AddressClaimedTwice routes.b.addresses",
    ]);
    expect(findings[0]!.message).to.contain("1.2.3.4 is claimed by ns/a too");
  });

  it("only warn of a private address on two networks, which may be two VPCs (DESIGN 3)", () => {
    const gateways = [gw("gw", "10.0.0.5", "34.1.1.1")];
    const pair = (address: string): PlannedRoute[] => [
      route("a", spec([address])),
      route("b", spec([address], { network: "green" })),
    ];
    expect(told(pair("10.0.0.5"), gateways)).to.deep.equal(["warning AddressClaimedTwice routes.b.addresses"]);
    expect(told(pair("34.1.1.1"), gateways)).to.deep.equal(["error AddressClaimedTwice routes.b.addresses"]);
    const oneNetwork = ["a", "b"].map((name) => route(name, spec(["10.0.0.5"])));
    expect(told(oneNetwork, gateways)).to.deep.equal(["error AddressClaimedTwice routes.b.addresses"]);
  });

  it("refuse an address that two Gateways list (E24)", () => {
    const findings = planFindings([], [gw("one", "1.2.3.4"), gw("two", "1.2.3.5", "1.2.3.4/32")]);
    expect(findings.map((f) => `${f.code} ${f.path}`)).to.deep.equal(["AddressClaimedTwice gateways.two.addresses"]);
    expect(findings[0]!.message).to.contain("in Gateway ns/one too");
  });

  it("let one address stand twice inside one route or Gateway (E26)", () =>
    expect(told([route("a", spec(["1.2.3.4", "1.2.3.4/32"]))], [gw("gw", "1.2.3.4", "1.2.3.4/32")])).to.deep.equal([
      "warning DuplicateAddress routes.a.addresses[1].value",
    ]));

  it("refuse an address that no Gateway of the route offers (E27)", () => {
    const findings = planFindings([route("a", spec(["1.2.3.9"]))], [gw("gw", "1.2.3.4")]);
    expect(findings.map((f) => f.code)).to.deep.equal(["AddressNotInGateway"]);
    expect(findings[0]!.message).to.contain("1.2.3.9 is not an address of ns/gw; add it there");
  });

  it("keep silent on addresses where a Gateway of the route is not in the plan, and look past other kinds (E41)", () => {
    const two = [{ name: "gw" }, { name: "elsewhere", namespace: "other" }];
    const service = [{ name: "gw" }, { kind: "Service", group: "", name: "s" }];
    expect(told([route("a", spec(["1.2.3.9"], { parentRefs: two }))], [gw("gw", "1.2.3.4")])).to.deep.equal([]);
    expect(told([route("a", spec(["1.2.3.9"], { parentRefs: service }))], [gw("gw", "1.2.3.4")])).to.deep.equal([
      "error AddressNotInGateway routes.a.addresses",
    ]);
  });

  it("find an address in any of the route's Gateways (E41)", () => {
    const two = [{ name: "gw" }, { name: "gw2" }];
    expect(told([route("a", spec(["1.2.3.9"], { parentRefs: two }))], [gw("gw", "1.2.3.4"), gw("gw2", "1.2.3.9")])).to.deep.equal(
      [],
    );
  });

  it("refuse a Gateway of more than 16 addresses (E30)", () => {
    const full = Array.from({ length: 17 }, (_, i) => `34.1.2.${i + 1}`);
    expect(told([], [gw("gw", ...full)])).to.deep.equal(["error TooManyAddresses gateways.gw"]);
  });

  it("tell a route that has not the shape of one, and go on with the others (invariant 6)", () => {
    const broken = { addresses: [{ value: 5 }, null], podSelector: {}, parentRefs: "gw" } as unknown as GKEIPRouteSpecInput;
    const codes = told([route("bad", broken), route("a", spec(["1.2.3.9"]))], [gw("gw", "1.2.3.4")]);
    expect(codes).to.include("error AddressNotInGateway routes.a.addresses");
    expect(codes).to.include("error Type routes.bad.parentRefs");
  });
});
