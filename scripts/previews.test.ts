// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { isCurrent, page } from "./previews";

describe("docs/previews.md", () => {
  it("is the page of the golden plans (npm run docs:previews)", () => expect(isCurrent()).to.equal(true));

  it("shows counts, each resource that changes, and the reason of a refusal", () => {
    const text = page([
      {
        title: "one",
        plan: [
          "update gke-persistent-ip:index:PersistentPodIps edge",
          "update gcp:container/cluster:Cluster edge [releaseChannel]",
        ],
      },
      { title: "two", plan: [], refused: ["addresses.a: is gone [Protected]"] },
      { title: "three", plan: ["update gke-persistent-ip:index:AddressSet edge"] },
    ]);
    expect(text).to.contain("| one | 1 update | ~ Cluster edge [releaseChannel] |");
    expect(text).to.contain("| two | **refused** | addresses.a: is gone [Protected] |");
    expect(text).to.contain("| three | no change |");
  });
});
