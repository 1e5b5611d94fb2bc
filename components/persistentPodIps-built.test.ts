// SPDX-License-Identifier: Apache-2.0
// What the all-in-one makes of its arguments: the objects of Gateways, routes, pools and networks, field by field.
import { expect } from "chai";
import { PersistentPodIps } from "./persistentPodIps";
import { record, valueOf } from "./testing/mocks";
import { goodArgs } from "./testing/programs";

const GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway";
const ROUTE = "kubernetes:networking.gke.io/v1:GKEIPRoute";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";
const build = () => new PersistentPodIps("edge", goodArgs());

describe("PersistentPodIps, what it builds", () => {
  it("SEED-43, SEED-48: offers the addresses in a Gateway of our class with protocol none on port 443", async () => {
    const { one, value } = await record(build);
    const { inputs } = one(GATEWAY, "edge-external");
    expect(inputs["metadata"]).to.deep.equal({ name: "edge-external", namespace: "default" });
    expect(inputs["spec"]).to.deep.equal({
      gatewayClassName: "persistent-ip-regional-external",
      addresses: [
        { type: "gke.networking.io/cidr", value: "34.123.10.2/32" },
        { type: "gke.networking.io/cidr", value: `${await valueOf(value.addresses["web"]!)}/32` },
      ],
      listeners: [
        {
          name: "default",
          port: 443,
          protocol: "none",
          allowedRoutes: {
            namespaces: {
              from: "Selector",
              selector: { matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "In", values: ["proxy"] }] },
            },
          },
        },
      ],
    });
  });

  it("SEED-44, SEED-47: by default only the namespaces of its routes may attach, its own needs no selector", async () => {
    const args = goodArgs();
    for (const r of Object.values(args.routes!)) r.namespace = "default";
    const { one } = await record(() => new PersistentPodIps("edge", args));
    const { listeners } = one(GATEWAY, "edge-external").inputs["spec"] as { listeners: { allowedRoutes: unknown }[] };
    expect(listeners.map((l) => l.allowedRoutes)).to.deep.equal([{ namespaces: { from: "Same" } }]);
  });

  it("SEED-68: points a route at one replica of a StatefulSet, on the only network there is", async () => {
    const { one } = await record(build);
    expect(one(ROUTE, "edge-store").inputs["spec"]).to.deep.equal({
      parentRefs: [{ name: "edge-internal", namespace: "default" }],
      addresses: [{ type: "gke.networking.io/cidr", value: "10.1.0.50/32" }],
      network: "blue-network",
      podSelector: { matchLabels: { "statefulset.kubernetes.io/pod-name": "store-0" } },
      reactionMode: "ReadyCondition",
    });
  });

  it("SEED-22, SEED-53: puts the node pool on the Pod network and makes the Network object after the controller serves as gate", async () => {
    const { one } = await record(build);
    expect(one("gcp:container/nodePool:NodePool", "edge-main").inputs["networkConfig"]).to.deep.equal({
      enablePrivateNodes: true,
      additionalNodeNetworkConfigs: [{ network: "edge-blue-network", subnetwork: "edge-blue-network" }],
      additionalPodNetworkConfigs: [{ subnetwork: "edge-blue-network", secondaryPodRange: "pods", maxPodsPerNode: 32 }],
    });
    const network = one("kubernetes:networking.gke.io/v1:Network", "edge-blue-network");
    expect(network.inputs["metadata"]).to.deep.equal({ name: "blue-network" });
    expect(network.dependencies).to.include(one(DEPLOYMENT, "edge-controller").urn);
  });

  it("E68: names what lies in the Shared VPC host project by path in the node pool, and by name where GKE asks there", async () => {
    const { one, of } = await record(() => new PersistentPodIps("edge", { ...goodArgs(), networkProject: "host" }));
    const network = "projects/host/global/networks/edge-blue-network";
    const subnetwork = "projects/host/regions/europe-west3/subnetworks/edge-blue-network";
    expect(one("gcp:container/nodePool:NodePool", "edge-main").inputs["networkConfig"]).to.deep.equal({
      enablePrivateNodes: true,
      additionalNodeNetworkConfigs: [{ network, subnetwork }],
      additionalPodNetworkConfigs: [{ subnetwork, secondaryPodRange: "pods", maxPodsPerNode: 32 }],
    });
    expect(one("gcp:compute/address:Address", "edge-inside").inputs).to.include({ project: "p", subnetwork });
    for (const type of ["network:Network", "subnetwork:Subnetwork", "firewall:Firewall"])
      for (const r of of(`gcp:compute/${type}`)) expect(r.inputs["project"], r.urn).to.equal("host");
    const params = one("kubernetes:networking.gke.io/v1:GKENetworkParamSet", "edge-blue-network-params").inputs["spec"];
    expect(params).to.include({ vpc: "edge-blue-network", vpcSubnet: "edge-blue-network" });
  });

  it("adopts a cluster by name, and refuses one without Dataplane V2 once it is read (SEED-5)", async () => {
    const args = { ...goodArgs(), cluster: { existing: { name: "shared", location: "europe-west3-a" } } };
    const answer = (datapathProvider: string) => ({
      "gcp:container/getCluster:getCluster": () => ({
        name: "shared",
        endpoint: "192.0.2.20",
        datapathProvider,
        enableMultiNetworking: true,
        masterAuths: [{ clusterCaCertificate: "Q0E=" }],
      }),
    });
    const { value, of, one } = await record(() => new PersistentPodIps("edge", args), { calls: answer("ADVANCED_DATAPATH") });
    expect(of("gcp:container/cluster:Cluster")).to.deep.equal([]);
    expect(JSON.parse(await valueOf(value.kubeconfig))).to.have.nested.property(
      "clusters[0].cluster.server",
      "https://192.0.2.20",
    );
    expect(one("pulumi:providers:kubernetes", "edge-kubernetes").inputs["clusterIdentifier"]).to.equal(
      "projects/p/locations/europe-west3-a/clusters/shared",
    );
  });

  it("reaches an adopted cluster by a given kubeconfig without asking Google", async () => {
    const existing = { name: "shared", location: "europe-west3", kubeconfig: '{"kind":"Config"}' };
    const { value } = await record(() => new PersistentPodIps("edge", { ...goodArgs(), cluster: { existing } }));
    expect(await valueOf(value.kubeconfig)).to.equal('{"kind":"Config"}');
  });

  it("GkeManaged: deploys nothing of ours, and uses Google's classes (SEED-41, SEED-42)", async () => {
    const args = { ...goodArgs(), controller: { kind: "GkeManaged" as const } };
    const { of, one } = await record(() => new PersistentPodIps("edge", args));
    expect(of(DEPLOYMENT)).to.deep.equal([]);
    expect(of("gcp:serviceaccount/account:Account")).to.deep.equal([]);
    expect(one(GATEWAY, "edge-external").inputs).to.have.nested.property(
      "spec.gatewayClassName",
      "gke-persistent-regional-external-managed",
    );
    expect(one(GATEWAY, "edge-internal").inputs).to.have.nested.property(
      "spec.gatewayClassName",
      "gke-persistent-regional-internal-managed",
    );
  });

  it("E30: splits more than 16 addresses over Gateways, and points each route at the one that has its addresses", async () => {
    const args = goodArgs();
    args.addresses = Object.fromEntries(Array.from({ length: 20 }, (_v, i) => [`a${String(i).padStart(2, "0")}`, {}]));
    args.routes = {
      first: { addresses: ["a00", "a19"], podSelector: { matchLabels: { a: "b" } } },
      last: { addresses: ["a18"], podSelector: { matchLabels: { a: "c" } } },
    };
    const { value, one, of } = await record(() => new PersistentPodIps("edge", args));
    const sizes = of(GATEWAY).map((g) => (g.inputs["spec"] as { addresses: unknown[] }).addresses.length);
    expect(sizes).to.deep.equal([16, 4]);
    expect(value.gatewayNames["a00"]).to.equal(value.gatewayNames["a19"]);
    for (const [route, address] of [
      ["first", "a00"],
      ["last", "a18"],
    ] as const)
      expect(one(ROUTE, `edge-${route}`).inputs).to.have.nested.property("spec.parentRefs[0].name", value.gatewayNames[address]);
  });
});
