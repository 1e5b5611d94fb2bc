// SPDX-License-Identifier: Apache-2.0
// Several routes that want one address: the oldest has it, the others are told, and nobody is blocked by a route that cannot use it.
import { expect } from "chai";
import { GKE_CLASSES, type AcceptReason, type GKEIPRoute } from "../api";
import { accept, acceptAlone, type Acceptance } from "./accept";
import { cidr, gatewayOf, networkObject, paramSetOf, parents, routeOf, world, type WorldInput } from "./testing";

const judge = (route: GKEIPRoute, input: WorldInput = {}): Acceptance => accept(world({ routes: [route], ...input }), route);
const reasonOf = (a: Acceptance): AcceptReason => (a.accepted ? "Accepted" : a.reason);
const messageOf = (a: Acceptance): string => (a.accepted ? "" : a.message);

describe("Acceptance: claims of other routes", () => {
  const at = (name: string, day: number, over: Parameters<typeof routeOf>[0] = {}): GKEIPRoute =>
    routeOf({ ...over, metadata: { name, creationTimestamp: `2026-01-0${day}T00:00:00Z`, ...over.metadata } });
  const all = (routes: GKEIPRoute[], input: WorldInput = {}): Record<string, string> => {
    const w = world({ routes, ...input });
    return Object.fromEntries(routes.map((r) => [r.metadata.name, reasonOf(accept(w, r))]));
  };

  it("gives an address to the oldest route and tells the others who has it (E23, A3, S8)", () => {
    const [a, b] = [at("a", 2), at("b", 1)];
    expect(all([a, b])).to.deep.equal({ a: "InvalidAddresses", b: "Accepted" });
    expect(messageOf(judge(a, { routes: [a, b] }))).to.equal(
      "34.123.10.1 is held by the older GKEIPRoute default/b; it becomes free when that route is deleted or gives it up",
    );
  });

  it("breaks a tie by namespace and name (E23)", () => {
    const [a, b, c] = [at("a", 1, { metadata: { namespace: "z" } }), at("b", 1), at("c", 1)];
    expect(all([a, b, c])).to.deep.equal({ a: "InvalidAddresses", b: "Accepted", c: "InvalidAddresses" });
  });

  it("promotes the next oldest when the winner goes (E23)", () => {
    const [a, b, c] = [at("a", 1), at("b", 2), at("c", 3)];
    expect(all([b, c])).to.deep.equal({ b: "Accepted", c: "InvalidAddresses" });
    expect(all([a, b, c])).to.include({ b: "InvalidAddresses" });
  });

  it("does not let a route in deletion claim anything, nor be accepted (E42)", () => {
    const dying = at("a", 1, { metadata: { deletionTimestamp: "2026-02-01T00:00:00Z" } });
    expect(all([dying, at("b", 2)])).to.deep.equal({ a: "Unattachable", b: "Accepted" });
  });

  const powerless: [string, Parameters<typeof routeOf>[0]][] = [
    ["an unreadable selector", { spec: { podSelector: {} } }],
    ["another Gateway that is not there", { spec: { parentRefs: parents({ name: "gone" }) } }],
    ["a network that is not there", { spec: { network: "none" } }],
    ["a second address that nobody offers", { spec: { addresses: cidr("34.123.10.1/32", "34.99.0.1/32") } }],
  ];
  for (const [title, over] of powerless)
    it(`is not blocked by an older route with ${title} (invariant 6)`, () =>
      expect(all([at("a", 1, over), at("b", 2)]).b).to.equal("Accepted"));

  it("is all or nothing, so a route that loses one address holds none back (E23)", () => {
    const [a, b, c] = [
      at("a", 1),
      at("b", 2, { spec: { addresses: cidr("34.123.10.1/32", "34.123.10.2/32") } }),
      at("c", 3, { spec: { addresses: cidr("34.123.10.2/32") } }),
    ];
    expect(all([a, b, c])).to.deep.equal({ a: "Accepted", b: "InvalidAddresses", c: "Accepted" });
    expect(all([b, c])).to.deep.equal({ b: "Accepted", c: "InvalidAddresses" });
  });

  it("lets routes with different addresses live side by side (E70, S7)", () =>
    expect(all([at("a", 1), at("b", 2, { spec: { addresses: cidr("34.123.10.2/32") } })])).to.deep.equal({
      a: "Accepted",
      b: "Accepted",
    }));

  describe("one private address on two networks", () => {
    const gateways = [gatewayOf({ spec: { gatewayClassName: GKE_CLASSES.Internal, addresses: cidr("10.0.0.5/32") } })];
    const pair = [
      at("a", 1, { spec: { addresses: cidr("10.0.0.5/32") } }),
      at("b", 2, { spec: { addresses: cidr("10.0.0.5/32"), network: "red-network" } }),
    ];
    const networks = [networkObject("blue-network"), networkObject("red-network")];
    it("is two addresses where these are two VPCs (DESIGN 3)", () => {
      const paramSets = [paramSetOf("blue-network"), paramSetOf("red-network", { vpc: "red-vpc" })];
      expect(all(pair, { gateways, networks, paramSets })).to.deep.equal({ a: "Accepted", b: "Accepted" });
    });
    it("is one address where both are of one VPC (E23)", () =>
      expect(all(pair, { gateways, networks })).to.deep.equal({ a: "Accepted", b: "InvalidAddresses" }));
  });

  it("answers the seed's three routes applied at once: the oldest holds, the others name it (SEED-55, SEED-68, SEED-70)", () => {
    const routes = [
      at("my-ip-route", 1),
      at("ss", 2, { metadata: { namespace: "proxy-ss-ns" }, spec: { addresses: cidr("34.123.10.1/32", "34.123.10.2/32") } }),
      at("deploy", 3, {
        metadata: { namespace: "proxy-deploy-ns" },
        spec: { addresses: cidr("34.123.10.1/32", "34.123.10.2/32") },
      }),
    ];
    expect(all(routes)).to.deep.equal({ "my-ip-route": "Accepted", ss: "InvalidAddresses", deploy: "InvalidAddresses" });
    expect(all(routes.slice(1))).to.deep.equal({ ss: "Accepted", deploy: "InvalidAddresses" });
  });

  it("answers the same with one memo for all routes as with none, in any order", () => {
    const routes = [3, 1, 2].map((d) => at(`r${d}`, d));
    const w = world({ routes });
    const memo = new Map<string, Acceptance>();
    expect(routes.map((r) => accept(w, r, memo))).to.deep.equal(routes.map((r) => accept(w, r)));
  });

  it("settles hundreds of claimants of one address quickly (A3)", () => {
    const routes = Array.from({ length: 300 }, (_, i) => at(`r${String(i).padStart(4, "0")}`, 1));
    const w = world({ routes });
    const accepted = routes.filter((r) => accept(w, r, new Map()).accepted);
    expect(accepted.map((r) => r.metadata.name)).to.deep.equal(["r0000"]);
  }).timeout(5000);
});

describe("Acceptance: objects without a spec", () => {
  it("answers a route that has none like any other bad one (invariant 6)", () => {
    const bare = {
      metadata: { name: "bare", namespace: "default", creationTimestamp: "2025-01-01T00:00:00Z" },
    } as unknown as GKEIPRoute;
    const good = routeOf();
    const w = world({ routes: [bare, good] });
    expect(reasonOf(acceptAlone(w, bare))).to.equal("MissingParentRefs");
    expect(reasonOf(accept(w, good))).to.equal("Accepted");
  });
});
