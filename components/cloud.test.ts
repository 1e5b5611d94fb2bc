// SPDX-License-Identifier: Apache-2.0
// Components of what lives in Google Cloud, each alone: what it makes of its arguments.
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { AddressSet } from "./addressSet";
import type { AddressSetArgs, MultiNetworkClusterArgs, PodNetworksArgs } from "./argsCloud";
import { MultiNetworkCluster } from "./multiNetworkCluster";
import { PodNetworks } from "./podNetworks";
import { type Calls, record, reported, valueOf } from "./testing/mocks";

const region = "europe-west3";
const ADDRESS = "gcp:compute/address:Address";

describe("AddressSet", () => {
  const make = (args: Partial<AddressSetArgs>, calls: Calls = {}) =>
    record(() => new AddressSet("edge", { region, addresses: {}, ...args }), { calls });

  it("SEED-28, SEED-29: reserves an external address under its own name, in the region, with labels", async () => {
    const { one, value } = await make({
      addresses: { web: { tier: "STANDARD" }, sip: { name: "sip-server" } },
      labels: { b: "2", a: "1" },
    });
    expect(one(ADDRESS, "edge-web").inputs).to.deep.equal({
      name: "edge-web",
      project: "p",
      region,
      addressType: "EXTERNAL",
      networkTier: "STANDARD",
      labels: { a: "1", b: "2" },
    });
    expect(await valueOf(value.addressNames["sip"]!)).to.equal("sip-server");
  });

  it("SEED-32, SEED-35: reserves an internal address in the subnet of its network, without a tier", async () => {
    const networks = { blue: { subnetwork: "edge-blue", cidr: "10.1.0.0/20" } };
    const { one } = await make({
      addresses: { a: { network: "blue", address: "10.1.0.50" }, b: { network: "blue", shared: true } },
      networks,
    });
    expect(one(ADDRESS, "edge-a").inputs).to.deep.equal({
      name: "edge-a",
      project: "p",
      region,
      addressType: "INTERNAL",
      address: "10.1.0.50",
      subnetwork: `projects/p/regions/${region}/subnetworks/edge-blue`,
    });
    expect(one(ADDRESS, "edge-b").inputs).to.include({ purpose: "SHARED_LOADBALANCER_VIP" });
  });

  it("E68: takes the subnet from the network project with Shared VPC", async () => {
    const { one } = await make({ addresses: { a: { subnetwork: "blue" } }, networkProject: "host" });
    expect(one(ADDRESS, "edge-a").inputs).to.include({
      project: "p",
      subnetwork: `projects/host/regions/${region}/subnetworks/blue`,
    });
  });

  it("SEED-3, SEED-38, SEED-39: takes an address from a delegated prefix of one's own", async () => {
    const fromPrefix = `projects/p/regions/${region}/publicDelegatedPrefixes/mine`;
    const { one } = await make({ addresses: { own: { fromPrefix, address: "203.0.113.7" } } });
    expect(one(ADDRESS, "edge-own").inputs).to.include({ ipCollection: fromPrefix, address: "203.0.113.7" });
  });

  it("reads an adopted address and registers nothing that could change it", async () => {
    const calls: Calls = {
      "gcp:compute/getAddress:getAddress": (i) => ({ name: i["name"], address: "34.9.9.9", addressType: "EXTERNAL" }),
    };
    const { of, value } = await make({ addresses: { old: { existing: "legacy" } } }, calls);
    expect(of(ADDRESS)).to.deep.equal([]);
    expect(await valueOf(value.addresses["old"]!)).to.equal("34.9.9.9");
    expect(await valueOf(value.addressNames["old"]!)).to.equal("legacy");
  });

  it("E32: refuses an adopted address of the other scope, by name and value", async () => {
    const calls: Calls = {
      "gcp:compute/getAddress:getAddress": () => ({ name: "legacy", address: "10.1.0.9", addressType: "INTERNAL" }),
    };
    const { value } = await make({ addresses: {} }, calls);
    expect(value.addresses).to.deep.equal({});
    const said = await reported(() => new AddressSet("late", { region, addresses: { old: { existing: "legacy" } } }));
    expect(said).to.have.length(1);
    expect(said[0]).to.match(/addresses\.old\.existing: legacy \(10\.1\.0\.9\) is INTERNAL, but the scope here is External/);
  });

  it("reads adopted addresses first: with a name that does not exist nothing is registered, and every problem is told at once", async () => {
    const calls: Calls = {
      "gcp:compute/getAddress:getAddress": (i) => {
        if (i["name"] === "mine") return { name: "mine", address: "34.9.9.9", addressType: "EXTERNAL" };
        throw refusedBy(
          i["name"] === "gone" ? "googleapi: Error 404: was not found, notFound" : "googleapi: Error 403: forbidden",
        );
      },
    };
    const { seen } = await record(() => undefined, { calls });
    const addresses = { a: { existing: "gone" }, b: { existing: "mine" }, c: { existing: "secret" }, d: {} };
    const said = await reported(() => new AddressSet("late", { region, addresses }));
    expect(said).to.have.length(1);
    expect(said[0]!.split("\n")).to.have.length(3);
    expect(said[0]).to.match(
      /addresses\.a\.existing: "gone" is not a reserved address of region .*gcloud compute addresses create gone/,
    );
    expect(said[0]).to.match(/addresses\.c\.existing: "secret" cannot be read: .*403: forbidden/);
    expect(seen.filter((r) => r.type === ADDRESS)).to.deep.equal([]);
  });

  it("does not touch one address when another is added or taken away", async () => {
    const inputs = async (keys: string[]) =>
      new Map(
        (await make({ addresses: Object.fromEntries(keys.map((k) => [k, {}])) })).of(ADDRESS).map((r) => [r.urn, r.inputs]),
      );
    const [before, after] = [await inputs(["a", "b", "c"]), await inputs(["new", "b", "c"])];
    for (const [urn, i] of before) if (!urn.endsWith("-a")) expect(after.get(urn)).to.deep.equal(i);
    expect(after.size).to.equal(3);
  });
});

describe("PodNetworks", () => {
  const make = (networks: PodNetworksArgs["networks"], more: Partial<PodNetworksArgs> = {}) =>
    record(() => new PodNetworks("edge", { region, networks, ...more }));
  const FIREWALL = "gcp:compute/firewall:Firewall";
  const PARAMS = "kubernetes:networking.gke.io/v1:GKENetworkParamSet";
  const NETWORK = "kubernetes:networking.gke.io/v1:Network";

  it("SEED-13, SEED-52, SEED-53: makes an L3 network with a range for Pods, and its two objects", async () => {
    const { one } = await make({ "blue-network": { cidr: "10.1.0.0/20", podCidr: "10.128.0.0/16" } });
    expect(one("gcp:compute/network:Network", "edge-blue-network").inputs).to.deep.equal({
      name: "edge-blue-network",
      project: "p",
      autoCreateSubnetworks: false,
    });
    expect(one("gcp:compute/subnetwork:Subnetwork", "edge-blue-network").inputs).to.deep.include({
      network: "edge-blue-network",
      ipCidrRange: "10.1.0.0/20",
      secondaryIpRanges: [{ rangeName: "pods", ipCidrRange: "10.128.0.0/16" }],
    });
    expect(one(PARAMS, "edge-blue-network-params").inputs["spec"]).to.deep.equal({
      vpc: "edge-blue-network",
      vpcSubnet: "edge-blue-network",
      podIPv4Ranges: { rangeNames: ["pods"] },
    });
    expect(one(NETWORK, "edge-blue-network").inputs["spec"]).to.deep.equal({
      type: "L3",
      parametersRef: { group: "networking.gke.io", kind: "GKENetworkParamSet", name: "blue-network" },
    });
  });

  it("SEED-13: makes a Device network with a device mode and no range", async () => {
    const { one, value } = await make({ fast: { mode: "Device", cidr: "10.3.0.0/24", deviceMode: "DPDK-VFIO" } });
    expect(one(PARAMS, "edge-fast-params").inputs["spec"]).to.deep.equal({
      vpc: "edge-fast",
      vpcSubnet: "edge-fast",
      deviceMode: "DPDK-VFIO",
    });
    expect(one(NETWORK, "edge-fast").inputs).to.have.nested.property("spec.type", "Device");
    expect(one("gcp:compute/subnetwork:Subnetwork", "edge-fast").inputs).to.not.have.property("secondaryIpRanges");
    expect(value.podRanges).to.deep.equal({});
  });

  it("uses a network that is there and makes none", async () => {
    const existing = { existingNetwork: "corp", existingSubnetwork: "corp-pods", existingPodRange: "r1" };
    const { seen, one } = await make({ corp: existing });
    expect(seen.filter((r) => r.type.startsWith("gcp:")).map((r) => r.urn)).to.deep.equal([]);
    expect(one(PARAMS, "edge-corp-params").inputs["spec"]).to.deep.equal({
      vpc: "corp",
      vpcSubnet: "corp-pods",
      podIPv4Ranges: { rangeNames: ["r1"] },
    });
  });

  it("opens nothing unless told what, for whom and where (E55)", async () => {
    const net = { cidr: "10.1.0.0/20", podCidr: "10.128.0.0/16" };
    expect((await make({ blue: net })).of(FIREWALL)).to.deep.equal([]);
    const ingress = {
      sip: {
        sources: ["203.0.113.0/24", "198.51.100.0/24"],
        protocol: "udp",
        ports: ["5060-5080"],
        destinations: ["10.1.0.50/32"],
      },
    };
    const { one } = await make({ blue: { ...net, ingress } });
    expect(one(FIREWALL, "edge-blue-sip").inputs).to.deep.equal({
      name: "edge-blue-sip",
      project: "p",
      network: "edge-blue",
      direction: "INGRESS",
      sourceRanges: ["198.51.100.0/24", "203.0.113.0/24"],
      destinationRanges: ["10.1.0.50/32"],
      allows: [{ protocol: "udp", ports: ["5060-5080"] }],
    });
  });

  it("replaces its objects rather than edit them, since GKE refuses edits", async () => {
    const { one } = await make({ blue: { cidr: "10.1.0.0/20", podCidr: "10.128.0.0/16" } });
    for (const r of [one(PARAMS, "edge-blue-params"), one(NETWORK, "edge-blue")])
      expect(r).to.deep.include({ replaceOnChanges: ["spec"], deleteBeforeReplace: true });
    expect(one(NETWORK, "edge-blue").dependencies).to.include(one(PARAMS, "edge-blue-params").urn);
  });

  it("makes no object for a network that is only named, or where the caller makes them", async () => {
    const { seen } = await make({ theirs: { existingObject: true } });
    expect(seen.map((r) => r.type)).to.deep.equal(["gke-persistent-ip:index:PodNetworks"]);
    const off = await make({ blue: { cidr: "10.1.0.0/20", podCidr: "10.128.0.0/16" } }, { kubernetesObjects: false });
    expect(off.seen.filter((r) => r.type.startsWith("kubernetes:")).map((r) => r.urn)).to.deep.equal([]);
  });
});

describe("MultiNetworkCluster", () => {
  const create = { network: "main", subnetwork: "main", podRange: "pods", serviceRange: "services" };
  const make = (more: Partial<MultiNetworkClusterArgs["create"] & object> = {}, args: Partial<MultiNetworkClusterArgs> = {}) =>
    record(() => new MultiNetworkCluster("edge", { region, create: { ...create, ...more }, ...args }));
  const CLUSTER = "gcp:container/cluster:Cluster";
  const POOL = "gcp:container/nodePool:NodePool";

  it("keeps a preview quiet about what GKE changes by itself", async () => {
    const { one } = await make({ pools: { fixed: { nodes: 2 }, elastic: { min: 1, max: 5 } } });
    expect(one(CLUSTER, "edge").ignoreChanges).to.deep.equal(["initialNodeCount", "nodePools", "nodeVersion"]);
    expect(one(POOL, "edge-fixed")).to.deep.include({ ignoreChanges: ["initialNodeCount"] });
    expect(one(POOL, "edge-fixed").inputs).to.include({ nodeCount: 2 });
    expect(one(POOL, "edge-elastic").ignoreChanges).to.deep.equal(["initialNodeCount"]);
    expect(one(POOL, "edge-elastic").inputs).to.deep.include({
      autoscaling: { minNodeCount: 1, maxNodeCount: 5 },
      initialNodeCount: 1,
    });
    expect(one(POOL, "edge-elastic").inputs).to.not.have.property("nodeCount");
  });

  it("has one pool unless told otherwise, and never labels that are empty", async () => {
    const { of, one } = await make();
    expect(of(POOL).map((r) => r.inputs["name"])).to.deep.equal(["main"]);
    expect(one(CLUSTER, "edge").inputs).to.not.have.property("resourceLabels");
  });

  it("takes the DNS endpoint where it is asked for, without a certificate", async () => {
    const { value } = await make({ dnsEndpoint: true });
    const kubeconfig = await valueOf(value.kubeconfig);
    expect(kubeconfig).to.contain("gke-abc.europe-west3.gke.goog").and.not.contain("certificate-authority-data");
  });

  it("has a kubeconfig that is no secret, even if what it is read from is one", async () => {
    const { value } = await make();
    expect(await pulumi.isSecret(value.kubeconfig)).to.equal(false);
  });

  it("has nodes without external addresses and an open control plane, unless told otherwise", async () => {
    const first = (await make()).one(CLUSTER, "edge").inputs;
    expect(first["privateClusterConfig"]).to.deep.equal({ enablePrivateNodes: true });
    expect(first).to.not.have.property("masterAuthorizedNetworksConfig");
    const { one } = await make({ privateNodes: false, authorizedNetworks: { vpn: "198.51.100.0/24", home: "203.0.113.0/24" } });
    expect(one(CLUSTER, "edge").inputs).to.not.have.property("privateClusterConfig");
    expect(one(CLUSTER, "edge").inputs).to.have.nested.property(
      "masterAuthorizedNetworksConfig.cidrBlocks[0].displayName",
      "home",
    );
  });

  it("refuses an adopted cluster without multi-networking once it is read (SEED-6)", async () => {
    const calls: Calls = {
      "gcp:container/getCluster:getCluster": () => ({
        name: "old",
        endpoint: "192.0.2.9",
        datapathProvider: "LEGACY_DATAPATH",
        enableMultiNetworking: false,
        masterAuths: [],
      }),
    };
    await record(() => undefined, { calls });
    const text = (await reported(adopt)).join("\n");
    expect(text).to.contain('cluster "old" has datapath LEGACY_DATAPATH').and.to.contain('cluster "old" has no multi-networking');
  });

  it("says of an adopted cluster that does not exist where to look", async () => {
    const calls: Calls = {
      "gcp:container/getCluster:getCluster": () => {
        throw refusedBy("googleapi: Error 404: Not found: projects/p/locations/x/clusters/old");
      },
    };
    await record(() => undefined, { calls });
    const said = await reported(adopt);
    expect(said).to.have.length(1);
    expect(said[0]).to.match(/existing\.name: "old" is not a cluster in ".*"; "gcloud container clusters list" shows/);
  });
});

/** An answer as the engine gives it: the SDK reads the details of gRPC. */
const refusedBy = (details: string): Error => Object.assign(new Error(details), { details });
const adopt = () => new MultiNetworkCluster("late", { region, existing: { name: "old", location: region } });
