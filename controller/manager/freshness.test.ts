// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { Freshness } from "./freshness";

describe("Freshness of knowledge", () => {
  it("lets a read replace what was known before it began, and nothing later", () => {
    const f = new Freshness();
    const read = f.now();
    expect(f.admits("x", read)).to.equal(true);
    f.stamp("x", f.now());
    expect(f.admits("x", read)).to.equal(false);
    expect(f.admits("y", read)).to.equal(true);
    expect(f.admits("x", f.now())).to.equal(true);
  });
  it("never goes back", () => {
    const f = new Freshness();
    const [early, late] = [f.now(), f.now()];
    f.stamp("x", late);
    f.stamp("x", early);
    expect(f.admits("x", late)).to.equal(false);
  });
  it("takes a complete read as the floor for everything, also for what it did not contain", () => {
    const f = new Freshness();
    const early = f.now();
    const list = f.now();
    f.stamp("old", early);
    const later = f.now();
    f.stamp("new", later);
    f.complete(list);
    expect(f.admits("old", early)).to.equal(false);
    expect(f.admits("unheard of", list)).to.equal(false);
    expect(f.admits("old", later)).to.equal(true);
    expect(f.admits("new", later)).to.equal(false);
    f.complete(early);
    expect(f.admits("old", list)).to.equal(false);
  });
});
