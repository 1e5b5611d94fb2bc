// SPDX-License-Identifier: Apache-2.0
// Hold on bad news under a whole leader: what stands still, what says so, and how it ends.
import { expect } from "chai";
import { STABILITY_ANNOTATION as A, type KubeObject } from "../api";
import { FakeClock } from "../kubernetes/testing";
import { silentLogger } from "../kubernetes";
import { Metrics } from "./metrics";
import { MOST_STALE_MS, News } from "./news";
import { nodeRaw, pathOf, podRaw, TestWorld, type Leader } from "./testing-world";

describe("Hold on bad news under the leader", () => {
  let w: TestWorld;
  let l: Leader;
  const lost = (name: string): KubeObject =>
    ({
      ...nodeRaw(name),
      status: { conditions: [{ type: "Ready", status: "Unknown", lastTransitionTime: new Date(w.clock.now()).toISOString() }] },
    }) as KubeObject;
  /** Two of three nodes vanish, and with them the holder's readiness. */
  const begin = async (annotations: Record<string, string> = {}): Promise<void> => {
    w = new TestWorld().withRoute({ metadata: { annotations } });
    w.put("pod", podRaw("pod-0", 0, "node-3"));
    l = await w.boot();
    await l.run();
    for (const n of ["node-1", "node-2"]) w.put("node", lost(n));
    w.put("pod", podRaw("pod-1", 1, "node-1", { ready: false }));
    await l.run();
  };
  const told = (): string[] => w.told.map((t) => t.reason);
  const gauge = async (cause: string): Promise<number | undefined> =>
    (await l.metrics.holding.get()).values.find((v) => v.labels.cause === cause)?.value;
  afterEach(() => l.stop());

  it("NodesLost: nothing moves, and condition, Event, metric and log say so (C9, E18)", async () => {
    await begin();
    expect([w.vmOf(), w.route()?.status?.pods]).to.deep.equal(["vm-node-1", ["pod-1"]]);
    expect(w.condition("Ready")?.message).to.match(
      /^NodesLost: 2 of 3 nodes were lost at once \(node-1, node-2\).*kubectl annotate gkeiproute NAME/,
    );
    expect(told().filter((r) => r === "Holding")).to.have.lengthOf(1);
    expect(await gauge("NodesLost")).to.equal(1);
    expect(w.logged.some((e) => e.message === "holding: nothing moves" && e.fields.cause === "NodesLost")).to.equal(true);
    expect(l.requeueOf()).to.equal(600_000);
  });
  it("keeps the address even when no Pod could be chosen any more", async () => {
    await begin();
    w.put("pod", podRaw("pod-0", 0, "node-3", { ready: false }));
    await l.run();
    expect([w.binding()?.status?.phase, w.vmOf()]).to.deep.equal(["Held", "vm-node-1"]);
  });
  it("survives a restart of the controller", async () => {
    await begin();
    await l.stop();
    l = await w.boot();
    await l.run();
    expect(w.vmOf()).to.equal("vm-node-1");
  });
  it("HoldEnded: ends when the nodes are back", async () => {
    await begin();
    for (const n of ["node-1", "node-2"]) w.put("node", nodeRaw(n));
    w.put("pod", podRaw("pod-1", 1));
    await w.clock.advance(2_000);
    await l.run();
    expect([w.vmOf(), w.condition("Ready")?.message, told().at(-1)]).to.deep.equal(["vm-node-1", "", "HoldEnded"]);
    expect(await gauge("NodesLost")).to.equal(0);
  });
  it("ends after the time-out: then the loss is believed, and the address moves", async () => {
    await begin();
    await l.again();
    expect([w.vmOf(), w.binding()?.status?.lastMove?.cause]).to.deep.equal(["vm-node-3", "PodNotReady"]);
  });
  it("is overridden by one annotation on the route", async () => {
    await begin();
    w.edit("my-ip-route", (r) => ({ ...r, metadata: { ...r.metadata, annotations: { [A.nodeLossHold]: "false" } } }));
    await l.run();
    expect(w.vmOf()).to.equal("vm-node-3");
  });
  it("does not keep a route from its first address", async () => {
    w = new TestWorld();
    for (const n of ["node-1", "node-2"]) w.put("node", lost(n));
    l = await w.boot();
    w.withRoute();
    w.put("pod", podRaw("pod-3", 3, "node-3"));
    await l.run();
    expect(w.vmOf()).to.equal("vm-node-3");
  });
  it("counts nodes that were deleted, but not one that was cordoned first (E19, S16)", async () => {
    await begin();
    w.put("node", { ...nodeRaw("node-3"), spec: { unschedulable: true } });
    await l.run();
    for (const n of ["node-1", "node-3"]) w.api.remove(pathOf("node", n));
    await l.run();
    expect(l.caches.goneNodes().map((n) => n.name)).to.deep.equal(["node-1"]);
  });
  it("WatchSilent: beyond the bound nothing is tried, and what could not be written is told afterwards (C9, C7)", async () => {
    w = new TestWorld().withRoute();
    l = await w.boot();
    await l.run();
    let silentMs = MOST_STALE_MS + 1;
    l.caches.staleness = () => silentMs;
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    w.api.writes();
    await l.run();
    expect([w.vmOf(), w.api.writes(), l.errors]).to.deep.equal(["vm-node-1", [], []]);
    expect([await gauge("WatchSilent"), l.requeueOf(), told().at(-1)]).to.deep.equal([1, 10_000, "Holding"]);
    silentMs = 0;
    await l.again();
    expect([w.vmOf(), await gauge("WatchSilent")]).to.deep.equal(["vm-node-2", 0]);
    expect(told()).to.include("HoldEnded");
  });
});

describe("Hold on bad news: what it looks at", () => {
  it("walks over the nodes when one has changed, and else once a second at most, whoever asks", async () => {
    let looks = 0;
    let version = 1;
    const clock = new FakeClock();
    const caches = { nodes: () => (looks++, []), goneNodes: () => [], nodesVersion: () => version, staleness: () => 0 };
    const news = new News({ caches, clock, metrics: new Metrics(), logger: silentLogger });
    for (let i = 0; i < 100; i++) news.holds();
    await clock.advance(1_000);
    news.holds();
    expect(looks).to.equal(2);
    version = 2;
    news.holds();
    expect(looks).to.equal(3);
  });
});
