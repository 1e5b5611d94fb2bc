// SPDX-License-Identifier: Apache-2.0
// The likeliest mistakes, each alone and all together: one error, every path, the remedy in the text, and nothing registered.
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { PersistentPodIps } from "./persistentPodIps";
import { record } from "./testing/mocks";
import { goodArgs, refusal } from "./testing/programs";
import { as, WRONG_CLOUD } from "./testing/wrong-cloud";
import { WRONG_PODS } from "./testing/wrong-pods";

describe("wrong programs", () => {
  for (const [title, change, path, remedy] of [...WRONG_CLOUD, ...WRONG_PODS])
    it(`are refused for ${title}`, async () => {
      const args = goodArgs();
      change(args);
      const { seen, value } = await record(() => refusal(() => new PersistentPodIps("edge", args)));
      expect(value.paths).to.deep.equal([path]);
      expect(value.message)
        .to.match(remedy)
        .and.match(/^PersistentPodIps "edge" has 1 problem in its arguments:\n {2}/);
      expect(seen.map((r) => r.urn)).to.deep.equal([]);
    });

  it("are told everything at once", () => {
    const args = goodArgs();
    args.region = "europe";
    args.cluster = {};
    args.addresses["sip"]!.address = "1.2.3";
    args.routes!["proxy"]!.podSelector = {};
    args.routes!["store"]!.network = "nowhere";
    args.controller!.replicas = 0;
    const { paths, message, error } = refusal(() => new PersistentPodIps("edge", args));
    expect(paths).to.have.members([
      "region",
      "cluster",
      "addresses.sip.address",
      "routes.proxy.podSelector",
      "routes.store.network",
      "controller.replicas",
    ]);
    expect(message.split("\n")).to.have.length(1 + 6);
    expect(error.errors.every((e) => e.reason.length > 0)).to.equal(true);
  });

  it("get no stack in a program, and typed details in a remote component", () => {
    const args = { ...goodArgs(), cluster: {} };
    const { error } = refusal(() => new PersistentPodIps("edge", args));
    expect(pulumi.ResourceError.isInstance(error) && error.hideStack).to.equal(true);
    expect(error).to.include({ code: "InvalidArguments", retry: false, __pulumiInputPropertiesError: true });
  });

  it("are refused even with nothing in them, as another language may send them", () => {
    const { paths } = refusal(() => new PersistentPodIps("edge", as({})));
    expect(paths).to.include.members(["region", "cluster", "addresses"]);
  });
});
