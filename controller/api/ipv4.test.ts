// SPDX-License-Identifier: Apache-2.0
// One canonical form or a refusal that names the value and what is allowed.
import { expect } from "chai";
import * as fc from "fast-check";
import { isPrivate, formatAddress, parseAddress, parseRange, rangeContains, rangesOverlap, type AddressProblem } from "./ipv4";

const usable = fc.integer({ min: 0x01000000, max: 0xdfffffff }).filter((v) => v >>> 24 !== 127 && v >>> 16 !== 0xa9fe);
const octet = fc.integer({ min: 0, max: 255 });

describe("IPv4 addresses", () => {
  it("gives every usable 32-bit value back after format and parse, with and without /32 (SEED-12, SEED-58)", () => {
    fc.assert(
      fc.property(usable, fc.constantFrom("", "/32"), (value, prefix) => {
        const text = formatAddress(value);
        expect(parseAddress(text + prefix)).to.deep.equal({ ok: true, address: text, value });
      }),
    );
  });

  it("has one spelling for one value: what parses is already canonical (E28)", () => {
    fc.assert(
      fc.property(fc.tuple(octet, octet, octet, octet), fc.constantFrom("", "/32"), (parts, prefix) => {
        const parsed = parseAddress(parts.join(".") + prefix);
        if (parsed.ok) expect(parsed.address).to.equal(parts.join("."));
      }),
    );
  });

  it("answers any text without throwing, and refuses with a message that is not empty", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV6(), fc.stringMatching(/^[0-9./ ]{0,20}$/)), (text) => {
        const parsed = parseAddress(text);
        if (parsed.ok) expect(formatAddress(parsed.value)).to.equal(parsed.address);
        else expect(parsed.message.length).to.be.greaterThan(10);
      }),
    );
  });

  const accepted: [string, string][] = [
    ["1.2.3.4", "1.2.3.4"],
    ["1.2.3.4/32", "1.2.3.4"],
    ["10.0.0.5/32", "10.0.0.5"],
    ["223.255.255.255", "223.255.255.255"],
    ["34.0.0.0/32", "34.0.0.0"],
  ];
  for (const [text, address] of accepted)
    it(`takes ${text} as ${address} (E28)`, () => expect(parseAddress(text)).to.include({ ok: true, address }));

  const refused: [string, AddressProblem, RegExp][] = [
    ["", "Empty", /is empty; write an IPv4 address/],
    ["1.2.3.4/31", "NotSlash32", /"1\.2\.3\.4\/31" is a range; only single addresses, \/32/],
    ["1.2.3.4/24", "NotSlash32", /only single addresses, \/32/],
    ["1.2.3.0/24", "NotSlash32", /is a range/],
    ["1.2.3.4/0", "NotSlash32", /is a range/],
    ["1.2.3.4/", "Prefix", /only \/32/],
    ["1.2.3.4/x", "Prefix", /only \/32/],
    ["1.2.3.4/032", "Prefix", /only \/32/],
    ["1.2.3.4/32/32", "Prefix", /more than one/],
    ["01.2.3.4", "LeadingZero", /"01\.2\.3\.4" has a leading zero/],
    ["1.2.3.04/32", "LeadingZero", /leading zero/],
    ["1.2.3.256", "OctetRange", /over 255/],
    ["1.2.3", "NotIPv4", /"1\.2\.3" is not an IPv4 address; write four numbers/],
    ["1.2.3.4.5", "NotIPv4", /not an IPv4/],
    ["1.2.3.-4", "NotIPv4", /not an IPv4/],
    ["1.2.3.4e1", "NotIPv4", /not an IPv4/],
    ["0x1.2.3.4", "NotIPv4", /not an IPv4/],
    ["web.example.com", "NotIPv4", /not an IPv4/],
    ["١.2.3.4", "NotIPv4", /not an IPv4/],
    [" 1.2.3.4", "Spaces", /has spaces in it; write "1\.2\.3\.4"/],
    ["1.2.3.4 /32", "Spaces", /write "1\.2\.3\.4\/32"/],
    ["1.2.3.4\n", "Spaces", /spaces/],
    ["::1", "IPv6", /is an IPv6 address; only IPv4/],
    ["2001:db8::1/128", "IPv6", /only IPv4/],
    ["::ffff:1.2.3.4", "IPv6", /only IPv4/],
    ["0.0.0.0", "Unusable", /no Pod can hold/],
    ["127.0.0.1/32", "Unusable", /loopback/],
    ["169.254.169.254", "Unusable", /link local/],
    ["224.0.0.1", "Unusable", /multicast/],
    ["255.255.255.255", "Unusable", /no Pod can hold/],
  ];
  for (const [text, problem, message] of refused)
    it(`refuses ${JSON.stringify(text)} as ${problem} and says what is allowed (E28, SEED-12, SEED-58)`, () => {
      const parsed = parseAddress(text);
      expect(parsed).to.include({ ok: false, problem });
      expect(parsed.ok ? "" : parsed.message).to.match(message);
    });
});

describe("IPv4 ranges", () => {
  it("holds exactly the addresses between its first and last", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 32 }), (value, prefix) => {
        const size = 2 ** (32 - prefix);
        const first = value - (value % size);
        const range = parseRange(`${formatAddress(first)}/${prefix}`)!;
        expect(range).to.deep.equal({ first, last: first + size - 1, prefix });
        expect(rangeContains(range, value)).to.equal(true);
        expect(rangeContains(range, first - 1) || rangeContains(range, first + size)).to.equal(false);
      }),
    );
  });

  for (const text of ["10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "10.0.0.0/8/8", "x", "10.0.0.0/-1", "010.0.0.0/8"])
    it(`refuses ${text}, where host bits are set or it is no range`, () => expect(parseRange(text)).to.equal(undefined));

  it("sees an overlap from both sides, and none between neighbours", () => {
    const [a, b, c] = ["10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8"].map((t) => parseRange(t)!);
    expect([rangesOverlap(a!, b!), rangesOverlap(b!, a!), rangesOverlap(a!, c!), rangesOverlap(c!, b!)]).to.deep.equal([
      true,
      true,
      false,
      false,
    ]);
  });

  it("tells private from public literals", () => {
    expect(["10.1.0.5", "172.31.0.1", "192.168.0.1", "100.64.0.1"].every(isPrivate)).to.equal(true);
    expect(["34.1.1.1", "172.32.0.1", "100.128.0.1", "text"].some(isPrivate)).to.equal(false);
  });
});
