// SPDX-License-Identifier: Apache-2.0
// Where Google Cloud sends an address, from the state of its API.
import { expect } from "chai";
import type { ForwardingRule, Instance, TargetInstance } from "../emulator";
import { changesBetween, forwardedTo, type Nic } from "./forwarding";
import { gatewayOf, inRange } from "./subnet";

const ROOT = "https://www.googleapis.com/compute/v1/projects/p";
const ZONE = `${ROOT}/zones/z`;
const NODES = `${ROOT}/global/networks/nodes`;
const BLUE = `${ROOT}/global/networks/blue`;

const vm = (name: string): Instance =>
  ({
    name,
    selfLink: `${ZONE}/instances/${name}`,
    networkInterfaces: [
      { name: "nic0", network: NODES, networkIP: "10.0.0.2" },
      { name: "nic1", network: BLUE, networkIP: "10.1.0.2" },
    ],
  }) as Instance;
const target = (name: string, instance: string, network?: string): TargetInstance =>
  ({ name, selfLink: `${ZONE}/targetInstances/${name}`, instance, ...(network ? { network } : {}) }) as TargetInstance;
const rule = (address: string, to: string): ForwardingRule =>
  ({ name: `r-${address}`, IPAddress: address, target: `${ZONE}/targetInstances/${to}` }) as ForwardingRule;

describe("forwarding of the fabric", () => {
  it("goes from the rule over the target to the interface in the target's network, or the first (SEED-31)", () => {
    const found = forwardedTo({
      rules: [rule("34.123.10.1", "blue"), rule("34.123.10.2", "plain")],
      targets: [target("blue", `${ZONE}/instances/a`, BLUE), target("plain", `${ZONE}/instances/b`)],
      instances: [vm("a"), vm("b")],
    });
    expect([...found]).to.deep.equal([
      ["34.123.10.1", { vm: "a", nic: "nic1" }],
      ["34.123.10.2", { vm: "b", nic: "nic0" }],
    ]);
  });

  it("compares links by their path: an API at another place names the same things", () => {
    const elsewhere = `http://127.0.0.1:1/compute/v1/projects/p/zones/z/instances/a`;
    const found = forwardedTo({
      rules: [rule("34.123.10.1", "t")],
      targets: [target("t", elsewhere, "http://127.0.0.1:1/compute/v1/projects/p/global/networks/blue")],
      instances: [vm("a")],
    });
    expect(found.get("34.123.10.1")).to.deep.equal({ vm: "a", nic: "nic1" });
  });

  it("leads nowhere without the target, without the VM, or without an interface in the network (E19)", () => {
    const state = {
      rules: [rule("34.123.10.1", "t")],
      targets: [target("t", `${ZONE}/instances/a`, BLUE)],
      instances: [vm("a")],
    };
    expect(forwardedTo({ ...state, targets: [] }).size).to.equal(0);
    expect(forwardedTo({ ...state, instances: [] }).size).to.equal(0);
    expect(forwardedTo({ ...state, targets: [target("t", `${ZONE}/instances/a`, `${ROOT}/global/networks/red`)] }).size).to.equal(
      0,
    );
  });

  it("changes only what differs: a setTarget is one change from one VM to another", () => {
    const a: Nic = { vm: "a", nic: "nic1" };
    const b: Nic = { vm: "b", nic: "nic1" };
    const now = new Map([
      ["1.0.0.1", a],
      ["1.0.0.2", a],
      ["1.0.0.3", a],
    ]);
    const wanted = new Map([
      ["1.0.0.1", { ...a }],
      ["1.0.0.2", b],
      ["1.0.0.4", b],
    ]);
    expect(changesBetween(now, wanted)).to.deep.equal([
      { address: "1.0.0.2", from: a, to: b },
      { address: "1.0.0.3", from: a },
      { address: "1.0.0.4", to: b },
    ]);
    expect(changesBetween(wanted, wanted)).to.deep.equal([]);
  });

  it("takes the first address of a range for its gateway", () => {
    expect(gatewayOf("10.1.0.0/20")).to.equal("10.1.0.1");
    expect([inRange("10.1.0.0/20", "10.1.15.255"), inRange("10.1.0.0/20", "10.1.16.0")]).to.deep.equal([true, false]);
    expect(() => gatewayOf("10.1.0.1/20")).to.throw("10.1.0.1/20 is not an IPv4 range");
  });
});
