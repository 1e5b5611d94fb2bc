// SPDX-License-Identifier: Apache-2.0
// The clean-up on demand: what counts as left over, and what is never touched.
import { expect } from "chai";
import { bindingName, forwardingRuleName, ruleLabels, targetInstanceName, type AddressBinding } from "../api";
import { ComputeError } from "./errors";
import { collectOrphans, type OrphanOptions, type Wanted } from "./orphans";
import type { CloudSnapshot, ObservedRule, ObservedTarget } from "./types";

const CLUSTER = "cluster-a";
const holder = (instance: string): NonNullable<AddressBinding["status"]>["holder"] => ({
  pod: "p",
  podUID: "u",
  node: "n",
  zone: "z1",
  instance,
});
const binding = (address: string, instance?: string): AddressBinding => ({
  metadata: { name: bindingName(address, "External") },
  spec: { address, scope: "External", route: { namespace: "default", name: "web", uid: "r" } },
  ...(instance ? { status: { holder: holder(instance) } } : {}),
});
const target = (instance: string, over: Partial<ObservedTarget> = {}): ObservedTarget => ({
  name: targetInstanceName(CLUSTER, "z1", instance),
  zone: "z1",
  instance,
  ours: true,
  id: instance,
  ...over,
});
const rule = (address: string, on: ObservedTarget, over: Partial<ObservedRule> = {}): ObservedRule => ({
  name: forwardingRuleName(CLUSTER, bindingName(address, "External")),
  address,
  target: `projects/p/zones/z1/targetInstances/${on.name}`,
  scheme: "EXTERNAL",
  protocol: "L3_DEFAULT",
  labels: ruleLabels(CLUSTER, address),
  ours: true,
  id: address,
  ...over,
});

/** A cloud that only lists and deletes. */
function world(rules: ObservedRule[], targets: ObservedTarget[]) {
  const deleted: string[] = [];
  const cloud: CloudSnapshot = { addresses: [], rules, targets, firewalls: [] };
  const fabric: OrphanOptions["fabric"] = {
    snapshot: () => Promise.resolve(structuredClone(cloud)),
    deleteRule: (r) => Promise.resolve(void deleted.push(r.name)),
    deleteTarget: (t) => Promise.resolve(void deleted.push(t.name)),
  };
  const run = (wanted: () => Promise<Wanted>, over: Partial<OrphanOptions> = {}) =>
    collectOrphans({ fabric, fence: { check: () => undefined }, clusterUid: CLUSTER, wanted, ...over });
  return { deleted, fabric, run };
}
const wants =
  (bindings: AddressBinding[], vms: Wanted["vms"] = []) =>
  () =>
    Promise.resolve({ bindings, vms });

describe("orphans: the clean-up on demand", () => {
  const [t1, t2, t3] = [target("vm-1"), target("vm-2"), target("vm-3")];

  it("reports rules and target instances that no claim explains, and removes nothing by default (E67)", async () => {
    const w = world([rule("34.0.0.1", t1), rule("34.0.0.2", t2)], [t1, t2]);
    const report = await w.run(wants([binding("34.0.0.1", "vm-1")]));
    expect(report.orphans.map((o) => o.name)).to.deep.equal([rule("34.0.0.2", t2).name, t2.name]);
    expect(report.orphans[0]!.why).to.equal("no AddressBinding claims 34.0.0.2");
    expect([report.dryRun, w.deleted]).to.deep.equal([true, []]);
  });
  it("removes them when asked, rules before the targets that they use (E67)", async () => {
    const w = world([rule("34.0.0.2", t2)], [t2]);
    const report = await w.run(wants([]), { dryRun: false });
    expect(w.deleted)
      .to.deep.equal([rule("34.0.0.2", t2).name, t2.name])
      .and.deep.equal(report.removed);
  });
  it("keeps what is not ours, what another rule uses, and what a node of the cluster may need (E25, E67)", async () => {
    const w = world([rule("34.0.0.9", t1, { ours: false, labels: {} })], [t1, t2, target("vm-4", { ours: false })]);
    const report = await w.run(wants([], [{ zone: "z1", instance: "vm-2" }]), { dryRun: false });
    expect([report.orphans, w.deleted]).to.deep.equal([[], []]);
  });
  it("keeps a rule whose claim appears between the list and the removal", async () => {
    const w = world([rule("34.0.0.1", t1), rule("34.0.0.2", t2)], []);
    let asked = 0;
    const report = await w.run(() => Promise.resolve({ bindings: ++asked > 1 ? [binding("34.0.0.1")] : [], vms: [] }), {
      dryRun: false,
    });
    expect(report.removed).to.deep.equal([rule("34.0.0.2", t2).name]);
  });
  it("names other clusters' rules and leaves them alone (E25, E67)", async () => {
    const w = world([rule("34.0.0.7", t3, { labels: ruleLabels("cluster-b", "34.0.0.7"), ours: false })], []);
    const report = await w.run(wants([]), { dryRun: false });
    expect(report.otherClusters).to.deep.equal([{ clusterUid: "cluster-b", rules: 1, addresses: ["34.0.0.7"] }]);
    expect(w.deleted).to.deep.equal([]);
  });
  it("goes on after a refusal and tells it, but stops when it may not write any more", async () => {
    const w = world([rule("34.0.0.1", t1), rule("34.0.0.2", t2)], []);
    const refuse = (code: "InUse" | "Fenced") => () =>
      Promise.reject(new ComputeError({ code, method: "m", message: `said ${code}` }));
    const inUse = await w.run(wants([]), { dryRun: false, fabric: { ...w.fabric, deleteRule: refuse("InUse") } });
    expect(inUse.failed.map((f) => f.message)).to.deep.equal(["said InUse", "said InUse"]);
    const fenced = await w.run(wants([]), { dryRun: false, fabric: { ...w.fabric, deleteRule: refuse("Fenced") } }).catch(String);
    expect(fenced).to.contain("said Fenced");
  });
  it("removes nothing where the claims cannot be listed", async () => {
    const w = world([rule("34.0.0.1", t1)], []);
    const answer = await w.run(() => Promise.reject(new Error("API away")), { dryRun: false }).catch((e: Error) => e.message);
    expect([answer, w.deleted]).to.deep.equal(["API away", []]);
  });
});
