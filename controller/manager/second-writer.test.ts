// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import type { GKEIPRoute } from "../api";
import { managedEntry } from "./testing-api";
import { pathOf, podRaw, TestWorld, type Leader } from "./testing-world";

const ROUTE = pathOf("route", "my-ip-route");
/** Somebody writes the status, as the API server records it. */
const written = (w: TestWorld, manager: string, owned: string[], pods?: string[]): void =>
  w.api.change<GKEIPRoute>(ROUTE, (r) => {
    const before = ((r.metadata as { managedFields?: object[] }).managedFields ?? []) as { manager?: string }[];
    const managedFields = [...before.filter((e) => e.manager !== manager), managedEntry(manager, owned)];
    const label = { ...r.metadata.labels, touched: `${Number(r.metadata.labels?.touched ?? 0) + 1}` };
    return {
      ...r,
      metadata: { ...r.metadata, labels: label, managedFields },
      status: { ...r.status, ...(pods ? { pods } : {}) },
    } as GKEIPRoute;
  });

describe("A route that another controller writes too (DESIGN 6)", () => {
  let l: Leader;
  afterEach(() => l.stop());
  const begin = async (w: TestWorld): Promise<void> => {
    l = await w.boot();
    await l.run();
  };
  const gauge = async (): Promise<number | undefined> => (await l.metrics.secondWriters.get()).values[0]?.value;

  it("stands still: no move, one write at most, and it is said on the route, by Event, in the log and as a metric", async () => {
    const w = new TestWorld().withRoute();
    await begin(w);
    w.api.writes();
    const done = w.cloud.done.length;
    for (let i = 0; i < 3; i++) {
      written(w, "gke-controller", ["Accepted", "pods"]);
      w.put("pod", podRaw(`later-${i}`, 10 + i, "node-2"));
      await l.run();
    }
    expect(w.api.writes().map((s) => s.path)).to.deep.equal([`${ROUTE}/status`]);
    expect(w.cloud.done.length).to.equal(done);
    expect(w.vmOf()).to.equal("vm-node-1");
    for (const part of ["gke-controller", "GkeManaged", "Observe"]) expect(w.condition("SecondWriter")?.message).to.contain(part);
    expect(w.told.filter((t) => t.reason === "SecondWriter")).to.have.length(1);
    written(w, "yet-another", ["Ready"]);
    await l.run();
    expect(w.api.writes(), "not even about a third one").to.deep.equal([]);
    expect(w.told.filter((t) => t.reason === "SecondWriter")).to.have.length(2);
    w.logged.pop();
    expect(w.logged.filter((e) => e.message.includes("another controller"))).to.have.length(1);
    expect(await gauge()).to.equal(1);
  });

  it("keeps status.pods and the conditions as they stand, so that the node goes on carrying the address", async () => {
    const w = new TestWorld().withRoute();
    await begin(w);
    const before = w.route()!.status!;
    written(w, "gke-controller", ["Ready"], ["theirs"]);
    await l.run();
    expect(w.route()?.status?.pods).to.deep.equal(["theirs"]);
    const four = w.route()!.status!.conditions!.filter((c) => c.type !== "SecondWriter");
    expect(four).to.have.deep.members(before.conditions!);
  });

  it("writes nothing else into a status that it never wrote, claims nothing and holds no finalizer", async () => {
    const w = new TestWorld();
    w.withRoute();
    written(w, "gke-controller", ["Accepted"], ["theirs"]);
    await begin(w);
    const sent = w.api.writes().filter((s) => s.path.includes("gkeiproutes") || s.path.includes("addressbindings"));
    expect(sent.map((s) => s.path)).to.deep.equal([`${ROUTE}/status`]);
    expect(sent[0]!.body.status).to.have.all.keys("conditions");
    expect(w.route()?.metadata.finalizers).to.equal(undefined);
    expect(w.cloud.done).to.deep.equal([]);
  });

  it("is not written again when the other one deletes what we said", async () => {
    const w = new TestWorld().withRoute();
    await begin(w);
    written(w, "gke-controller", ["Ready"]);
    await l.run();
    w.api.writes();
    w.api.change<GKEIPRoute>(ROUTE, (r) => ({
      ...r,
      status: { ...r.status, conditions: r.status!.conditions!.filter((c) => c.type !== "SecondWriter") },
    }));
    await l.run();
    expect(w.api.writes()).to.deep.equal([]);
  });
  it("is not written again after a restart while what we said still stands", async () => {
    const w = new TestWorld().withRoute();
    await begin(w);
    written(w, "gke-controller", ["Ready"]);
    await l.run();
    await l.stop();
    w.api.writes();
    await begin(w);
    expect(w.api.writes()).to.deep.equal([]);
    expect(await gauge()).to.equal(1);
  });

  it("goes on, and takes back what it said, when the other one has left nothing behind", async () => {
    const w = new TestWorld().withRoute();
    await begin(w);
    written(w, "gke-controller", ["Ready"]);
    await l.run();
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    written(w, "gke-controller", []);
    await l.run();
    expect(w.condition("SecondWriter")).to.equal(undefined);
    expect(w.vmOf()).to.equal("vm-node-2");
    expect(w.condition("Ready")?.status).to.equal("True");
    expect(await gauge()).to.equal(0);
  });

  it("is still cleaned up when it is deleted", async () => {
    const w = new TestWorld().withRoute();
    await begin(w);
    written(w, "gke-controller", ["Ready"]);
    await l.run();
    w.api.remove(ROUTE);
    await l.run();
    expect([w.route(), w.binding(), w.cloud.rules.size]).to.deep.equal([undefined, undefined, 0]);
    expect(await gauge()).to.equal(0);
  });

  for (const [who, manager, owned] of [
    ["T3: a person with kubectl", "kubectl-edit", ["Accepted", "Ready", "pods"]],
    ["GKE's node agent", "cilium-agent", ["DPV2Ready"]],
  ] as const)
    it(`${who} does not stop it`, async () => {
      const w = new TestWorld().withRoute();
      await begin(w);
      written(w, manager, [...owned]);
      w.put("pod", podRaw("pod-2", 2, "node-2"));
      await l.run();
      expect(w.vmOf()).to.equal("vm-node-2");
    });

  it("is none of our concern on Device networks", async () => {
    const w = new TestWorld("device").withRoute();
    written(w, "gke-controller", ["Ready"]);
    await begin(w);
    expect(w.condition("Ready")?.status).to.equal("True");
  });
});
