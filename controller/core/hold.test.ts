// SPDX-License-Identifier: Apache-2.0
// When many lost nodes are believed, and when not.
import { expect } from "chai";
import { nodeLoss, NODE_LOSS_DEFAULTS as DEFAULTS, type GoneNode } from "./hold";
import { nodeOf } from "./testing";
import type { NodeView } from "./world";

const NOW = Date.UTC(2026, 0, 1, 12);
const down = (name: string, secondsAgo: number, over: Partial<NodeView> = {}): NodeView =>
  nodeOf(name, { ready: false, notReadySince: new Date(NOW - secondsAgo * 1000).toISOString(), ...over });
const up = (n: number): NodeView[] => Array.from({ length: n }, (_, i) => nodeOf(`up-${i}`));
const lostOf = (nodes: NodeView[], gone: GoneNode[] = [], over: Partial<typeof DEFAULTS> = {}): string[] =>
  nodeLoss(nodes, gone, { ...DEFAULTS, ...over }, NOW)?.lost ?? [];

describe("Hold on bad news: nodes lost at once", () => {
  it("holds when more than the share is lost within a burst, and says which, and until when (E18, C9)", () => {
    const loss = nodeLoss([down("a", 60), down("b", 30), down("c", 31), ...up(2)], [], DEFAULTS, NOW);
    expect(loss?.lost).to.deep.equal(["a", "c", "b"]);
    expect(loss?.until).to.equal(NOW - 30_000 + DEFAULTS.timeoutMs);
    expect(loss?.message).to.equal(
      "3 of 5 nodes were lost at once (a, c, b), so nothing moves until they are back, or until 2026-01-01T12:09:30Z",
    );
  });
  it("does not for one zone of three, nor for exactly the share, nor for a single node (E18, E19)", () => {
    expect(lostOf([down("a", 1), down("b", 1), ...up(4)])).to.deep.equal([]);
    expect(lostOf([down("a", 1), down("b", 1), ...up(2)], [], { percent: 50 })).to.deep.equal([]);
    expect(lostOf([down("a", 1)])).to.deep.equal([]);
  });
  it("does not for nodes that went one by one, nor for what is older than the time-out", () => {
    expect(lostOf([down("a", 400), down("b", 200), down("c", 10)])).to.deep.equal([]);
    expect(lostOf([down("a", 601), down("b", 601), ...up(1)])).to.deep.equal([]);
    expect(lostOf([down("a", 599), down("b", 599), ...up(1)])).to.deep.equal(["a", "b"]);
  });
  it("counts nodes that were deleted, once, and not those that came back (E19, E20)", () => {
    const gone = [
      { name: "a", at: NOW - 5_000 },
      { name: "b", at: NOW - 4_000 },
    ];
    expect(lostOf(up(1), gone)).to.deep.equal(["a", "b"]);
    expect(lostOf([nodeOf("a"), ...up(1)], gone)).to.deep.equal([]);
  });
  it("does not count a node that was cordoned first: it leaves on purpose (S16)", () => {
    expect(lostOf([down("a", 1, { cordoned: true }), down("b", 1, { cordoned: true }), ...up(1)])).to.deep.equal([]);
  });
  it("is off at 100 per cent, and believes no date that is none", () => {
    expect(lostOf([down("a", 1), down("b", 1)], [], { percent: 100 })).to.deep.equal([]);
    expect(lostOf([down("a", 1, { notReadySince: "soon" }), down("b", 1, { notReadySince: undefined })])).to.deep.equal([]);
  });
  it("names five and counts the rest", () => {
    const many = Array.from({ length: 8 }, (_, i) => down(`n${i}`, 1));
    expect(nodeLoss(many, [], DEFAULTS, NOW)?.message).to.contain(
      "8 of 8 nodes were lost at once (n0, n1, n2, n3, n4 and 3 more)",
    );
  });
});
