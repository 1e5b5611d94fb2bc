// SPDX-License-Identifier: Apache-2.0
// Edits that the state speaks against, and how to make them on purpose.
import { expect } from "chai";
import type { PersistentPodIpsArgs } from "./argsPods";
import { persistentPodIpsProblems } from "./checksAll";
import { expand } from "./expand";
import { type Remembered, refusedEdits, unlockedProblems, withChosen } from "./fixed";
import { everythingFixed } from "./fixedFacts";
import { layoutOf } from "./layout";
import { goodArgs } from "./testing/programs";

type Edit = (args: PersistentPodIpsArgs) => void;
const remember = (edit: Edit = () => undefined): Remembered => {
  const args = goodArgs();
  edit(args);
  const single = expand(args);
  const fixed = everythingFixed("edge", single, layoutOf("edge", single));
  return { fixed, onDestroy: args.onDestroy ?? "Protect", unlocked: args.unlocked ?? [] };
};
const refused = (now: Edit, before?: Edit): string[] =>
  refusedEdits(remember(before), remember(now)).map((p) => `${p.path} [${p.code}]`);

describe("edits that are refused", () => {
  it("are none where nothing that is fixed changes", () => {
    expect(refused(() => undefined)).to.deep.equal([]);
    expect(refused((a) => (a.addresses["more"] = {}))).to.deep.equal([]);
    expect(refused((a) => (a.routes!["proxy"]!.podSelector = { matchLabels: { other: "label" } }))).to.deep.equal([]);
    expect(refused((a) => delete a.routes!["proxy"])).to.deep.equal([]);
    expect(refused((a) => (a.labels = { team: "b" }))).to.deep.equal([]);
    expect(refused((a) => (a.addresses["web"]!.tier = "PREMIUM"))).to.deep.equal([]);
  });

  const EDITS: [what: string, edit: Edit, path: string][] = [
    ["another tier of an address", (a) => (a.addresses["web"]!.tier = "STANDARD"), "addresses.web.tier [Immutable]"],
    ["another name of an address", (a) => (a.addresses["web"]!.name = "other"), "addresses.web.name [Immutable]"],
    [
      "an address that leaves",
      (a) => void (delete a.addresses["sip"], a.routes!["proxy"]!.addresses.pop()),
      "addresses.sip [Protected]",
    ],
    [
      "another place of the cluster",
      (a) => (a.cluster.create!.location = "europe-west3-a"),
      "cluster.create.location [Immutable]",
    ],
    ["another subnet of the cluster", (a) => (a.cluster.create!.subnetwork = "other"), "cluster.create.subnetwork [Immutable]"],
    ["a pool under another name", (a) => (a.cluster.create!.pools = { other: {} }), "cluster.create.pools.main [Protected]"],
    [
      "other networks of a pool",
      (a) => (a.cluster.create!.pools = { main: { networks: [] } }),
      "cluster.create.pools.main.networks [Immutable]",
    ],
    [
      "another reaction mode (SEED-64)",
      (a) => (a.routes!["proxy"]!.reactionMode = "Exists"),
      "routes.proxy.reactionMode [Immutable]",
    ],
    [
      "another range for Pods",
      (a) => (a.networks!["blue-network"]!.podCidr = "10.200.0.0/16"),
      "networks.blue-network.podCidr [Immutable]",
    ],
    ["a namespace that leaves", (a) => delete a.namespaces, "namespaces.proxy [Protected]"],
    ["the definition of routes that leaves", (a) => delete a.controller!.crds, "controller.crds [Protected]"],
    [
      "Network objects that leave",
      (a) => (a.networks!["blue-network"]!.existingObject = true),
      "networks.blue-network.existingObject [Immutable]",
    ],
    ["another project", (a) => (a.project = "other"), "project [Immutable]"],
  ];
  const before: Edit = (a) => {
    a.cluster.create!.subnetwork = "nodes";
    a.project = "p";
    a.controller = { ...a.controller, crds: "Install" };
  };
  for (const [what, edit, path] of EDITS) it(`are told for ${what}`, () => expect(refused(edit, before)).to.include(path));

  it("are told for another adopted cluster, and for one of our own in its place", () => {
    const adopted =
      (name: string): Edit =>
      (a) =>
        (a.cluster = { existing: { name, location: "europe-west3" } });
    expect(refused(adopted("other"), adopted("edge"))).to.deep.equal(["cluster.existing.name [Immutable]"]);
    expect(refused(() => undefined, adopted("edge"))).to.deep.equal(["cluster.existing [Protected]"]);
    expect(refused((a) => (adopted("other")(a), (a.unlocked = ["cluster.existing"])), adopted("edge"))).to.deep.equal([]);
  });

  it("are told for another value than the one Google chose, once that is known", () => {
    const fixed = (a?: Edit): string[] =>
      refusedEdits(withChosen(remember(), { web: "34.123.10.1", sip: "34.123.10.2", gone: "34.123.10.3" }), remember(a)).map(
        (p) => `${p.path} [${p.code}]`,
      );
    expect(fixed()).to.deep.equal([]);
    expect(fixed((a) => (a.addresses["web"]!.address = "34.123.10.1"))).to.deep.equal([]);
    expect(fixed((a) => (a.addresses["web"]!.address = "34.123.10.9"))).to.deep.equal(["addresses.web.address [Immutable]"]);
  });

  it("let an address take another name in the program, and keep its reservation", () => {
    const rename: Edit = (a) => {
      const { sip, ...rest } = a.addresses;
      a.addresses = { ...rest, phone: { ...sip, formerly: "sip" } };
      a.routes!["proxy"]!.addresses = ["web", "phone"];
    };
    expect(refused(rename)).to.deep.equal([]);
    expect(refused((a) => (rename(a), (a.addresses["phone"]!.tier = "STANDARD")))).to.deep.equal([
      "addresses.phone.tier [Immutable]",
    ]);
    const both: Edit = (a) => (a.addresses["phone"] = { formerly: "sip" });
    const args = goodArgs();
    both(args);
    expect(persistentPodIpsProblems("edge", args).map((p) => p.path)).to.deep.equal(["addresses.phone.formerly"]);
  });

  it("let a subnet grow, and not shrink", () => {
    const cidr =
      (text: string): Edit =>
      (a) =>
        (a.networks!["blue-network"]!.cidr = text);
    expect(refused(cidr("10.1.0.0/19"), cidr("10.1.0.0/20"))).to.deep.equal([]);
    expect(refused(cidr("10.1.0.0/21"), cidr("10.1.0.0/20"))).to.deep.equal(["networks.blue-network.cidr [Immutable]"]);
  });

  it("can be made on purpose: an edit beside its unlocked path, a removal after it", () => {
    const mode: Edit = (a) => (a.routes!["proxy"]!.reactionMode = "Exists");
    expect(refused((a) => (mode(a), (a.unlocked = ["routes.proxy"])))).to.deep.equal([]);
    const tier: Edit = (a) => ((a.addresses["web"]!.tier = "STANDARD"), (a.unlocked = ["addresses.web"]));
    expect(refused(tier)).to.deep.equal(["addresses.web.tier [Immutable]"]);
    expect(refused(tier, (a) => (a.unlocked = ["addresses.web"]))).to.deep.equal([]);
    const gone: Edit = (a) => (delete a.addresses["sip"], a.routes!["proxy"]!.addresses.pop());
    expect(refused((a) => (gone(a), (a.unlocked = ["addresses.sip"])))).to.deep.equal(["addresses.sip [Protected]"]);
    expect(refused(gone, (a) => (a.unlocked = ["addresses.sip"]))).to.deep.equal([]);
    expect(refused(gone, (a) => (a.onDestroy = "Delete"))).to.deep.equal([]);
  });

  it("all say what would happen and the way to do it", () => {
    const edits: Edit = (a) => EDITS.forEach(([, e]) => e(a));
    for (const p of refusedEdits(remember(), remember(edits)))
      expect(p.message, p.path).to.match(/would be .*unlocked|second component/s);
  });

  it("of a release that remembered nothing are none", () =>
    expect(refusedEdits({ fixed: {}, onDestroy: "Protect", unlocked: [] }, remember())).to.deep.equal([]));
});

describe("unlocked", () => {
  it("takes paths of things there are, and of things that were", () => {
    expect(unlockedProblems(["addresses.web", "cluster.create"], ["addresses", "cluster.create"])).to.deep.equal([]);
    const [p] = unlockedProblems(["addresess.web"], ["addresses"]);
    expect(p).to.include({ path: "unlocked[0]" });
    expect(p!.message).to.match(/"addresess.web" is not a path .* begin with addresses/);
  });
});
