// SPDX-License-Identifier: Apache-2.0
// References to other resources, fingerprints and timestamps.
import { expect } from "chai";
import { ApiError } from "./errors";
import { fingerprint, Ids, labelFingerprint, sameFingerprint, timestamp } from "./ids";
import { resolveLink } from "./links";

const CONTEXT = { project: "p1", projectNumber: "42", hosts: ["127.0.0.1:8080"] };
const PATH = "projects/p1/regions/r/addresses/web";

describe("references", () => {
  const same = [
    `https://www.googleapis.com/compute/v1/${PATH}`,
    `https://compute.googleapis.com/compute/v1/${PATH}`,
    `http://127.0.0.1:8080/compute/v1/${PATH}`,
    PATH,
    "regions/r/addresses/web",
    "projects/42/regions/r/addresses/web",
  ];
  for (const url of same) it(`take ${url}`, () => expect(resolveLink(CONTEXT, "f", url, ["addresses"])).to.equal(PATH));

  const wrong: [unknown, string][] = [
    ["web", "malformed"],
    ["", "malformed"],
    [7, "malformed"],
    ["http://elsewhere/compute/v1/" + PATH, "malformed"],
    ["projects/p1/regions/r/addresses", "malformed"],
    ["projects/p1/global/addresses/web/x", "malformed"],
    ["regions/r/subnetworks/s", "must name one of: addresses"],
    ["projects/p2/regions/r/addresses/web", "No access to project 'p2'"],
  ];
  for (const [value, message] of wrong) {
    it(`refuse ${JSON.stringify(value)}`, () =>
      expect(() => resolveLink(CONTEXT, "resource.f", value, ["addresses"])).to.throw(ApiError, message));
  }
});

describe("identities", () => {
  it("are unique, numeric and within uint64", () => {
    const ids = new Ids(() => 0);
    const all = Array.from({ length: 1000 }, () => ids.numeric());
    expect(new Set(all).size).to.equal(1000);
    expect(all.every((id) => BigInt(id) < 2n ** 64n && /^\d{19}$/.test(id))).to.equal(true);
    expect(ids.operation()).to.match(/^operation-0-[0-9a-f]{13}-[0-9a-f]{8}-[0-9a-f]{8}$/);
    expect(ids.operation()).to.not.equal(ids.operation());
  });

  it("have fingerprints that depend on the content and not on the order of labels", () => {
    expect(labelFingerprint({ a: "1", b: "2" })).to.equal(labelFingerprint({ b: "2", a: "1" }));
    expect(labelFingerprint({ a: "1" })).to.not.equal(labelFingerprint({ a: "2" }));
    expect(labelFingerprint({})).to.equal("42WmSpB8rSM=");
    expect(Buffer.from(fingerprint("x"), "base64url")).to.have.length(8);
  });

  it("compare fingerprints in either base64 alphabet", () => {
    expect(sameFingerprint("a-_b", "a+/b=")).to.equal(true);
    expect(sameFingerprint("abc", "abd")).to.equal(false);
  });

  it("have timestamps in Google's spelling", () => {
    expect(timestamp(Date.UTC(2026, 0, 2, 9, 0, 0, 5))).to.equal("2026-01-02T01:00:00.005-08:00");
  });
});
