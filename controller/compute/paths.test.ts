// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { baseName, partOf, pathOf, regionalPath, targetPath, urlOf } from "./paths";

describe("compute paths", () => {
  const path = targetPath("p1", "us-central1-a", "t1");
  it("takes every host and the bare path for the same object", () => {
    for (const prefix of [
      "https://www.googleapis.com/compute/v1/",
      "https://compute.googleapis.com/compute/v1/",
      "http://127.0.0.1:1/compute/v1/",
      "",
    ])
      expect(pathOf(prefix + path)).to.equal(path);
    expect(pathOf(urlOf(path))).to.equal(path);
    expect(urlOf(urlOf(path))).to.equal(urlOf(path));
  });
  it("finds the parts of a path and the last one", () => {
    expect([partOf(path, "zones"), partOf(path, "projects"), partOf(path, "regions"), baseName(path)]).to.deep.equal([
      "us-central1-a",
      "p1",
      undefined,
      "t1",
    ]);
  });
  it("completes a name and leaves a path or URL alone (E68)", () => {
    expect(regionalPath("host", "r", "subnetworks", "s")).to.equal("projects/host/regions/r/subnetworks/s");
    expect(regionalPath("host", "r", "subnetworks", "projects/x/regions/r/subnetworks/s")).to.equal(
      "projects/x/regions/r/subnetworks/s",
    );
  });
});
