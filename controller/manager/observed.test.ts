// SPDX-License-Identifier: Apache-2.0
// What a status and a journal claim was observed, and of this very generation (invariant 3). Both were found by the simulator.
import { expect } from "chai";
import { cidr, networkObject } from "../core/testing";
import { pathOf, podRaw, TestWorld } from "./testing-world";

const RULE = (w: TestWorld): string => [...w.cloud.rules.keys()][0]!;

describe("A claim of the status", () => {
  it("E33 invariant 3: a route that was edited during its move is not called Ready at the generation that nobody judged", async () => {
    const w = new TestWorld("device").withRoute();
    const leader = await w.boot();
    await leader.run();
    const said: unknown[] = [];
    w.api.fuse = (what, when) => {
      const commit =
        when === "after" && what.endsWith("addressbindings/34-123-10-1/status") && w.binding()?.status?.phase === "Held";
      if (commit) w.edit("my-ip-route", (r) => ({ ...r, spec: { ...r.spec, addresses: cidr("34.123.10.2/32") } }));
      const ready = w.condition("GCPReady") as { status: string; observedGeneration?: number } | undefined;
      if (when === "after" && ready?.status === "True" && ready.observedGeneration === 2) said.push(w.vmOf("34.123.10.2"));
    };
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await leader.run();
    expect(said, "where the new address pointed whenever generation 2 was GCPReady").to.not.include(undefined);
    expect(w.condition("GCPReady")?.status).to.equal("True");
    expect(w.vmOf("34.123.10.2")).to.equal("vm-node-2");
    await leader.stop();
  });

  it("E60 invariant 3: with datapath Device, a route on a network whose NICs stay with the nodes waits for the agent's word", async () => {
    const w = new TestWorld("device").withRoute();
    w.put("network", networkObject());
    const answers: boolean[] = [];
    w.agent = () => answers.push(w.condition("DPV2Ready")?.status === "True") < 2;
    const leader = await w.boot();
    await leader.run();
    expect([answers, w.vmOf()]).to.deep.equal([[false, false], undefined]);
    expect(w.condition("Ready")).to.include({ status: "False", reason: "Mutated" });
    delete (w as Partial<TestWorld>).agent;
    await leader.again();
    expect([w.condition("Ready")?.status, w.vmOf()]).to.deep.equal(["True", "vm-node-1"]);
    await leader.stop();
  });

  it("E25 E49 invariant 3: a move to another Pod of the same node is finished after a look at the rule, not from what was known of it", async () => {
    const w = new TestWorld().withRoute();
    const leader = await w.boot();
    await leader.run();
    const rule = RULE(w);
    w.cloud.rules.delete(rule);
    w.cloud.addRule({ name: "foreign", address: "34.123.10.1", target: "x" });
    w.put("pod", podRaw("pod-2", 2, "node-1"));
    await leader.run();
    expect(w.condition("GCPReady")).to.include({ status: "False", reason: "GCPFailed" });
    expect(w.binding()?.status?.holder?.pod, "holder").to.equal("pod-1");
    w.cloud.rules.delete("foreign");
    await leader.again();
    expect(w.binding()?.status?.holder?.pod).to.equal("pod-2");
    expect(w.api.get(pathOf("route", "my-ip-route"))).to.not.equal(undefined);
    await leader.stop();
  });
});
