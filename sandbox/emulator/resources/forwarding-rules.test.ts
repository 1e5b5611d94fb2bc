// SPDX-License-Identifier: Apache-2.0
// Forwarding rules: address, traffic, target, collisions, and the move.
import { expect } from "chai";
import { startEmulator, type Emulator } from "../index";
import { testClient, type TestClient } from "../test-client";

const R = "regions/us-central1";
const L3 = { IPProtocol: "L3_DEFAULT", allPorts: true };
const TA = "zones/us-central1-a/targetInstances/ta";
const TB = "zones/us-central1-b/targetInstances/tb";
const BLUE = { network: "global/networks/blue-vpc", subnetwork: `${R}/subnetworks/blue` };

describe("forwarding rules", () => {
  let emulator: Emulator;
  let client: TestClient;
  const insert = (body: object) => client.mutate("POST", `${R}/forwardingRules`, body);
  const tried = (body: object) => client.call("POST", `${R}/forwardingRules`, body);

  beforeEach(async () => {
    emulator = await startEmulator({ project: "p1", operationLatencyMs: 0 });
    client = testClient(emulator);
    await client.mutate("POST", "global/networks", { name: "blue-vpc", autoCreateSubnetworks: false });
    await client.mutate("POST", `${R}/subnetworks`, { name: "blue", network: BLUE.network, ipCidrRange: "10.1.0.0/24" });
    for (const zone of ["a", "b"]) {
      emulator.putInstance({
        name: `node-${zone}`,
        zone: `us-central1-${zone}`,
        networkInterfaces: [{}, { subnetwork: "blue" }],
      });
      const instance = `zones/us-central1-${zone}/instances/node-${zone}`;
      await client.mutate("POST", `zones/us-central1-${zone}/targetInstances`, { name: `t${zone}`, instance });
      await client.mutate("POST", `zones/us-central1-${zone}/targetInstances`, {
        name: `blue${zone}`,
        instance,
        network: BLUE.network,
      });
    }
    await client.mutate("POST", `${R}/addresses`, { name: "web", address: "34.123.10.1" });
    await client.mutate("POST", `${R}/addresses`, {
      name: "inside",
      addressType: "INTERNAL",
      subnetwork: BLUE.subnetwork,
      address: "10.1.0.50",
    });
  });
  afterEach(() => emulator.close());

  it("take a reserved address by URL or literal and show the literal; the address is then IN_USE with its user", async () => {
    await insert({ name: "fr", IPAddress: `${R}/addresses/web`, target: TA, ...L3 });
    const rule = await client.get(`${R}/forwardingRules/fr`);
    expect(rule).to.include({
      IPAddress: "34.123.10.1",
      loadBalancingScheme: "EXTERNAL",
      networkTier: "PREMIUM",
      kind: "compute#forwardingRule",
    });
    expect(rule).to.not.have.property("backendService");
    const address = await client.get(`${R}/addresses/web`);
    expect(address).to.deep.include({ status: "IN_USE", users: [rule.selfLink] });
    const refused = await client.call("DELETE", `${R}/addresses/web`);
    expect([refused.status, refused.reason]).to.deep.equal([400, "resourceInUseByAnotherResource"]);
    await client.mutate("DELETE", `${R}/forwardingRules/fr`);
    expect((await client.get(`${R}/addresses/web`)).status).to.equal("RESERVED");
    await client.mutate("DELETE", `${R}/addresses/web`);
  });

  it("move with one setTarget, in place, to a target of the same type in the region only", async () => {
    await insert({ name: "fr", IPAddress: "34.123.10.1", target: TA, ...L3 });
    const before = await client.get(`${R}/forwardingRules/fr`);
    const operation = await client.mutate("POST", `${R}/forwardingRules/fr/setTarget`, { target: TB });
    expect(operation).to.include({ operationType: "SetTarget", status: "DONE", targetId: before.id });
    const after = await client.get(`${R}/forwardingRules/fr`);
    expect(after.target).to.match(/\/targetInstances\/tb$/);
    expect(after.id).to.equal(before.id);
    const gone = await client.call("POST", `${R}/forwardingRules/fr/setTarget`, {
      target: "zones/us-central1-a/targetInstances/none",
    });
    expect([gone.status, gone.reason]).to.deep.equal([404, "notFound"]);
    const far = await client.call("POST", `${R}/forwardingRules/fr/setTarget`, { target: "zones/us-east1-b/targetInstances/ta" });
    expect(far.message).to.contain("zone of region us-central1");
    expect((await client.call("POST", `${R}/forwardingRules/fr/setTarget`, {})).reason).to.equal("required");
  });

  it("of EXTERNAL scheme cannot go from a target instance to a backend service, INTERNAL ones can (E53)", async () => {
    const backends = ["EXTERNAL", "INTERNAL"].map((s) => ({
      name: `bs-${s.toLowerCase()}`,
      loadBalancingScheme: s,
      protocol: "UNSPECIFIED",
    }));
    for (const body of backends) await client.mutate("POST", `${R}/backendServices`, body);
    await insert({ name: "ext", IPAddress: "34.123.10.1", target: TA, ...L3 });
    const refused = await client.call("POST", `${R}/forwardingRules/ext/setTarget`, {
      target: `${R}/backendServices/bs-external`,
    });
    expect(refused.message).to.contain("same type");
    await insert({
      name: "int",
      loadBalancingScheme: "INTERNAL",
      IPAddress: "10.1.0.50",
      target: "zones/us-central1-a/targetInstances/bluea",
      ...BLUE,
      ...L3,
    });
    await client.mutate("POST", `${R}/forwardingRules/int/setTarget`, { target: `${R}/backendServices/bs-internal` });
    const rule = await client.get(`${R}/forwardingRules/int`);
    expect(rule.backendService).to.match(/bs-internal$/);
    expect(rule).to.not.have.property("target");
  });

  it("get an ephemeral address that is gone with them when none is reserved", async () => {
    await insert({ name: "fr", target: TA, ...L3 });
    const { IPAddress } = await client.get(`${R}/forwardingRules/fr`);
    expect(IPAddress).to.equal("198.18.0.1");
    expect((await tried({ name: "x", target: TA, IPAddress: "198.18.0.77", ...L3 })).message).to.contain("not reserved");
    await client.mutate("POST", `${R}/addresses`, { name: "kept", address: IPAddress });
    expect((await client.get(`${R}/addresses/kept`)).status).to.equal("IN_USE");
  });

  it("may share an address only while no packet could match two of them", async () => {
    const base = { IPAddress: "34.123.10.1", target: TA };
    await insert({ ...base, name: "tcp", IPProtocol: "TCP", portRange: "80-90" });
    await insert({ ...base, name: "udp", IPProtocol: "UDP", portRange: "80-90" });
    await insert({ ...base, name: "tcp2", IPProtocol: "TCP", ports: ["443", "91"] });
    await insert({ ...base, name: "l3", ...L3 });
    for (const rival of [
      { IPProtocol: "TCP", portRange: "90" },
      { IPProtocol: "TCP" },
      { IPProtocol: "UDP", ports: ["85"] },
      L3,
    ]) {
      const answer = await tried({ ...base, name: "rival", ...rival });
      expect(answer.reason, JSON.stringify(rival)).to.equal("invalid");
      expect(answer.message).to.contain("would result in a conflict");
    }
  });

  it("of INTERNAL scheme keep an address to themselves unless it is SHARED_LOADBALANCER_VIP", async () => {
    const target = "zones/us-central1-a/targetInstances/bluea";
    const shared = {
      name: "shared",
      addressType: "INTERNAL",
      purpose: "SHARED_LOADBALANCER_VIP",
      subnetwork: BLUE.subnetwork,
      address: "10.1.0.51",
    };
    await client.mutate("POST", `${R}/addresses`, shared);
    const rule = (name: string, IPAddress: string, IPProtocol: string) => ({
      name,
      IPAddress,
      IPProtocol,
      allPorts: true,
      loadBalancingScheme: "INTERNAL",
      target,
      ...BLUE,
    });
    await insert(rule("a", "10.1.0.50", "TCP"));
    expect((await tried(rule("b", "10.1.0.50", "UDP"))).message).to.contain("conflict");
    await insert(rule("c", "10.1.0.51", "TCP"));
    await insert(rule("d", "10.1.0.51", "UDP"));
    expect((await tried(rule("e", "10.1.0.51", "UDP"))).message).to.contain("conflict");
    expect((await client.get(`${R}/addresses/shared`)).users).to.have.length(2);
  });

  it("with the same internal address in two VPCs do not meet", async () => {
    await client.mutate("POST", "global/networks", { name: "red-vpc", autoCreateSubnetworks: false });
    await client.mutate("POST", `${R}/subnetworks`, {
      name: "red",
      network: "global/networks/red-vpc",
      ipCidrRange: "10.1.0.0/24",
    });
    emulator.putInstance({ name: "node-r", zone: "us-central1-a", networkInterfaces: [{ subnetwork: "red" }] });
    await client.mutate("POST", "zones/us-central1-a/targetInstances", {
      name: "tr",
      instance: "zones/us-central1-a/instances/node-r",
    });
    await insert({
      name: "blue",
      loadBalancingScheme: "INTERNAL",
      IPAddress: "10.1.0.50",
      target: "zones/us-central1-a/targetInstances/bluea",
      ...BLUE,
      ...L3,
    });
    await insert({
      name: "red",
      loadBalancingScheme: "INTERNAL",
      IPAddress: "10.1.0.50",
      target: "zones/us-central1-a/targetInstances/tr",
      network: "global/networks/red-vpc",
      ...L3,
    });
    expect((await client.get(`${R}/addresses/inside`)).users).to.have.length(1);
  });

  it("refuse L3_DEFAULT for INTERNAL when the strict reading is played (E52)", async () => {
    emulator.faults.internalL3Default = false;
    const body = {
      name: "int",
      loadBalancingScheme: "INTERNAL",
      IPAddress: "10.1.0.50",
      target: "zones/us-central1-a/targetInstances/bluea",
      ...BLUE,
    };
    const refused = await tried({ ...body, ...L3 });
    expect([refused.reason, refused.message?.includes("Allowed: TCP, UDP")]).to.deep.equal(["invalid", true]);
    await insert({ ...body, IPProtocol: "TCP", allPorts: true });
  });

  const wrong: [string, object, RegExp][] = [
    ["L3_DEFAULT without allPorts", { target: TA, IPProtocol: "L3_DEFAULT" }, /allPorts/],
    ["no target", { ...L3 }, /resource\.target/],
    ["a target that is not there", { ...L3, target: "zones/us-central1-a/targetInstances/none" }, /not found/],
    ["ports with a range", { target: TA, ports: ["80"], portRange: "80" }, /together/],
    ["a bad port", { target: TA, ports: ["70000"] }, /65535/],
    ["ports for ICMP", { target: TA, IPProtocol: "ICMP", portRange: "80" }, /no ports/],
    [
      "an internal address on an external rule (E32)",
      { ...L3, target: TA, IPAddress: `${R}/addresses/inside` },
      /INTERNAL, the rule EXTERNAL/,
    ],
    [
      "an external address on an internal rule (E32)",
      { ...L3, loadBalancingScheme: "INTERNAL", target: TA, IPAddress: `${R}/addresses/web`, ...BLUE },
      /EXTERNAL, the rule INTERNAL/,
    ],
    ["an address that is not reserved (E31)", { ...L3, target: TA, IPAddress: "34.1.1.1" }, /not reserved/],
    [
      "another tier than the address (E31)",
      { ...L3, target: TA, IPAddress: "34.123.10.1", networkTier: "STANDARD" },
      /tier PREMIUM/,
    ],
    [
      "a target on another network than the rule's",
      { ...L3, loadBalancingScheme: "INTERNAL", IPAddress: "10.1.0.50", target: TA, ...BLUE },
      /target's network/,
    ],
    ["global access on an external rule", { ...L3, target: TA, allowGlobalAccess: true }, /allowGlobalAccess/],
    [
      "an internal address on a VM",
      {
        ...L3,
        loadBalancingScheme: "INTERNAL",
        IPAddress: "10.1.0.2",
        target: "zones/us-central1-a/targetInstances/bluea",
        ...BLUE,
      },
      /in-use by '.*node-a'/,
    ],
    [
      "an internal address outside the subnetwork",
      {
        ...L3,
        loadBalancingScheme: "INTERNAL",
        IPAddress: "10.7.0.1",
        target: "zones/us-central1-a/targetInstances/bluea",
        ...BLUE,
      },
      /within the range/,
    ],
  ];
  for (const [what, body, message] of wrong) {
    it(`refuse ${what}`, async () => {
      const answer = await tried({ name: "fr", ...body });
      expect(answer.status).to.be.within(400, 404);
      expect(answer.message).to.match(message);
      expect(emulator.list("forwardingRules")).to.deep.equal([]);
    });
  }

  it("are patched in global access only, with the current fingerprint", async () => {
    await insert({
      name: "int",
      loadBalancingScheme: "INTERNAL",
      IPAddress: "10.1.0.50",
      target: "zones/us-central1-a/targetInstances/bluea",
      ...BLUE,
      ...L3,
    });
    const { fingerprint } = await client.get(`${R}/forwardingRules/int`);
    await client.mutate("PATCH", `${R}/forwardingRules/int`, { allowGlobalAccess: true, fingerprint });
    expect((await client.get(`${R}/forwardingRules/int`)).allowGlobalAccess).to.equal(true);
    expect((await client.call("PATCH", `${R}/forwardingRules/int`, { allowGlobalAccess: false, fingerprint })).status).to.equal(
      412,
    );
    expect((await client.call("PATCH", `${R}/forwardingRules/int`, { target: TB })).message).to.contain("resource.target");
  });

  it("keep their target instance from being deleted, and a VM that goes leaves it dangling (E19)", async () => {
    await insert({ name: "fr", IPAddress: "34.123.10.1", target: TA, ...L3 });
    const refused = await client.call("DELETE", TA);
    expect(refused.message).to.match(
      /target_instance resource 'projects\/p1\/zones\/us-central1-a\/targetInstances\/ta'.*forwardingRules\/fr'/,
    );
    expect(emulator.removeInstance("us-central1-a", "node-a")).to.equal(true);
    expect((await client.get(TA)).instance).to.match(/node-a$/);
    await client.mutate("POST", `${R}/forwardingRules/fr/setTarget`, { target: TB });
    await client.mutate("DELETE", TA);
  });
});
