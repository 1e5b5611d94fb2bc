// SPDX-License-Identifier: Apache-2.0
// The likeliest mistakes, each alone and all together: one error, every path, the remedy in the text, and nothing registered.
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import type { PersistentPodIpsArgs } from "./argsPods";
import { AddressSet } from "./addressSet";
import { PersistentPodIps } from "./persistentPodIps";
import { PodIpController } from "./podIpController";
import { PodIpGateway } from "./podIpGateway";
import { PodIpRoute } from "./podIpRoute";
import { PodNetworks } from "./podNetworks";
import { record, reported, valueOf } from "./testing/mocks";
import { goodArgs, refusal } from "./testing/programs";

type Wrong = [title: string, change: (args: PersistentPodIpsArgs) => void, path: string, remedy: RegExp];

/** Types are left out where a user of plain JavaScript, or of another language, could get past them. */
const as = <T>(value: unknown): T => value as T;

function addNetwork(a: PersistentPodIpsArgs, name: string, cidr: string): void {
  for (const r of Object.values(a.routes!)) r.network = "blue-network";
  a.networks![name] = { cidr, podCidr: "10.200.0.0/16" };
}

const WRONG: Wrong[] = [
  [
    "both a new and an existing cluster",
    (a) => (a.cluster.existing = { name: "x", location: "europe-west3" }),
    "cluster",
    /exactly one of create, existing must be set; create and existing are/,
  ],
  ["no cluster at all", (a) => (a.cluster = {}), "cluster", /exactly one of create, existing must be set; none is/],
  [
    "SEED-30, SEED-31: a cluster in another region than its addresses",
    (a) => (a.cluster.create!.location = "us-central1"),
    "cluster.create.location",
    /"us-central1" is neither the region "europe-west3" nor one of its zones/,
  ],
  [
    "SEED-20: a zone for the region",
    (a) => (a.region = "europe-west3-a"),
    "region",
    /is a zone; persistent addresses are regional, so write "europe-west3"/,
  ],
  [
    "a name that Google Cloud refuses",
    (a) => (a.addresses["Web_1"] = {}),
    "addresses.Web_1",
    /use lower case letters, digits and "-"/,
  ],
  [
    "an unknown address in a route",
    (a) => (a.routes!["proxy"]!.addresses = ["wbe"]),
    "routes.proxy.addresses[0]",
    /"wbe" is not one of the addresses: "inside", "sip", "web"/,
  ],
  [
    "an unknown network in a route (SEED-65)",
    (a) => (a.routes!["proxy"]!.network = "blue"),
    "routes.proxy.network",
    /"blue" is not one of the networks: "blue-network"/,
  ],
  [
    "SEED-6: a Pod network that is called default",
    (a) => addNetwork(a, "default", "10.9.0.0/24"),
    "networks.default",
    /primary network, which every cluster has; give it another name/,
  ],
  [
    "SEED-13: a layer 2 network",
    (a) => (a.networks!["blue-network"]!.mode = as("L2")),
    "networks.blue-network.mode",
    /"L2" is not one of L3, Device/,
  ],
  [
    "SEED-8, E23: one address for two routes",
    (a) => (a.routes!["third"] = { ...a.routes!["proxy"]!, addresses: ["sip"] }),
    "routes.third.addresses",
    /"sip" is claimed by proxy\/edge-proxy too; an address belongs to one route at a time/,
  ],
  [
    "external and internal addresses in one route",
    (a) => (a.routes = { proxy: { ...a.routes!["proxy"]!, addresses: ["web", "inside"] } }),
    "routes.proxy.addresses[1]",
    /"inside" is offered by Gateway edge-internal, the others by edge-external.*make one route each/,
  ],
  [
    "E13: an empty selector",
    (a) => (a.routes!["proxy"]!.podSelector = {}),
    "routes.proxy.podSelector",
    /would select every Pod of the namespace; name at least one label/,
  ],
  [
    "E14: a selector that Kubernetes cannot read",
    (a) => (a.routes!["proxy"]!.podSelector = { matchExpressions: [{ key: "a", operator: "In" }] }),
    "routes.proxy.podSelector.matchExpressions[0].values",
    /operator In needs at least one value/,
  ],
  [
    "SEED-62: an unknown reaction mode",
    (a) => (a.routes!["proxy"]!.reactionMode = as("Ready")),
    "routes.proxy.reactionMode",
    /"Ready" is not one of ReadyCondition, Exists/,
  ],
  [
    "SEED-12: an IPv6 address",
    (a) => (a.addresses["sip"]!.address = "2001:db8::1"),
    "addresses.sip.address",
    /only IPv4 addresses can be persistent/,
  ],
  [
    "SEED-58, E28: a range for an address",
    (a) => (a.addresses["sip"]!.address = "34.123.10.0/28"),
    "addresses.sip.address",
    /only single addresses, \/32, are supported/,
  ],
  [
    "SEED-36: an internal address outside its subnet",
    (a) => (a.addresses["inside"]!.address = "10.2.0.50"),
    "addresses.inside.address",
    /10\.2\.0\.50 is not in the subnet's range 10\.1\.0\.0\/20/,
  ],
  [
    "an internal address that Google keeps to itself",
    (a) => (a.addresses["inside"]!.address = "10.1.0.1"),
    "addresses.inside.address",
    /one of the four addresses of 10\.1\.0\.0\/20 that Google Cloud keeps/,
  ],
  [
    "SEED-35: an internal address without a subnet",
    (a) => (a.addresses["inside"] = { scope: "Internal" }),
    "addresses.inside.network",
    /name one of the networks \("blue-network"\) or a subnetwork/,
  ],
  [
    "E32: a private address that is to be external",
    (a) => (a.addresses["sip"]!.address = "192.168.1.7"),
    "addresses.sip.address",
    /is a private address, but the scope is External/,
  ],
  [
    "a network tier on an internal address",
    (a) => (a.addresses["inside"]!.tier = "STANDARD"),
    "addresses.inside.tier",
    /has no network tier; leave it out/,
  ],
  [
    "an address that is adopted and made at once",
    (a) => (a.addresses["sip"] = { existing: "mine", tier: "PREMIUM" }),
    "addresses.sip.tier",
    /is set beside existing/,
  ],
  [
    "one fixed address under two names",
    (a) => (a.addresses["again"] = { address: "34.123.10.2" }),
    "addresses.again",
    /34\.123\.10\.2 is addresses\.sip already/,
  ],
  [
    "ranges that overlap",
    (a) => addNetwork(a, "green", "10.1.8.0/24"),
    "networks.green.cidr",
    /10\.1\.8\.0\/24 overlaps 10\.1\.0\.0\/20 of networks\.blue-network\.cidr/,
  ],
  [
    "host bits in a range",
    (a) => (a.networks!["blue-network"]!.cidr = "10.1.0.5/20"),
    "networks.blue-network.cidr",
    /with its host bits zero/,
  ],
  [
    "an L3 network without a range for Pods",
    (a) => delete a.networks!["blue-network"]!.podCidr,
    "networks.blue-network.podCidr",
    /takes its Pods' addresses from a secondary range/,
  ],
  [
    "a firewall rule without sources",
    (a) => (a.networks!["blue-network"]!.ingress!["web"]!.sources = []),
    "networks.blue-network.ingress.web.sources",
    /name the ranges that may connect, or "0\.0\.0\.0\/0" for the whole Internet/,
  ],
  [
    "a firewall rule without ports",
    (a) => delete a.networks!["blue-network"]!.ingress!["web"]!.ports,
    "networks.blue-network.ingress.web.ports",
    /tcp needs ports/,
  ],
  [
    "SEED-46: a Selector listener without a selector",
    (a) =>
      (a.gateways = {
        external: { scope: "External", listeners: { team: { from: "Selector" } } },
        internal: { scope: "Internal" },
      }),
    "gateways.external.listeners.team.selector",
    /name the labels of the namespaces, or use from: All/,
  ],
  [
    "SEED-21, E27: an address that no Gateway offers",
    (a) => (a.gateways = { external: { scope: "External" } }),
    "routes.store.addresses",
    /none of them is offered by a Gateway; list them in one of the gateways/,
  ],
  [
    "an internal address in an external Gateway",
    (a) => (a.gateways = { mixed: { scope: "External", addresses: ["web", "sip", "inside"] } }),
    "gateways.mixed.addresses[2]",
    /"inside" is Internal, but the Gateway is External/,
  ],
  [
    "E30: more addresses in one route than a Gateway holds, said once",
    (a) => {
      for (let i = 0; i < 15; i++) a.addresses[`more-${i}`] = {};
      a.routes!["proxy"]!.addresses.push(...Array.from({ length: 15 }, (_, i) => `more-${i}`));
    },
    "routes.proxy.addresses",
    /has 17 addresses; at most 16 are allowed in one object, so split them over several/,
  ],
  ["a label without a value", (a) => (a.labels = { team: "" }), 'labels["team"]', /give it a value or leave it out/],
  [
    "a heap that cannot hold the controller",
    (a) => (a.controller!.resources = { memory: "32Mi", memoryLimit: "64Mi" }),
    "controller.resources.memoryLimit",
    /64Mi leaves 48 MiB of heap; at least 64 are needed/,
  ],
  [
    "our CRD on a cluster whose controller is Google's",
    (a) => (a.controller = { kind: "GkeManaged", crds: "Install" }),
    "controller.crds",
    /where Google's controller runs, the CRD is Google's too/,
  ],
  [
    "a service account that is not named",
    (a) => (a.controller!.identity = { kind: "Existing" }),
    "controller.identity.serviceAccount",
    /name the service account's e-mail/,
  ],
];

describe("wrong programs", () => {
  for (const [title, change, path, remedy] of WRONG)
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
