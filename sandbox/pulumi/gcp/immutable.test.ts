// SPDX-License-Identifier: Apache-2.0
// The table that decides what a preview calls a replace, checked against the installed SDK.
import { expect } from "chai";
import { immutableOf, immutableRule, tabled } from "./immutable";
import { GcpSdk } from "./sdk";

describe("immutable inputs of gcp types", () => {
  const sdk = new GcpSdk(__dirname);

  for (const type of tabled) {
    it(`${type} names only inputs that the installed SDK has`, () => {
      const { inputs } = sdk.describe(type);
      const rule = immutableRule(type);
      const names = [...rule.paths, ...(rule.except ?? [])].filter((p) => p !== "*").map((p) => p.split(".")[0] ?? "");
      const local = ["deletionPolicy", "deletionProtection", "ignoreNodeCountChanges", "skipNodePoolRefresh"];
      expect(names.filter((n) => !inputs.has(n) && !local.includes(n))).to.deep.equal([]);
    });
  }

  it("an address changes in place by its labels only (tpg#17622: a description edit gives the IP back)", () => {
    const inputs = sdk.describe("gcp:compute/address:Address").inputs;
    const immutable = immutableOf("gcp:compute/address:Address", inputs);
    expect(immutable).to.include.members(["description", "networkTier", "address", "subnetwork", "name"]);
    expect([...inputs].filter((i) => !immutable.includes(i)).sort()).to.deep.equal(["deletionPolicy", "labels"]);
  });

  it("a node pool keeps enablePrivateNodes and its size in place, and nothing else of its network", () => {
    const immutable = immutableOf("gcp:container/nodePool:NodePool", []);
    expect(immutable).to.include("networkConfig.additionalPodNetworkConfigs");
    expect(immutable).to.not.include.members(["networkConfig", "nodeCount"]);
    expect(immutable).to.not.include("networkConfig.enablePrivateNodes");
  });

  it("a type without a line is replaced by what names it", () => {
    expect(immutableOf("gcp:storage/bucket:Bucket", [])).to.deep.equal(["name", "project", "region", "zone", "location"]);
  });
});
