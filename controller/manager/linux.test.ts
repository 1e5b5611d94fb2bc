// SPDX-License-Identifier: Apache-2.0
// Datapath linux under the leader: nothing is switched before the node's own proof, and the nodes' entries survive every write of the controller.
import { expect } from "chai";
import { STABILITY_ANNOTATION, type AddressBinding } from "../api";
import { pathOf, podRaw, TestWorld, type Leader } from "./testing-world";

describe("Datapath linux under the leader", () => {
  let w: TestWorld;
  let l: Leader;
  beforeEach(async () => {
    w = new TestWorld("linux").withRoute();
    l = await w.boot();
  });
  afterEach(() => l.stop());
  const nodes = (): string[] => (w.binding()?.status?.nodes ?? []).map((n) => `${n.node} ${n.generation} ${n.programmed}`).sort();
  const journal = `PATCH ${pathOf("binding", "34-123-10-1")}/status`;

  it("moves the address when the node has proven it, and says by whom DPV2Ready is known (invariant 3)", async () => {
    await l.run();
    expect(w.vmOf()).to.equal("vm-node-1");
    expect(w.condition("DPV2Ready")).to.include({ status: "True", reason: "DPV2Ready" });
    expect(w.condition("DPV2Ready")!.message).to.include("node-1").and.include("kernel routes");
    expect(w.condition("Ready")).to.include({ status: "True" });
    expect(nodes()).to.deep.equal(["node-1 1 true"]);
    expect(l.errors).to.deep.equal([]);
  });
  it("switches nothing while the new node is silent, and the old one keeps the address (datapath.md 9)", async () => {
    await l.run();
    w.silent.add("node-2");
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await l.run();
    expect(w.vmOf()).to.equal("vm-node-1");
    expect(w.binding()?.status).to.include({ phase: "Preparing", generation: 2 });
    expect(w.condition("DPV2Ready")).to.include({ status: "False", reason: "Mutated" });
    expect(nodes(), "the old node is still programmed").to.deep.equal(["node-1 2 true"]);
    w.silent.delete("node-2");
    await l.run();
    expect(w.vmOf()).to.equal("vm-node-2");
    expect(nodes(), "it let go when the fabric had moved").to.deep.equal(["node-2 2 true"]);
    expect(w.condition("Ready")).to.include({ status: "True" });
  });
  it("says DPV2NotReady where the node cannot, and switches nothing", async () => {
    w.unable.add("node-1");
    await l.run();
    expect(w.vmOf()).to.equal(undefined);
    expect(w.condition("DPV2Ready")).to.include({ status: "False", reason: "DPV2NotReady" });
    w.unable.delete("node-1");
    await l.run();
    expect(w.condition("Ready")).to.include({ status: "True" });
    w.unable.add("node-1");
    await l.run();
    expect(w.condition("DPV2Ready"), "a node that loses it later says so").to.include({ status: "False" });
    expect(w.condition("Ready")).to.include({ status: "False" });
  });
  it("does not believe an entry of an older generation or of another Pod (E60)", async () => {
    await l.run();
    w.silent.add("node-2");
    w.api.change<AddressBinding>(pathOf("binding", "34-123-10-1"), (b) => ({
      ...b,
      status: {
        ...b.status,
        nodes: [
          { node: "node-2", podUID: "uid-pod-2", generation: 1, programmed: true },
          { node: "node-3", podUID: "uid-pod-2", generation: 2, programmed: true },
        ],
      },
    }));
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await l.run();
    expect(w.vmOf()).to.equal("vm-node-1");
  });
  it("repeats a write that a node's answer came between, at once and without losing the answer", async () => {
    await l.run();
    let between = 0;
    w.api.fuse = (what, when) => {
      if (what !== journal || when !== "before" || between >= 3) return;
      between += 1;
      w.api.change<AddressBinding>(pathOf("binding", "34-123-10-1"), (b) => ({
        ...b,
        status: {
          ...b.status,
          nodes: [
            ...(b.status?.nodes ?? []).filter((n) => n.node !== "node-9"),
            { node: "node-9", generation: between, programmed: false },
          ],
        },
      }));
    };
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await l.run();
    expect(between).to.equal(3);
    expect(l.errors).to.deep.equal([]);
    expect(w.vmOf()).to.equal("vm-node-2");
    expect(nodes()).to.include("node-9 3 false");
  });
  it("gives up a write that anything else came between (the fence holds)", async () => {
    await l.run();
    let between = 0;
    w.api.fuse = (what, when) => {
      if (what !== journal || when !== "before" || between > 0) return;
      between += 1;
      w.api.change<AddressBinding>(pathOf("binding", "34-123-10-1"), (b) => ({
        ...b,
        status: { ...b.status, message: "somebody else" },
      }));
    };
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await l.run();
    expect(l.errors.map(String).join()).to.include("changed meanwhile");
    expect(w.vmOf(), "and the next pass does it").to.equal("vm-node-2");
  });
});

describe("Hot standby under the leader", () => {
  const hot = (n: string) => ({ metadata: { annotations: { [STABILITY_ANNOTATION.hotStandby]: n } } });
  let w: TestWorld;
  let l: Leader;
  const start = async (standbys: string): Promise<void> => {
    w = new TestWorld("linux").withRoute(hot(standbys));
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    w.put("pod", podRaw("pod-3", 3, "node-3"));
    l = await w.boot();
    await l.run();
    expect(w.vmOf()).to.equal("vm-node-3");
  };
  afterEach(() => l.stop());
  const ahead = (): string[] => (w.binding()?.status?.standby ?? []).map((s) => s.pod);
  const lose = async (pod: string): Promise<void> => {
    w.api.remove(pathOf("pod", pod, "default"));
    await l.run();
  };

  it("has the next Pods' nodes prepared, and loses no time with a node that cannot answer any more when the holder is gone", async () => {
    await start("2");
    expect(ahead()).to.deep.equal(["pod-2", "pod-1"]);
    const said = w.binding()!.status!.nodes!.find((n) => n.node === "node-2");
    expect(said).to.include({ programmed: true, standby: w.binding()!.status!.standby![0]!.since });
    const before = w.count("forwardingRules.setTarget");
    w.silent.add("node-2");
    w.api.writes();
    await lose("pod-3");
    expect(w.vmOf()).to.equal("vm-node-2");
    const phases = w.api.writes().flatMap(({ body }) => (body as { status?: { phase?: string } }).status?.phase ?? []);
    expect(phases.slice(0, 3), "no write of its own for the reset").to.deep.equal(["Preparing", "Switching", "Held"]);
    expect(w.count("forwardingRules.setTarget") - before).to.equal(1);
    expect(w.binding()!.status).to.include({ phase: "Held", generation: 2 });
    expect(w.condition("DPV2Ready"), "said only when the node has answered this generation (invariant 3)").to.include({
      status: "False",
    });
    w.silent.delete("node-2");
    await l.run();
    expect(w.condition("Ready")).to.include({ status: "True" });
    expect(ahead()).to.deep.equal(["pod-1"]);
    expect(l.errors).to.deep.equal([]);
  });
  it("without it waits for that node", async () => {
    await start("0");
    expect(w.binding()!.status).to.not.have.property("standby");
    w.silent.add("node-2");
    await lose("pod-3");
    expect(w.vmOf()).to.equal("vm-node-3");
    expect(w.binding()!.status).to.include({ phase: "Preparing" });
  });
  it("waits too for a standby whose node has not answered, and writes nothing more once all is said (T2)", async () => {
    await start("1");
    w.api.writes();
    await l.run();
    expect(w.api.writes()).to.deep.equal([]);
    w.unable.add("node-2");
    w.agent();
    await lose("pod-3");
    expect(w.vmOf()).to.equal("vm-node-3");
  });
  it("is said to be ignored where the node's part is not ours", async () => {
    w = new TestWorld("dataplane-v2").withRoute(hot("2"));
    l = await w.boot();
    await l.run();
    expect(w.condition("Accepted")!.message).to.include("only datapath Linux has a hot standby");
    expect(w.binding()!.status).to.not.have.property("standby");
  });
});
