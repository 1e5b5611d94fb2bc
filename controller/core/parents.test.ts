// SPDX-License-Identifier: Apache-2.0
// The Gateways of a route by table: which let it in, and what a route is told that they do not.
import { expect } from "chai";
import { GKE_CLASSES, type AcceptReason, type GKEIPRoute } from "../api";
import { accept, type Acceptance } from "./accept";
import { cidr, classOf, gatewayOf, listenerOf, parents, routeOf, world, type WorldInput } from "./testing";

const judge = (route: GKEIPRoute, input: WorldInput = {}): Acceptance => accept(world({ routes: [route], ...input }), route);
const reasonOf = (a: Acceptance): AcceptReason => (a.accepted ? "Accepted" : a.reason);
const messageOf = (a: Acceptance): string => (a.accepted ? "" : a.message);
const open = listenerOf({ allowedRoutes: { namespaces: { from: "All" } } });
const foreignClass = classOf(GKE_CLASSES.External, "networking.gke.io/persistent-ip-controller");

interface Case {
  title: string;
  route?: Parameters<typeof routeOf>[0];
  input?: WorldInput;
  reason: AcceptReason;
  says?: RegExp;
}

function check(cases: readonly Case[]): void {
  for (const c of cases)
    it(`${c.title}: ${c.reason}`, () => {
      const result = judge(routeOf(c.route), c.input);
      expect(reasonOf(result), messageOf(result)).to.equal(c.reason);
      expect(messageOf(result)).to.match(c.says ?? /^/);
    });
}

describe("Acceptance: parents", () => {
  const label = { namespaces: { from: "Selector" as const, selector: { matchLabels: { team: "edge" } } } };
  check([
    { title: "the seed's route and Gateway (SEED-48, SEED-55)", reason: "Accepted" },
    {
      title: "no parentRefs",
      route: { spec: { parentRefs: [] } },
      reason: "MissingParentRefs",
      says: /^spec\.parentRefs: is empty; name the Gateway/,
    },
    {
      title: "only a Service (A9, E41)",
      route: { spec: { parentRefs: parents({ kind: "Service", group: "" }) } },
      reason: "MissingParentRefs",
      says: /Service.*must be a .*Gateway/,
    },
    {
      title: "a Gateway that is not there (E36, A9)",
      input: { gateways: [] },
      reason: "GatewayNotFound",
      says: /^Gateway default\/allowed-pod-ips does not exist; create it/,
    },
    {
      title: "a Gateway that is being deleted (E37)",
      input: { gateways: [gatewayOf({ metadata: { deletionTimestamp: "2026-01-02T00:00:00Z" } })] },
      reason: "GatewayNotFound",
      says: /default\/allowed-pod-ips is being deleted/,
    },
    {
      title: "a Gateway of another controller (E38)",
      input: { classes: [foreignClass] },
      reason: "GatewayNotFound",
      says: /default\/allowed-pod-ips is of a class of another controller; name a Gateway/,
    },
    { title: "a Gateway without a class (E38)", input: { classes: [] }, reason: "GatewayNotFound", says: /another controller/ },
    {
      title: "a parentRef without namespace means the route's own",
      route: { metadata: { namespace: "other" }, spec: { parentRefs: parents({}) } },
      reason: "GatewayNotFound",
      says: /Gateway other\/allowed-pod-ips/,
    },
    {
      title: "an address type that no one supports (A4)",
      input: { gateways: [gatewayOf({ spec: { addresses: [{ type: "NamedAddress", value: "web" }] } })] },
      reason: "GatewayNotAccepted",
      says: /not accepted \(UnsupportedAddress\): .*"NamedAddress"; use gke\.networking\.io\/cidr/,
    },
    {
      title: "a Gateway with no good address",
      input: { gateways: [gatewayOf({ spec: { addresses: cidr("34.0.0.0/8") } })] },
      reason: "GatewayNotAccepted",
      says: /\(Invalid\): spec\.addresses\[0\]\.value: "34\.0\.0\.0\/8" is a range/,
    },
    {
      title: "a class of ours whose scope nobody knows",
      input: { gateways: [gatewayOf({ spec: { gatewayClassName: "mine" } })], classes: [classOf("mine")] },
      reason: "GatewayNotAccepted",
      says: /gatewayClassName "mine" .*use one of persistent-ip-regional-external/,
    },
    {
      title: "only bad listeners",
      input: {
        gateways: [gatewayOf({ spec: { listeners: [listenerOf({ allowedRoutes: { namespaces: { from: "Selector" } } })] } })],
      },
      reason: "GatewayNotAccepted",
      says: /\(ListenersNotValid\): spec\.listeners\[0\]\.allowedRoutes\.namespaces\.selector: is missing/,
    },
    {
      title: "a good listener beside a bad one",
      input: {
        gateways: [
          gatewayOf({
            spec: {
              listeners: [listenerOf({ name: "bad", port: 1, allowedRoutes: { namespaces: { from: "Selector" } } }), open],
            },
          }),
        ],
      },
      reason: "Accepted",
    },
    {
      title: "a sectionName that names the bad one of two listeners",
      route: { spec: { parentRefs: parents({ sectionName: "bad" }) } },
      input: {
        gateways: [
          gatewayOf({
            spec: {
              listeners: [listenerOf({ name: "bad", port: 1, allowedRoutes: { namespaces: { from: "Selector" } } }), open],
            },
          }),
        ],
      },
      reason: "Unattachable",
      says: /no listener of Gateway default\/allowed-pod-ips \(bad\) takes/,
    },
    {
      title: "an unknown sectionName (E41)",
      route: { spec: { parentRefs: parents({ sectionName: "web" }) } },
      reason: "Unattachable",
      says: /allowed-pod-ips has no listener with sectionName "web"; correct spec\.parentRefs/,
    },
    {
      title: "another port",
      route: { spec: { parentRefs: parents({ sectionName: "default", port: 80 }) } },
      reason: "Unattachable",
      says: /sectionName "default" and port 80/,
    },
    {
      title: "the listener's name and port",
      route: { spec: { parentRefs: parents({ sectionName: "default", port: 443 }) } },
      reason: "Accepted",
    },
    {
      title: "a listener for another kind",
      input: {
        gateways: [
          gatewayOf({
            spec: {
              listeners: [open, listenerOf({ name: "http", port: 80, allowedRoutes: { kinds: [{ kind: "HTTPRoute" }] } })],
            },
          }),
        ],
      },
      route: { spec: { parentRefs: parents({ sectionName: "http" }) } },
      reason: "Unattachable",
      says: /takes GKEIPRoutes; name networking\.gke\.io\/GKEIPRoute in the listener's allowedRoutes\.kinds/,
    },
    {
      title: "All, from another namespace (SEED-45, SEED-68)",
      route: { metadata: { namespace: "proxy-ss-ns" } },
      reason: "Accepted",
    },
    {
      title: "Same, from the Gateway's namespace (SEED-47)",
      input: {
        gateways: [gatewayOf({ spec: { listeners: [listenerOf({ allowedRoutes: { namespaces: { from: "Same" } } })] } })],
      },
      reason: "Accepted",
    },
    {
      title: "Same, from another namespace (SEED-47, E40)",
      route: { metadata: { namespace: "other" } },
      input: {
        gateways: [gatewayOf({ spec: { listeners: [listenerOf({ allowedRoutes: { namespaces: { from: "Same" } } })] } })],
      },
      reason: "Unattachable",
      says: /\(default\) takes GKEIPRoutes of namespace other; allow it in the listener's allowedRoutes\.namespaces/,
    },
    {
      title: "nothing said means Same (SEED-47, E40)",
      route: { metadata: { namespace: "other" } },
      input: { gateways: [gatewayOf({ spec: { listeners: [listenerOf({})] } })] },
      reason: "Unattachable",
    },
    {
      title: "None",
      input: {
        gateways: [gatewayOf({ spec: { listeners: [listenerOf({ allowedRoutes: { namespaces: { from: "None" } } })] } })],
      },
      reason: "Unattachable",
    },
    {
      title: "Selector, from a labelled namespace (SEED-46)",
      input: {
        gateways: [gatewayOf({ spec: { listeners: [listenerOf({ allowedRoutes: label })] } })],
        namespaces: { default: { team: "edge" } },
      },
      reason: "Accepted",
    },
    {
      title: "Selector, once the label is gone (SEED-46, E39)",
      input: {
        gateways: [gatewayOf({ spec: { listeners: [listenerOf({ allowedRoutes: label })] } })],
        namespaces: { default: {} },
      },
      reason: "Unattachable",
    },
    {
      title: "Selector, from a namespace that is not known",
      input: { gateways: [gatewayOf({ spec: { listeners: [listenerOf({ allowedRoutes: label })] } })], namespaces: {} },
      reason: "Unattachable",
    },
  ]);
});

describe("Acceptance: several Gateways", () => {
  const two = [...parents({ name: "gone" }, {})];
  it("takes the one that lets the route in, whatever becomes of the other (E41)", () => {
    expect(reasonOf(judge(routeOf({ spec: { parentRefs: two } })))).to.equal("Accepted");
    expect(reasonOf(judge(routeOf({ spec: { parentRefs: [...two].reverse() } })))).to.equal("Accepted");
  });

  it("mentions the other where the address is not in the one (E41)", () => {
    const result = judge(routeOf({ spec: { parentRefs: two, addresses: cidr("34.99.0.1/32") } }));
    expect(reasonOf(result)).to.equal("InvalidAddresses");
    expect(messageOf(result)).to.match(
      /not an address of Gateway default\/allowed-pod-ips; .*Besides, Gateway default\/gone does not exist/,
    );
  });

  it("names a Gateway once although two references mean it", () => {
    const sections = [...parents({ sectionName: "default" }, { port: 443 })];
    expect(messageOf(judge(routeOf({ spec: { parentRefs: sections, addresses: cidr("34.99.0.1/32") } })))).to.contain(
      "of Gateway default/allowed-pod-ips; add",
    );
  });

  const younger = gatewayOf({ metadata: { name: "younger", creationTimestamp: "2026-01-02T00:00:00Z" } });
  const route = routeOf({ spec: { parentRefs: parents({ name: "younger" }) } });
  it("gives an address of two Gateways to the older one, and tells the route whose it is (E24)", () => {
    const result = judge(route, { gateways: [younger, gatewayOf()] });
    expect(reasonOf(result)).to.equal("InvalidAddresses");
    expect(messageOf(result)).to.match(/34\.123\.10\.1 belongs to the older Gateway default\/allowed-pod-ips; remove it there/);
  });

  const powerless: [string, Parameters<typeof gatewayOf>[0]][] = [
    ["is being deleted", { metadata: { deletionTimestamp: "2026-01-03T00:00:00Z" } }],
    ["is not accepted", { spec: { listeners: [listenerOf({ allowedRoutes: { namespaces: { from: "Selector" } } })] } }],
    ["is of another controller", { spec: { gatewayClassName: "foreign" } }],
  ];
  for (const [title, over] of powerless)
    it(`does not let an older Gateway hold an address when it ${title} (E24)`, () =>
      expect(reasonOf(judge(route, { gateways: [gatewayOf(over), younger] }))).to.equal("Accepted"));
});
