// SPDX-License-Identifier: Apache-2.0
// A subnetwork grows in place and is replaced when it shrinks or moves.
import { expect } from "chai";
import fc from "fast-check";
import { shrinks } from "./ranges";

describe("change of a subnetwork's range", () => {
  it("a wider prefix around the same addresses is growth", () => {
    expect(shrinks("10.1.0.0/20", "10.1.0.0/16")).to.equal(false);
    expect(shrinks("10.1.240.0/20", "10.1.0.0/16")).to.equal(false);
  });

  it("a narrower prefix or another place is a replace", () => {
    expect(shrinks("10.1.0.0/16", "10.1.0.0/20")).to.equal(true);
    expect(shrinks("10.1.0.0/20", "10.2.0.0/16")).to.equal(true);
    expect(shrinks("192.168.0.0/16", "10.0.0.0/8")).to.equal(true);
  });

  it("agrees with a bit-wise containment check for any two ranges", () => {
    const range = fc.tuple(fc.nat(0xffffffff), fc.integer({ min: 1, max: 32 }));
    const show = (n: number, bits: number): string => `${[24, 16, 8, 0].map((s) => (n >>> s) & 255).join(".")}/${bits}`;
    fc.assert(
      fc.property(range, range, ([a, x], [b, y]) => {
        const mask = (0xffffffff << (32 - y)) >>> 0;
        const contains = y <= x && (a & mask) >>> 0 === (b & mask) >>> 0;
        expect(shrinks(show(a, x), show(b, y))).to.equal(!contains);
      }),
    );
  });

  it("says nothing about what is not an IPv4 range", () => {
    expect(shrinks(undefined, "10.0.0.0/8")).to.equal(false);
    expect(shrinks("10.0.0.0/8", "unknown")).to.equal(false);
  });
});
