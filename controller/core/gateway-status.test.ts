// SPDX-License-Identifier: Apache-2.0
// The status of a Gateway: accepted or not, which addresses are usable, how many routes hang on each listener (api.md 6.2).
import { expect } from "chai";
import { GKE_CLASSES, type Gateway } from "../api";
import { gatewayStatus, type GatewayStatusWanted } from "./gateway-status";
import { cidr, classOf, gatewayOf, listenerOf, parents, routeOf, world, type WorldInput } from "./testing";
import type { AddressFact } from "./world";

const usable: AddressFact = { usable: true };
const lost: AddressFact = { usable: false, reason: "GCPFailed", message: "34.123.10.2 is not reserved" };
const FACTS = { "34.123.10.1": usable, "34.123.10.2": usable };
const statusOf = (gateway: Gateway, input: WorldInput = {}): GatewayStatusWanted =>
  gatewayStatus(world({ gateways: [gateway], facts: FACTS, ...input }), gateway)!;
const said = (s: { conditions: GatewayStatusWanted["conditions"] }, type: string): string => {
  const c = s.conditions.find((x) => x.type === type)!;
  return `${c.status}/${c.reason}`;
};
const both = (s: GatewayStatusWanted): string[] => [said(s, "Accepted"), said(s, "Programmed")];
const bad = listenerOf({ name: "bad", port: 1, allowedRoutes: { namespaces: { from: "Selector" } } });
const open = listenerOf({ allowedRoutes: { namespaces: { from: "All" } } });

describe("The status of a Gateway", () => {
  const OK = "True/Accepted";
  const table: [title: string, spec: Partial<Gateway["spec"]>, input: WorldInput, expected: [string, string]][] = [
    ["every address is usable (SEED-43, SEED-49)", {}, {}, [OK, "True/Programmed"]],
    ["an address is unusable (A4, E25, E31)", {}, { facts: { ...FACTS, "34.123.10.2": lost } }, [OK, "False/AddressNotUsable"]],
    ["an address has not been looked up yet", {}, { facts: {} }, [OK, "Unknown/Pending"]],
    ["an address is unusable and another not looked up", {}, { facts: { "34.123.10.2": lost } }, [OK, "False/AddressNotUsable"]],
    [
      "a type is not supported (A4)",
      { addresses: [{ type: "Hostname", value: "a.b" }] },
      {},
      ["False/UnsupportedAddress", "False/Invalid"],
    ],
    [
      "one address of two is malformed",
      { addresses: cidr("34.123.10.1/32", "34.123.10/32") },
      {},
      [OK, "False/AddressNotUsable"],
    ],
    ["every address is malformed", { addresses: cidr("34.123.10/32") }, {}, ["False/Invalid", "False/Invalid"]],
    [
      "an address is empty, which we do not fill (A5)",
      { addresses: [...cidr("34.123.10.1/32"), { type: "IPAddress" }] },
      {},
      [OK, "False/AddressNotAssigned"],
    ],
    ["all addresses are empty (A5)", { addresses: [{ type: "IPAddress", value: "" }] }, {}, [OK, "False/AddressNotAssigned"]],
    ["there are no addresses (A5)", { addresses: undefined }, {}, [OK, "False/AddressNotAssigned"]],
    ["one of two listeners is wrong (api.md 6.2)", { listeners: [bad, open] }, {}, ["True/ListenersNotValid", "True/Programmed"]],
    ["every listener is wrong", { listeners: [bad] }, {}, ["False/ListenersNotValid", "False/Invalid"]],
  ];
  for (const [title, spec, input, expected] of table)
    it(`is ${expected.join(" and ")} when ${title}`, () =>
      expect(both(statusOf(gatewayOf({ spec }), input))).to.deep.equal(expected));

  it("says nothing about a Gateway of another controller (E38, api.md 6.1)", () => {
    const gateway = gatewayOf();
    for (const classes of [[], [classOf(GKE_CLASSES.External, "networking.gke.io/persistent-ip-controller")]])
      expect(gatewayStatus(world({ gateways: [gateway], classes }), gateway)).to.equal(undefined);
  });

  it("lists the usable addresses only, with the type and value of the spec", () => {
    const gateway = gatewayOf({
      spec: { addresses: [...cidr("34.123.10.1/32", "34.123.10.2/32"), { type: "IPAddress", value: "34.123.10.3" }] },
    });
    const facts = { "34.123.10.1": usable, "34.123.10.2": lost, "34.123.10.3": usable };
    expect(statusOf(gateway, { facts }).addresses).to.deep.equal([
      ...cidr("34.123.10.1/32"),
      { type: "IPAddress", value: "34.123.10.3" },
    ]);
  });

  it("names the older Gateway that has the address, and does not count it as usable here (E24)", () => {
    const gateway = gatewayOf({
      metadata: { name: "younger", creationTimestamp: "2026-01-02T00:00:00Z" },
      spec: { addresses: cidr("34.123.10.2/32", "34.5.6.7/32") },
    });
    const s = statusOf(gateway, { gateways: [gatewayOf(), gateway], facts: { ...FACTS, "34.5.6.7": usable } });
    expect(both(s)).to.deep.equal([OK, "False/AddressNotUsable"]);
    expect(s.conditions[1]!.message).to.equal(
      "34.123.10.2 belongs to the older Gateway default/allowed-pod-ips; remove it there, or use another address",
    );
    expect(s.addresses).to.deep.equal(cidr("34.5.6.7/32"));
  });

  it("carries the Gateway's generation in every condition, its listeners' too (T1)", () => {
    const s = statusOf(gatewayOf({ metadata: { generation: 7 } }));
    const all = [...s.conditions, ...s.listeners.flatMap((l) => l.conditions)];
    expect(all.map((c) => c.observedGeneration)).to.deep.equal(Array.from({ length: 6 }, () => 7));
  });
});

describe("The status of a listener", () => {
  const kinds = (...list: string[]): Gateway["spec"]["listeners"] => [
    listenerOf({
      allowedRoutes: {
        namespaces: { from: "All" },
        kinds: list.map((kind) => ({ group: kind === "GKEIPRoute" ? "networking.gke.io" : undefined, kind })),
      },
    }),
  ];
  const table: [title: string, listeners: Gateway["spec"]["listeners"], expected: [string, string, string], supported: number][] =
    [
      ["it is open to all kinds", [open], ["True/Accepted", "True/Programmed", "True/ResolvedRefs"], 1],
      ["it names our kind", kinds("GKEIPRoute"), ["True/Accepted", "True/Programmed", "True/ResolvedRefs"], 1],
      [
        "it names another kind too",
        kinds("GKEIPRoute", "HTTPRoute"),
        ["True/Accepted", "True/Programmed", "False/InvalidRouteKinds"],
        1,
      ],
      [
        "it names only another kind",
        kinds("HTTPRoute"),
        ["False/UnsupportedValue", "False/Invalid", "False/InvalidRouteKinds"],
        0,
      ],
      ["it has Selector without a selector", [bad], ["False/UnsupportedValue", "False/Invalid", "True/ResolvedRefs"], 1],
    ];
  for (const [title, listeners, expected, supported] of table)
    it(`is ${expected.join(", ")} when ${title}`, () => {
      const [l] = statusOf(gatewayOf({ spec: { listeners } })).listeners;
      expect(["Accepted", "Programmed", "ResolvedRefs"].map((t) => said(l!, t))).to.deep.equal(expected);
      expect(l!.supportedKinds).to.have.length(supported);
      expect(said(l!, "Conflicted")).to.equal("False/NoConflicts");
    });

  it("names the field in its message, and leaves it empty where all is well", () => {
    const { listeners } = statusOf(gatewayOf({ spec: { listeners: [bad, open] } }));
    expect(listeners[0]!.conditions[0]!.message).to.match(
      /^spec\.listeners\[0\]\.allowedRoutes\.namespaces\.selector: is missing/,
    );
    expect(listeners[1]!.conditions.map((c) => c.message)).to.deep.equal(["", "", "", ""]);
  });

  const attached = (gateway: Gateway, ...routes: ReturnType<typeof routeOf>[]): number[] =>
    statusOf(gateway, { routes }).listeners.map((l) => l.attachedRoutes);
  const two = gatewayOf({ spec: { listeners: [open, listenerOf({ name: "same", port: 444 })] } });

  it("counts the accepted routes, each on the listeners that let it in (SEED-44, SEED-50)", () => {
    const here = routeOf();
    const elsewhere = routeOf({ metadata: { namespace: "other" }, spec: { addresses: cidr("34.123.10.2/32") } });
    expect(attached(two)).to.deep.equal([0, 0]);
    expect(attached(two, here)).to.deep.equal([1, 1]);
    expect(attached(two, here, elsewhere)).to.deep.equal([2, 1]);
  });

  it("counts a route once although two references mean the same listener", () =>
    expect(attached(two, routeOf({ spec: { parentRefs: parents({ sectionName: "default" }, { port: 443 }) } }))).to.deep.equal([
      1, 0,
    ]));

  it("does not count a route that is not accepted, such as the loser of an address (E23)", () => {
    const loser = routeOf({ metadata: { name: "z", creationTimestamp: "2026-02-01T00:00:00Z" } });
    expect(attached(two, routeOf(), loser, routeOf({ metadata: { name: "bad" }, spec: { podSelector: {} } }))).to.deep.equal([
      1, 1,
    ]);
  });

  it("counts none on a Gateway that is not accepted, although the route got in by another one", () => {
    const broken = gatewayOf({
      metadata: { name: "broken" },
      spec: { gatewayClassName: GKE_CLASSES.External, listeners: [open], addresses: [{ type: "Hostname", value: "a.b" }] },
    });
    const route = routeOf({ spec: { parentRefs: parents({ name: "broken" }, {}) } });
    const w = { gateways: [broken, gatewayOf()], routes: [route] };
    expect(statusOf(broken, w).listeners[0]!.attachedRoutes).to.equal(0);
    expect(statusOf(gatewayOf(), w).listeners[0]!.attachedRoutes).to.equal(1);
  });
});
