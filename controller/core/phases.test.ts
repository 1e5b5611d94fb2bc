// SPDX-License-Identifier: Apache-2.0
// Phases that another version of the controller, or another datapath, may have written into a journal.
import { expect } from "chai";
import { bindingOf, holderOf, ROUTE, targetOf } from "./handover-model";
import { nextStep } from "./handover";

describe("A journal in the phase Prepared", () => {
  const [from, to] = [holderOf(1), holderOf(2)];
  const at = (prepared: boolean) =>
    nextStep({
      binding: bindingOf({ phase: "Prepared", holder: from, next: to, generation: 2, routeUid: ROUTE, routeVersion: "7" }),
      routeUid: ROUTE,
      wanted: to,
      cause: "NewerPod",
      rule: { state: "ours", target: targetOf(from) },
      wantedTarget: targetOf(to),
      prepared,
    }).do;
  it("goes on to the switch while the node still says so, and waits for it where it does not (E47)", () =>
    expect([at(true), at(false)]).to.deep.equal(["switch", "await-datapath"]));
});
