// SPDX-License-Identifier: Apache-2.0
// Components of what lives in Kubernetes, each alone: what it makes of its arguments.
import { expect } from "chai";
import { addressBindingCrd, gkeIpRouteCrd } from "../controller/api";
import type { PodIpControllerArgs } from "./argsPods";
import { PodIpController } from "./podIpController";
import { PodIpGateway } from "./podIpGateway";
import { PodIpRoute } from "./podIpRoute";
import { record, valueOf } from "./testing/mocks";
import { testBundle } from "./testing/programs";

const region = "europe-west3";

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
      { name: "own", port: 9000, protocol: "none", from: "Same" },
      { name: "team", port: 445, protocol: "none", from: "Selector", selector: { matchLabels: { team: "edge" } } },
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
    expect(Object.keys(map["binaryData"] as object)).to.deep.equal(["controller.js.br"]);
    expect(spec.volumes[0]!.configMap.name).to.equal(name);
    expect(spec.containers[0]!.command.slice(0, 2)).to.deep.equal(["node", "-e"]);
    expect(spec.containers[0]!.command.slice(3, 8)).to.deep.equal([
      "/bundle/controller.js.br",
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

  it("Observe: watches beside Google's controller with reading rights, our own CRD to read, no class and no election", async () => {
    const { of, one } = await make({ kind: "Observe" });
    expect(of(CRD).map((r) => r.name)).to.deep.equal(["edge-addressbindings"]);
    expect(of("kubernetes:gateway.networking.k8s.io/v1:GatewayClass")).to.deep.equal([]);
    expect(of("kubernetes:rbac.authorization.k8s.io/v1:Role")).to.deep.equal([]);
    expect(specOf(one(DEPLOYMENT, "edge-controller").inputs).template.spec.containers[0]!.command.join(" ")).to.contain(
      "--kind observe",
    );
    const permissions = one("gcp:projects/iAMCustomRole:IAMCustomRole", "edge-controller").inputs["permissions"] as string[];
    expect(permissions.every((p) => /\.(get|list)$/.test(p))).to.equal(true);
  });

  it("GkeManaged: makes nothing but a gate, which ends once GKE serves the kinds, and not even that where they are there", async () => {
    const bundlePath = "/does/not/exist";
    const { one, seen } = await make({ kind: "GkeManaged", bundlePath });
    expect(seen.map((r) => r.type)).to.have.members([
      "gke-persistent-ip:index:PodIpController",
      "kubernetes:core/v1:Namespace",
      "kubernetes:batch/v1:Job",
    ]);
    const job = one("kubernetes:batch/v1:Job", "edge-crds").inputs["spec"] as {
      template: { spec: { restartPolicy: string; containers: { command: string[] }[] } };
    };
    expect(job.template.spec.containers[0]!.command.slice(3)).to.deep.equal([
      "/var/run/secrets/gate",
      "gateway.networking.k8s.io/v1/gateways",
      "networking.gke.io/v1/gkeiproutes",
      "networking.gke.io/v1/networks",
      "networking.gke.io/v1/gkenetworkparamsets",
    ]);
    const without = await make({ kind: "GkeManaged", bundlePath, waitForCrds: false });
    expect(without.seen.map((r) => r.type)).to.deep.equal(["gke-persistent-ip:index:PodIpController"]);
  });
});
