// SPDX-License-Identifier: Apache-2.0
// Codes that only the components have: each is found by the check that it belongs to.
import { expect } from "chai";
import { exactlyOne, overlapProblems, regionProblems } from "./checks";
import { addressesProblems, valueProblems } from "./checksAddresses";
import { adoptedClusterProblems } from "./checksCluster";
import { AddressScope, OnDestroy } from "./enums";
import { refusedEdits } from "./fixed";
import { persistentIpPodSpec } from "./podSpec";
import type { Problem } from "./problems";

/** What an ArgumentError lists; the code stands in brackets behind its reason. */
function thrown(work: () => unknown): Problem[] {
  try {
    work();
    return [];
  } catch (error) {
    const { errors = [] } = error as { errors?: { propertyPath: string; reason: string }[] };
    return errors.map((e) => {
      const [, message = "", code = ""] = /^(.*) \[(\w+)\]$/.exec(e.reason) ?? [];
      return { path: e.propertyPath, message, code: code as Problem["code"], severity: "error" };
    });
  }
}

const cases: [code: Problem["code"], title: string, found: () => Problem[], says: RegExp][] = [
  ["Exclusive", "two of what there may be one of", () => exactlyOne({ a: 1, b: 2 }, "x"), /exactly one of a, b must be set/],
  [
    "UnknownReference",
    "a network that the program does not define",
    () => addressesProblems("edge", { sip: { network: "bleu" } }, {}),
    /"bleu" is not one of the networks/,
  ],
  [
    "Overlap",
    "two ranges that share addresses",
    () =>
      overlapProblems([
        { path: "a", text: "10.0.0.0/8" },
        { path: "b", text: "10.1.0.0/16" },
      ]),
    /10\.1\.0\.0\/16 overlaps 10\.0\.0\.0\/8/,
  ],
  [
    "OutsideRange",
    "an address outside of its subnet",
    () => valueProblems("10.2.0.5", AddressScope.Internal, "x", "10.1.0.0/24"),
    /is not in the subnet's range/,
  ],
  [
    "ScopeMismatch",
    "a private address that is to be external (E32)",
    () => valueProblems("10.2.0.5", AddressScope.External, "x"),
    /private/,
  ],
  ["Location", "a zone for a region", () => regionProblems("us-central1-a"), /is a zone; .* write "us-central1"/],
  [
    "Unusable",
    "a Pod spec in its node's network, that no route can select (E17)",
    () => thrown(() => persistentIpPodSpec({ containers: [{ name: "app" }], hostNetwork: true }, { addresses: ["34.0.0.1"] })),
    /no route can select it/,
  ],
  [
    "Protected",
    "an address that is left out of the program",
    () => {
      const old = { fixed: { "addresses.web": { tier: "PREMIUM" } }, onDestroy: OnDestroy.Protect, unlocked: [] };
      return refusedEdits(old, { ...old, fixed: {} });
    },
    /is not in the program any more/,
  ],
  [
    "Unsupported",
    "a cluster without Dataplane V2",
    () => adoptedClusterProblems({ name: "c", datapathProvider: "LEGACY" }),
    /need Dataplane V2/,
  ],
];

describe("Codes of the components", () => {
  for (const [code, title, found, says] of cases)
    it(`${code}: ${title}`, () => {
      const hit = found().find((p) => p.code === code);
      expect(hit?.message).to.match(says);
    });
});
