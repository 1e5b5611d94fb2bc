// SPDX-License-Identifier: Apache-2.0
// Wrong arguments of the components used alone, and values that are only known late.
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { AddressSet } from "./addressSet";
import { PersistentPodIps } from "./persistentPodIps";
import { PodIpController } from "./podIpController";
import { PodIpGateway } from "./podIpGateway";
import { PodIpRoute } from "./podIpRoute";
import { PodNetworks } from "./podNetworks";
import { record, reported, valueOf } from "./testing/mocks";
import { goodArgs, refusal } from "./testing/programs";
import { as } from "./testing/wrong-cloud";

describe("wrong arguments of single components", () => {
  before(() => record(() => undefined));

  const cases: [string, () => unknown, string[]][] = [
    [
      "AddressSet",
      () => new AddressSet("a", { region: "eu", addresses: { x: { scope: as("Public") } } }),
      ["region", "addresses.x.scope"],
    ],
    [
      "PodNetworks",
      () => new PodNetworks("n", { region: "europe-west3", networks: { blue: {} } }),
      ["networks.blue.cidr", "networks.blue.podCidr"],
    ],
    [
      "PodIpGateway",
      () => new PodIpGateway("g", { scope: "External", addresses: { a: "10.0.0" }, together: [["a", "b"]] }),
      ["addresses.a", "together[0][1]"],
    ],
    [
      "PodIpRoute",
      () => new PodIpRoute("r", { gateway: { name: "" }, addresses: ["1.2.3.4", "x"], podSelector: {} }),
      ["gateway.name", "addresses[1]", "podSelector"],
    ],
    [
      "PodIpRoute without addresses",
      () => new PodIpRoute("r", { gateway: { name: "g" }, addresses: [], podSelector: { matchLabels: { a: "b" } } }),
      ["addresses"],
    ],
    [
      "PodIpController",
      () =>
        new PodIpController("c", {
          region: "europe-west3",
          clusterName: "c",
          clusterLocation: "l",
          image: "",
          namespace: "Kube",
        }),
      ["namespace", "image"],
    ],
  ];
  for (const [title, build, paths] of cases)
    it(`are refused by ${title} with every path`, () => expect(refusal(build).paths).to.have.members(paths));

  it("E30: a route of more than 16 addresses is refused even where none of them is known yet", () => {
    const addresses = Array.from({ length: 17 }, () => pulumi.output("34.0.0.1"));
    const { paths, message } = refusal(
      () => new PodIpRoute("r", { gateway: { name: "g" }, addresses, podSelector: { matchLabels: { a: "b" } } }),
    );
    expect(paths).to.deep.equal(["addresses"]);
    expect(message).to.contain("at most 16");
  });
});

describe("values that are only known later", () => {
  it("are checked then, under the same path, and what was checked is what flows on", async () => {
    const late = (address: string) =>
      record(() => new AddressSet("a", { region: "europe-west3", addresses: { x: { literal: pulumi.output(address) } } }));
    expect(await valueOf((await late("203.0.113.7")).value.addresses["x"]!)).to.equal("203.0.113.7");
    await record(() => undefined);
    const wrong = { x: { literal: pulumi.output("10.0.0.1") } };
    const said = await reported(() => new AddressSet("b", { region: "europe-west3", addresses: wrong }));
    expect(said).to.have.length(1);
    expect(said[0]).to.match(/addresses\.x\.literal: 10\.0\.0\.1 is a private address, but the scope is External/);
  });

  it("carry no frames of a stack, which the SDK would format although nobody is shown them", () => {
    const { error } = refusal(() => new PersistentPodIps("edge", { ...goodArgs(), cluster: {} }));
    expect(error.stack).to.equal(error.message);
  });
});
