// SPDX-License-Identifier: Apache-2.0
// A whole leader in memory gives addresses back: to an heir, at a delete, after a restart, and never what is not ours.
import { expect } from "chai";
import type { GKEIPRoute } from "../api";
import { cidr, routeOf } from "../core/testing";
import { ComputeError } from "../compute";
import { pathOf, podRaw, TestWorld, type Leader } from "./testing-world";

const FIRST = "34.123.10.1";
const SECOND = "34.123.10.2";

describe("A route that gives an address back", () => {
  let w: TestWorld;
  let l: Leader;
  const begin = async (world: TestWorld): Promise<void> => {
    w = world;
    l = await w.boot();
    await l.run();
  };
  afterEach(() => l.stop());
  const reasons = (): string[] => w.told.map((t) => t.reason);

  it("E33 A7: grows and shrinks without touching the address that stays", async () => {
    await begin(new TestWorld().withRoute());
    const first = structuredClone([...w.cloud.rules.values()][0]);
    w.edit("my-ip-route", (r) => ({ ...r, spec: { ...r.spec, addresses: cidr(`${FIRST}/32`, `${SECOND}/32`) } }));
    await l.run();
    expect(w.vmOf(SECOND)).to.equal("vm-node-1");
    w.edit("my-ip-route", (r) => ({ ...r, spec: { ...r.spec, addresses: cidr(`${FIRST}/32`) } }));
    await l.run();
    expect([...w.cloud.rules.values()]).to.deep.equal([first]);
    expect(w.binding("34-123-10-2")).to.equal(undefined);
    expect(w.binding()?.status?.generation).to.equal(1);
    expect(w.condition("Ready")?.status).to.equal("True");
  });

  it("E33 E61: an address that cannot be given back does not hold up the others, and is named", async () => {
    await begin(new TestWorld().withRoute({ spec: { addresses: cidr(`${FIRST}/32`, `${SECOND}/32`) } }));
    const failure = new ComputeError({ code: "PermissionDenied", method: "m", message: "may not delete", retryAfterMs: 1_000 });
    w.cloud.failures.set("forwardingRules.delete", [failure]);
    w.edit("my-ip-route", (r) => ({ ...r, spec: { ...r.spec, addresses: cidr(`${FIRST}/32`) } }));
    await l.run();
    expect(w.condition("GCPReady")?.message).to.equal(`${SECOND}: not given back yet: may not delete (PermissionDenied)`);
    expect(w.binding()?.status?.phase).to.equal("Held");
    await l.again();
    expect(w.condition("Ready")?.status).to.equal("True");
    expect(w.binding("34-123-10-2")).to.equal(undefined);
  });

  it("E42 E47: a rule that a dead leader has asked for and that is in no list yet keeps the claim; when it is there it goes, then the claim", async () => {
    await begin(new TestWorld().withRoute());
    const late = [...w.cloud.rules.values()][0]!;
    w.cloud.rules.delete(late.name);
    w.cloud.making.add(late.name);
    w.api.remove(pathOf("route", "my-ip-route"));
    await l.run();
    expect(w.binding()?.status?.phase).to.equal("Releasing");
    expect(w.condition("GCPReady")?.message).to.contain(
      `forwarding rule ${late.name} is being made by an operation that still runs`,
    );
    w.cloud.making.clear();
    w.cloud.rules.set(late.name, late);
    await l.again();
    expect([...w.cloud.rules.values()]).to.deep.equal([]);
    expect(w.binding()).to.equal(undefined);
  });

  it("E61: with one address held and one failed, says which failed, and leaves the held one alone", async () => {
    const world = new TestWorld().withRoute({ spec: { addresses: cidr(`${FIRST}/32`, `${SECOND}/32`) } });
    world.cloud.addRule({ name: "somebody", address: SECOND });
    await begin(world);
    expect(w.binding()?.status?.phase).to.equal("Held");
    expect(w.condition("GCPReady")?.message).to.contain(SECOND).and.not.contain(`${FIRST}:`);
    expect(w.condition("Ready")?.status).to.equal("False");
  });

  it("E23 E34: the next oldest route takes the address over without the rule being deleted, also to another VPC's network", async () => {
    const world = new TestWorld().withRoute();
    world.put(
      "route",
      routeOf({ metadata: { name: "young", creationTimestamp: "2026-02-01T00:00:00Z" }, spec: { network: "default" } }),
    );
    await begin(world);
    l.parts.settings.defaultNetwork = true;
    w.cloud.done.length = 0;
    w.api.remove(pathOf("route", "my-ip-route"));
    await l.run();
    l.parts.settings.defaultNetwork = false;
    expect(w.route()).to.equal(undefined);
    expect(w.count("forwardingRules.delete")).to.equal(0);
    expect(w.count("forwardingRules.insert")).to.equal(0);
  });

  it("E34: an heir in the same network is served by the very rule, with the journal begun anew", async () => {
    const world = new TestWorld().withRoute();
    world.put("route", routeOf({ metadata: { name: "young", creationTimestamp: "2026-02-01T00:00:00Z" } }));
    await begin(world);
    expect(w.condition("Accepted", "young")?.message).to.contain("default/my-ip-route");
    const rule = [...w.cloud.rules.keys()];
    w.cloud.done.length = 0;
    w.api.remove(pathOf("route", "my-ip-route"));
    await l.run();
    expect([...w.cloud.rules.keys()]).to.deep.equal(rule);
    expect(w.cloud.done).to.deep.equal([]);
    expect(w.binding()?.spec.route.name).to.equal("young");
    expect(w.binding()?.status).to.include({ phase: "Held", routeUid: "uid-default-young" });
    expect(w.condition("Ready", "young")?.status).to.equal("True");
  });

  it("E42: a deleted route goes when its rule, its claim and its target instance are gone, in this order", async () => {
    await begin(new TestWorld().withRoute());
    const order: string[] = [];
    const note = (what: string, when: string): void => void (when === "after" && !what.includes("gateways") && order.push(what));
    w.api.fuse = note;
    w.cloud.fuse = (what, when) => note(what.split(" ")[0]!, when);
    w.api.remove(pathOf("route", "my-ip-route"));
    await l.run();
    const claim = pathOf("binding", "34-123-10-1");
    expect(order).to.deep.equal([
      `PATCH ${claim}/status`, // Releasing
      "forwardingRules.delete",
      `DELETE ${claim}`,
      "targetInstances.delete",
      `PATCH ${pathOf("route", "my-ip-route")}`, // the finalizer
    ]);
    expect([w.route(), w.binding(), w.cloud.rules.size, w.cloud.targets.size]).to.deep.equal([undefined, undefined, 0, 0]);
    expect(w.cloud.addresses).to.have.length(2);
    expect(l.errors).to.deep.equal([]);
  });

  it("E42 E49: gives back what the cloud has, not what was known of it: a rule that nobody told us of goes too", async () => {
    await begin(new TestWorld().withRoute());
    l.cloud.forget([...w.cloud.rules.values()][0]!);
    w.api.remove(pathOf("route", "my-ip-route"));
    await l.run();
    expect([w.route(), w.cloud.rules.size]).to.deep.equal([undefined, 0]);
  });

  it("E49: a rule of our name from which our labels were taken is not ours to delete, and does not keep the route", async () => {
    await begin(new TestWorld().withRoute());
    const [rule] = w.cloud.rules.values();
    w.cloud.rules.set(rule!.name, { ...rule!, ours: false });
    w.api.remove(pathOf("route", "my-ip-route"));
    await l.run();
    expect([w.route(), w.binding(), w.cloud.rules.size]).to.deep.equal([undefined, undefined, 1]);
  });

  it("points no rule at a target instance that is not there yet, also where it could not be made ahead of need", async () => {
    await begin(new TestWorld("device").withRoute());
    const failure = new ComputeError({ code: "Unavailable", method: "m", message: "not now" });
    w.cloud.failures.set("targetInstances.insert", [failure]);
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await l.run();
    expect(w.vmOf()).to.equal("vm-node-2");
    expect(reasons()).to.not.include("GCPFailed");
  });

  it("a new leader sweeps no target instance of a route that it has not looked at yet", async () => {
    const world = new TestWorld().withRoute({ metadata: { name: "a" } });
    world.put(
      "route",
      routeOf({ metadata: { name: "b" }, spec: { addresses: cidr(`${SECOND}/32`), podSelector: { matchLabels: { x: "y" } } } }),
    );
    for (const [name, minute, node] of [
      ["b-1", 1, "node-2"],
      ["b-2", 2, "node-3"],
    ] as const) {
      const pod = podRaw(name, minute, node);
      world.put("pod", { ...pod, metadata: { ...pod.metadata, labels: { x: "y" } } });
    }
    await begin(world);
    await l.stop();
    w.cloud.done.length = 0;
    w.api.remove(pathOf("route", "a"));
    l = await w.boot();
    await l.run();
    expect(w.count("targetInstances.delete")).to.equal(0);
    await l.reconciler.drift();
    expect(w.cloud.targets.size).to.equal(2);
    expect(w.count("targetInstances.delete")).to.equal(1);
  });

  it("E43: with the cloud refusing, keeps finalizer and claim of a deleted route, and says why", async () => {
    await begin(new TestWorld().withRoute());
    const failure = new ComputeError({ code: "Unavailable", method: "m", message: "down", retryAfterMs: 5_000 });
    w.cloud.failures.set("forwardingRules.delete", [failure]);
    w.api.remove(pathOf("route", "my-ip-route"));
    await l.run();
    expect(w.route()?.metadata.finalizers).to.have.length(1);
    expect(w.told.at(-1)).to.include({
      type: "Warning",
      reason: "GCPFailed",
      message: `${FIRST}: not given back yet: down (Unavailable)`,
    });
    for (const type of ["GCPReady", "Ready"])
      expect(w.condition(type), type)
        .to.include({ status: "False", reason: "GCPFailed" })
        .and.to.have.property("message")
        .that.contains("down");
    expect(w.condition("DPV2Ready")?.status, "what the node says is not ours to change").to.equal("True");
    expect(l.requeueOf()).to.equal(5_000);
    await l.again();
    expect(w.route()).to.equal(undefined);
  });

  it("a route deleted by force, without its finalizer, leaves nothing behind", async () => {
    await begin(new TestWorld().withRoute());
    w.api.change<GKEIPRoute>(pathOf("route", "my-ip-route"), (r) => ({ ...r, metadata: { ...r.metadata, finalizers: [] } }));
    w.api.remove(pathOf("route", "my-ip-route"));
    await l.run();
    expect([w.binding(), w.cloud.rules.size, w.cloud.targets.size]).to.deep.equal([undefined, 0, 0]);
  });

  it("an orphaned claim is not kept alive by a route that cannot have it", async () => {
    const world = new TestWorld().withRoute();
    world.put(
      "route",
      routeOf({ metadata: { name: "broken", creationTimestamp: "2026-02-01T00:00:00Z" }, spec: { podSelector: {} } }),
    );
    await begin(world);
    w.api.change<GKEIPRoute>(pathOf("route", "my-ip-route"), (r) => ({ ...r, metadata: { ...r.metadata, finalizers: [] } }));
    w.api.remove(pathOf("route", "my-ip-route"));
    await l.run();
    expect([w.binding(), w.cloud.rules.size]).to.deep.equal([undefined, 0]);
  });
});
