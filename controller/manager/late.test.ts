// SPDX-License-Identifier: Apache-2.0
// What a pass was begun with may be out of date when its turn comes: the route was edited, its Pod is on its way out, or its claim is newer than
// the list of routes. Each of these was found by a seed of the simulator (2985, 6650, 7345).
import { expect } from "chai";
import { forwardingRuleName, type AddressBinding, type Condition, type GKEIPRoute } from "../api";
import { cidr, routeOf } from "../core/testing";
import { settle } from "../kubernetes/testing";
import { managedEntry, type Sent } from "./testing-api";
import { CLUSTER, pathOf, podRaw, TestWorld, type Leader } from "./testing-world";

const [FIRST, SECOND] = ["34.123.10.1", "34.123.10.2"] as const;

describe("A pass that comes late", () => {
  let w: TestWorld;
  let l: Leader;
  const begin = async (world: TestWorld): Promise<void> => {
    w = world;
    l = await w.boot();
    await l.run();
  };
  afterEach(() => l.stop());
  /** Pods that journals were begun for, since the last call of `writes`. */
  const chosen = (sent: readonly Sent[]): (string | undefined)[] =>
    sent
      .map(({ body }) => (body as { status?: AddressBinding["status"] }).status)
      .filter((s) => s?.phase === "Preparing" && (s.routeVersion ?? "") === "")
      .map((s) => s?.next?.pod);
  const terminate = async (pod: string): Promise<void> => {
    w.api.change(pathOf("pod", pod), (o) => ({ ...o, metadata: { ...o.metadata, deletionTimestamp: "2026-01-01T01:00:00Z" } }));
    await settle();
  };
  /** From now on a method of the cloud answers when the returned function is called. */
  const stall = (method: string): (() => void) => {
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    w.cloud.gate = (m) => (m === method ? gate : Promise.resolve());
    return () => {
      w.cloud.gate = () => Promise.resolve();
      go();
    };
  };

  /** A newer Pod on node-2, and a pass over its move that waits for a method of the cloud. */
  const moveThatHangs = async (method: string): Promise<{ release: () => void; moving: Promise<unknown> }> => {
    const release = stall(method);
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await settle();
    const moving = l.run();
    for (let i = 0; i < 40; i++) await settle();
    return { release, moving };
  };

  it("invariant 3: a route that was edited before its finalizer was there is not said to be ready with the addresses that it had", async () => {
    await begin(new TestWorld("device"));
    w.withRoute();
    await settle();
    w.api.lag("/gkeiproutes");
    w.edit("my-ip-route", (r) => ({ ...r, spec: { ...r.spec, addresses: cidr(`${SECOND}/32`) } }));
    w.api.writes();
    await l.run();
    const said = w.api
      .writes()
      .filter(({ path }) => path.startsWith(pathOf("route", "my-ip-route")))
      .flatMap(({ body }) => (body as { status?: { conditions?: Condition[] } }).status?.conditions ?? []);
    expect(said).to.deep.equal([]);
    expect(w.binding()).to.equal(undefined);
    // The answer to that write is what the next pass goes by, whether the watch has told it or not.
    await l.again();
    expect(w.condition("GCPReady")).to.include({ status: "True" });
    expect([w.vmOf(FIRST), w.vmOf(SECOND)]).to.deep.equal([undefined, "vm-node-1"]);
    w.api.catchUp();
    await l.run();
    expect(w.count("forwardingRules.insert")).to.equal(1);
    expect(l.errors).to.deep.equal([]);
  });

  it("invariant 2: an address whose claim is newer than what is known of routes is not given back", async () => {
    await begin(new TestWorld());
    w.api.lag("/gkeiproutes");
    w.withRoute();
    const { uid = "" } = w.route()!.metadata;
    // As another leader has left it.
    const name = forwardingRuleName(CLUSTER, "34-123-10-1");
    const { id } = w.cloud.addRule({ name, address: FIRST, target: "projects/demo/zones/z/targetInstances/t", ours: true });
    await l.parts.cloud.refresh();
    const route = { namespace: "default", name: "my-ip-route", uid };
    const spec = { address: FIRST, scope: "External", network: "blue-network", vpc: "blue-vpc", route };
    w.put("binding", { metadata: { name: "34-123-10-1", uid: "binding-uid" }, spec, status: { phase: "Held", generation: 4 } });
    await l.run();
    expect(w.count("forwardingRules.delete")).to.equal(0);
    w.api.catchUp();
    await l.run();
    expect(w.cloud.rules.get(name)?.id).to.equal(id);
    expect(w.vmOf(FIRST)).to.equal("vm-node-1");
    expect(w.binding()?.metadata.uid).to.equal("binding-uid");
    expect(w.binding()?.status).to.include({ phase: "Held" });
    expect(l.errors).to.deep.equal([]);
  });

  it("invariant 1: a pass that had to wait for another one on its address begins no move to a Pod that terminates meanwhile", async () => {
    await begin(new TestWorld().withRoute());
    w.put("route", routeOf({ metadata: { name: "young", creationTimestamp: "2026-02-01T00:00:00Z" } }));
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await l.run();
    const release = stall("forwardingRules.setTarget");
    w.put("pod", podRaw("pod-3", 3, "node-3"));
    await settle();
    w.agent();
    const moving = l.run();
    for (let i = 0; i < 40; i++) await settle();
    w.api.remove(pathOf("route", "my-ip-route"));
    await settle();
    const heir = l.reconciler.reconcile("route/default/young");
    for (let i = 0; i < 10; i++) await settle();
    w.api.writes();
    await terminate("pod-3");
    release();
    await Promise.all([heir, moving]);
    await l.run();
    expect(chosen(w.api.writes())).to.deep.equal(["pod-2"]);
    expect(w.vmOf()).to.equal("vm-node-2");
    expect(w.binding()?.spec.route.name).to.equal("young");
    expect(w.binding()?.status?.holder?.pod).to.equal("pod-2");
    expect(w.count("forwardingRules.delete")).to.equal(0);
    expect(l.errors).to.deep.equal([]);
  });

  it("E23: an address that is to be given back, and waits for its turn, goes to the heir that came meanwhile; its rule stays", async () => {
    await begin(new TestWorld().withRoute());
    const { release, moving } = await moveThatHangs("forwardingRules.setTarget");
    w.api.remove(pathOf("route", "my-ip-route"));
    await settle();
    const leaving = l.reconciler.reconcile("route/default/my-ip-route");
    for (let i = 0; i < 10; i++) await settle();
    w.put("route", routeOf({ metadata: { name: "young", creationTimestamp: "2026-02-01T00:00:00Z" } }));
    await settle();
    release();
    await Promise.all([leaving, moving]);
    await l.run();
    expect(w.count("forwardingRules.delete")).to.equal(0);
    expect(w.binding()?.spec.route.name).to.equal("young");
    expect(w.condition("Ready", "young")?.status).to.equal("True");
    expect(w.route()).to.equal(undefined);
  });

  it("DESIGN 6: a pass that had to wait decides nothing any more when a second controller has begun to decide meanwhile", async () => {
    await begin(new TestWorld().withRoute());
    const { release, moving } = await moveThatHangs("targetInstances.insert");
    w.api.change<GKEIPRoute>(pathOf("route", "my-ip-route"), (o) => ({
      ...o,
      metadata: { ...o.metadata, managedFields: [managedEntry("another-controller", ["pods", "Accepted"])] },
      status: { ...o.status, pods: ["pod-1"] },
    }));
    await settle();
    release();
    await moving;
    await l.run();
    expect(w.count("forwardingRules.setTarget")).to.equal(0);
    expect(w.vmOf()).to.equal("vm-node-1");
    expect(w.binding()?.status?.phase).to.equal("Switching");
  });

  it("E51: a target instance that took its time is not pointed at when its Pod is on its way out by then", async () => {
    await begin(new TestWorld().withRoute());
    const { release, moving } = await moveThatHangs("targetInstances.insert");
    expect(w.binding()?.status?.phase).to.equal("Switching");
    await terminate("pod-2");
    release();
    await moving;
    await l.run();
    expect(w.count("forwardingRules.setTarget")).to.equal(0);
    expect(w.vmOf()).to.equal("vm-node-1");
    expect(w.binding()?.status).to.include({ phase: "Held", generation: 3 });
    expect(w.binding()?.status?.holder?.pod).to.equal("pod-1");
    expect(w.condition("Ready")?.status).to.equal("True");
    expect(l.requeueOf()).to.equal(undefined);
    expect(l.errors).to.deep.equal([]);
  });
});
