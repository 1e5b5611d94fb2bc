// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HOST_PROJECT_PERMISSIONS, PERMISSIONS_BY_METHOD, REQUIRED_PERMISSIONS } from "../api/permissions";

const sources = readdirSync(__dirname)
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
  .map((file) => ({ file, text: readFileSync(join(__dirname, file), "utf8") }));
/** Calls of the generated client: `api.forwardingRules.get(`. */
const called = new Set(sources.flatMap(({ text }) => [...text.matchAll(/\bapi\.(\w+\.\w+)\(/g)].map((match) => match[1] ?? "")));

describe("least privilege", () => {
  it("lists exactly the methods that the room calls (DESIGN 9.8)", () => {
    expect(called.size).to.be.greaterThan(10);
    expect(PERMISSIONS_BY_METHOD.map((each) => each.method).sort()).to.deep.equal([...called].sort());
  });

  it("has no permission that could lose or change an address, VM, network or firewall (DESIGN 9.2)", () => {
    for (const permission of [...REQUIRED_PERMISSIONS, ...HOST_PROJECT_PERMISSIONS]) {
      expect(permission).to.match(/^compute\.[A-Za-z]+\.[A-Za-z]+$/);
      if (/\.(delete|create|update|set\w*)$/.test(permission))
        expect(permission).to.match(/^compute\.(forwardingRules|targetInstances)\./);
    }
    expect(HOST_PROJECT_PERMISSIONS.filter((permission) => !REQUIRED_PERMISSIONS.includes(permission))).to.deep.equal([]);
  });

  it("calls no method of addresses but list and aggregatedList, in any spelling (DESIGN 9.2)", () => {
    const reads = ["addresses.list", "addresses.aggregatedList"];
    for (const { file, text } of sources) {
      const used = [...text.matchAll(/\b(?:global)?addresses\s*\??\.\s*(\w+)\s*\(/gi)].map((match) => match[0]);
      const writing = used.filter((call) => /delete|insert|move|setLabels|release|patch/i.test(call));
      expect(writing, file).to.deep.equal([]);
      expect(text, file).not.to.match(/addresses\s*\[/);
    }
    expect([...called].filter((method) => /addresses/i.test(method)).sort()).to.deep.equal(reads.sort());
  });
});
