// SPDX-License-Identifier: Apache-2.0
// Stability: dwell and budget hold back planned moves only, and a hundred flaps stay within them.
import { expect } from "chai";
import { STABILITY_ANNOTATION as A, type AddressBindingStatus } from "../api";
import { moveCause } from "./cause";
import { begun, committed } from "./handover";
import { waitingMessage } from "./select";
import { podOf, world } from "./testing";
import { at, bindingOf, decide, heldBy, holderOf, move, routeWith, T0, verdicts } from "./testing-stability";

const [old, next] = [podOf("old", 1), podOf("new", 2)];

describe("Stability: minimum dwell", () => {
  const dwell = { [A.minDwellSeconds]: "60" };
  it("holds a planned move back, says WithinDwell and when to look again", () => {
    const s = decide({ annotations: dwell, pods: [old, next], binding: heldBy("old", 90), second: 100 });
    expect([s.selected?.name, verdicts(s), s.until]).to.deep.equal([
      "old",
      { new: "WithinDwell", old: "Selected" },
      T0 + 150_000,
    ]);
    expect(waitingMessage(s)).to.contain("until 2026-01-01T12:02:30Z");
  });
  it("lets it go when the time has come", () => {
    expect(decide({ annotations: dwell, pods: [old, next], binding: heldBy("old", 90), second: 150 }).selected?.name).to.equal(
      "new",
    );
  });
  it("never delays the loss of the holder (E3, E4)", () => {
    const s = decide({ annotations: dwell, pods: [podOf("old", 1, { ready: false }), next], binding: heldBy("old", 99) });
    expect([s.selected?.name, s.until]).to.deep.equal(["new", undefined]);
  });
  it("is the Gateway's default until the route says otherwise", () => {
    const c = { gateway: dwell, pods: [old, next], binding: heldBy("old", 90) };
    expect([decide(c).selected?.name, decide({ ...c, annotations: { [A.minDwellSeconds]: "0" } }).selected?.name]).to.deep.equal([
      "old",
      "new",
    ]);
  });
});

describe("Stability: move budget", () => {
  const budget = { [A.moveBudget]: "2/100" };
  const spent = [move("new", "old", 95), move("old", "new", 50), move(undefined, "old", 10)];
  it("holds a planned move back when the moves are spent, says BudgetSpent and when to look again", () => {
    const s = decide({ annotations: budget, pods: [old, next], binding: heldBy("old", 95, spent) });
    expect([s.selected?.name, verdicts(s).new, s.until]).to.deep.equal(["old", "BudgetSpent", T0 + 150_000]);
    expect(
      decide({ annotations: budget, pods: [old, next], binding: heldBy("old", 95, spent), second: 150 }).selected?.name,
    ).to.equal("new");
  });
  it("counts neither a first assignment nor a move to the same Pod", () => {
    const quiet = [move("old", "old", 95), move(undefined, "old", 90)];
    expect(decide({ annotations: budget, pods: [old, next], binding: heldBy("old", 95, quiet) }).selected?.name).to.equal("new");
  });
  it("never delays the loss of the holder, though that move counts", () => {
    expect(decide({ annotations: budget, pods: [next], binding: heldBy("old", 95, spent) }).selected?.name).to.equal("new");
  });
  it("keeps Ready toggling every second for 10 minutes within the budget of planned moves (F9, E4)", () => {
    const annotations = { [A.moveBudget]: "3/600" };
    let status: AddressBindingStatus = heldBy("old").status!;
    const causes: string[] = [];
    for (let second = 1; second <= 600; second++) {
      const pods = [old, podOf("new", 2, { ready: second % 2 === 0 })];
      const { selected } = decide({ annotations, pods, binding: bindingOf(status), second });
      if (!selected || selected.uid === status.holder?.podUID) continue;
      const cause = moveCause(world({ pods }), routeWith({ annotations }), status.holder, holderOf(selected.name));
      causes.push(cause);
      const step = {
        do: "begin" as const,
        next: holderOf(selected.name),
        generation: (status.generation ?? 0) + 1,
        cause,
        routeUid: "uid-default-my-ip-route",
      };
      status = committed({ ...begun(status, step, at(second)), phase: "Switching" }, at(second));
    }
    // A holder that is lost is never waited for, so each planned move may be followed by one that is not planned.
    expect(causes).to.deep.equal(["NewerPod", "PodNotReady", "NewerPod", "PodNotReady"]);
  });
});
