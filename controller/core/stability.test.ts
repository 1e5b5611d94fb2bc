// SPDX-License-Identifier: Apache-2.0
// Stability: what keeps an address where it is, and what never does.
import { expect } from "chai";
import { STABILITY_ANNOTATION as A, type AddressBinding } from "../api";
import { moveCause } from "./cause";
import { begun, unserved } from "./handover";
import { mayHold, waitingMessage } from "./select";
import { FINISH_MS, policyOf, tenureOf } from "./stability";
import { gatewayOf, nodeOf, podOf, routeOf, world } from "./testing";
import { at, bindingOf, decide, heldBy, holderOf, move, routeWith, T0, verdicts } from "./testing-stability";
import type { PodView } from "./world";

const [old, next] = [podOf("old", 1), podOf("new", 2)];
const gold = (p: PodView): PodView => ({ ...p, labels: { ...p.labels, tier: "gold" } });

describe("Stability: without an annotation", () => {
  it("the newest Ready Pod takes over at once, as on GKE (E9, SEED-9)", () => {
    const s = decide({ pods: [old, next], binding: heldBy("old") });
    expect([s.selected?.name, verdicts(s), s.until]).to.deep.equal([
      "new",
      { new: "Selected", old: "OlderThanSelected" },
      undefined,
    ]);
  });
  it("a cordon changes nothing, and neither does a node that is not Ready (E18, S16)", () => {
    const nodes = [nodeOf("node-1", { cordoned: true, ready: false })];
    expect(decide({ pods: [old, next], nodes }).selected?.name).to.equal("new");
  });
});

describe("Stability: sticky", () => {
  const sticky = { [A.sticky]: "true" };
  it("keeps the holder against a newer Pod and says HeldBySticky", () => {
    const s = decide({ annotations: sticky, pods: [old, next], binding: heldBy("old") });
    expect([s.selected?.name, verdicts(s)]).to.deep.equal(["old", { new: "HeldBySticky", old: "Selected" }]);
    expect(waitingMessage(s)).to.equal("new waits (HeldBySticky): old has the address and can keep it (sticky)");
    expect(s.verdicts.every((v) => mayHold(v.reason))).to.equal(true);
  });
  it("gives the first Pod that comes back the address and leaves it there as the rest return (S14)", () => {
    const first = decide({ annotations: sticky, pods: [old], binding: bindingOf(unserved(heldBy("x").status, "none", at(50))) });
    expect(first.selected?.name).to.equal("old");
    expect(
      decide({ annotations: sticky, pods: [old, next, podOf("third", 3)], binding: heldBy("old", 60) }).selected?.name,
    ).to.equal("old");
  });
  it("never keeps a holder that is terminating, not Ready or gone (E3, S4)", () => {
    for (const pods of [[podOf("old", 1, { deleting: true }), next], [podOf("old", 1, { ready: false }), next], [next]])
      expect(decide({ annotations: sticky, pods, binding: heldBy("old") }).selected?.name).to.equal("new");
  });
  it("knows the holder by UID and node, not by name (E15)", () => {
    const again = podOf("old", 1, { uid: "other" });
    expect(decide({ annotations: sticky, pods: [again, next], binding: heldBy("old") }).selected?.name).to.equal("new");
  });
  it("goes on with a move that is under way (E51)", () => {
    const status = begun(
      heldBy("old").status,
      { do: "begin", next: holderOf("new"), generation: 2, cause: "NewerPod", routeUid: "uid-default-my-ip-route" },
      at(90),
    );
    expect(
      decide({ annotations: sticky, pods: [old, next, podOf("third", 3)], binding: bindingOf(status) }).selected?.name,
    ).to.equal("new");
  });
});

describe("Stability: a move under way, while a rollout brings newer Pods", () => {
  const third = podOf("third", 3);
  const toNew = (second: number, holder = true): AddressBinding => {
    const step = {
      do: "begin",
      next: holderOf("new"),
      generation: 2,
      cause: "NewerPod",
      routeUid: "uid-default-my-ip-route",
    } as const;
    return bindingOf(begun(holder ? heldBy("old").status : undefined, step, at(second)));
  };
  const gone = [
    [podOf("old", 1, { deleting: true }), next, third],
    [podOf("old", 1, { ready: false }), next, third],
    [next, third],
  ];
  it("is finished first where the Pod that has the packets can keep them no more, and says MoveUnderWay to the newer one", () => {
    for (const pods of gone) {
      const s = decide({ pods, binding: toNew(97) });
      expect([s.selected?.name, verdicts(s).third, s.until]).to.deep.equal(["new", "MoveUnderWay", T0 + 97_000 + FINISH_MS]);
    }
    expect(decide({ pods: [next, third], binding: toNew(97, false) }).selected?.name, "a first assignment").to.equal("new");
  });
  it("is not waited for where its begin lies ahead of this clock: another leader's was ahead, and nobody knows for how long to wait", () => {
    for (const pods of gone) expect(decide({ pods, binding: toNew(101) }).selected?.name).to.equal("third");
  });
  it("is left for the newest at once where it can (E51), where the Pod it goes to is lost, and after 5 s without an end", () => {
    expect(decide({ pods: [old, next, third], binding: toNew(97) }).selected?.name).to.equal("third");
    expect(decide({ pods: [podOf("new", 2, { deleting: true }), third], binding: toNew(97) }).selected?.name).to.equal("third");
    for (const pods of gone) expect(decide({ pods, binding: toNew(95) }).selected?.name).to.equal("third");
  });
});

describe("Stability: a move that somebody asked for", () => {
  const ask = { [A.moveTo]: "old" };
  it("goes to the Pod that is named, past newer ones, and says why", () => {
    const s = decide({ annotations: ask, pods: [old, next], binding: heldBy("new") });
    expect([s.selected?.name, verdicts(s)]).to.deep.equal(["old", { new: "LessPreferred", old: "Selected" }]);
    expect(s.verdicts.map((v) => v.message)).to.deep.equal([
      `the annotation ${A.moveTo} asks for old`,
      `the annotation ${A.moveTo} asks for it`,
    ]);
  });
  it("is held back by no dwell, no budget, no weight, no stickiness and no cordon", () => {
    const annotations = {
      ...{ ...ask, [A.sticky]: "true", [A.minDwellSeconds]: "600", [A.moveBudget]: "1/600" },
      ...{ [A.preferredPods]: "tier=gold:100", [A.avoidCordoned]: "true" },
    };
    const binding = heldBy("new", 99, [move("old", "new", 99)]);
    const nodes = [nodeOf("node-1"), nodeOf("node-2", { cordoned: true })];
    const pods = [{ ...old, node: "node-2" }, gold(next)];
    expect(decide({ annotations, pods, nodes, binding }).selected?.name).to.equal("old");
  });
  it("is not waited for: a named Pod that cannot be chosen, or is not there, changes nothing (S2)", () => {
    for (const pods of [[next], [podOf("old", 1, { ready: false }), next], [podOf("old", 1, { deleting: true }), next]])
      expect(decide({ annotations: ask, pods, binding: heldBy("new") }).selected?.name).to.equal("new");
  });
  it("is told apart from other moves by its cause", () => {
    const w = world({ pods: [old, next] });
    expect(moveCause(w, routeWith({ annotations: ask }), holderOf("new"), holderOf("old"))).to.equal("MoveAsked");
    expect(moveCause(w, routeWith({ annotations: ask }), holderOf("old"), holderOf("new"))).to.equal("NewerPod");
  });
});

describe("Stability: preferred Pods", () => {
  const preferred = { [A.preferredPods]: "tier=gold:50" };
  it("takes the labelled one before a newer one, which is LessPreferred (S15)", () => {
    const s = decide({ annotations: preferred, pods: [gold(old), next] });
    expect([s.selected?.name, verdicts(s)]).to.deep.equal(["old", { new: "LessPreferred", old: "Selected" }]);
    expect(s.verdicts.find((v) => v.pod.name === "new")?.message).to.contain("its weight 0 is less than 50 of old");
  });
  it("falls back to another when the labelled one cannot be chosen (S15)", () => {
    expect(
      decide({ annotations: preferred, pods: [{ ...gold(old), ready: false }, next], binding: heldBy("old") }).selected?.name,
    ).to.equal("new");
  });
  it("takes the address back only if asked: ReclaimNotAsked until then (S15)", () => {
    const c = { annotations: preferred, pods: [gold(old), next], binding: heldBy("new") };
    const s = decide(c);
    expect([s.selected?.name, verdicts(s).old]).to.deep.equal(["new", "ReclaimNotAsked"]);
    expect(decide({ ...c, annotations: { ...preferred, [A.reclaim]: "true", [A.sticky]: "true" } }).selected?.name).to.equal(
      "old",
    );
  });
  it("still lets the newest of equal weight take over (S15)", () => {
    const s = decide({ annotations: preferred, pods: [gold(podOf("gold", 1)), old, next], binding: heldBy("old") });
    expect([s.selected?.name, verdicts(s)]).to.deep.equal([
      "new",
      { new: "Selected", gold: "ReclaimNotAsked", old: "OlderThanSelected" },
    ]);
  });
  it("is the cause of the move that it asks for", () => {
    const annotations = { ...preferred, [A.reclaim]: "true" };
    const w = world({ pods: [gold(old), next] });
    expect(moveCause(w, routeWith({ annotations }), holderOf("new"), holderOf("old"))).to.equal("PreferredPod");
  });
});

describe("Stability: cordon and drain", () => {
  const avoid = { [A.avoidCordoned]: "true" };
  const nodes = [nodeOf("node-1"), nodeOf("node-2", { cordoned: true })];
  const onCordoned = podOf("new", 2, { node: "node-2" });
  it("does not choose a cordoned node while there is another, and says NodeCordoned (S16)", () => {
    const s = decide({ annotations: avoid, pods: [old, onCordoned], nodes });
    expect([s.selected?.name, verdicts(s)]).to.deep.equal(["old", { new: "NodeCordoned", old: "Selected" }]);
  });
  it("chooses it when there is no other (S16)", () => {
    expect(decide({ annotations: avoid, pods: [podOf("old", 1, { ready: false }), onCordoned], nodes }).selected?.name).to.equal(
      "new",
    );
  });
  it("leaves a node that gets cordoned before the eviction, whatever sticky, dwell and budget say (S16)", () => {
    const annotations = { ...avoid, [A.sticky]: "true", [A.minDwellSeconds]: "600", [A.moveBudget]: "1/600" };
    const held = bindingOf({ ...heldBy("new").status, holder: holderOf("new", "node-2") });
    const s = decide({ annotations, pods: [old, onCordoned], nodes, binding: held });
    expect([s.selected?.name, verdicts(s).new]).to.deep.equal(["old", "NodeCordoned"]);
    const w = world({ pods: [old, onCordoned], nodes });
    expect(moveCause(w, routeWith({ annotations }), held.status?.holder, holderOf("old"))).to.equal("NodeCordoned");
  });
  it("does not leave early for a Pod that is not Ready (Exists mode)", () => {
    const held = bindingOf({ ...heldBy("new").status, holder: holderOf("new", "node-2") });
    const s = decide({
      annotations: { ...avoid, [A.sticky]: "true" },
      pods: [{ ...old, ready: false }, onCordoned],
      nodes,
      binding: held,
      exists: true,
    });
    expect(s.selected?.name).to.equal("new");
  });
});

describe("Stability: what it goes by", () => {
  it("counts a move under way as one and its begin as the begin of the dwell", () => {
    const moving = begun(
      heldBy("old", 10).status,
      { do: "begin", next: holderOf("new"), generation: 2, cause: "NewerPod", routeUid: "r" },
      at(80),
    );
    expect(tenureOf([bindingOf(moving)], "r")).to.deep.equal({
      holder: holderOf("new"),
      since: T0 + 80_000,
      leaves: holderOf("old"),
      moves: [[T0 + 80_000]],
    });
  });
  it("believes nothing of another route's journal, and survives dates that are none", () => {
    const foreign = bindingOf({ ...heldBy("old").status, routeUid: "other" });
    expect(tenureOf([foreign], "r")).to.deep.equal({ moves: [] });
    const odd = bindingOf({ phase: "Held", holder: holderOf("old"), history: [{ ...move("a", "b", 0), finishedAt: "soon" }] });
    expect(tenureOf([odd], "r")).to.deep.equal({ holder: holderOf("old"), since: 0, moves: [[]] });
  });
  it("where the addresses of a route disagree, the latest wish is the holder's", () => {
    expect(tenureOf([heldBy("old", 10), heldBy("new", 20)], "uid-default-my-ip-route").holder?.pod).to.equal("new");
  });
  it("reads the policy of the route over that of its Gateway", () => {
    const w = world({ gateways: [gatewayOf({ metadata: { annotations: { [A.sticky]: "true", [A.reclaim]: "true" } } })] });
    const policy = policyOf(w, routeOf({ metadata: { annotations: { [A.sticky]: "false" } } }));
    expect([policy.sticky, policy.reclaim]).to.deep.equal([false, true]);
  });
});
