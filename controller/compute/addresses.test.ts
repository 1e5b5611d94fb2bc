// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { best } from "./addresses";
import type { ObservedAddress } from "./types";

const found = (over: Partial<ObservedAddress> = {}): ObservedAddress => ({
  name: "web",
  address: "34.123.10.1",
  type: "External",
  status: "RESERVED",
  users: [],
  region: "us-central1",
  project: "p1",
  ...over,
});

describe("which reservation is meant", () => {
  it("prefers the right region, then the right kind, then the right VPC", () => {
    const wanted = { scope: "Internal", region: "r1", vpc: "blue" } as const;
    const list = [
      found({ name: "elsewhere", region: "r2", type: "Internal", network: "blue" }),
      found({ name: "wrong-kind", region: "r1" }),
      found({ name: "wrong-vpc", region: "r1", type: "Internal", network: "red" }),
      found({ name: "right", region: "r1", type: "Internal", network: "blue" }),
    ];
    for (let left = list; left.length > 0; left = left.slice(0, -1)) expect(best(left, wanted)).to.equal(left.at(-1));
    expect(best([], wanted)).to.equal(undefined);
  });
});
