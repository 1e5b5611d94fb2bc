// SPDX-License-Identifier: Apache-2.0
// Stability under a whole leader: what the annotations do to addresses, status and Events, and that a restart forgets nothing of it.
import { expect } from "chai";
import { STABILITY_ANNOTATION as A, type KubeObject } from "../api";
import { gatewayOf } from "../core/testing";
import { nodeRaw, podRaw, TestWorld, type Leader } from "./testing-world";

const cordon = (name: string): KubeObject =>
  ({ ...nodeRaw(name), spec: { ...(nodeRaw(name) as { spec?: object }).spec, unschedulable: true } }) as KubeObject;

describe("Stability under the leader", () => {
  let w: TestWorld;
  let l: Leader;
  const begin = async (annotations: Record<string, string>): Promise<void> => {
    w = new TestWorld().withRoute({ metadata: { annotations } });
    l = await w.boot();
    await l.run();
  };
  const newer = async (): Promise<void> => {
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await l.run();
  };
  afterEach(() => l.stop());

  it("HeldBySticky: a newer Pod waits, and the condition Ready says so, without another write (T2)", async () => {
    await begin({ [A.sticky]: "true" });
    await newer();
    expect([w.vmOf(), w.condition("Ready")?.status]).to.deep.equal(["vm-node-1", "True"]);
    expect(w.condition("Ready")?.message).to.equal("pod-2 waits (HeldBySticky): pod-1 has the address and can keep it (sticky)");
    w.api.writes();
    await l.again();
    expect(w.api.writes()).to.deep.equal([]);
  });
  it("WithinDwell: looks again when the time has come, and a restart in between forgets nothing", async () => {
    await begin({ [A.minDwellSeconds]: "60" });
    await newer();
    expect([w.vmOf(), l.requeueOf()]).to.deep.equal(["vm-node-1", 60_000]);
    await l.stop();
    await w.clock.advance(20_000);
    l = await w.boot();
    await l.run();
    expect([w.vmOf(), l.requeueOf()]).to.deep.equal(["vm-node-1", 40_000]);
    await l.again();
    expect([w.vmOf(), w.condition("Ready")?.message]).to.deep.equal(["vm-node-2", ""]);
    expect(w.binding()?.status?.lastMove?.cause).to.equal("NewerPod");
  });
  it("WithinDwell does not delay the loss of the holder (E3)", async () => {
    await begin({ [A.minDwellSeconds]: "600" });
    await newer();
    w.put("pod", podRaw("pod-1", 1, "node-1", { ready: false }));
    await l.run();
    expect([w.vmOf(), w.binding()?.status?.lastMove?.cause]).to.deep.equal(["vm-node-2", "PodNotReady"]);
  });
  it("BudgetSpent: the moves of the journal count", async () => {
    await begin({ [A.moveBudget]: "1/600" });
    await newer();
    expect(w.vmOf()).to.equal("vm-node-2");
    w.put("pod", podRaw("pod-3", 3, "node-3"));
    await l.run();
    expect([w.vmOf(), l.requeueOf()]).to.deep.equal(["vm-node-2", 600_000]);
    expect(w.condition("Ready")?.message).to.contain("pod-3 waits (BudgetSpent)");
    await l.again();
    expect(w.vmOf()).to.equal("vm-node-3");
  });
  it("NodeCordoned: leaves a node that gets cordoned before anything is evicted (S16)", async () => {
    await begin({ [A.avoidCordoned]: "true", [A.sticky]: "true" });
    await newer();
    w.put("node", cordon("node-1"));
    await l.run();
    expect([w.vmOf(), w.binding()?.status?.lastMove?.cause]).to.deep.equal(["vm-node-2", "NodeCordoned"]);
  });
  it("takes a default from the Gateway as soon as it is annotated, whose generation stays the same", async () => {
    await begin({});
    w.put("gateway", gatewayOf({ metadata: { annotations: { [A.sticky]: "true" } } }));
    await l.run();
    await newer();
    expect(w.vmOf()).to.equal("vm-node-1");
    w.put("gateway", gatewayOf());
    await l.run();
    expect(w.vmOf()).to.equal("vm-node-2");
  });
  it("AnnotationIgnored: a wrong value is told once, stands with Accepted, and changes nothing else", async () => {
    await begin({ [A.sticky]: "yes" });
    await newer();
    expect([w.vmOf(), w.condition("Accepted")?.status]).to.deep.equal(["vm-node-2", "True"]);
    expect(w.condition("Accepted")?.message).to.match(
      /sticky"\]: "yes" is not "true" or "false"; it is ignored, and the default \(false\) is used \[StabilityValue\]/,
    );
    expect(w.told.filter((t) => t.reason === "AnnotationIgnored")).to.have.lengthOf(1);
  });
});
