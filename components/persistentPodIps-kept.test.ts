// SPDX-License-Identifier: Apache-2.0
// What the all-in-one protects and keeps, and the order in which it would be taken down.
import { expect } from "chai";
import { OnDestroy } from "./enums";
import { PersistentPodIps } from "./persistentPodIps";
import { record, type Recorded } from "./testing/mocks";
import { goodArgs } from "./testing/programs";

const GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway";
const ROUTE = "kubernetes:networking.gke.io/v1:GKEIPRoute";
const DEPLOYMENT = "kubernetes:apps/v1:Deployment";

describe("PersistentPodIps, what it keeps", () => {
  let up: Recorded<PersistentPodIps>;
  before(async () => {
    up = await record(() => new PersistentPodIps("edge", goodArgs()));
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
});
