// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { bitsFor, cidrOnNode } from "./ranges";
import { plannedNodes } from "./names";

describe("ranges of Pod addresses on nodes", () => {
  it("gives a /24 for 110 Pods and a /28 for 8, as GKE documents", () => {
    expect([110, 64, 32, 8].map(bitsFor)).to.deep.equal([8, 7, 6, 4]);
  });
  it("cuts the range into pieces that do not overlap, until it is used up", () => {
    expect([0, 1, 2, 3, 4].map((i) => cidrOnNode("10.1.0.0/22", 110, i))).to.deep.equal([
      "10.1.0.0/24",
      "10.1.1.0/24",
      "10.1.2.0/24",
      "10.1.3.0/24",
      undefined,
    ]);
  });
  it("answers nothing for text that is no range", () => {
    expect(cidrOnNode("10.1.0.1/22", 110, 0)).to.equal(undefined);
  });
});

describe("names of the VMs of a pool", () => {
  it("are the same every time, distinct, and valid", () => {
    const nodes = plannedNodes("edge", "edge-main", ["z-a", "z-b"], 2);
    expect(nodes).to.deep.equal(plannedNodes("edge", "edge-main", ["z-a", "z-b"], 2));
    expect(new Set(nodes.map((n) => n.name)).size).to.equal(4);
    for (const { name } of nodes) expect(name).to.match(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
  });
});
