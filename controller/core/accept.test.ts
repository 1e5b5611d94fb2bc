// SPDX-License-Identifier: Apache-2.0
// The accept chain by table: every reason, each with a message that names the object, the value and the remedy.
import { expect } from "chai";
import { GKE_CLASSES, type AcceptReason, type GKEIPRoute } from "../api";
import { accept, type Acceptance } from "./accept";
import { cidr, gatewayOf, networkObject, paramSetOf, parents, routeOf, world, type WorldInput } from "./testing";

const judge = (route: GKEIPRoute, input: WorldInput = {}): Acceptance => accept(world({ routes: [route], ...input }), route);
const reasonOf = (a: Acceptance): AcceptReason => (a.accepted ? "Accepted" : a.reason);
const messageOf = (a: Acceptance): string => (a.accepted ? "" : a.message);

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

describe("Acceptance: addresses, selectors, networks", () => {
  const many = cidr(...Array.from({ length: 17 }, (_, i) => `34.1.2.${i + 1}`));
  const other = networkObject("red-network");
  check([
    {
      title: "another spelling than the Gateway's (E29)",
      route: { spec: { addresses: [{ type: "IPAddress", value: "34.123.10.1" }] } },
      reason: "Accepted",
    },
    {
      title: "the Gateway's list in another order (E27)",
      input: { gateways: [gatewayOf({ spec: { addresses: cidr("34.123.10.2/32", "34.123.10.1/32") } })] },
      reason: "Accepted",
    },
    {
      title: "an address of no Gateway (E27, A1)",
      route: { spec: { addresses: cidr("34.99.0.1/32") } },
      reason: "InvalidAddresses",
      says: /^34\.99\.0\.1 is not an address of Gateway default\/allowed-pod-ips; add it to the Gateway's spec\.addresses$/,
    },
    {
      title: "an address removed from the Gateway (E27, A2)",
      input: { gateways: [gatewayOf({ spec: { addresses: cidr("34.123.10.2/32") } })] },
      reason: "InvalidAddresses",
      says: /34\.123\.10\.1 is not an address/,
    },
    {
      title: "one good and one unknown address",
      route: { spec: { addresses: cidr("34.123.10.1/32", "34.99.0.1/32") } },
      reason: "InvalidAddresses",
      says: /34\.99\.0\.1/,
    },
    {
      title: "a range (E28, SEED-58)",
      route: { spec: { addresses: cidr("34.123.10.0/24") } },
      reason: "InvalidAddresses",
      says: /spec\.addresses\[0\]\.value: "34\.123\.10\.0\/24" is a range; only single addresses/,
    },
    {
      title: "a leading zero (E28)",
      route: { spec: { addresses: cidr("34.123.010.1/32") } },
      reason: "InvalidAddresses",
      says: /leading zero/,
    },
    {
      title: "IPv6 (SEED-12, E28)",
      route: { spec: { addresses: cidr("2001:db8::1/128") } },
      reason: "InvalidAddresses",
      says: /IPv6/,
    },
    {
      title: "17 addresses (E30)",
      route: { spec: { addresses: many } },
      reason: "InvalidAddresses",
      says: /has 17 addresses; at most 16/,
    },
    {
      title: "one address twice (E26)",
      route: { spec: { addresses: cidr("34.123.10.1/32", "34.123.10.1") } },
      reason: "Accepted",
    },
    {
      title: "a mistake in another address of the Gateway",
      input: { gateways: [gatewayOf({ spec: { addresses: cidr("34.123.10.1/32", "34.123.10/32") } })] },
      reason: "Accepted",
    },
    {
      title: "an empty selector (E13, S9)",
      route: { spec: { podSelector: {} } },
      reason: "InvalidLabels",
      says: /spec\.podSelector: an empty selector would select every Pod/,
    },
    { title: "empty matchLabels (E13)", route: { spec: { podSelector: { matchLabels: {} } } }, reason: "InvalidLabels" },
    {
      title: "an unknown operator (E14)",
      route: { spec: { podSelector: { matchExpressions: [{ key: "a", operator: "Like" }] } } },
      reason: "InvalidLabels",
      says: /matchExpressions\[0\]\.operator: operator "Like" is not one of In/,
    },
    {
      title: "a node selector that cannot be read",
      route: { spec: { nodeSelector: { matchExpressions: [{ key: "a", operator: "In" }] } } },
      reason: "InvalidLabels",
      says: /spec\.nodeSelector\.matchExpressions\[0\]\.values/,
    },
    {
      title: "no such network (E36, E46)",
      input: { networks: [other] },
      reason: "NetworkNotFound",
      says: /^Network blue-network does not exist; create it, or correct spec\.network/,
    },
    {
      title: "a Device network (SEED-13)",
      input: { networks: [networkObject("blue-network", { type: "Device" })] },
      reason: "Accepted",
    },
    {
      title: "an L2 network (SEED-13)",
      input: { networks: [networkObject("blue-network", { type: "L2" })] },
      reason: "NetworkNotReady",
      says: /blue-network is of type L2; only L3 and Device/,
    },
    {
      title: "a network that is not Ready (E46)",
      input: { networks: [networkObject("blue-network", {}, "False")] },
      reason: "NetworkNotReady",
      says: /blue-network is not Ready \(ParamsNotReady\): the parameter set is missing; kubectl describe/,
    },
    {
      title: "a network without status yet",
      input: { networks: [{ ...networkObject(), status: {} }] },
      reason: "NetworkNotReady",
      says: /is not Ready; kubectl describe network blue-network/,
    },
    {
      title: "a network without a parameter set",
      input: { paramSets: [] },
      reason: "NetworkNotReady",
      says: /no GKENetworkParamSet blue-network-params/,
    },
    {
      title: "a network without a reference to one",
      input: { networks: [networkObject("blue-network", { parametersRef: undefined })] },
      reason: "NetworkNotReady",
      says: /spec\.parametersRef is unset/,
    },
    {
      title: "a parameter set without a VPC",
      input: { paramSets: [paramSetOf("blue-network", { vpc: undefined })] },
      reason: "NetworkNotReady",
      says: /blue-network-params of Network blue-network has no spec\.vpc/,
    },
    {
      title: "a network without a spec (invariant 6)",
      input: { networks: [{ metadata: { name: "blue-network" } } as never] },
      reason: "NetworkNotReady",
      says: /\(unset\)/,
    },
    {
      title: "the primary network (SEED-6)",
      route: { spec: { network: "default" } },
      reason: "NetworkNotReady",
      says: /network "default" is the Pods' primary network.*name a Network of type L3 or Device/,
    },
    {
      title: "the primary network on GKE 1.31 (api.md 2.5)",
      route: { spec: { network: "default" } },
      input: { settings: { defaultNetwork: true } },
      reason: "Accepted",
    },
    {
      title: "the primary network in a cluster without Network objects (E45)",
      route: { spec: { network: "pod-network" } },
      input: { settings: { defaultNetwork: true }, networks: [] },
      reason: "Accepted",
    },
  ]);

  it("says for each address which Gateway gives it and in which scope (SEED-41, SEED-42)", () => {
    const internal = gatewayOf({
      metadata: { name: "inside" },
      spec: { gatewayClassName: GKE_CLASSES.Internal, addresses: cidr("10.0.0.5/32") },
    });
    const route = routeOf({
      spec: { addresses: cidr("10.0.0.5/32", "34.123.10.1/32"), parentRefs: [...parents({}, { name: "inside" })] },
    });
    expect(judge(route, { gateways: [gatewayOf(), internal] })).to.deep.equal({
      accepted: true,
      addresses: [
        { address: "10.0.0.5", scope: "Internal", gateway: "default/inside" },
        { address: "34.123.10.1", scope: "External", gateway: "default/allowed-pod-ips" },
      ],
      network: { name: "blue-network", type: "L3", vpc: "blue-vpc", subnet: "blue-subnet" },
    });
  });
});

describe("Acceptance: the order of the checks", () => {
  it("tells one mistake after the other as they are put right (T5)", () => {
    const bad = { parentRefs: [], addresses: cidr("1.2.3.4/24"), podSelector: {}, network: "none" };
    const good = routeOf().spec;
    const steps: (keyof typeof bad)[] = ["parentRefs", "addresses", "podSelector", "network"];
    const reasons = [0, 1, 2, 3, 4].map((n) =>
      reasonOf(judge(routeOf({ spec: { ...bad, ...Object.fromEntries(steps.slice(0, n).map((k) => [k, good[k]])) } }))),
    );
    expect(reasons).to.deep.equal(["MissingParentRefs", "InvalidAddresses", "InvalidLabels", "NetworkNotFound", "Accepted"]);
  });
});
