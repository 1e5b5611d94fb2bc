// SPDX-License-Identifier: Apache-2.0
// Hot standby: who is prepared ahead, which answer of a node proves it, and what a failover then still has to do.
import { expect } from "chai";
import * as fc from "fast-check";
import { MOST_STANDBYS, STABILITY_ANNOTATION as A, type AddressBindingStatus, type NodeEntry } from "../api";
import { begun, committed, nextStep, switching, unserved } from "./handover";
import { bindingOf, holderOf, inputOf, NOW, targetOf, type HandoverWorld } from "./handover-model";
import { nodeDuties, nodeDuty, nodeProven } from "./node-duty";
import { sameStandbys, standbyProven, standingBy } from "./standby";
import { nodeOf, podOf } from "./testing";
import { decide, heldBy } from "./testing-stability";

const LATER = "2026-01-01T00:01:00Z";
const held: AddressBindingStatus = { phase: "Held", generation: 1, holder: holderOf(1), routeUid: "route-1" };
const ready = standingBy(held, [holderOf(2), holderOf(3)], NOW);
const answer = (n: number, over: Partial<NodeEntry> = {}): NodeEntry => ({
  ...{ node: `node-${n}`, pod: `pod-${n}`, podUID: `uid-${n}`, generation: 1, programmed: true, standby: NOW },
  ...over,
});

describe("Standbys of a route", () => {
  const nodes = [1, 2, 3, 4, 5, 6].map((n) => nodeOf(`node-${n}`));
  const on = (name: string, n: number, created: number) => podOf(name, created, { node: `node-${n}` });
  const names = (
    annotations: Record<string, string>,
    pods = [on("a", 1, 9), on("b", 1, 8), on("c", 2, 7), on("d", 2, 6), on("e", 3, 5)],
  ) => decide({ annotations, pods, nodes }).standby.map((s) => s.pod.name);
  it("are none unless asked for", () => expect(names({})).to.deep.equal([]));
  it("are the next best Pods of other nodes, one of each, no more than asked for", () => {
    expect(names({ [A.hotStandby]: "1" })).to.deep.equal(["c"]);
    expect(names({ [A.hotStandby]: "4" })).to.deep.equal(["c", "e"]);
    const many = [1, 2, 3, 4, 5, 6].map((n) => on(`p${n}`, n, n));
    expect(names({ [A.hotStandby]: String(MOST_STANDBYS) }, many)).to.deep.equal(["p5", "p4", "p3", "p2"]);
    expect(names({ [A.hotStandby]: String(MOST_STANDBYS + 1) }, many), "not allowed: the default").to.deep.equal([]);
  });
  it("are ordered by weight and by what can be selected at all, like the choice itself", () => {
    const gold = { ...on("e", 3, 5), labels: { ...on("e", 3, 5).labels, tier: "gold" } };
    const pods = [on("a", 1, 9), on("c", 2, 7), gold, { ...on("f", 4, 10), ready: false }];
    const annotations = { [A.hotStandby]: "2", [A.preferredPods]: "tier=gold:5" };
    const s = decide({ annotations, pods, nodes, binding: heldBy("a", 0) });
    expect([s.selected?.name, ...s.standby.map((c) => c.pod.name)]).to.deep.equal(["a", "e", "c"]);
    expect(s.verdicts.filter((v) => v.message.includes("hot standby")).map((v) => v.pod.name)).to.have.members(["c", "e"]);
  });
});

describe("The journal's standbys", () => {
  it("are written when the address is held, keep their time while they stay, and go when they are not asked for", () => {
    expect((ready.standby ?? []).map((s) => [s.pod, s.since])).to.deep.equal([
      ["pod-2", NOW],
      ["pod-3", NOW],
    ]);
    const other = standingBy(ready, [holderOf(3), holderOf(4)], LATER);
    expect((other.standby ?? []).map((s) => [s.pod, s.since])).to.deep.equal([
      ["pod-3", NOW],
      ["pod-4", LATER],
    ]);
    expect(standingBy(ready, [], LATER)).to.deep.equal(held);
    expect(sameStandbys(ready, [holderOf(2), holderOf(3)])).to.equal(true);
    expect(sameStandbys(ready, [holderOf(3), holderOf(2)])).to.equal(false);
  });
  it("stay through a move, but for the Pod that has the address in the end; another route's do not", () => {
    const step = { do: "begin", next: holderOf(2), generation: 2, cause: "PodGone", routeUid: "route-1" } as const;
    const moving = begun(ready, step, LATER);
    expect(moving.standby).to.deep.equal(ready.standby);
    expect(committed(switching(moving, LATER), LATER).standby!.map((s) => s.pod)).to.deep.equal(["pod-3"]);
    expect(begun(ready, { ...step, routeUid: "route-2" }, LATER)).to.not.have.property("standby");
    expect(unserved(ready, "", LATER)).to.not.have.property("standby");
  });
  it("are prepared for by their nodes, and by no node that serves somebody already", () => {
    expect(nodeDuties(ready, "node-2")).to.deep.equal({ serves: holderOf(2), standby: NOW, leaving: [] });
    expect(nodeDuty(ready, "node-2"), "it is not the holder's").to.equal(undefined);
    expect(nodeDuties(standingBy(held, [{ ...holderOf(2), node: "node-1" }], NOW), "node-1").serves).to.deep.equal(holderOf(1));
    expect(nodeDuties({ ...ready, phase: "Unserved" }, "node-2")).to.deep.equal({ leaving: [] });
  });
});

describe("A failover to a standby", () => {
  const at = (nodes: NodeEntry[], status = ready): AddressBindingStatus => ({
    ...begun(status, { do: "begin", next: holderOf(2), generation: 2, cause: "PodGone", routeUid: "route-1" }, LATER),
    routeVersion: "7",
    nodes,
  });
  it("waits for no node that was proven ahead, for this very order (invariant 3)", () => {
    expect(nodeProven(at([answer(2)]), holderOf(2))).to.equal(true);
    for (const bad of [
      { standby: LATER },
      { standby: undefined },
      { podUID: "uid-old" },
      { programmed: false },
      { node: "node-3" },
    ])
      expect(nodeProven(at([answer(2, bad)]), holderOf(2)), JSON.stringify(bad)).to.equal(false);
    const again = standingBy(standingBy(ready, [], NOW), [holderOf(2)], LATER);
    expect(nodeProven(at([answer(2)], again), holderOf(2)), "asked for anew").to.equal(false);
    expect(standbyProven(undefined, holderOf(2))).to.equal(false);
  });
  it("names standbys only while the address is held and its rule right, and then says no more (invariant 5)", () => {
    const list = fc.uniqueArray(fc.integer({ min: 2, max: 5 }), { maxLength: 4 }).map((ns) => ns.map(holderOf));
    fc.assert(
      fc.property(list, list, (before, wanted) => {
        const status = { ...standingBy(held, before, NOW), routeVersion: "1" };
        const world: HandoverWorld = {
          binding: bindingOf(status),
          rule: { state: "ours", target: targetOf(holderOf(1)) },
          known: true,
          version: 2,
        };
        const ask = (s: AddressBindingStatus) =>
          nextStep({ ...inputOf({ ...world, binding: bindingOf(s) }, holderOf(1)), standby: wanted }).do;
        expect(ask(status)).to.equal(sameStandbys(status, wanted) ? "nothing" : "stand-by");
        expect(ask(standingBy(status, wanted, LATER))).to.equal("nothing");
        expect(nextStep(inputOf(world, holderOf(1))).do, "not asked: as it is").to.equal("nothing");
        expect(ask({ ...status, phase: "Preparing", next: holderOf(1) })).to.not.equal("stand-by");
      }),
    );
  });
});
