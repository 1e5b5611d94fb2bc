// SPDX-License-Identifier: Apache-2.0
// The planner against a pure model of the kernel: it converges in one pass, then plans nothing, and touches nothing of others.
import { expect } from "chai";
import * as fc from "fast-check";
import { plan } from "./plan";
import { copy, foreign, run, type World } from "./testing-kernel";
import * as worlds from "./testing-worlds";
import type { Desired, OwnedPlan } from "./types";

const link = (name: string, index: number, up = true) => ({ name, index, up });
const empty = (): World => ({
  routes: [],
  rules: [{ pref: 0, src: "all", table: 255, protocol: 2, others: "" }],
  links: [link("nic1", 2), link("lxc-a", 3), link("lxc-b", 4)],
  neighs: [],
});
const network = {
  name: "blue",
  nic: "nic1",
  gateway: "10.1.0.1",
  tableIn: 7101,
  tableOut: 7201,
  addresses: ["34.123.10.1", "34.123.10.2"],
};
const owned: OwnedPlan = { address: "34.123.10.1", network: "blue", veth: "lxc-a", podIP: "10.201.1.10" };
const wish = (over: Partial<OwnedPlan> = {}): Desired => ({ networks: [network], owned: [{ ...owned, ...over }] });
const texts = (desired: Desired, w: World): string[] => plan(desired, w).lines.map((l) => l.text);
const settled = (desired: Desired): World => {
  const w = empty();
  run(w, texts(desired, w));
  return w;
};

describe("plan", () => {
  it("says the lines of datapath.md 3 in their order: rules, Pod routes, the way out, blackholes", () => {
    expect(texts(wish({ mac: "02:00:00:00:00:0A" }), empty())).to.deep.equal([
      "rule add pref 90 iif nic1 lookup 7101 protocol 122",
      "rule add pref 91 iif lxc-a from 34.123.10.1 lookup 7201 protocol 122",
      "neigh replace 10.201.1.10 lladdr 02:00:00:00:00:0a dev lxc-a nud permanent protocol 122",
      "route replace 34.123.10.1/32 via 10.201.1.10 dev lxc-a onlink metric 100 table 7101 proto 122",
      "route replace default via 10.1.0.1 dev nic1 onlink table 7201 proto 122",
      "route replace blackhole default metric 65535 table 7201 proto 122",
      "route replace blackhole 34.123.10.1/32 metric 65535 table 7101 proto 122",
      "route replace blackhole 34.123.10.2/32 metric 65535 table 7101 proto 122",
    ]);
  });
  it("gives the address to another Pod of the node in the order that loses nothing: new rule, replaced route, old rule (row E)", () => {
    const w = settled(wish());
    expect(texts(wish({ veth: "lxc-b", podIP: "10.201.1.11" }), w)).to.deep.equal([
      "rule add pref 91 iif lxc-b from 34.123.10.1 lookup 7201 protocol 122",
      "route replace 34.123.10.1/32 via 10.201.1.11 dev lxc-b onlink metric 100 table 7101 proto 122",
      "rule del pref 91 iif lxc-a from 34.123.10.1 lookup 7201 protocol 122",
    ]);
  });
  it("keeps the old Pod's way out while it still answers what it was given, and takes it away later, alone (invariant 4)", () => {
    const w = settled(wish());
    const old = { veth: "lxc-a", podIP: "10.201.1.10" };
    const next = { veth: "lxc-b", podIP: "10.201.1.11" };
    const hop = texts(wish({ ...next, leaving: [old] }), w);
    expect(hop).to.deep.equal([
      "rule add pref 91 iif lxc-b from 34.123.10.1 lookup 7201 protocol 122",
      "route replace 34.123.10.1/32 via 10.201.1.11 dev lxc-b onlink metric 100 table 7101 proto 122",
    ]);
    run(w, hop);
    expect(texts(wish(next), w)).to.deep.equal(["rule del pref 91 iif lxc-a from 34.123.10.1 lookup 7201 protocol 122"]);
  });
  it("leaves the address with the old Pod while the new one's host interface is not there, and says what is missing", () => {
    const w = settled(wish());
    const plans = plan(wish({ veth: "lxc-new", podIP: "10.201.1.11", leaving: [{ veth: "lxc-a", podIP: "10.201.1.10" }] }), w);
    expect(plans.lines).to.deep.equal([]);
    expect(plans.skipped.map((s) => s.reason)).to.deep.equal(["VethMissing"]);
  });
  it("lets go of an address whole and keeps its blackhole", () => {
    const w = settled(wish());
    expect(texts({ networks: [network], owned: [] }, w)).to.deep.equal([
      "route del 34.123.10.1/32 via 10.201.1.10 dev lxc-a metric 100 table 7101 proto 122",
      "rule del pref 91 iif lxc-a from 34.123.10.1 lookup 7201 protocol 122",
    ]);
  });
  it("skips an address whose host interface is missing or down whole, and collects its detached rule", () => {
    const w = settled(wish());
    w.links = w.links.filter((l) => l.name !== "lxc-a");
    w.routes = w.routes.filter((r) => r.dev !== "lxc-a");
    const p = plan(wish(), w);
    expect(p.lines.map((l) => l.text)).to.deep.equal(["rule del pref 91 iif lxc-a from 34.123.10.1 lookup 7201 protocol 122"]);
    expect(p.skipped).to.deep.include({
      reason: "VethMissing",
      network: "blue",
      address: "34.123.10.1",
      message: "host interface lxc-a is not there",
    });
  });
  it("keeps the blackhole default while the NIC is down, so that nothing leaks by another NIC", () => {
    const w = settled(wish());
    w.links[0]!.up = false;
    w.routes = w.routes.filter((r) => r.dev !== "nic1");
    const p = plan(wish(), w);
    expect(p.lines).to.deep.equal([]);
    expect(p.skipped.map((s) => s.reason)).to.deep.equal(["NicDown"]);
    expect(w.routes.filter((r) => r.table === 7201).map((r) => r.type)).to.deep.equal([6]);
  });
  it("touches nothing of a network whose table holds a foreign route, and says which", () => {
    const w = settled(wish());
    w.routes.push({ ...w.routes[0]!, dst: "9.9.9.9", protocol: 4 });
    w.rules = [];
    const p = plan(wish(), w);
    expect(p.lines).to.deep.equal([]);
    expect(p.conflicts[0]!.message).to.include("table 7101").and.include("protocol 4");
  });
  it("takes away exactly the guest agent's local route of an address that is owned here, where local is looked up first", () => {
    const w = settled(wish());
    const local = { table: 255, type: 2, metric: 0, tos: 0, protocol: 66, dev: "nic1", onlink: false, odd: false };
    w.routes.push(
      { ...local, dst: "34.123.10.1" },
      { ...local, dst: "34.123.10.2" },
      { ...local, dst: "34.123.10.1", protocol: 2 },
    );
    expect(texts(wish(), w)).to.deep.equal(["route del local 34.123.10.1/32 dev nic1 table 255 proto 66"]);
    w.rules[0] = { ...w.rules[0]!, pref: 100 };
    expect(texts(wish(), w)).to.deep.equal([]);
  });
  it("prepares a standby in full, so that a failover is one call to the cloud", () => {
    expect(texts(wish({ standby: true }), empty())).to.deep.equal(texts(wish(), empty()));
  });
  it("gets rid of routes that differ from the wanted one only in what a deletion cannot name, before and behind it", () => {
    for (const order of ["before", "behind", "alone"]) {
      const w = settled(wish());
      const at = w.routes.findIndex((r) => r.dst === owned.address && r.metric === 100);
      const odd = { ...w.routes[at]!, odd: true };
      w.routes.splice(order === "behind" ? at + 1 : at, order === "alone" ? 1 : 0, odd);
      expect(run(w, texts(wish(), w)), order).to.deep.equal([]);
      expect(w.routes, order).to.have.deep.members(settled(wish()).routes);
    }
  });
  it("makes room for a rule that the kernel refuses beside a narrower one (fib4_rule_compare)", () => {
    const w = settled(wish());
    w.rules = w.rules.filter((r) => r.pref !== 90);
    w.rules.splice(1, 0, { pref: 90, iif: "nic1", src: "34.123.10.9", table: 7101, protocol: 122, others: "" });
    expect(texts(wish(), w)).to.deep.equal([
      "rule del pref 90 iif nic1 from 34.123.10.9 lookup 7101 protocol 122",
      "rule add pref 90 iif nic1 lookup 7101 protocol 122",
    ]);
  });
  it("takes stale rules away narrowest first: a wanted rule that a short deletion hits can be put back only then", () => {
    const w = settled(wish());
    const rule = { pref: 90, src: "all", table: 7101, protocol: 122, others: "" };
    w.rules.splice(2, 0, rule, { ...rule, iif: "nic1", src: "34.123.10.9" });
    expect(run(w, texts(wish(), w))).to.deep.equal([]);
    expect(w.rules).to.have.deep.members(settled(wish()).rules);
  });

  it("converges in one pass from any world, then plans nothing, and leaves every foreign object as it was (C-3)", () => {
    fc.assert(
      fc.property(worlds.desired, worlds.world, (desired, before) => {
        const after = copy(before);
        const first = plan(desired, before);
        const errors = run(
          after,
          first.lines.map((l) => l.text),
        );
        expect(errors, "errors").to.deep.equal([]);
        expect(plan(desired, after).lines, "second pass").to.deep.equal([]);
        expect(foreign(after)).to.deep.equal(foreign(before));
        for (const { network: name } of first.conflicts) {
          const { tableIn, tableOut } = desired.networks.find((n) => n.name === name)!;
          const of = (w: World) => w.routes.filter((r) => r.table === tableIn || r.table === tableOut);
          expect(of(after), "a conflict's tables").to.deep.equal(of(before));
        }
      }),
      { numRuns: 3000 },
    );
  });
});
