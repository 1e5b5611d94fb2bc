// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { allowingRules, ingressAllowed } from "./firewall";
import type { ObservedFirewall } from "./types";

const PUBLIC = "34.123.10.1";
const INSIDE = "10.1.0.50";
const rule = (over: Partial<ObservedFirewall> = {}): ObservedFirewall => ({
  name: "allow",
  network: "blue",
  direction: "INGRESS",
  priority: 1000,
  disabled: false,
  action: "allow",
  protocols: ["tcp:443"],
  sourceRanges: ["0.0.0.0/0"],
  destinationRanges: [],
  targeted: false,
  ...over,
});
const denyAll = (over: Partial<ObservedFirewall> = {}) =>
  rule({ name: "deny", action: "deny", protocols: ["all"], priority: 100, ...over });

describe("what VPC firewalls let in (E55)", () => {
  const cases: [string, ObservedFirewall[], string, boolean][] = [
    ["no rule at all", [], PUBLIC, false],
    ["an open rule", [rule()], PUBLIC, true],
    ["an open rule of another VPC", [rule({ network: "red" })], PUBLIC, false],
    ["a disabled rule", [rule({ disabled: true })], PUBLIC, false],
    ["an egress rule", [rule({ direction: "EGRESS" })], PUBLIC, false],
    [
      "a rule for private sources, for a public address",
      [rule({ sourceRanges: ["10.0.0.0/8", "192.168.4.0/24"] })],
      PUBLIC,
      false,
    ],
    ["a rule for private sources, for an internal address", [rule({ sourceRanges: ["10.0.0.0/8"] })], INSIDE, true],
    ["a rule by source tags only", [rule({ sourceRanges: [] })], PUBLIC, false],
    ["a rule for exactly this address", [rule({ destinationRanges: ["34.123.10.1/32"] })], PUBLIC, true],
    ["a rule for another address", [rule({ destinationRanges: ["34.123.10.2/32"] })], PUBLIC, false],
    ["a rule with target tags", [rule({ targeted: true })], PUBLIC, true],
    ["a stronger deny of everything", [rule(), denyAll()], PUBLIC, false],
    ["a deny of everything at the same priority", [rule(), denyAll({ priority: 1000 })], PUBLIC, false],
    ["a weaker deny of everything", [rule(), denyAll({ priority: 65534 })], PUBLIC, true],
    ["a stronger deny of another protocol", [rule(), denyAll({ protocols: ["udp"] })], PUBLIC, true],
    ["a stronger deny of one other port", [rule(), denyAll({ protocols: ["tcp:22"] })], PUBLIC, true],
    ["a stronger deny of the whole protocol", [rule(), denyAll({ protocols: ["tcp"] })], PUBLIC, false],
    ["a stronger deny of some sources", [rule(), denyAll({ sourceRanges: ["203.0.113.0/24"] })], PUBLIC, true],
    [
      "a stronger deny that covers the allowed source",
      [rule({ sourceRanges: ["203.0.113.7/32"] }), denyAll({ sourceRanges: ["203.0.113.0/24"] })],
      PUBLIC,
      false,
    ],
    ["a stronger deny for some VMs only", [rule(), denyAll({ targeted: true })], PUBLIC, true],
    ["a stronger deny for another address", [rule(), denyAll({ destinationRanges: ["34.123.10.2/32"] })], PUBLIC, true],
    ["IPv6 sources only", [rule({ sourceRanges: ["::/0"] })], PUBLIC, false],
    ["something that is no address", [rule()], "nonsense", false],
  ];
  for (const [what, rules, address, open] of cases)
    it(`${open ? "lets traffic in" : "is closed"} with ${what}`, () => {
      expect(ingressAllowed(rules, "blue", address)).to.equal(open);
    });

  it("names the rules that let traffic in, and not the ones a deny takes away", () => {
    const rules = [rule({ name: "web", priority: 50 }), rule({ name: "late" }), denyAll()];
    expect(allowingRules(rules, "blue", PUBLIC)).to.deep.equal(["web"]);
  });
});
