// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { addressProblem, best, isPrivate } from "./addresses";
import type { ObservedAddress } from "./types";

const here = { scope: "External", region: "us-central1", project: "p1" } as const;
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

describe("what is wrong with a reservation", () => {
  const cases: [string, ObservedAddress | undefined, Parameters<typeof addressProblem>[2], RegExp | undefined][] = [
    ["nothing", found(), here, undefined],
    [
      "in use by a rule, which rulesOn judges",
      found({ users: ["projects/p1/regions/us-central1/forwardingRules/x"] }),
      here,
      undefined,
    ],
    ["not reserved (E31)", undefined, here, /34\.123\.10\.1 is not reserved in project p1.*us-central1/],
    [
      "in another region (E31)",
      found({ region: "europe-west1" }),
      here,
      /\(web\) is reserved in region europe-west1.*us-central1 is needed/,
    ],
    ["global (E31)", found({ region: undefined }), here, /global address/],
    ["an internal one for an external class (E32)", found({ type: "Internal" }), here, /is internal; .*external addresses only/],
    [
      "an external one for an internal class (E32)",
      found(),
      { ...here, scope: "Internal", vpc: "blue" },
      /is external; .*internal addresses only/,
    ],
    [
      "of another VPC (E31)",
      found({ type: "Internal", network: "red" }),
      { ...here, scope: "Internal", vpc: "blue" },
      /belongs to VPC network red.*in blue/,
    ],
    [
      "on a VM (E25)",
      found({ users: ["projects/p1/zones/z/instances/vm"] }),
      here,
      /in use by projects\/p1\/zones\/z\/instances\/vm/,
    ],
  ];
  for (const [what, address, wanted, message] of cases)
    it(`says what is the matter with an address that is ${what}`, () => {
      const problem = addressProblem("34.123.10.1", address, wanted);
      if (message) expect(problem).to.match(message);
      else expect(problem).to.equal(undefined);
    });

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

  it("tells private from public literals", () => {
    expect(["10.1.0.5", "172.31.0.1", "192.168.0.1", "100.64.0.1"].every(isPrivate)).to.equal(true);
    expect(["34.1.1.1", "172.32.0.1", "100.128.0.1", "text"].some(isPrivate)).to.equal(false);
  });
});
