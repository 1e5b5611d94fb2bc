// SPDX-License-Identifier: Apache-2.0
// An address per replica by one declaration, and what is wrong with such declarations.
import { expect } from "chai";
import type { PersistentPodIpsArgs } from "./argsPods";
import { persistentPodIpsProblems } from "./checksAll";
import { expand, expandAddresses } from "./expand";
import { PersistentPodIps } from "./persistentPodIps";
import { record } from "./testing/mocks";
import { goodArgs } from "./testing/programs";

const replicas = (count: number, start?: number): PersistentPodIpsArgs => ({
  ...goodArgs(),
  addresses: { sip: { count, tier: "STANDARD" } },
  routes: {
    sip: {
      addresses: ["sip"],
      namespace: "voice",
      statefulSet: { name: "sip-server", ...(start === undefined ? {} : { start }) },
    },
  },
});
const paths = (args: PersistentPodIpsArgs): string[] =>
  persistentPodIpsProblems("edge", args).map((p) => `${p.path} [${p.code}]`);

describe("an address per replica", () => {
  it("SEED-68: becomes one address and one route a Pod, found by its name", async () => {
    const { of, value } = await record(() => new PersistentPodIps("edge", replicas(3)));
    expect(of("gcp:compute/address:Address").map((r) => r.name)).to.deep.equal(["edge-sip-0", "edge-sip-1", "edge-sip-2"]);
    const routes = of("kubernetes:networking.gke.io/v1:GKEIPRoute");
    expect(routes.map((r) => (r.inputs["spec"] as { podSelector: object }).podSelector)).to.deep.equal(
      [0, 1, 2].map((i) => ({ matchLabels: { "statefulset.kubernetes.io/pod-name": `sip-server-${i}` } })),
    );
    expect(Object.keys(value.addresses)).to.deep.equal(["sip-0", "sip-1", "sip-2"]);
    expect(value.routeNames["sip-2"]).to.equal("voice/edge-sip-2");
  });

  it("scales at the end: one more replica renames nothing", () => {
    const [three, four] = [expand(replicas(3)), expand(replicas(4))];
    expect(Object.keys(four.addresses).slice(0, 3)).to.deep.equal(Object.keys(three.addresses));
    for (const key of Object.keys(three.routes!)) expect(four.routes![key]).to.deep.equal(three.routes![key]);
  });

  it("may begin at another ordinal, and use addresses of any kind in their order", () => {
    const args = replicas(1, 5);
    args.addresses["old"] = { existing: "old-one" };
    args.routes!["sip"]!.addresses = ["sip", "old"];
    expect(Object.entries(expand(args).routes!).map(([k, r]) => [k, r.addresses])).to.deep.equal([
      ["sip-5", ["sip-0"]],
      ["sip-6", ["old"]],
    ]);
  });

  it("leaves arguments without it as they are, object and all", () => {
    const args = goodArgs();
    expect(expand(args)).to.equal(args);
    expect(expandAddresses(args.addresses)).to.equal(args.addresses);
  });

  it("stands for all of its addresses where a Gateway or a plain route names it", () => {
    const args = { ...replicas(2), gateways: { out: { addresses: ["sip"] } } };
    args.routes = { all: { addresses: ["sip"], podSelector: { matchLabels: { app: "sip" } } } };
    const single = expand(args);
    expect(single.gateways!["out"]!.addresses).to.deep.equal(["sip-0", "sip-1"]);
    expect(single.routes!["all"]!.addresses).to.deep.equal(["sip-0", "sip-1"]);
  });

  it("is told of mistakes once, under the path that was written", () => {
    expect(paths(replicas(0))).to.include("addresses.sip.count [Bounds]");
    expect(paths(replicas(1.5))).to.include("addresses.sip.count [Bounds]");
    const fixed = replicas(2);
    fixed.addresses["sip"]!.address = "34.1.1.1";
    expect(paths(fixed)).to.include("addresses.sip.address [Exclusive]");
    const wrongTier = replicas(3);
    wrongTier.addresses["sip"]!.tier = "GOLD" as never;
    expect(paths(wrongTier)).to.deep.equal(["addresses.sip.tier [Enum]"]);
    const taken = replicas(2);
    taken.addresses["sip-1"] = {};
    expect(paths(taken)).to.include("addresses.sip-1 [Exclusive]");
    const both = replicas(2);
    both.routes!["sip"]!.podSelector = { matchLabels: { a: "b" } };
    expect(paths(both)).to.deep.equal(["routes.sip [Exclusive]"]);
    const neither = replicas(2);
    delete neither.routes!["sip"]!.statefulSet;
    expect(paths(neither)).to.deep.equal(["routes.sip.podSelector [Required]"]);
    expect(paths(replicas(2, -1))).to.include("routes.sip.statefulSet.start [Bounds]");
  });
});

describe("stability", () => {
  it("becomes the annotations that the controller reads, on the route and the Gateway", async () => {
    const args = goodArgs();
    args.routes!["proxy"]!.stability = { sticky: true, preferredPods: { "role=warm": 10, "role=primary": 100 } };
    args.gateways = {
      external: { scope: "External", stability: { minDwellSeconds: 60, moveBudget: "3/600", hotStandby: 2 } },
      internal: { scope: "Internal" },
    };
    args.controller = { datapath: "Linux", nodeAgent: { image: "registry.example/agent:1" } };
    const { one } = await record(() => new PersistentPodIps("edge", args));
    const metadata = (type: string, name: string) => (one(type, name).inputs["metadata"] as { annotations: object }).annotations;
    expect(metadata("kubernetes:networking.gke.io/v1:GKEIPRoute", "edge-proxy")).to.deep.include({
      "gke-persistent-ip.dev/sticky": "true",
      "gke-persistent-ip.dev/preferred-pods": "role=primary:100,role=warm:10",
    });
    expect(metadata("kubernetes:gateway.networking.k8s.io/v1:Gateway", "edge-external")).to.deep.equal({
      "gke-persistent-ip.dev/min-dwell-seconds": "60",
      "gke-persistent-ip.dev/move-budget": "3/600",
      "gke-persistent-ip.dev/hot-standby": "2",
    });
  });

  it("is refused where the controller would ignore it", () => {
    const args = goodArgs();
    args.routes!["proxy"]!.stability = { moveBudget: "often", preferredPods: { "role=warm": 0 }, minDwellSeconds: -1 };
    expect(paths(args)).to.deep.equal([
      "routes.proxy.stability.minDwellSeconds [StabilityValue]",
      "routes.proxy.stability.moveBudget [StabilityValue]",
      "routes.proxy.stability.preferredPods [StabilityValue]",
    ]);
  });

  it("a hot standby is refused where no node agent of ours could prepare it", () => {
    const args = goodArgs();
    args.gateways = { external: { scope: "External", stability: { hotStandby: 1 } }, internal: { scope: "Internal" } };
    args.routes!["proxy"]!.stability = { hotStandby: 2 };
    const [second] = Object.keys(args.routes!).filter((key) => key !== "proxy");
    args.routes![second!]!.stability = { hotStandby: 0 };
    const both = ["gateways.external.stability.hotStandby [Exclusive]", "routes.proxy.stability.hotStandby [Exclusive]"];
    expect(paths(args)).to.have.members(both);
    args.controller = { kind: "GkeManaged" };
    expect(paths(args)).to.have.members(both);
    args.controller = { datapath: "Linux", nodeAgent: { image: "registry.example/agent:1" } };
    expect(paths(args)).to.deep.equal([]);
    args.routes!["proxy"]!.stability = { hotStandby: 5 };
    expect(paths(args)).to.deep.equal(["routes.proxy.stability.hotStandby [StabilityValue]"]);
  });
});
