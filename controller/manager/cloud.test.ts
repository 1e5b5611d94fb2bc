// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { forwardingRuleName } from "../api";
import type { ObservedRule } from "../compute";
import { settle } from "../kubernetes/testing";
import { CloudView, nameOf, type AddressKey } from "./cloud";
import { MemoryCloud } from "./testing-fabric";

const K: AddressKey = { address: "34.1.1.1", scope: "External" };
const RED: AddressKey = { address: "10.0.0.5", scope: "Internal", vpc: "red" };
const BLUE: AddressKey = { ...RED, vpc: "blue" };
const PRIMARY: AddressKey = { address: "10.0.0.5", scope: "Internal" };
const ruleName = (k: AddressKey, protocol?: string): string => forwardingRuleName("c", nameOf(k), protocol);
const path = (n: string): string => `projects/demo/zones/z/targetInstances/${n}`;

describe("CloudView", () => {
  let fabric: MemoryCloud;
  let cloud: CloudView;
  beforeEach(() => {
    fabric = new MemoryCloud();
    cloud = new CloudView(fabric, { project: "demo", region: "us-central1", clusterUid: "c" });
    fabric.reserve(K.address);
  });
  const ours = (k: AddressKey, over: Partial<ObservedRule> = {}): ObservedRule =>
    fabric.addRule({ name: ruleName(k), address: k.address, ours: true, target: path("a"), ...over });
  /** Begins a read that has seen the cloud as it is now, and answers what lets it end. */
  const begun = <T>(method: string, read: () => Promise<T>): (() => Promise<T>) => {
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    fabric.gate = (m) => (m === method ? gate : Promise.resolve());
    const running = read();
    fabric.gate = () => Promise.resolve();
    return () => {
      go();
      return running;
    };
  };

  it("knows nothing before the first look", async () => {
    expect(cloud.ruleFact(K)).to.deep.equal({ state: "unknown" });
    expect(cloud.fact(K)).to.equal(undefined);
    expect(cloud.firewallAdvice(K, "blue")).to.equal(undefined);
    await cloud.refresh();
    expect(cloud.ruleFact(K)).to.deep.equal({ state: "absent" });
    expect(cloud.fact(K)).to.deep.equal({ usable: true });
    expect(cloud.firewallAdvice(K, "blue")).to.contain("VPC blue").and.to.contain(K.address);
  });

  it("tells a rule of ours from a foreign one and from an impostor (E25, E49)", async () => {
    const rule = ours(K);
    await cloud.refresh();
    expect(cloud.ruleFact(K)).to.deep.equal({ state: "ours", target: path("a") });
    fabric.rules.set(rule.name, { ...rule, ours: false });
    await cloud.look(K);
    expect(cloud.ruleFact(K)).to.have.property("message").that.contains("has our name but not our labels");
    fabric.rules.delete(rule.name);
    fabric.addRule({ name: "other", address: K.address });
    await cloud.look(K);
    expect(cloud.ruleFact(K)).to.have.property("message").that.contains("other sits on 34.1.1.1");
  });

  it("E52: sees two rules in place of one, and no target while they differ", async () => {
    ours(K, { name: ruleName(K, "TCP") });
    const udp = ours(K, { name: ruleName(K, "UDP"), target: path("b") });
    await cloud.refresh();
    expect(cloud.rulesOf(K)).to.have.length(2);
    expect(cloud.ruleFact(K)).to.deep.equal({ state: "ours", target: "" });
    cloud.remember({ ...udp, target: path("a") });
    expect(cloud.ruleFact(K)).to.deep.equal({ state: "ours", target: path("a") });
  });

  it("answers what has changed since the last look, and nothing for unchanged truth or a change of our own", async () => {
    const rule = ours(K);
    fabric.reserve("34.2.2.2");
    expect((await cloud.refresh()).addresses).to.have.all.keys(K.address, "34.2.2.2");
    expect(await cloud.refresh()).to.deep.equal({ addresses: new Set(), firewalls: false });
    const moved = { ...rule, target: path("b") };
    fabric.rules.set(rule.name, moved);
    cloud.remember(moved);
    expect((await cloud.refresh()).addresses.size).to.equal(0);
    fabric.rules.set(rule.name, { ...moved, target: path("c") });
    expect((await cloud.refresh()).addresses).to.have.all.keys(K.address);
    fabric.rules.set(rule.name, { ...moved, target: path("c"), ours: false });
    expect((await cloud.refresh()).addresses, "labels taken away").to.have.all.keys(K.address);
    fabric.addRule({ name: "vm-nat", address: "34.2.2.2" });
    expect((await cloud.refresh()).addresses, "used by a stranger").to.have.all.keys("34.2.2.2");
    fabric.firewalls = [{ name: "x" } as never];
    expect((await cloud.refresh()).firewalls).to.equal(true);
  });

  it("does not let a list that began earlier overwrite what a write has brought back", async () => {
    const rule = ours(K);
    await cloud.refresh();
    const end = begun("snapshot", () => cloud.refresh());
    await settle();
    const moved = { ...rule, target: path("b") };
    fabric.rules.set(rule.name, moved);
    cloud.remember(moved);
    const changes = await end();
    expect(cloud.ruleFact(K)).to.deep.equal({ state: "ours", target: path("b") });
    expect(changes.addresses.size).to.equal(0);
  });

  it("nor bring back a rule or a target instance that was deleted, nor lose one that was made", async () => {
    const rule = ours(K);
    const target = { name: "t", zone: "z", instance: "vm", ours: true, id: "1" };
    fabric.targets.set("t", target);
    await cloud.refresh();
    const end = begun("snapshot", () => cloud.refresh());
    await settle();
    cloud.forget(rule);
    cloud.forgetTarget("t");
    cloud.rememberTarget({ ...target, name: "u" });
    const other = ours({ address: "34.3.3.3", scope: "External" });
    cloud.remember(other);
    await end();
    expect(cloud.ruleFact(K)).to.deep.equal({ state: "absent" });
    expect(cloud.ownTargets().map((t) => t.name)).to.deep.equal(["u"]);
    expect(cloud.ownRules().map((r) => r.name)).to.deep.equal([other.name]);
    fabric.rules.delete(rule.name);
    fabric.targets.clear();
    await cloud.refresh();
    expect(cloud.ownTargets(), "a later list is believed").to.deep.equal([]);
  });

  it("does not let a look at one address overwrite a later write either", async () => {
    const rule = ours(K);
    await cloud.refresh();
    const end = begun("rulesOn", () => cloud.look(K));
    await settle();
    cloud.remember({ ...rule, target: path("b") });
    await end();
    expect(cloud.ruleFact(K)).to.deep.equal({ state: "ours", target: path("b") });
  });

  it("an address is free at once when our rule on it was deleted", async () => {
    const rule = ours(K);
    await cloud.refresh();
    expect(cloud.fact(K)).to.deep.equal({ usable: true });
    cloud.forget(rule);
    expect(cloud.fact(K)).to.deep.equal({ usable: true });
  });

  it("a look at one address leaves the rules and reservations of others alone", async () => {
    ours(K);
    const other = ours({ address: "34.2.2.2", scope: "External" });
    fabric.reserve("34.2.2.2");
    await cloud.refresh();
    fabric.rules.clear();
    await cloud.look(K);
    expect(cloud.ownRules()).to.deep.equal([other]);
    expect(cloud.found({ address: "34.2.2.2", scope: "External" })?.name).to.contain("34-2-2-2");
  });

  it("keeps equal internal addresses of two VPCs apart", async () => {
    fabric.reserve("10.0.0.5", { type: "Internal", network: "red" });
    fabric.reserve("10.0.0.5", { type: "Internal", network: "blue" });
    const red = ours(RED, { scheme: "INTERNAL", network: "red" });
    ours(BLUE, { scheme: "INTERNAL", network: "blue", target: path("b") });
    await cloud.refresh();
    expect(cloud.ruleFact(RED)).to.deep.equal({ state: "ours", target: path("a") });
    expect(cloud.ruleFact(BLUE)).to.deep.equal({ state: "ours", target: path("b") });
    expect(cloud.found(BLUE)?.network).to.equal("blue");
    expect(cloud.ruleFact(PRIMARY), "the primary VPC's").to.deep.equal({ state: "absent" });
    fabric.rules.delete(ruleName(BLUE));
    await cloud.look(BLUE);
    expect(cloud.ruleFact(BLUE)).to.deep.equal({ state: "absent" });
    expect(cloud.rulesOf(RED)).to.deep.equal([red]);
  });

  it("a rule of the primary VPC's address that was deleted by hand is seen to be gone", async () => {
    ours(PRIMARY, { scheme: "INTERNAL", network: "default" });
    await cloud.refresh();
    fabric.rules.clear();
    await cloud.look(PRIMARY);
    expect(cloud.ruleFact(PRIMARY)).to.deep.equal({ state: "absent" });
  });

  it("E31: remembers a reservation in another region over the next list, does not pile it up, and prefers one here", async () => {
    fabric.addresses.length = 0;
    fabric.reserve(K.address, { region: "europe-west1" });
    await cloud.refresh();
    for (let i = 0; i < 3; i++) await cloud.look(K);
    expect(cloud.fact(K)).to.have.property("message").that.contains("europe-west1");
    expect((await cloud.refresh()).addresses.size).to.equal(0);
    expect(cloud.fact(K)).to.have.property("message").that.contains("europe-west1");
    fabric.reserve(K.address, { name: "here" });
    await cloud.refresh();
    expect(cloud.found(K)?.name).to.equal("here");
    expect(cloud.fact(K)).to.deep.equal({ usable: true });
  });

  it("E35: names the delegated prefix of an address that nobody reserved, until somebody does", async () => {
    fabric.addresses.length = 0;
    fabric.prefix = { name: "byoip", cidr: "34.123.10.0/24", status: "INITIALIZING", usable: false };
    await cloud.refresh();
    await cloud.look(K);
    expect(cloud.fact(K)).to.have.property("message").that.contains("prefix byoip (34.123.10.0/24), which is not announced yet");
    fabric.reserve(K.address);
    await cloud.look(K);
    expect(cloud.fact(K)).to.deep.equal({ usable: true });
  });

  it("E32: does not pile up a reservation of the other kind, and sees it go", async () => {
    fabric.addresses.length = 0;
    fabric.reserve(K.address, { type: "Internal" });
    await cloud.refresh();
    for (let i = 0; i < 3; i++) await cloud.look(K);
    expect((Reflect.get(cloud, "addresses") as Map<string, unknown[]>).get(K.address)).to.have.length(1);
    expect(cloud.fact(K)).to.have.property("message").that.contains("internal");
    fabric.addresses.length = 0;
    await cloud.refresh();
    expect(cloud.fact(K)).to.have.property("message").that.contains("not a reserved address");
  });
});
