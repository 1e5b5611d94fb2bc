// SPDX-License-Identifier: Apache-2.0
// Annotations of stability: what each takes, what a wrong value does, and which source wins.
import { expect } from "chai";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import {
  DEFAULT_STABILITY,
  STABILITY_ANNOTATION as A,
  stabilityFindings,
  stabilityPolicy,
  weightOf,
  type StabilityKey,
  type StabilityPolicy,
} from "./stability";

describe("Annotations of stability", () => {
  const right: [StabilityKey, string, unknown][] = [
    ["sticky", "true", true],
    ["sticky", "false", false],
    ["minDwellSeconds", "0", 0],
    ["minDwellSeconds", "86400", 86_400],
    ["moveBudget", "3/600", { moves: 3, windowSeconds: 600 }],
    ["moveBudget", "10/1", { moves: 10, windowSeconds: 1 }],
    [
      "preferredPods",
      "role=primary:100, example.com/tier=:1",
      [
        { key: "role", value: "primary", weight: 100 },
        { key: "example.com/tier", value: "", weight: 1 },
      ],
    ],
    ["reclaim", "true", true],
    ["avoidCordoned", "true", true],
    ["nodeLossHold", "false", false],
    ["moveTo", "proxy-ss-1", "proxy-ss-1"],
    ["moveTo", "a.b-c.d", "a.b-c.d"],
  ];
  for (const [key, text, value] of right)
    it(`${A[key]} takes ${JSON.stringify(text)}`, () => {
      expect(stabilityPolicy({ [A[key]]: text })[key]).to.deep.equal(value);
      expect(stabilityFindings({ [A[key]]: text })).to.deep.equal([]);
    });

  const wrong: [StabilityKey, string][] = [
    ["sticky", "yes"],
    ["sticky", ""],
    ["sticky", "True"],
    ["minDwellSeconds", "-1"],
    ["minDwellSeconds", "1.5"],
    ["minDwellSeconds", "30s"],
    ["minDwellSeconds", "86401"],
    ["moveBudget", "3"],
    ["moveBudget", "0/60"],
    ["moveBudget", "11/60"],
    ["moveBudget", "3/600/1"],
    ["preferredPods", "role=primary"],
    ["preferredPods", "role=primary:0"],
    ["preferredPods", "role=primary:101"],
    ["preferredPods", "a=b:1,"],
    ["preferredPods", Array.from({ length: 17 }, (_, i) => `l${i}=v:1`).join(",")],
    ["reclaim", "1"],
    ["avoidCordoned", "on"],
    ["nodeLossHold", "off"],
    ["moveTo", ""],
    ["moveTo", "Proxy"],
    ["moveTo", "ns/pod"],
    ["moveTo", "x".repeat(254)],
  ];
  for (const [key, text] of wrong)
    it(`StabilityValue: ${A[key]} does not take ${JSON.stringify(text.slice(0, 30))}, and the default is used`, () => {
      const found = stabilityFindings({ [A[key]]: text });
      expect(found.map((f) => [f.code, f.severity, f.path])).to.deep.equal([
        ["StabilityValue", "warning", `metadata.annotations["${A[key]}"]`],
      ]);
      expect(found[0]!.message)
        .to.contain(JSON.stringify(text))
        .and.match(/ is not .*; it is ignored, and the default \(.+\) is used/);
      expect(stabilityPolicy({ [A[key]]: text })).to.deep.equal(DEFAULT_STABILITY);
    });

  it("UnknownAnnotation: a misspelt name of our group is named together with those that exist", () => {
    const [found, ...more] = stabilityFindings({ "gke-persistent-ip.dev/stickey": "true", "example.com/sticky": "x" });
    expect([found?.code, more.length]).to.deep.equal(["UnknownAnnotation", 0]);
    expect(found?.message).to.contain(A.sticky).and.contain(A.nodeLossHold);
  });
  it("a route's own word goes before its Gateway's, and a wrong word counts as none", () => {
    const gateway = { [A.sticky]: "true", [A.minDwellSeconds]: "30" };
    const policy: StabilityPolicy = stabilityPolicy({ [A.sticky]: "false", [A.minDwellSeconds]: "soon" }, gateway);
    expect([policy.sticky, policy.minDwellSeconds]).to.deep.equal([false, 30]);
    expect(stabilityPolicy(undefined, undefined)).to.deep.equal(DEFAULT_STABILITY);
  });
  it("move-to is a word of the route alone", () => {
    expect(stabilityPolicy(undefined, { [A.moveTo]: "web-1" }).moveTo).to.equal(undefined);
    expect(stabilityPolicy({ [A.moveTo]: "web-1" }, { [A.moveTo]: "web-2" }).moveTo).to.equal("web-1");
  });
  it("adds up the weights of all labels that a Pod has (S15)", () => {
    const { preferredPods } = stabilityPolicy({ [A.preferredPods]: "a=1:10,b=2:5" });
    expect(
      [{}, { a: "1" }, { a: "1", b: "2" }, { a: "2", b: "2" }].map((l) => weightOf(l as Record<string, string>, preferredPods)),
    ).to.deep.equal([0, 10, 15, 5]);
  });
});

describe("docs/stability.md", () => {
  it("lists every annotation of stability, and no other", () => {
    const page = readFileSync(path.resolve(__dirname, "../../docs/stability.md"), "utf8");
    const listed = [...page.matchAll(/^\| `(gke-persistent-ip\.dev\/[a-z-]+)`/gm)].map((m) => m[1]);
    expect(listed).to.have.members(Object.values(A));
  });
});
