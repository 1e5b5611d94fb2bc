// SPDX-License-Identifier: Apache-2.0
// Whether a reserved address can be used, and the sentence when it cannot.
import { expect } from "chai";
import { judgeAddress, type AddressNeed, type FoundAddress } from "./address-fact";

const need = (over: Partial<AddressNeed> = {}): AddressNeed => ({
  address: "34.123.10.1",
  scope: "External",
  region: "us-central1",
  project: "demo",
  ours: (user) => user.endsWith("/forwardingRules/pip-fr-1"),
  ...over,
});
const found = (over: Partial<FoundAddress> = {}): FoundAddress => ({
  name: "web",
  type: "External",
  status: "RESERVED",
  users: [],
  region: "us-central1",
  ...over,
});
const inside: Partial<AddressNeed> = { address: "10.0.0.5", scope: "Internal", vpc: "blue" };

describe("A reserved address", () => {
  const good: [string, FoundAddress, AddressNeed][] = [
    ["it is reserved in the cluster's region (SEED-30, SEED-31)", found(), need()],
    [
      "it is in use by our own rule (E48)",
      found({ status: "IN_USE", users: ["projects/demo/regions/us-central1/forwardingRules/pip-fr-1"] }),
      need(),
    ],
    ["it is internal and in the route's VPC (SEED-36)", found({ type: "Internal", network: "blue" }), need(inside)],
    ["it is internal and its VPC is not known", found({ type: "Internal" }), need(inside)],
  ];
  for (const [title, f, n] of good)
    it(`can be used when ${title}`, () => expect(judgeAddress(f, n)).to.deep.equal({ usable: true }));

  const bad: [string, FoundAddress | undefined, AddressNeed, RegExp][] = [
    [
      "nobody reserved it (E31, SEED-27)",
      undefined,
      need(),
      /^34\.123\.10\.1 is not a reserved address of project demo; reserve it \(gcloud compute addresses create NAME --region=us-central1 --addresses=34\.123\.10\.1\)$/,
    ],
    [
      "nobody reserved it, and its prefix is not announced (E35)",
      undefined,
      need({ prefix: { name: "ours", cidr: "34.123.10.0/24", status: "INITIALIZING", usable: false } }),
      /project demo; it lies in delegated prefix ours \(34\.123\.10\.0\/24\), which is not announced yet \(INITIALIZING\): .*; reserve it \(gcloud/,
    ],
    ["nobody reserved it inside (SEED-32, SEED-35)", undefined, need(inside), /--subnet=SUBNET --addresses=10\.0\.0\.5/],
    [
      "it is global (E31)",
      found({ region: undefined }),
      need(),
      /\(address web\) is global; a persistent address must be regional, in us-central1/,
    ],
    [
      "it is in another region (E31, A1, SEED-20)",
      found({ region: "europe-west1" }),
      need(),
      /is in region europe-west1; it must be in us-central1/,
    ],
    [
      "it is internal and the class external (E32)",
      found({ type: "Internal" }),
      need(),
      /is internal, but its Gateway is of the external class/,
    ],
    [
      "it is external and the class internal (E32)",
      found(),
      need(inside),
      /is external, but its Gateway is of the internal class/,
    ],
    [
      "it is of another VPC (E31, SEED-36)",
      found({ type: "Internal", network: "red" }),
      need(inside),
      /lies in VPC red, but the route's network is in VPC blue/,
    ],
    [
      "somebody else uses it (E25)",
      found({ users: ["x/forwardingRules/pip-fr-1", "x/forwardingRules/theirs"] }),
      need(),
      /is in use by x\/forwardingRules\/theirs, which is not ours and is left alone; free the address there first/,
    ],
    ["it is no address", found(), need({ address: "web" }), /web is not an IPv4 address/],
  ];
  for (const [title, f, n, says] of bad)
    it(`cannot be used when ${title}`, () => {
      const fact = judgeAddress(f, n);
      expect(fact).to.include({ usable: false, reason: "GCPFailed" });
      expect(fact.usable ? "" : fact.message).to.match(says);
    });
});
