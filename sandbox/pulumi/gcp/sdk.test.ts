// SPDX-License-Identifier: Apache-2.0
// Outputs, computed inputs and empty values as the installed SDK declares them.
import { expect } from "chai";
import { GcpSdk } from "./sdk";

describe("what the SDK says of a type", () => {
  const sdk = new GcpSdk(__dirname);

  it("finds the outputs that only the cloud fills in", () => {
    const address = sdk.describe("gcp:compute/address:Address");
    expect(address.outputOnly).to.include.members(["selfLink", "users", "labelFingerprint", "creationTimestamp"]);
    expect(address.outputOnly).to.not.include("address");
  });

  it("tells a computed input (address) from an optional one (description)", () => {
    const { computed } = sdk.describe("gcp:compute/address:Address");
    expect([computed.has("address"), computed.has("networkTier"), computed.has("description")]).to.deep.equal([
      true,
      true,
      false,
    ]);
  });

  it("gives every output that is never undefined an empty value of its type", () => {
    const { zero } = sdk.describe("gcp:compute/address:Address");
    expect([zero.users, zero.selfLink, zero.prefixLength, zero.pulumiLabels]).to.deep.equal([[], "", 0, {}]);
  });

  it("finds class files whose name differs from the token in case", () => {
    expect([...sdk.describe("gcp:projects/iAMMember:IAMMember").inputs].sort()).to.deep.equal([
      "condition",
      "member",
      "project",
      "role",
    ]);
  });

  it("refuses a type that is not in the SDK, by its name", () => {
    expect(() => sdk.describe("gcp:compute/nothing:Nothing")).to.throw(
      "gcp:compute/nothing:Nothing: the installed @pulumi/gcp has no such resource",
    );
  });
});
