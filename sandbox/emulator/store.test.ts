// SPDX-License-Identifier: Apache-2.0
// The store's indexes against a plain scan, over random histories.
import { expect } from "chai";
import fc from "fast-check";
import { selfLink } from "./links";
import { Store } from "./store";
import type { ForwardingRule } from "./types";

function rule(name: string, target: string, ip: string): ForwardingRule {
  return {
    kind: "compute#forwardingRule",
    id: `id-${name}`,
    name,
    creationTimestamp: "",
    selfLink: selfLink(`projects/p/regions/r/forwardingRules/${name}`),
    IPAddress: ip,
    IPProtocol: "TCP",
    loadBalancingScheme: "EXTERNAL",
    networkTier: "PREMIUM",
    target: selfLink(target),
  };
}

const name = fc.constantFrom("a", "b", "c");
const step = fc.oneof(
  fc.record({
    op: fc.constant("put" as const),
    name,
    target: fc.constantFrom("t1", "t2"),
    ip: fc.constantFrom("1.1.1.1", "1.1.1.2"),
  }),
  fc.record({ op: fc.constant("delete" as const), name }),
);

describe("store", () => {
  it("answers from its indexes what a scan would answer", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const rules = new Store().of("forwardingRules");
        const plain = new Map<string, ForwardingRule>();
        for (const s of steps) {
          if (s.op === "put") plain.set(s.name, rules.put(rule(s.name, s.target, s.ip)));
          else expect(rules.delete(`projects/p/regions/r/forwardingRules/${s.name}`)).to.equal(plain.delete(s.name));
        }
        for (const target of ["t1", "t2"]) {
          const scanned = [...plain.values()].filter((r) => r.target === selfLink(target));
          expect(rules.by("target", target)).to.have.members(scanned);
        }
        for (const ip of ["1.1.1.1", "1.1.1.2"]) {
          expect(rules.by("ip", `external|${ip}`)).to.have.members([...plain.values()].filter((r) => r.IPAddress === ip));
        }
        expect(rules.inScope("projects/p/regions/r")).to.have.members([...plain.values()]);
        expect(rules.all()).to.have.members([...plain.values()]);
      }),
    );
  });

  it("finds by name and by numeric id, within the scope only, and tells changes", () => {
    const store = new Store();
    const seen: string[] = [];
    const stop = store.onChange((change) => seen.push(`${change.op} ${change.name}`));
    const rules = store.of("forwardingRules");
    rules.put(rule("a", "t1", "1.1.1.1"));
    rules.put(rule("a", "t2", "1.1.1.1"));
    expect(rules.find("projects/p/regions/r", "id-a")?.name).to.equal("a");
    expect(rules.find("projects/p/regions/other", "id-a")).to.equal(undefined);
    rules.delete("projects/p/regions/r/forwardingRules/a");
    stop();
    rules.put(rule("b", "t1", "1.1.1.1"));
    expect(seen).to.deep.equal(["insert a", "update a", "delete a"]);
    expect(rules.find("projects/p/regions/r", "id-a")).to.equal(undefined);
  });
});
