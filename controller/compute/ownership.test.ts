// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { CLUSTER_LABEL, OWNER_LABEL, OWNER_VALUE, ownerPrefix, ruleLabels } from "../api/names";
import { descriptionIsOurs, ownedDescription, ownedLabels, ruleIsOurs, targetIsOurs } from "./ownership";

const UID = "cluster-1";
const ours = ruleLabels(UID, "34.123.10.1");

describe("ownership of cloud objects", () => {
  it("knows its own marks, and marking twice changes nothing (E67)", () => {
    const text = ownedDescription(UID, "node n1");
    expect(text).to.equal(`${ownerPrefix(UID)} node n1`);
    expect(ownedDescription(UID, text)).to.equal(text);
    expect(ownedLabels(UID, ours)).to.deep.equal(ours);
    expect(targetIsOurs(UID, { description: text })).to.equal(true);
    expect(ruleIsOurs(UID, { labels: ours })).to.equal(true);
  });

  it("does not take cluster ab for cluster abc (E25)", () => {
    expect(descriptionIsOurs("ab", ownedDescription("abc", "x"))).to.equal(false);
    expect(descriptionIsOurs("ab", `see ${ownerPrefix("ab")} x`)).to.equal(false);
    expect(descriptionIsOurs("ab", undefined)).to.equal(false);
    expect(descriptionIsOurs("ab", ownerPrefix("ab"))).to.equal(true);
  });

  const foreign: [string, { labels: Record<string, string>; description?: string }][] = [
    ["without any mark", { labels: {} }],
    ["with another cluster's labels", { labels: ownedLabels("cluster-2", {}) }],
    [
      "with another cluster's labels and our description",
      { labels: ownedLabels("cluster-2", {}), description: ownedDescription(UID, "") },
    ],
    ["with another owner", { labels: { ...ours, [OWNER_LABEL]: "terraform" } }],
    ["with the owner but no cluster", { labels: { [OWNER_LABEL]: OWNER_VALUE } }],
    ["with the cluster but no owner", { labels: { [CLUSTER_LABEL]: UID }, description: ownedDescription(UID, "") }],
  ];
  for (const [what, rule] of foreign)
    it(`takes a rule ${what} for foreign (E25, E49)`, () => {
      expect(ruleIsOurs(UID, rule)).to.equal(false);
    });

  it("knows a rule by its description while its labels are not written yet (E47)", () => {
    expect(ruleIsOurs(UID, { labels: { team: "net" }, description: ownedDescription(UID, "34.123.10.1") })).to.equal(true);
  });
});
