// SPDX-License-Identifier: Apache-2.0
// Laws of the IPv4 arithmetic.
import { expect } from "chai";
import fc from "fast-check";
import { contains, formatIp, isExternal, overlaps, parseCidr, parseIp } from "./ipv4";

const address = fc.integer({ min: 0, max: 0xffffffff });

describe("IPv4 arithmetic", () => {
  it("reads back what it writes", () => {
    fc.assert(fc.property(address, (ip) => parseIp(formatIp(ip)) === ip));
  });

  it("refuses other spellings (E28)", () => {
    for (const text of ["01.2.3.4", "1.2.3", "1.2.3.256", "1.2.3.4/32", "::1", " 1.2.3.4", ""])
      expect(parseIp(text), text).to.equal(undefined);
    for (const text of ["10.0.0.1/24", "10.0.0.0/33", "10.0.0.0", "10.0.0.0/8/8", "a/8"])
      expect(parseCidr(text), text).to.equal(undefined);
  });

  it("finds two ranges to overlap exactly when they share their first or last address", () => {
    const range = fc.tuple(address, fc.integer({ min: 8, max: 32 })).map(([ip, prefix]) => {
      const size = 2 ** (32 - prefix);
      return { base: ip - (ip % size), prefix, last: ip - (ip % size) + size - 1 };
    });
    fc.assert(fc.property(range, range, (a, b) => overlaps(a, b) === (contains(a, b.base) || contains(b, a.base))));
  });

  it("tells private from external addresses", () => {
    for (const ip of ["34.123.10.1", "203.0.113.7", "198.18.0.1"]) expect(isExternal(parseIp(ip) ?? 0), ip).to.equal(true);
    for (const ip of ["10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.1.1", "224.0.0.1", "100.64.0.1"]) {
      expect(isExternal(parseIp(ip) ?? 0), ip).to.equal(false);
    }
  });
});
