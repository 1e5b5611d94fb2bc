// SPDX-License-Identifier: Apache-2.0
// What a node does by the journal, and what its answer is worth (datapath linux; datapath.md 9).
import { expect } from "chai";
import type { AddressBindingStatus, Holder, NodeEntry } from "../api";
import { begun, committed, switching, unserved } from "./handover";
import { nodeAnswer, nodeCondition, nodeDuty, nodeProven, RELEASE_AFTER_MS } from "./node-duty";

const holder = (n: number): Holder => ({
  pod: `pod-${n}`,
  podUID: `uid-${n}`,
  node: `node-${n}`,
  zone: "z",
  instance: `vm-${n}`,
});
const NOW = "2026-01-01T00:00:00Z";
const held: AddressBindingStatus = { phase: "Held", generation: 1, holder: holder(1) };
const moving = begun(held, { do: "begin", next: holder(2), generation: 2, cause: "NewerPod", routeUid: "r" }, NOW);
const entry = (over: Partial<NodeEntry> = {}): NodeEntry => ({
  node: "node-2",
  pod: "pod-2",
  podUID: "uid-2",
  generation: 2,
  programmed: true,
  ...over,
});

describe("The duty of a node", () => {
  it("is the holder's while the address is held", () => {
    expect(nodeDuty(held, "node-1")).to.deep.equal(holder(1));
    expect(nodeDuty(held, "node-2")).to.equal(undefined);
  });
  it("is both ends' during a move: the new node begins, the old one keeps until the fabric has moved", () => {
    for (const status of [moving, switching(moving, NOW)]) {
      expect(nodeDuty(status, "node-2")).to.deep.equal(holder(2));
      expect(nodeDuty(status, "node-1")).to.deep.equal(holder(1));
    }
    const done = committed(switching(moving, NOW), NOW);
    expect(nodeDuty(done, "node-1")).to.equal(undefined);
    expect(nodeDuty(done, "node-2")).to.deep.equal(holder(2));
  });
  it("of the old node ends after 60 s of a switch that nobody reports, and never before a switch was begun", () => {
    expect(nodeDuty(switching(moving, NOW), "node-1", RELEASE_AFTER_MS)).to.equal(undefined);
    expect(nodeDuty(switching(moving, NOW), "node-2", RELEASE_AFTER_MS)).to.deep.equal(holder(2));
    expect(nodeDuty(held, "node-1", 10 * RELEASE_AFTER_MS)).to.deep.equal(holder(1));
  });
  it("on one node is the new Pod's at once: the fabric has nothing to change", () => {
    const same = { ...holder(2), node: "node-1" };
    const status = begun(held, { do: "begin", next: same, generation: 2, cause: "NewerPod", routeUid: "r" }, NOW);
    expect(nodeDuty(status, "node-1")).to.deep.equal(same);
  });
  it("is nobody's where nobody is served or the address is given back", () => {
    expect(nodeDuty(unserved(held, "", NOW), "node-1")).to.equal(undefined);
    expect(nodeDuty({ ...held, phase: "Releasing" }, "node-1")).to.equal(undefined);
    expect(nodeDuty(undefined, "node-1")).to.equal(undefined);
  });
});

describe("The answer of a node", () => {
  const said = (e: NodeEntry): AddressBindingStatus => ({ ...moving, nodes: [entry({ node: "node-9" }), e] });
  it("proves only its own generation, Pod and node, and only what is programmed (invariant 3)", () => {
    expect(nodeProven(said(entry()), holder(2))).to.equal(true);
    for (const bad of [{ generation: 1 }, { podUID: "uid-old" }, { node: "node-3" }, { programmed: false }])
      expect(nodeProven(said(entry(bad)), holder(2)), JSON.stringify(bad)).to.equal(false);
    expect(nodeAnswer(undefined, holder(2))).to.equal(undefined);
  });
  it("makes DPV2Ready True when every address has one, says why where one is bad, and says nothing while one is missing", () => {
    const of = (e: NodeEntry | undefined, address = "34.123.10.1") => ({ address, entry: e });
    expect(nodeCondition([of(entry()), of(entry())], 7)).to.include({
      status: "True",
      reason: "DPV2Ready",
      observedGeneration: 7,
    });
    expect(nodeCondition([of(entry()), of(undefined)], 7)).to.equal(undefined);
    expect(nodeCondition([], 7)).to.equal(undefined);
    const conditions = [
      { type: "RoutesProgrammed", status: "True" as const, reason: "Programmed", message: "", lastTransitionTime: NOW },
      {
        type: "DatapathOwnedByCNI",
        status: "True" as const,
        reason: "ForeignDatapath",
        message: "Cilium",
        lastTransitionTime: NOW,
      },
    ];
    const bad = nodeCondition([of(entry({ programmed: false, conditions }))], 7);
    expect(bad).to.include({ status: "False", reason: "DPV2NotReady" });
    expect(bad!.message).to.equal("34.123.10.1 on node node-2: DatapathOwnedByCNI: Cilium");
  });
});
