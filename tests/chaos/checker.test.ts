// SPDX-License-Identifier: Apache-2.0
// The judge itself: it must see what it is there for.
import { expect } from "chai";
import type { Exchange } from "../../sandbox/emulator";
import { backwards, check, type Version } from "./checker";

const FR = "/compute/v1/projects/p/regions/r/forwardingRules";
const exchange = (at: number, methodId: string, path: string, request?: object): Exchange =>
  ({ at, methodId: `compute.${methodId}`, path, request, status: 200, method: "POST", query: {}, userAgent: "" }) as Exchange;
const target = (name: string, vm: string): Exchange =>
  exchange(0, "targetInstances.insert", "/x", { name, instance: `zones/z/instances/${vm}` });
const insert = (at: number, name: string, ti: string): Exchange =>
  exchange(at, "forwardingRules.insert", FR, { name, IPAddress: "1.2.3.4", target: `x/targetInstances/${ti}` });
const move = (at: number, ti: string): Exchange =>
  exchange(at, "forwardingRules.setTarget", `${FR}/pip-a/setTarget`, { target: `x/targetInstances/${ti}` });
const v = (seenAt: number, generation: number, ...nodes: string[]): Version => ({
  ...{ seenAt, generation, nodes, address: "1.2.3.4", phase: "" },
});
const TARGETS = [target("t1", "n1"), target("t2", "n2")];
const HISTORY = [v(1_000, 1, "n1"), v(10_000, 2, "n1", "n2"), v(20_000, 2, "n2")];

describe("checker of the request log", () => {
  it("finds nothing where every write followed the journal", () => {
    const report = check([...TARGETS, insert(1_100, "pip-a", "t1"), move(10_200, "t2"), move(21_000, "t2")], HISTORY);
    expect(report).to.deep.equal({ inserts: 1, setTargets: 2, deletes: 0, wrong: [] });
  });
  it("finds a node that the journal did not name at that time, and does not mind a request that was refused", () => {
    const log = [...TARGETS, insert(1_100, "pip-a", "t1")];
    expect(check([...log, move(5_000, "t2")], HISTORY).wrong[0]).to.contain(
      "setTarget of 1.2.3.4 to n2 at 5000, which the journal",
    );
    expect(check([...log, move(25_000, "t1")], HISTORY).wrong).to.have.length(1);
    expect(check([...log, { ...move(5_000, "t2"), status: 403 }], HISTORY).wrong).to.deep.equal([]);
  });
  it("finds a write of an older generation after one of a younger", () => {
    const history = [v(1_000, 1, "n1"), v(10_000, 2, "n2"), v(10_100, 3, "n1")];
    const log = [...TARGETS, insert(1_100, "pip-a", "t1"), move(10_050, "t1"), move(10_060, "t2")];
    expect(check(log, history).wrong[0]).to.contain("generation");
    expect(check([...log.slice(0, 3), move(10_050, "t2"), move(10_060, "t1")], history).wrong).to.deep.equal([]);
  });
  it("finds two rules on one address, unless the first was deleted before", () => {
    const log = [...TARGETS, insert(1_100, "pip-a", "t1")];
    expect(check([...log, insert(1_200, "pip-b", "t1")], HISTORY).wrong[0]).to.contain("two rules");
    const deleted = exchange(1_150, "forwardingRules.delete", `${FR}/pip-a`);
    expect(check([...log, deleted, insert(1_200, "pip-b", "t1")], HISTORY)).to.deep.include({ deletes: 1, wrong: [] });
  });
  it("finds a journal whose generation goes back", () => {
    expect(backwards(HISTORY)).to.deep.equal([]);
    expect(backwards([...HISTORY, v(30_000, 1, "n1")])).to.have.length(1);
  });
});
