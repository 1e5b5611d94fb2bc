// SPDX-License-Identifier: Apache-2.0
// What is put right besides a rule's target: a VM that was made anew under its name, half of a pair of rules, global access, a dead target.
import { expect } from "chai";
import { bindingName, forwardingRuleName, OWN_CLASSES, targetInstanceName } from "../api";
import { cidr, gatewayOf, routeOf } from "../core/testing";
import { ComputeError } from "../compute";
import { settle } from "../kubernetes/testing";
import { CLUSTER, nodeRaw, pathOf, podRaw, TestWorld, type Leader } from "./testing-world";

const A = "34.123.10.1";
const BASE = targetInstanceName(CLUSTER, "us-central1-a", "vm-node-1", "blue-vpc");

describe("Repairs under the leader", () => {
  let w: TestWorld;
  let l: Leader;
  const begin = async (world = new TestWorld().withRoute()): Promise<void> => {
    w = world;
    l = await w.boot();
    await l.run();
  };
  const drift = async (): Promise<void> => {
    await l.reconciler.drift();
    await l.run();
  };
  const ruleOf = (address = A) => [...w.cloud.rules.values()].find((r) => r.address === address)!;
  const targetOf = (): string => ruleOf().target!.split("/").at(-1)!;
  const told = (reason: string): string[] => w.told.filter((t) => t.reason === reason).map((t) => t.message);
  afterEach(() => l.stop());

  it("E20: a VM made anew under its name gets a new target instance, and the rule moves over to it", async () => {
    await begin();
    expect(targetOf()).to.equal(BASE);
    w.cloud.replaceVm("vm-node-1");
    await drift();
    expect([targetOf(), w.vmOf()]).to.deep.equal([`${BASE}-b`, "vm-node-1"]);
    expect(w.count("forwardingRules.setTarget")).to.equal(1);
    expect(told("DriftRepaired")[0]).to.match(/VM vm-node-1 was made anew under the same name, and its target instance with it/);
    await drift();
    expect([...w.cloud.targets.keys()]).to.deep.equal([`${BASE}-b`]);
    const before = w.cloud.done.length;
    await drift();
    expect(w.cloud.done.length).to.equal(before);
  });
  it("E20: and back to the first name when it happens again; a restart in between finds its way", async () => {
    await begin();
    w.cloud.replaceVm("vm-node-1");
    await drift();
    await l.stop();
    l = await w.boot();
    await l.run();
    expect(targetOf()).to.equal(`${BASE}-b`);
    await drift();
    w.cloud.replaceVm("vm-node-1");
    await drift();
    await drift();
    expect([targetOf(), [...w.cloud.targets.keys()]]).to.deep.equal([BASE, [BASE]]);
  });
  it("E20: is noticed at once where the Node object is another one, without waiting for the next look", async () => {
    await begin();
    w.cloud.replaceVm("vm-node-1");
    const node = nodeRaw("node-1");
    w.put("node", { ...node, metadata: { ...node.metadata, uid: "another" } });
    await l.run();
    expect(targetOf()).to.equal(`${BASE}-b`);
  });
  const anotherNode = (): void => {
    const node = nodeRaw("node-1");
    w.put("node", { ...node, metadata: { ...node.metadata, uid: "another" } });
    w.put("pod", podRaw("pod-2", 2, "node-1"));
  };
  const nodeGoes = (): void => {
    for (const [kind, name] of [["pod", "pod-1"] as const, ["node", "node-1"] as const]) w.api.remove(pathOf(kind, name));
    w.cloud.replaceVm("vm-node-1");
  };
  it("E20: is not called Ready where the only node comes back as another VM, before the target instance is another one too", async () => {
    await begin();
    nodeGoes();
    await l.run();
    expect(w.condition("Ready")).to.include({ status: "False", reason: "NoPodsFound" });
    anotherNode();
    await l.run();
    expect([targetOf(), w.condition("Ready")?.status]).to.deep.equal([`${BASE}-b`, "True"]);
  });
  it("E20: nor where that happened while nobody led", async () => {
    await begin();
    await l.stop();
    nodeGoes();
    anotherNode();
    l = await w.boot();
    await l.run();
    expect([targetOf(), w.condition("Ready")?.status]).to.deep.equal([`${BASE}-b`, "True"]);
  });
  it("E20: nor where the rule has to be moved to a target instance that an earlier leader had made", async () => {
    await begin();
    w.put("pod", podRaw("pod-0", 0, "node-2"));
    await l.run();
    await l.stop();
    w.cloud.replaceVm("vm-node-2");
    w.api.remove(pathOf("pod", "pod-1"));
    l = await w.boot();
    await l.run();
    const base = targetInstanceName(CLUSTER, "us-central1-a", "vm-node-2", "blue-vpc");
    expect([targetOf(), w.condition("Ready")?.status]).to.deep.equal([`${base}-b`, "True"]);
  });
  it("E64: what no event told of heals at the next resync, every tenth drift pass", async () => {
    await begin();
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await settle();
    l.keys.clear();
    await l.run();
    expect(w.vmOf()).to.equal("vm-node-1");
    for (let pass = 0; pass < 10; pass++) await drift();
    expect(w.vmOf()).to.equal("vm-node-2");
  });
  it("E20: a look costs two reads for each target in use, of twenty at most, and none for the others", async () => {
    await begin();
    w.put("pod", podRaw("pod-0", 0, "node-2"));
    await l.run();
    const before = w.cloud.reads;
    await l.parts.targets.verify(w.cloud.rules.size > 0 ? l.cloud.usedTargets() : new Set());
    expect(w.cloud.reads - before).to.equal(1);
  });
  it("E19: a node that is deleted while it is the target leaves nothing behind once another Pod has the address", async () => {
    await begin();
    w.api.remove(pathOf("node", "node-1"));
    w.api.remove(pathOf("pod", "pod-1"));
    await l.run();
    expect([w.binding()?.status?.phase, ruleOf().target?.endsWith(BASE)]).to.deep.equal(["Unserved", true]);
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await l.run();
    await drift();
    expect([w.vmOf(), w.cloud.targets.size]).to.deep.equal(["vm-node-2", 1]);
  });
  it("E19: a VM that is gone already, though its Node is not, is GCPFailed with the fact, and heals", async () => {
    w = new TestWorld();
    const gone = new ComputeError({ code: "NotFound", method: "instances.get", message: "VM vm-node-1 does not exist" });
    w.cloud.failures.set("targetInstances.insert", Array<ComputeError>(9).fill(gone));
    await begin(w.withRoute());
    expect(w.condition("GCPReady")).to.include({ status: "False", reason: "GCPFailed" });
    expect(w.condition("GCPReady")?.message).to.contain("VM vm-node-1 does not exist");
    w.cloud.failures.clear();
    await l.again();
    expect(w.vmOf()).to.equal("vm-node-1");
  });

  const base = forwardingRuleName(CLUSTER, bindingName(A, "External"));
  /** The rule of the address as a pair, as where Google Cloud refuses one for all protocols. */
  const asPair = (): void => {
    const rule = ruleOf();
    w.cloud.rules.delete(rule.name);
    for (const protocol of ["TCP", "UDP"])
      w.cloud.rules.set(`${base}-${protocol.toLowerCase()}`, { ...rule, name: `${base}-${protocol.toLowerCase()}`, protocol });
  };
  it("E52 E49: the missing one of a TCP and UDP pair is made again, and the other is not touched", async () => {
    await begin();
    asPair();
    await drift();
    w.cloud.rules.delete(`${base}-udp`);
    const before = w.cloud.done.length;
    await drift();
    expect([...w.cloud.rules.keys()].sort()).to.deep.equal([`${base}-tcp`, `${base}-udp`]);
    expect(w.cloud.done.slice(before)).to.deep.equal([`forwardingRules.insert ${base}-udp`]);
    expect(told("DriftRepaired").at(-1)).to.contain(`forwarding rule ${base}-udp of the pair was missing`);
  });
  it("E52: one that Google Cloud refuses is not asked for at each look", async () => {
    await begin();
    asPair();
    w.cloud.notCarried = [{ protocol: "UDP", why: "the address is not shared" }];
    w.cloud.rules.delete(`${base}-udp`);
    await drift();
    await drift();
    expect([w.condition("Ready")?.status, told("ProtocolsNotCarried").length]).to.deep.equal(["True", 1]);
  });

  it("an internal address on the cluster's own network gets a rule in the VPC of its reservation", async () => {
    const world = new TestWorld();
    const subnetwork = "projects/demo/regions/us-central1/subnetworks/primary";
    world.defaultNetwork = true;
    world.cloud.reserve("10.0.0.5", { type: "Internal", network: "primary-vpc", subnetwork });
    world.put("gateway", gatewayOf({ spec: { gatewayClassName: OWN_CLASSES.Internal, addresses: cidr("10.0.0.5/32") } }));
    await begin(world.withRoute({ spec: { addresses: cidr("10.0.0.5/32"), network: "default" } }));
    expect([w.condition("Ready")?.status, ruleOf("10.0.0.5").network]).to.deep.equal(["True", "primary-vpc"]);
  });

  it("RuleUpdated: global access is turned on and off in place, without a move", async () => {
    const world = new TestWorld();
    world.cloud.reserve("10.0.0.5", {
      type: "Internal",
      network: "blue-vpc",
      subnetwork: "projects/demo/regions/us-central1/subnetworks/blue",
    });
    world.put("gateway", gatewayOf({ spec: { gatewayClassName: OWN_CLASSES.Internal, addresses: cidr("10.0.0.5/32") } }));
    await begin(world.withRoute({ spec: { addresses: cidr("10.0.0.5/32") } }));
    expect([w.condition("Ready")?.status, ruleOf("10.0.0.5").allowGlobalAccess]).to.deep.equal(["True", undefined]);
    const set = async (allowGlobalAccess: boolean): Promise<void> => {
      w.edit("my-ip-route", (r) => ({ ...r, spec: { ...r.spec, allowGlobalAccess } }));
      await l.run();
    };
    await set(true);
    expect([ruleOf("10.0.0.5").allowGlobalAccess, w.count("forwardingRules.setTarget")]).to.deep.equal([true, 0]);
    expect(told("RuleUpdated")).to.deep.equal(["global access of 10.0.0.5 is on now"]);
    await set(false);
    await drift();
    expect([ruleOf("10.0.0.5").allowGlobalAccess, w.count("forwardingRules.patch")]).to.deep.equal([false, 2]);
    expect(told("DriftRepaired")).to.deep.equal([]);
  });

  it("E50: an address whose change hangs at Google holds up no other (fairness)", async () => {
    w = new TestWorld().withRoute();
    w.put("route", routeOf({ metadata: { name: "second", uid: "uid-second" }, spec: { addresses: cidr("34.123.10.2/32") } }));
    l = await w.boot();
    l.keys.clear();
    await l.reconciler.reconcile("route/default/my-ip-route");
    await settle();
    w.agent();
    await settle();
    w.cloud.gate = (method) => (method === "forwardingRules.insert" ? new Promise<void>(() => undefined) : Promise.resolve());
    // Two workers, as the queue has them: one of them waits for ever.
    void l.reconciler.reconcile("route/default/my-ip-route").catch(() => undefined);
    while (w.cloud.rules.size === 0) await settle();
    w.cloud.gate = () => Promise.resolve();
    for (let i = 0; i < 4; i++) {
      await l.reconciler.reconcile("route/default/second");
      await settle();
      w.agent();
      await settle();
    }
    expect(w.condition("Ready", "second")?.status).to.equal("True");
    expect(w.condition("Ready")?.status).to.not.equal("True");
  });
});
