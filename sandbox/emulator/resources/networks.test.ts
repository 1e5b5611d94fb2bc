// SPDX-License-Identifier: Apache-2.0
// Networks, subnetworks, firewalls, VMs and target instances.
import { expect } from "chai";
import type { Emulator } from "../index";
import { startEmulator } from "../index";
import type { TestClient } from "../test-client";
import { testClient } from "../test-client";

const R = "regions/us-central1";
const Z = "zones/us-central1-a";

describe("networks and what lies in them", () => {
  let emulator: Emulator;
  let client: TestClient;

  beforeEach(async () => {
    emulator = await startEmulator({ project: "p1", operationLatencyMs: 0 });
    client = testClient(emulator);
    await client.mutate("POST", "global/networks", { name: "blue-vpc", autoCreateSubnetworks: false });
    const pods = [{ rangeName: "pods", ipCidrRange: "10.2.0.0/20" }];
    await client.mutate("POST", `${R}/subnetworks`, {
      name: "blue",
      network: "global/networks/blue-vpc",
      ipCidrRange: "10.1.0.0/24",
      secondaryIpRanges: pods,
    });
  });
  afterEach(() => emulator.close());

  it("begin with Google's default network, one subnetwork per region", async () => {
    const network = await client.get("global/networks/default");
    expect(network.subnetworks).to.have.length(3);
    expect((await client.get(`${R}/subnetworks/default`)).ipCidrRange).to.equal("10.128.0.0/20");
  });

  it("make and delete the subnetworks of an automatic network with it", async () => {
    await client.mutate("POST", "global/networks", { name: "auto" });
    expect(emulator.list("subnetworks").filter((s) => s.name === "auto")).to.have.length(3);
    await client.mutate("DELETE", "global/networks/auto");
    expect(emulator.list("subnetworks").filter((s) => s.name === "auto")).to.have.length(0);
  });

  const overlapping: [string, object][] = [
    ["the same primary range", { ipCidrRange: "10.1.0.0/24" }],
    ["a primary range inside a secondary one", { ipCidrRange: "10.2.1.0/24" }],
    [
      "a secondary range over a primary one",
      { ipCidrRange: "10.9.0.0/24", secondaryIpRanges: [{ rangeName: "x", ipCidrRange: "10.1.0.0/16" }] },
    ],
    ["two own ranges", { ipCidrRange: "10.9.0.0/24", secondaryIpRanges: [{ rangeName: "x", ipCidrRange: "10.9.0.0/25" }] }],
  ];
  for (const [what, body] of overlapping) {
    it(`refuse ${what} in one VPC, not in another`, async () => {
      const wanted = { name: "other", network: "global/networks/blue-vpc", ...body };
      const answer = await client.call("POST", "regions/us-east1/subnetworks", wanted);
      expect([answer.reason, answer.message?.includes("overlaps range")]).to.deep.equal(["invalid", true]);
      if (what === "two own ranges") return;
      await client.mutate("POST", "global/networks", { name: "green-vpc", autoCreateSubnetworks: false });
      await client.mutate("POST", "regions/us-east1/subnetworks", { ...wanted, network: "global/networks/green-vpc" });
    });
  }

  it("grow a subnetwork, never shrink it; patch secondary ranges with the current fingerprint", async () => {
    await client.mutate("POST", `${R}/subnetworks/blue/expandIpCidrRange`, { ipCidrRange: "10.1.0.0/23" });
    expect(
      (await client.call("POST", `${R}/subnetworks/blue/expandIpCidrRange`, { ipCidrRange: "10.1.0.0/24" })).reason,
    ).to.equal("invalid");
    const { fingerprint } = await client.get(`${R}/subnetworks/blue`);
    const secondaryIpRanges = [
      { rangeName: "pods", ipCidrRange: "10.2.0.0/20" },
      { rangeName: "more", ipCidrRange: "10.3.0.0/24" },
    ];
    await client.mutate("PATCH", `${R}/subnetworks/blue`, { secondaryIpRanges, fingerprint });
    expect((await client.get(`${R}/subnetworks/blue`)).secondaryIpRanges).to.deep.equal(secondaryIpRanges);
    expect((await client.call("PATCH", `${R}/subnetworks/blue`, { secondaryIpRanges, fingerprint })).status).to.equal(412);
  });

  it("cannot go while something is in them", async () => {
    expect((await client.call("DELETE", "global/networks/blue-vpc")).message).to.contain("subnetworks/blue");
    emulator.putInstance({ name: "vm", zone: "us-central1-a", networkInterfaces: [{ subnetwork: "blue" }] });
    expect((await client.call("DELETE", `${R}/subnetworks/blue`)).message).to.contain("instances/vm");
    emulator.removeInstance("us-central1-a", "vm");
    await client.mutate("DELETE", `${R}/subnetworks/blue`);
    await client.mutate("DELETE", "global/networks/blue-vpc");
  });

  it("keep firewall rules: completed, checked, replaced and patched", async () => {
    const body = { name: "fw", network: "global/networks/blue-vpc", allowed: [{ IPProtocol: "tcp", ports: ["443"] }] };
    await client.mutate("POST", "global/firewalls", body);
    const made = await client.get("global/firewalls/fw");
    expect(made).to.deep.include({ direction: "INGRESS", priority: 1000, sourceRanges: ["0.0.0.0/0"], disabled: false });
    await client.mutate("PATCH", "global/firewalls/fw", { sourceRanges: ["10.0.0.0/8"] });
    expect(await client.get("global/firewalls/fw")).to.deep.include({
      sourceRanges: ["10.0.0.0/8"],
      allowed: body.allowed,
      id: made.id,
    });
    expect((await client.call("POST", "global/firewalls", { ...body, name: "x", allowed: undefined })).reason).to.equal(
      "required",
    );
    expect(
      (await client.call("POST", "global/firewalls", { ...body, name: "x", sourceRanges: ["10.0.0.1/8"] })).message,
    ).to.contain("sourceRanges");
    const effective = await client.get("global/networks/blue-vpc/getEffectiveFirewalls");
    expect(effective.firewalls).to.have.length(1);
  });

  it("have VMs that the sandbox puts, whose new ones have a new id (E20)", async () => {
    const first = emulator.putInstance({
      name: "vm",
      zone: "us-central1-a",
      networkInterfaces: [{}, { subnetwork: "blue", networkIP: "10.1.0.9" }],
    });
    const second = emulator.putInstance({
      name: "vm",
      zone: "us-central1-a",
      networkInterfaces: [{}, { subnetwork: "blue", networkIP: "10.1.0.9" }],
    });
    expect(second.id).to.not.equal(first.id);
    const shown = await client.get(`${Z}/instances/vm`);
    expect((shown.networkInterfaces as { name: string; networkIP: string }[]).map((n) => [n.name, n.networkIP])).to.deep.equal([
      ["nic0", "10.128.0.2"],
      ["nic1", "10.1.0.9"],
    ]);
    expect(() =>
      emulator.putInstance({
        name: "v2",
        zone: "us-central1-a",
        networkInterfaces: [{ subnetwork: "blue", networkIP: "10.1.0.9" }],
      }),
    ).to.throw(RangeError, "taken by");
    expect(() => emulator.putInstance({ name: "v2", zone: "mars-a" })).to.throw(RangeError, "mars-a");
    expect(() =>
      emulator.putInstance({
        name: "v2",
        zone: "us-central1-a",
        networkInterfaces: [{ subnetwork: "blue", networkIP: "10.4.0.1" }],
      }),
    ).to.throw(RangeError, "10.4.0.1");
  });

  it("change alias ranges of an interface as a whole list, with its fingerprint", async () => {
    emulator.putInstance({ name: "vm", zone: "us-central1-a", networkInterfaces: [{}, { subnetwork: "blue" }] });
    const path = `${Z}/instances/vm/updateNetworkInterface?networkInterface=nic1`;
    const fingerprint = emulator.list("instances")[0]?.networkInterfaces[1]?.fingerprint;
    const aliasIpRanges = [{ ipCidrRange: "/28", subnetworkRangeName: "pods" }, { ipCidrRange: "10.1.0.77" }];
    await client.mutate("PATCH", path, { aliasIpRanges, fingerprint });
    expect(emulator.list("instances")[0]?.networkInterfaces[1]?.aliasIpRanges).to.deep.equal([
      { ipCidrRange: "10.2.0.0/28", subnetworkRangeName: "pods" },
      { ipCidrRange: "10.1.0.77/32" },
    ]);
    expect((await client.call("PATCH", path, { aliasIpRanges: [], fingerprint })).status).to.equal(412);
    expect((await client.call("PATCH", path.replace("nic1", "nic7"), { fingerprint })).message).to.contain("nic0, nic1");
  });

  it("let a target instance name only a network the VM is in", async () => {
    emulator.putInstance({ name: "vm", zone: "us-central1-a" });
    const body = { name: "t", instance: `${Z}/instances/vm` };
    const refused = await client.call("POST", `${Z}/targetInstances`, { ...body, network: "global/networks/blue-vpc" });
    expect(refused.message).to.match(/no interface in it; it has: projects\/p1\/global\/networks\/default/);
    expect((await client.call("POST", `${Z}/targetInstances`, { name: "t", instance: `${Z}/instances/none` })).status).to.equal(
      404,
    );
    expect((await client.call("POST", "zones/us-central1-b/targetInstances", body)).message).to.contain("zone us-central1-b");
    await client.mutate("POST", `${Z}/targetInstances`, body);
    expect(await client.get(`${Z}/targetInstances/t`)).to.include({ natPolicy: "NO_NAT", kind: "compute#targetInstance" });
  });

  it("attach endpoints of VMs to endpoint groups and refuse foreign addresses", async () => {
    emulator.putInstance({
      name: "vm",
      zone: "us-central1-a",
      networkInterfaces: [{ subnetwork: "blue", networkIP: "10.1.0.9" }],
    });
    const group = {
      name: "neg",
      networkEndpointType: "GCE_VM_IP",
      network: "global/networks/blue-vpc",
      subnetwork: `${R}/subnetworks/blue`,
    };
    await client.mutate("POST", `${Z}/networkEndpointGroups`, group);
    const neg = `${Z}/networkEndpointGroups/neg`;
    const wrong = await client.call("POST", `${neg}/attachNetworkEndpoints`, {
      networkEndpoints: [{ instance: "vm", ipAddress: "10.1.0.8" }],
    });
    expect(wrong.message).to.contain("10.1.0.9");
    await client.mutate("POST", `${neg}/attachNetworkEndpoints`, { networkEndpoints: [{ instance: "vm" }] });
    await client.mutate("POST", `${neg}/attachNetworkEndpoints`, { networkEndpoints: [{ instance: "vm" }] });
    expect(await client.get(neg))
      .to.include({ size: 1 })
      .and.not.have.property("endpoints");
    await client.mutate("POST", `${R}/backendServices`, { name: "bs", protocol: "UNSPECIFIED", backends: [{ group: neg }] });
    expect((await client.call("DELETE", neg)).message).to.contain("backendServices/bs");
    await client.mutate("POST", `${neg}/detachNetworkEndpoints`, { networkEndpoints: [{ instance: "vm" }] });
    const listed = await client.call("POST", `${neg}/listNetworkEndpoints`, {});
    expect(listed.body).to.not.have.property("items");
  });

  it("refuse health checks on a backend service with haPolicy", async () => {
    await client.mutate("POST", `${R}/healthChecks`, { name: "hc", type: "TCP", tcpHealthCheck: { port: 80 } });
    const body = {
      name: "bs",
      protocol: "UNSPECIFIED",
      haPolicy: { fastIPMove: "DISABLED" },
      healthChecks: [`${R}/healthChecks/hc`],
    };
    expect((await client.call("POST", `${R}/backendServices`, body)).message).to.contain("haPolicy");
  });
});
