// SPDX-License-Identifier: Apache-2.0
// The all-in-one as the engine sees it: every registration with its options, in a preview and in an update.
import { expect } from "chai";
import { OnDestroy } from "./enums";
import { PersistentPodIps } from "./persistentPodIps";
import { record, type Recorded, unknownPaths, valueOf } from "./testing/mocks";
import { goodArgs } from "./testing/programs";

const GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway";
const ROUTE = "kubernetes:networking.gke.io/v1:GKEIPRoute";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";
const build = () => new PersistentPodIps("edge", goodArgs());
const isKube = (type: string): boolean => type.startsWith("kubernetes:");

describe("PersistentPodIps, every registration", () => {
  let up: Recorded<PersistentPodIps>;
  let preview: Recorded<PersistentPodIps>;
  before(async () => {
    up = await record(build);
    preview = await record(build, { preview: true });
  });

  it("registers the same resources in a preview as in an update, each once", () => {
    const names = (r: Recorded<unknown>) => r.seen.map((s) => s.urn).sort();
    expect(names(preview)).to.deep.equal(names(up));
    expect(new Set(names(up)).size).to.equal(names(up).length);
    expect(up.seen.length).to.be.greaterThan(35);
  });

  it("gives everything but the outermost component a parent inside the component", () => {
    for (const r of up.seen)
      if (r.type === "gke-persistent-ip:index:PersistentPodIps") expect(r.parent).to.match(/Stack|^$/);
      else expect(r.parent, r.urn).to.contain("gke-persistent-ip:index:");
  });

  it("sends every Kubernetes object to the cluster's own provider, none to a default one", () => {
    const objects = up.seen.filter((r) => isKube(r.type));
    expect(objects.length).to.equal(20);
    for (const r of objects) expect(r.provider, r.urn).to.contain("pulumi:providers:kubernetes::edge-kubernetes::");
  });

  it("hands a provider of the caller to every Google Cloud resource", async () => {
    const { Provider } = await import("@pulumi/gcp/provider");
    const seen = await record(
      () => new PersistentPodIps("edge", goodArgs(), { providers: [new Provider("mine", { project: "p" })] }),
    );
    const cloud = seen.seen.filter((r) => r.type.startsWith("gcp:"));
    expect(cloud.length).to.be.greaterThan(10);
    for (const r of cloud) expect(r.provider, r.urn).to.contain("::mine::");
  });

  it("always sets clusterIdentifier and server-side apply on the provider, and no token in the kubeconfig", async () => {
    const { inputs } = up.one("pulumi:providers:kubernetes", "edge-kubernetes");
    expect(inputs["clusterIdentifier"]).to.equal("edge-id");
    expect(inputs["enableServerSideApply"]).to.equal("true");
    const kubeconfig = await valueOf(up.value.kubeconfig);
    expect(inputs["kubeconfig"]).to.equal(kubeconfig);
    expect(kubeconfig)
      .to.contain("gke-gcloud-auth-plugin")
      .and.not.match(/token|password|client-key/);
  });

  it("SEED-5, SEED-19, SEED-26: makes the cluster with Dataplane V2, multi-networking and the Gateway API", () => {
    expect(up.one("gcp:container/cluster:Cluster", "edge").inputs).to.include({
      datapathProvider: "ADVANCED_DATAPATH",
      enableMultiNetworking: true,
      networkingMode: "VPC_NATIVE",
      location: "europe-west3",
      deletionProtection: true,
    });
    expect(up.one("gcp:container/cluster:Cluster", "edge").inputs["gatewayApiConfig"]).to.deep.equal({
      channel: "CHANNEL_STANDARD",
    });
  });

  it("protects addresses, cluster, pools, networks and identities, and keeps reserved addresses when they leave the program", () => {
    const guarded = up.seen.filter((r) => r.protect).map((r) => r.type.split(":")[2]);
    expect(new Set(guarded)).to.deep.equal(
      new Set(["Address", "Cluster", "NodePool", "Network", "Subnetwork", "Account", "IAMCustomRole", "IAMMember"]),
    );
    for (const r of up.of("gcp:compute/address:Address")) expect(r).to.include({ protect: true, retainOnDelete: true });
  });

  it("takes the guards off with one switch, the addresses' last", async () => {
    for (const onDestroy of [OnDestroy.Retain, OnDestroy.Delete]) {
      const off = await record(() => new PersistentPodIps("edge", { ...goodArgs(), onDestroy }));
      expect(off.seen.filter((r) => r.protect).map((r) => r.urn)).to.deep.equal([]);
      expect(off.one("gcp:container/cluster:Cluster", "edge").inputs["deletionProtection"]).to.equal(false);
      const kept = off.seen.filter((r) => r.retainOnDelete).map((r) => `${r.type.split(":")[2]} ${r.name}`);
      // An internal address cannot do without its subnet; Google would refuse to delete it (seen on the real engine).
      expect(kept.sort()).to.deep.equal(
        onDestroy === OnDestroy.Delete
          ? []
          : [
              "Address edge-inside",
              "Address edge-sip",
              "Address edge-web",
              "Network edge-blue-network",
              "Subnetwork edge-blue-network",
            ],
      );
    }
  });

  it("leaves no network behind that holds no reserved address", async () => {
    const args = { ...goodArgs(), onDestroy: OnDestroy.Retain };
    delete args.addresses["inside"];
    delete args.routes!["store"];
    const { seen } = await record(() => new PersistentPodIps("edge", args));
    expect(seen.filter((r) => r.retainOnDelete).map((r) => r.name)).to.have.members(["edge-web", "edge-sip"]);
  });

  it("never uses deletedWith, so that no destroy drops an object that still stands (ADR 0004)", () => {
    expect(up.seen.filter((r) => r.deletedWith !== "").map((r) => r.urn)).to.deep.equal([]);
  });

  it("writes no description anywhere: on immutable resources it would be a replacement waiting to happen", () => {
    for (const r of up.seen.filter((s) => !isKube(s.type))) expect(Object.keys(r.inputs), r.urn).to.not.include("description");
  });

  it("has no aliases of its own yet, since nothing was ever called otherwise; the SDK's are other versions of the same kind", () => {
    const kind = (type: string): string => type.split(":").at(-1)!;
    for (const r of up.seen)
      for (const a of r.aliases)
        expect({ name: a.name, kind: kind(a.type) }, r.urn).to.deep.equal({ name: "", kind: kind(r.type) });
  });

  it("deletes routes before Gateways, Gateways before the controller, the controller before its rights and its nodes", () => {
    const needs = (type: string, name: string) => up.one(type, name).dependencies;
    const urn = (type: string, name: string) => up.one(type, name).urn;
    const deployment = urn(DEPLOYMENT, "edge-controller");
    for (const route of ["edge-proxy", "edge-store"]) {
      expect(needs(ROUTE, route)).to.include.members([urn(GATEWAY, "edge-external"), urn(GATEWAY, "edge-internal"), deployment]);
      expect(needs(ROUTE, route)).to.include(urn("kubernetes:networking.gke.io/v1:Network", "edge-blue-network"));
      expect(needs(ROUTE, route)).to.include(urn("kubernetes:core/v1:Namespace", "edge-proxy"));
    }
    expect(needs(GATEWAY, "edge-external")).to.include(deployment);
    expect(needs(GATEWAY, "edge-external")).to.include(
      urn("kubernetes:gateway.networking.k8s.io/v1:GatewayClass", "edge-class-external"),
    );
    for (const [type, name] of [
      ["kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding", "edge-controller"],
      ["kubernetes:rbac.authorization.k8s.io/v1:RoleBinding", "edge-controller"],
      ["kubernetes:core/v1:ConfigMap", "edge-bundle"],
      ["kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "edge-addressbindings"],
      ["gcp:projects/iAMMember:IAMMember", "edge-controller"],
      ["gcp:projects/iAMCustomRole:IAMCustomRole", "edge-controller"],
      ["gcp:serviceaccount/iAMMember:IAMMember", "edge-controller-identity"],
      ["gcp:container/nodePool:NodePool", "edge-main"],
    ] as const)
      expect(needs(DEPLOYMENT, "edge-controller"), type).to.include(urn(type, name));
  });

  it("has an order at all: no resource depends on itself by any way", () => {
    const edges = new Map(up.seen.map((r) => [r.urn, r.dependencies]));
    const done = new Set<string>();
    const walk = (urn: string, path: string[]): void => {
      expect(path, `cycle over ${urn}`).to.not.include(urn);
      if (done.has(urn)) return;
      for (const next of edges.get(urn) ?? []) walk(next, [...path, urn]);
      done.add(urn);
    };
    for (const r of up.seen) walk(r.urn, []);
  });

  it("shows real names and specs in the first preview; unknown is only what Google chooses", () => {
    const unknown = Object.fromEntries(
      preview.seen.flatMap((r) =>
        ((paths) => (paths.length === 0 ? [] : [[`${r.type.split(":")[2]} ${r.name}`, paths]]))(unknownPaths(r.inputs)),
      ),
    );
    expect(unknown).to.deep.equal({
      "kubernetes edge-kubernetes": ["clusterIdentifier", "kubeconfig"],
      "IAMMember edge-controller-identity": ["serviceAccountId"],
      "Gateway edge-external": ["spec.addresses[1].value"],
      "GKEIPRoute edge-proxy": ["spec.addresses[0].value"],
    });
  });

  it("keeps the keys of its outputs in a preview, whatever is unknown", () => {
    expect(Object.keys(preview.value.addresses)).to.deep.equal(["web", "sip", "inside"]);
    expect(preview.value.gatewayNames).to.deep.equal({ web: "edge-external", sip: "edge-external", inside: "edge-internal" });
    expect(preview.value.routeNames).to.deep.equal({ proxy: "proxy/edge-proxy", store: "proxy/edge-store" });
  });

  it("depends on nothing but its arguments: two runs send the same inputs", async () => {
    const again = await record(build);
    const inputs = (r: Recorded<unknown>) => new Map(r.seen.map((s) => [s.urn, s.inputs]));
    expect(inputs(again)).to.deep.equal(inputs(up));
  });

  it("does not change the arguments of the caller", async () => {
    const args = goodArgs();
    const before = structuredClone(args);
    await record(() => new PersistentPodIps("edge", args));
    expect(args).to.deep.equal(before);
  });
});

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
