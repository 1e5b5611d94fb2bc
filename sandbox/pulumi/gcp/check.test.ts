// SPDX-License-Identifier: Apache-2.0
// What Check fills in and what it refuses.
import { expect } from "chai";
import type { CheckInput } from "../provider";
import { UNKNOWN, type Props } from "../value";
import { checkResource, gcpSettings, labelOutputs } from "./check";
import { COMPUTE_KINDS } from "./compute";
import { CLUSTER, NODE_POOL } from "./container";
import type { Kind } from "./kind";

const ADDRESS = COMPUTE_KINDS["gcp:compute/address:Address"] as Kind;
const settings = gcpSettings({}, { project: "p", region: "r" });

function check(kind: Kind, type: string, news: Props, more: Partial<CheckInput> = {}): ReturnType<typeof checkResource> {
  const q = { urn: "u", type, name: "My_Web", preview: true, timeout: 0, signal: new AbortController().signal, news, ...more };
  return checkResource(kind, settings, q, () => "abc1234");
}
const address = (news: Props, more: Partial<CheckInput> = {}): ReturnType<typeof checkResource> =>
  check(ADDRESS, "gcp:compute/address:Address", news, more);

describe("check of gcp inputs", () => {
  it("fills project, region, defaults and a legal name", () => {
    expect(address({})).to.deep.equal({
      inputs: { addressType: "EXTERNAL", project: "p", region: "r", name: "my-web-abc1234" },
      failures: [],
    });
  });

  it("keeps the name that it gave before", () => {
    expect(address({}, { olds: { name: "my-web-0000000" } }).inputs.name).to.equal("my-web-0000000");
  });

  it("refuses what the real provider refuses, naming field, value and what is allowed", () => {
    const reasons = (news: Props): string[] => (address(news).failures ?? []).map((f) => f.reason);
    expect(reasons({ addressType: "INTERNAL", networkTier: "PREMIUM" })).to.deep.equal([
      'expected networkTier to be unset for an INTERNAL address, got "PREMIUM"',
    ]);
    expect(reasons({ addressType: "BOTH" })).to.deep.equal(['expected addressType to be one of INTERNAL, EXTERNAL, got "BOTH"']);
    expect(reasons({ name: "Bad_Name" })[0]).to.match(/^expected name to be text that matches .*, got "Bad_Name"$/);
    expect(reasons({ subnetwork: "s" })[0]).to.contain("an EXTERNAL address has no subnetwork");
  });

  it("does not judge what is not known yet", () => {
    expect(address({ addressType: UNKNOWN, name: UNKNOWN }).failures).to.deep.equal([]);
  });

  it("asks for a region where neither resource nor provider has one", () => {
    const bare = gcpSettings({}, { project: "p" });
    const q = {
      urn: "u",
      type: "gcp:compute/address:Address",
      name: "a",
      preview: true,
      timeout: 0,
      signal: new AbortController().signal,
      news: {},
    };
    const failures = checkResource(ADDRESS, bare, q, () => "x").failures ?? [];
    expect(failures.map((f) => f.property)).to.deep.equal(["region"]);
  });

  it("refuses multi-networking without Dataplane V2", () => {
    const failures = check(CLUSTER, "gcp:container/cluster:Cluster", { enableMultiNetworking: true }).failures ?? [];
    expect(failures).to.deep.equal([
      {
        property: "enableMultiNetworking",
        reason: "expected enableMultiNetworking to be datapathProvider ADVANCED_DATAPATH, got true",
      },
    ]);
  });

  it("takes a node pool's location from the id of its cluster", () => {
    const checked = check(NODE_POOL, "gcp:container/nodePool:NodePool", { cluster: "projects/p/locations/r-b/clusters/c" });
    expect(checked.inputs.location).to.equal("r-b");
    const planned = check(NODE_POOL, "gcp:container/nodePool:NodePool", { cluster: UNKNOWN });
    expect([planned.failures, "location" in planned.inputs]).to.deep.equal([[], false]);
  });

  it("adds the attribution label, unless the provider is told not to", () => {
    const labels = { labels: { a: "1" } };
    expect(labelOutputs(ADDRESS, settings, labels).effectiveLabels).to.deep.equal({ a: "1", "goog-pulumi-provisioned": "true" });
    const off = gcpSettings({ addPulumiAttributionLabel: "false", defaultLabels: '{"b":"2"}' }, { project: "p" });
    expect(labelOutputs(ADDRESS, off, labels).effectiveLabels).to.deep.equal({ a: "1", b: "2" });
  });
});
