// SPDX-License-Identifier: Apache-2.0
// Both forms of list filters.
import { expect } from "chai";
import { ApiError } from "./errors";
import { parseFilter } from "./filter";

const ITEMS = [
  { name: "web", address: "34.123.10.1", status: "RESERVED", size: 3, labels: { owner: "a" } },
  { name: "web-2", address: "34.123.10.2", status: "IN_USE", size: 12, labels: { owner: "b" }, users: ["x/rules/r1"] },
  { name: "db", address: "10.1.0.50", status: "RESERVED", size: 7 },
];

function names(filter: string): string {
  return ITEMS.filter(parseFilter(filter))
    .map((item) => item.name)
    .join(" ");
}

describe("list filters", () => {
  const cases: [string, string][] = [
    ["", "web web-2 db"],
    ["name = web", "web"],
    ['name="web"', "web"],
    ["name != web", "web-2 db"],
    ["labels.owner=b", "web-2"],
    ["labels.owner:*", "web web-2"],
    ["labels.owner=a OR name=db", "web db"],
    ["status=RESERVED AND name=db", "db"],
    ["(status=RESERVED) (name=db)", "db"],
    ["NOT status=RESERVED", "web-2"],
    ["status=RESERVED AND (name=web OR name=web-2)", "web"],
    ["name:web*", "web web-2"],
    ["users:r1", "web-2"],
    ["size > 5", "web-2 db"],
    ["size<=7", "web db"],
    ["name eq web", "web"],
    ['name eq ".*\\bweb\\b.*"', "web web-2"],
    ['(address eq ".*\\b34\\.123\\.10\\.1\\b.*")(status eq RESERVED)', "web"],
    ["name ne web.*", "db"],
  ];
  for (const [filter, expected] of cases) it(`reads ${filter || "no filter"}`, () => expect(names(filter)).to.equal(expected));

  for (const filter of ["name", "name =", "(name=web", "name=web)", "name eq (", 'name eq "["', "= web"]) {
    it(`refuses ${filter} and quotes it`, () => {
      expect(() => parseFilter(filter))
        .to.throw(ApiError, filter)
        .with.property("code", "invalid");
    });
  }
});
