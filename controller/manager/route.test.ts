// SPDX-License-Identifier: Apache-2.0
// A whole leader over an API server and a cloud in memory: what happens to the address, in which order, and what the user is told.
import { expect } from "chai";
import type { GKEIPRoute } from "../api";
import { gatewayOf, networkObject } from "../core/testing";
import { ComputeError } from "../compute";
import { isApiError } from "../kubernetes";
import { managedEntry } from "./testing-api";
import { pathOf, podRaw, TestWorld, type Leader } from "./testing-world";

const FIRST = "34.123.10.1";

describe("A route under the leader", () => {
  let w: TestWorld;
  let l: Leader;
  const begin = async (world: TestWorld): Promise<void> => {
    w = world;
    l = await w.boot();
    await l.run();
  };
  afterEach(() => l.stop());
  const reasons = (): string[] => w.told.map((t) => t.reason);

  it("SEED-8: gets the address to the Pod's node, and says so in conditions, Event and metrics", async () => {
    await begin(new TestWorld().withRoute());
    expect(w.vmOf()).to.equal("vm-node-1");
    expect(w.route()?.status?.pods).to.deep.equal(["pod-1"]);
    for (const type of ["Accepted", "GCPReady", "DPV2Ready", "Ready"]) expect(w.condition(type)?.status, type).to.equal("True");
    expect(w.binding()?.status).to.include({ phase: "Held", ready: "True" });
    expect(w.told).to.deep.equal([
      {
        route: "my-ip-route",
        type: "Normal",
        reason: "AddressMoved",
        message: `${FIRST} moved to pod-1 (node-1): FirstAssignment, 0 ms`,
      },
    ]);
    expect(await l.metrics.moves.get()).to.have.nested.property("values[0].labels.cause", "FirstAssignment");
    expect(l.errors).to.deep.equal([]);
  });

  it("claims, resets the status, is told by the node, journals the switch, and only then touches the cloud (DESIGN 4.4)", async () => {
    await begin(new TestWorld().withRoute());
    w.api.writes();
    w.cloud.done.length = 0;
    const order: string[] = [];
    w.api.fuse = (what, when) => void (when === "after" && order.push(what));
    w.cloud.fuse = (what, when) => void (when === "after" && order.push(what.split(" ")[0]!));
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await l.run();
    const route = `PATCH ${pathOf("route", "my-ip-route")}/status`;
    const journal = `PATCH ${pathOf("binding", "34-123-10-1")}/status`;
    // The target instance is made ahead of need, at its own pace.
    expect(order.filter((o) => o !== "targetInstances.insert")).to.deep.equal([
      journal, // Preparing
      route, // DPV2Ready is put back
      journal, // the version of that
      journal, // Switching
      "forwardingRules.setTarget",
      journal, // Held
      route, // Ready
    ]);
    expect(w.vmOf()).to.equal("vm-node-2");
    const phases = w.api.writes().flatMap(({ body }) => (body.status as { phase?: string }).phase ?? []);
    expect(phases).to.deep.equal(["Preparing", "Preparing", "Switching", "Held"]);
  });

  it("E60: switches nothing before the node says DPV2Ready of the new Pod, and says Mutated until then", async () => {
    await begin(new TestWorld().withRoute());
    w.agent = () => false;
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await l.run();
    expect(w.vmOf()).to.equal("vm-node-1");
    expect(w.condition("Ready")?.reason).to.equal("Mutated");
    expect(w.condition("DPV2Ready")?.status).to.equal("False");
    expect(l.requeueOf()).to.be.greaterThan(0);
  });

  it("E60: a reset for a Pod of the same name is a write of its own, so that no word about the older one can be newer", async () => {
    await begin(new TestWorld().withRoute());
    w.agent = () => false;
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await l.run();
    const before = w.binding()!.status!;
    w.api.remove(pathOf("pod", "pod-2"));
    w.put("pod", podRaw("pod-2", 5, "node-2", { uid: "another" }));
    await l.run();
    const after = w.binding()!.status!;
    expect(after.next?.podUID).to.equal("another");
    expect(Number(after.routeVersion)).to.be.greaterThan(Number(before.routeVersion));
    expect(w.condition("DPV2Ready")?.message).to.include("another");
  });

  it("invariant 5: looks again at unchanged truth without writing anything", async () => {
    await begin(new TestWorld().withRoute());
    w.api.writes();
    const done = w.cloud.done.length;
    l.reconciler.everything("background");
    await l.run();
    await l.reconciler.drift();
    await l.run();
    expect(w.api.writes()).to.deep.equal([]);
    expect(w.cloud.done.length).to.equal(done);
    expect(l.keys.size).to.equal(0);
  });

  it("E51: of two moves in quick succession the last wins, with one setTarget", async () => {
    await begin(new TestWorld().withRoute());
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    w.put("pod", podRaw("pod-3", 3, "node-3"));
    await l.run();
    expect(w.vmOf()).to.equal("vm-node-3");
    expect(w.count("forwardingRules.setTarget")).to.equal(1);
  });

  it("E16 S5: notices a Pod that came back under its name on the same node, and has the node programmed anew", async () => {
    await begin(new TestWorld().withRoute());
    const before = w.binding()!.status!;
    w.api.remove(pathOf("pod", "pod-1"));
    w.put("pod", podRaw("pod-1", 5, "node-1", { uid: "another" }));
    await l.run();
    const after = w.binding()!.status!;
    expect(after.holder?.podUID).to.equal("another");
    expect(after.generation).to.equal(before.generation! + 1);
    expect(Number(after.routeVersion)).to.be.greaterThan(Number(before.routeVersion));
    expect(w.count("forwardingRules.setTarget")).to.equal(0);
  });

  it("S2 SEED-83: without a Pod says NoPodsFound once, and keeps the rule and the reservation", async () => {
    await begin(new TestWorld().withRoute());
    w.api.remove(pathOf("pod", "pod-1"));
    await l.run();
    await l.again();
    expect(w.condition("Ready")?.reason).to.equal("NoPodsFound");
    expect(w.route()?.status?.pods).to.deep.equal([]);
    expect(w.cloud.rules.size).to.equal(1);
    expect(reasons().filter((r) => r === "NoPodsFound")).to.have.length(1);
  });

  it("E25: never touches a foreign rule on the address, names it, and goes on when it is gone", async () => {
    const world = new TestWorld().withRoute();
    const foreign = structuredClone(world.cloud.addRule({ name: "somebody", address: FIRST, target: "elsewhere" }));
    await begin(world);
    expect(w.condition("GCPReady")).to.include({ status: "False", reason: "GCPFailed" });
    expect(w.condition("GCPReady")?.message).to.contain("somebody");
    expect(w.cloud.rules.get("somebody")).to.deep.equal(foreign);
    expect(l.requeueOf()).to.equal(15_000);
    w.cloud.rules.delete("somebody");
    await l.again();
    expect(w.condition("Ready")?.status).to.equal("True");
  });

  it("C1 E50 C3: a refusal of the cloud is GCPFailed with its words, is told once, and is tried again when the cloud says", async () => {
    const world = new TestWorld().withRoute();
    const error = (): ComputeError =>
      new ComputeError({
        code: "RateLimited",
        method: "m",
        message: "slow down",
        reason: "rateLimitExceeded",
        retryAfterMs: 42_000,
      });
    world.cloud.failures.set("forwardingRules.insert", [error(), error()]);
    await begin(world);
    expect(w.condition("GCPReady")?.message).to.equal(`${FIRST}: slow down (rateLimitExceeded)`);
    expect(l.requeueOf()).to.equal(42_000);
    l.reconciler.everything("background");
    await l.run();
    expect(w.cloud.failures.get("forwardingRules.insert")).to.have.length(1);
    await l.again();
    expect(reasons().filter((r) => r === "GCPFailed")).to.have.length(1);
    await l.again();
    expect(w.condition("Ready")?.status).to.equal("True");
  });

  it("E49: repairs a rule that somebody deleted or pointed elsewhere, and counts it", async () => {
    await begin(new TestWorld().withRoute());
    const [name] = w.cloud.rules.keys();
    w.cloud.rules.set(name!, { ...w.cloud.rules.get(name!)!, target: "projects/demo/zones/z/targetInstances/other" });
    await l.reconciler.drift();
    await l.run();
    expect(w.vmOf()).to.equal("vm-node-1");
    w.cloud.rules.delete(name!);
    await l.reconciler.drift();
    await l.run();
    expect(w.vmOf()).to.equal("vm-node-1");
    expect(reasons().filter((r) => r === "DriftRepaired")).to.have.length(2);
    expect((await l.metrics.repairs.get()).values[0]?.value).to.equal(2);
    expect(w.binding()?.status?.generation).to.equal(1);
  });

  it("E52: says which protocols the rules in place of L3_DEFAULT do not carry", async () => {
    const world = new TestWorld().withRoute();
    world.cloud.notCarried = [{ protocol: "ESP", why: "refused" }];
    await begin(world);
    expect(w.told.find((t) => t.reason === "ProtocolsNotCarried")?.message).to.equal(`${FIRST} does not carry ESP (refused)`);
  });

  it("E55: drops the advice about firewalls once one lets packets in", async () => {
    await begin(new TestWorld().withRoute());
    expect(w.condition("GCPReady")?.message).to.contain("no firewall rule of VPC blue-vpc");
    const open = {
      name: "in",
      network: "blue-vpc",
      direction: "INGRESS",
      priority: 1000,
      disabled: false,
      action: "allow",
    } as const;
    w.cloud.firewalls = [{ ...open, protocols: ["all"], sourceRanges: ["0.0.0.0/0"], destinationRanges: [], targeted: false }];
    await l.reconciler.drift();
    await l.run();
    expect(w.condition("GCPReady")).to.include({ status: "True", message: "" });
  });

  for (const [reason, spoil] of [
    ["NetworkNotReady", (world: TestWorld) => world.put("network", networkObject("blue-network", {}, "False"))],
    ["NetworkNotFound", (world: TestWorld) => world.api.remove(pathOf("network", "blue-network"))],
    [
      "GatewayNotAccepted",
      (world: TestWorld) => world.put("gateway", gatewayOf({ spec: { addresses: [{ type: "x", value: "y" }] } })),
    ],
  ] as const)
    it(`E46: ${reason} moves nothing and gives nothing back, also after a restart`, async () => {
      await begin(new TestWorld().withRoute());
      const done = w.cloud.done.length;
      spoil(w);
      await l.run();
      expect(w.condition("Accepted")?.reason).to.equal(reason);
      await l.stop();
      l = await w.boot();
      await l.run();
      await l.reconciler.drift();
      expect(w.cloud.done.slice(done)).to.deep.equal([]);
      expect(w.binding()?.status?.phase).to.equal("Held");
    });

  it("a lost lease ends the work with Fenced, writes nothing more, and is no status", async () => {
    await begin(new TestWorld().withRoute());
    w.api.writes();
    const done = w.cloud.done.length;
    w.leading = false;
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await l.run();
    expect(l.errors.map((e) => (e as ComputeError).code)).to.deep.equal(["Fenced"]);
    expect(w.api.writes()).to.deep.equal([]);
    expect(w.cloud.done.length).to.equal(done);
    expect(w.condition("Ready")?.status).to.equal("True");
  });

  it("E63 C4: a status that changed meanwhile is not overwritten: the pass is repeated from what is there", async () => {
    await begin(new TestWorld().withRoute());
    let once = true;
    w.api.fuse = (what, when) => {
      if (when !== "before" || !what.endsWith("my-ip-route/status") || !once) return;
      once = false;
      w.edit("my-ip-route", (r) => ({ ...r, metadata: { ...r.metadata, labels: { touched: "yes" } } }));
    };
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await l.run();
    expect(l.errors.every((e) => isApiError(e, "Conflict"))).to.equal(true);
    expect(l.errors).to.have.length(1);
    expect(w.route()?.metadata.labels).to.deep.equal({ touched: "yes" });
    expect(w.vmOf()).to.equal("vm-node-2");
    expect(w.condition("Ready")?.status).to.equal("True");
  });

  it("T3: heals a status that was deleted by hand with kubectl", async () => {
    await begin(new TestWorld().withRoute());
    w.api.change<GKEIPRoute>(pathOf("route", "my-ip-route"), (r) => {
      const { status: _, ...rest } = r;
      return { ...rest, metadata: { ...r.metadata, managedFields: [managedEntry("kubectl-patch", [])] } } as GKEIPRoute;
    });
    await l.run();
    expect(w.condition("Ready")?.status).to.equal("True");
    expect(w.vmOf()).to.equal("vm-node-1");
    expect(w.count("forwardingRules.setTarget")).to.equal(0);
  });
});
