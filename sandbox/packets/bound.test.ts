// SPDX-License-Identifier: Apache-2.0
// The formula of unplanned moves.
import { expect } from "chai";
import { boundOf, SANDBOX_SETTINGS } from "./bound";

describe("bound of an unplanned move", () => {
  it("is the sum of detection, decision, preparation, the change of the rule and the fabric (invariant 4)", () => {
    const { total, ...parts } = boundOf("nodeDead", SANDBOX_SETTINGS, false);
    expect(Object.values(parts).reduce((sum, n) => sum + n, 0)).to.equal(total);
    expect(parts.detection).to.equal(1_000 + 4_000 + 1_000 + 1_000);
  });

  it("needs no silence to be noticed where a Pod alone is lost", () => {
    const pod = boundOf("podKilled", SANDBOX_SETTINGS, false);
    const node = boundOf("nodeDead", SANDBOX_SETTINGS, false);
    expect(pod.detection).to.be.lessThan(node.detection);
    expect(node.total - pod.total).to.equal(node.detection - pod.detection);
  });

  it("waits for the lease where the controller's leader died with the node, no longer than it lasts", () => {
    const alone = boundOf("nodeDead", SANDBOX_SETTINGS, false);
    const leader = boundOf("nodeDead", SANDBOX_SETTINGS, true);
    expect(leader.detection + leader.decide).to.equal(15_000 + 2_000 + 1_000);
    expect(leader.total).to.be.greaterThan(alone.total);
    expect(boundOf("nodeDead", { ...SANDBOX_SETTINGS, leaseMs: 1_000 }, true).decide).to.equal(alone.decide);
  });
});
