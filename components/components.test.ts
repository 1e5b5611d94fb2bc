// SPDX-License-Identifier: Apache-2.0
// Each component alone: what it makes of its arguments.
import * as pulumi from "@pulumi/pulumi";
import { expect } from "chai";
import { addressBindingCrd, gkeIpRouteCrd } from "../controller/api";
import { AddressSet } from "./addressSet";
import type { AddressSetArgs, MultiNetworkClusterArgs, PodNetworksArgs } from "./argsCloud";
import type { PodIpControllerArgs } from "./argsPods";
import { MultiNetworkCluster } from "./multiNetworkCluster";
import { PodIpController } from "./podIpController";
import { PodIpGateway } from "./podIpGateway";
import { PodIpRoute } from "./podIpRoute";
import { PodNetworks } from "./podNetworks";
import { type Calls, record, valueOf } from "./testing/mocks";
import { testBundle } from "./testing/programs";

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
    const set = new AddressSet("late", { region, addresses: { old: { existing: "legacy" } } });
    const outcome = await Promise.allSettled([valueOf(set.addresses["old"]!), valueOf(set.addressNames["old"]!)]);
    expect(String((outcome[0] as PromiseRejectedResult).reason)).to.match(
      /addresses\.old\.existing: legacy \(10\.1\.0\.9\) is INTERNAL, but the scope here is External/,
    );
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
    expect(one(POOL, "edge-elastic").ignoreChanges).to.deep.equal(["initialNodeCount", "nodeCount"]);
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
    const cluster = new MultiNetworkCluster("late", { region, existing: { name: "old", location: region } });
    const [outcome] = await Promise.allSettled([valueOf(cluster.kubeconfig)]);
    const text = String((outcome as PromiseRejectedResult).reason);
    expect(text).to.contain('cluster "old" has datapath LEGACY_DATAPATH').and.to.contain('cluster "old" has no multi-networking');
  });
});

describe("PodIpGateway", () => {
  const GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway";

  it("SEED-45, SEED-46, SEED-47, SEED-50: has listeners for all, selected and own namespaces, each on its port", async () => {
    const { one } = await record(
      () =>
        new PodIpGateway("edge", {
          scope: "External",
          addresses: { a: "34.1.2.3" },
          listeners: {
            all: { from: "All" },
            team: { from: "Selector", selector: { matchLabels: { team: "edge" } } },
            own: { port: 9000 },
          },
        }),
    );
    const { listeners } = one(GATEWAY, "edge").inputs["spec"] as { listeners: { allowedRoutes: { namespaces: object } }[] };
    expect(listeners.map(({ allowedRoutes, ...l }) => ({ ...l, ...allowedRoutes.namespaces }))).to.deep.equal([
      { name: "all", port: 443, protocol: "none", from: "All" },
      { name: "team", port: 444, protocol: "none", from: "Selector", selector: { matchLabels: { team: "edge" } } },
      { name: "own", port: 9000, protocol: "none", from: "Same" },
    ]);
  });

  it("SEED-49: tells which Gateway object offers which address, in plain names", async () => {
    const addresses = Object.fromEntries(Array.from({ length: 17 }, (_v, i) => [`a${i}`, `34.0.0.${i + 1}`]));
    const { value, of } = await record(
      () => new PodIpGateway("edge", { scope: "Internal", addresses, gatewayName: "pool", namespace: "net" }),
    );
    expect(value.gatewayNames["a0"]).to.equal("pool");
    expect(value.gatewayNames["a16"]).to.equal("pool-2");
    expect(value).to.include({ namespace: "net", className: "persistent-ip-regional-internal" });
    expect(of(GATEWAY).map((g) => g.inputs["metadata"])).to.deep.equal([
      { name: "pool", namespace: "net" },
      { name: "pool-2", namespace: "net" },
    ]);
  });
});

describe("PodIpRoute", () => {
  const ROUTE = "kubernetes:networking.gke.io/v1:GKEIPRoute";
  const make = (more: object = {}) =>
    record(
      () =>
        new PodIpRoute("my-ip-route", {
          gateway: { name: "allowed-pod-ips" },
          addresses: ["34.123.10.1"],
          network: "blue-network",
          podSelector: { matchLabels: { component: "proxy" } },
          ...more,
        }),
    );

  it("SEED-54, SEED-55, SEED-57, SEED-59, SEED-63: writes the manifest of the seed from a few lines", async () => {
    const { one } = await make();
    expect(one(ROUTE, "my-ip-route").inputs).to.deep.equal({
      apiVersion: "networking.gke.io/v1",
      kind: "GKEIPRoute",
      metadata: { name: "my-ip-route", namespace: "default", annotations: { "pulumi.com/waitFor": "condition=Accepted" } },
      spec: {
        parentRefs: [{ name: "allowed-pod-ips", namespace: "default" }],
        addresses: [{ value: "34.123.10.1/32", type: "gke.networking.io/cidr" }],
        network: "blue-network",
        reactionMode: "ReadyCondition",
        podSelector: { matchLabels: { component: "proxy" } },
      },
    });
  });

  it("SEED-56, SEED-64, SEED-65, E44: is replaced, old one first, when a field changes that must not", async () => {
    const { one } = await make();
    expect(one(ROUTE, "my-ip-route")).to.deep.include({
      replaceOnChanges: ["spec.parentRefs", "spec.network", "spec.reactionMode", "spec.haPolicy"],
      deleteBeforeReplace: true,
    });
  });

  it("SEED-62, SEED-80: takes Exists, expressions and another namespace than its Gateway, and waits for nothing where told so", async () => {
    const { one } = await make({
      namespace: "proxy-ss-ns",
      gateway: { name: "allowed-pod-ips", namespace: "default" },
      reactionMode: "Exists",
      podSelector: { matchExpressions: [{ key: "tier", operator: "In", values: ["a", "b"] }] },
      waitForAccepted: false,
    });
    const { inputs } = one(ROUTE, "my-ip-route");
    expect(inputs["metadata"]).to.deep.equal({ name: "my-ip-route", namespace: "proxy-ss-ns" });
    expect(inputs).to.have.nested.property("spec.parentRefs[0].namespace", "default");
    expect(inputs).to.have.nested.property("spec.reactionMode", "Exists");
  });

  it("hands its dependsOn to the object, which the SDK does not", async () => {
    const { one } = await record(() => {
      const gate = new PodIpGateway("g", { scope: "External", addresses: { a: "34.1.2.3" } });
      return new PodIpRoute(
        "r",
        { gateway: { name: "g" }, addresses: ["34.1.2.3"], network: "blue", podSelector: { matchLabels: { a: "b" } } },
        { dependsOn: gate },
      );
    });
    expect(one(ROUTE, "r").dependencies.join(" ")).to.contain("Gateway::g");
  });
});

describe("PodIpController", () => {
  const make = (more: Partial<PodIpControllerArgs> = {}) =>
    record(
      () =>
        new PodIpController("edge", { region, clusterName: "edge", clusterLocation: region, bundlePath: testBundle(), ...more }),
    );
  const DEPLOYMENT = "kubernetes:apps/v1:Deployment";
  const CRD = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition";
  interface Container {
    command: string[];
    env: object[];
    securityContext: object;
    resources: object;
  }
  interface Spec {
    replicas: number;
    strategy: object;
    template: {
      metadata: object;
      spec: { containers: Container[]; volumes: { configMap: { name: string } }[] } & Record<string, unknown>;
    };
  }
  const specOf = (inputs: Record<string, unknown>): Spec => inputs["spec"] as Spec;

  it("runs two replicas that may do as little as possible", async () => {
    const spec = specOf((await make()).one(DEPLOYMENT, "edge-controller").inputs);
    const [container] = spec.template.spec.containers;
    expect(spec.replicas).to.equal(2);
    expect(spec.strategy).to.deep.equal({ type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } });
    expect(container!.securityContext).to.deep.equal({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: 65532,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(container!.resources).to.deep.equal({ requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } });
    expect(container!.env).to.deep.include({ name: "NODE_OPTIONS", value: "--max-old-space-size=192" });
    expect(spec.template.spec).to.deep.include({
      terminationGracePeriodSeconds: 30,
      priorityClassName: "system-cluster-critical",
    });
    expect(spec.template.spec["topologySpreadConstraints"]).to.have.length(2);
  });

  it("mounts the bundle of the package, named by its content, and names the hash in the Pod template", async () => {
    const { one, value } = await make();
    const map = one("kubernetes:core/v1:ConfigMap", "edge-bundle").inputs;
    const spec = specOf(one(DEPLOYMENT, "edge-controller").inputs).template.spec;
    const name = `persistent-ip-controller-${value.bundleHash.slice(0, 12)}`;
    expect(map["metadata"]).to.deep.include({ name });
    expect(map["immutable"]).to.equal(true);
    expect(Object.keys(map["binaryData"] as object)).to.deep.equal(["controller.js.gz"]);
    expect(spec.volumes[0]!.configMap.name).to.equal(name);
    expect(spec.containers[0]!.command.slice(0, 2)).to.deep.equal(["node", "-e"]);
    expect(spec.containers[0]!.command.slice(3, 8)).to.deep.equal([
      "/bundle/controller.js.gz",
      value.bundleHash,
      "controller",
      "--project",
      "p",
    ]);
  });

  it("mounts a service account token in its Pods and nowhere else", async () => {
    const { one } = await make();
    expect(one("kubernetes:core/v1:ServiceAccount", "edge-controller").inputs["automountServiceAccountToken"]).to.equal(false);
    expect(specOf(one(DEPLOYMENT, "edge-controller").inputs).template.spec["automountServiceAccountToken"]).to.equal(true);
  });

  it("lets critical Pods into its namespace, as GKE wants it said, and no more than asked for", async () => {
    expect((await make()).one("kubernetes:core/v1:ResourceQuota", "edge-critical-pods").inputs).to.have.nested.property(
      "spec.scopeSelector.matchExpressions[0].values[0]",
      "system-cluster-critical",
    );
    const { of, one } = await make({ priorityClass: "" });
    expect(of("kubernetes:core/v1:ResourceQuota")).to.deep.equal([]);
    expect(specOf(one(DEPLOYMENT, "edge-controller").inputs).template.spec).to.not.have.property("priorityClassName");
  });

  it("installs AddressBinding always, and GKEIPRoute only where it is asked to: on GKE that one is Google's", async () => {
    expect((await make()).of(CRD).map((r) => r.name)).to.deep.equal(["edge-addressbindings"]);
    const { one } = await make({ crds: "Install" });
    const plain = (v: unknown): unknown => JSON.parse(JSON.stringify(v));
    expect(one(CRD, "edge-addressbindings").inputs["spec"]).to.deep.equal(plain(addressBindingCrd().spec));
    expect(one(CRD, "edge-gkeiproutes").inputs["spec"]).to.deep.equal(plain(gkeIpRouteCrd().spec));
  });

  it("makes our two GatewayClasses after the Deployment, so that it can take its finalizer off them on the way down", async () => {
    const { of, one } = await make();
    const classes = of("kubernetes:gateway.networking.k8s.io/v1:GatewayClass");
    expect(
      classes.map((c) => [
        (c.inputs["metadata"] as { name: string }).name,
        (c.inputs["spec"] as { controllerName: string }).controllerName,
      ]),
    ).to.deep.equal([
      ["persistent-ip-regional-external", "gke-persistent-ip.dev/controller"],
      ["persistent-ip-regional-internal", "gke-persistent-ip.dev/controller"],
    ]);
    for (const c of classes) expect(c.dependencies).to.include(one(DEPLOYMENT, "edge-controller").urn);
  });

  it("is one of several identities: its own account by default, with exactly the role it needs", async () => {
    const { one, value } = await make();
    const email = "edge-pip-ctrl@p.iam.gserviceaccount.com";
    expect(one("kubernetes:core/v1:ServiceAccount", "edge-controller").inputs)
      .to.have.nested.property("metadata.annotations")
      .that.deep.equals({
        "iam.gke.io/gcp-service-account": email,
      });
    expect(one("gcp:serviceaccount/iAMMember:IAMMember", "edge-controller-identity").inputs).to.include({
      role: "roles/iam.workloadIdentityUser",
      member: "serviceAccount:p.svc.id.goog[persistent-ip-system/persistent-ip-controller]",
    });
    expect(one("gcp:projects/iAMMember:IAMMember", "edge-controller").inputs).to.deep.equal({
      project: "p",
      role: "projects/p/roles/gkePersistentIp_edge",
      member: `serviceAccount:${email}`,
    });
    expect(await valueOf(value.principal)).to.equal(`serviceAccount:${email}`);
  });

  it("can be the Kubernetes account itself, an account of yours, or nobody", async () => {
    const direct = await make({ identity: { kind: "Direct", projectNumber: "123" } });
    expect(await valueOf(direct.value.principal)).to.equal(
      "principal://iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/p.svc.id.goog/subject/ns/persistent-ip-system/sa/persistent-ip-controller",
    );
    expect(direct.of("gcp:serviceaccount/account:Account")).to.deep.equal([]);
    const existing = await make({ identity: { kind: "Existing", serviceAccount: "me@p.iam.gserviceaccount.com" } });
    expect(existing.seen.filter((r) => r.type.startsWith("gcp:")).map((r) => r.urn)).to.deep.equal([]);
    const none = await make({ identity: { kind: "None" } });
    expect(await valueOf(none.value.principal)).to.equal("");
  });

  it("E68: has a second, smaller role in the project of the networks with Shared VPC", async () => {
    const { of } = await make({ networkProject: "host" });
    expect(of("gcp:projects/iAMCustomRole:IAMCustomRole").map((r) => [r.inputs["project"], r.inputs["roleId"]])).to.deep.equal([
      ["p", "gkePersistentIp_edge"],
      ["host", "gkePersistentIp_edge_net"],
    ]);
  });

  it("Observe: watches beside Google's controller with reading rights, no CRD, no class and no election", async () => {
    const { of, one } = await make({ kind: "Observe" });
    expect(of(CRD)).to.deep.equal([]);
    expect(of("kubernetes:gateway.networking.k8s.io/v1:GatewayClass")).to.deep.equal([]);
    expect(of("kubernetes:rbac.authorization.k8s.io/v1:Role")).to.deep.equal([]);
    expect(specOf(one(DEPLOYMENT, "edge-controller").inputs).template.spec.containers[0]!.command.join(" ")).to.contain(
      "--kind observe",
    );
    const permissions = one("gcp:projects/iAMCustomRole:IAMCustomRole", "edge-controller").inputs["permissions"] as string[];
    expect(permissions.every((p) => /\.(get|list)$/.test(p))).to.equal(true);
  });

  it("GkeManaged: makes nothing", async () => {
    const { seen } = await make({ kind: "GkeManaged", bundlePath: "/does/not/exist" });
    expect(seen.map((r) => r.type)).to.deep.equal(["gke-persistent-ip:index:PodIpController"]);
  });
});
