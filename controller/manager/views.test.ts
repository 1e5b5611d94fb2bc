// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import type { KubeObject } from "../api";
import { parents, routeOf } from "../core/testing";
import { managedEntry } from "./testing-api";
import { nodeRaw, podRaw } from "./testing-world";
import { atLeast, gatewaysOf, lean, namespaceObject, nodeObject, podObject, routeObject, sameView } from "./views";

describe("Views of objects", () => {
  it("of a Pod keep what a decision needs and drop the rest", () => {
    const raw = podRaw("p", 1) as KubeObject & { spec: object; status: object };
    const { view, metadata } = podObject({
      ...raw,
      spec: { ...raw.spec, containers: [{ env: "x".repeat(10_000) }] },
    } as KubeObject);
    expect(view).to.deep.include({
      namespace: "default",
      name: "p",
      ready: true,
      node: "node-1",
      phase: "Running",
      deleting: false,
    });
    expect(view.interfaces).to.deep.equal({ ok: true, value: [{ interfaceName: "eth1", network: "blue-network" }] });
    expect(JSON.stringify({ view, metadata }).length).to.be.lessThan(1_000);
  });
  it("E3 E6 E17: say of a Pod that it is on its way out, not on a node, or on the node's own network", () => {
    const base = podRaw("p", 1);
    const gone = { ...base, metadata: { ...base.metadata, deletionTimestamp: "x" }, spec: { hostNetwork: true } };
    expect(podObject(gone).view).to.include({ deleting: true, hostNetwork: true }).and.not.have.property("node");
  });
  it("E22: of a Pod with malformed interfaces is there, and says so", () => {
    const raw = podRaw("p", 1);
    raw.metadata.annotations = { "networking.gke.io/interfaces": "[{" };
    expect(podObject(raw).view.interfaces.ok).to.equal(false);
  });
  it("of a Node name its VM and networks; none where providerID is not Compute Engine's", () => {
    expect(nodeObject(nodeRaw("n")).view).to.deep.include({
      vm: { project: "demo", zone: "us-central1-a", instance: "vm-n" },
      networks: ["blue-network"],
      ready: true,
    });
    const marked = nodeRaw("n");
    marked.metadata.annotations = { "container.googleapis.com/instance_id": "123" };
    expect(nodeObject(marked).view.vm).to.deep.equal({ project: "demo", zone: "us-central1-a", instance: "vm-n", id: "123" });
    const other = { ...nodeRaw("n"), spec: { providerID: "kind://x" } } as KubeObject;
    expect(nodeObject(other).view).to.not.have.property("vm");
  });
  it("S16: of a Node say that it is cordoned or about to go, and since when it is not ready (E18)", () => {
    const base = nodeRaw("n") as KubeObject & { spec: object };
    const cordoned = (spec: object, meta: object = {}): boolean | undefined =>
      nodeObject({ ...base, metadata: { ...base.metadata, ...meta }, spec: { ...base.spec, ...spec } } as KubeObject).view
        .cordoned;
    const taint = (key: string): object => ({ taints: [{ key, effect: "NoSchedule" }] });
    expect([cordoned({}), cordoned({ unschedulable: false }), cordoned(taint("dedicated"))]).to.deep.equal([
      undefined,
      undefined,
      undefined,
    ]);
    expect([
      cordoned({ unschedulable: true }),
      cordoned({}, { deletionTimestamp: "x" }),
      cordoned(taint("ToBeDeletedByClusterAutoscaler")),
      cordoned(taint("cloud.google.com/impending-node-termination")),
    ]).to.deep.equal([true, true, true, true]);
    const lost = {
      ...base,
      status: { conditions: [{ type: "Ready", status: "Unknown", lastTransitionTime: "2026-01-01T00:00:00Z" }] },
    };
    expect(nodeObject(lost).view).to.include({ ready: false, notReadySince: "2026-01-01T00:00:00Z" });
  });
  it("of a heartbeat are the same, of a label are not", () => {
    const a = nodeObject(nodeRaw("n"));
    const beat = nodeRaw("n");
    beat.metadata.resourceVersion = "77";
    expect(sameView(a.view, nodeObject(beat).view)).to.equal(true);
    const labelled = nodeRaw("n");
    labelled.metadata.labels = { a: "b" };
    expect(sameView(a.view, nodeObject(labelled).view)).to.equal(false);
  });
  it("of a Namespace are its labels", () => {
    const ns = { metadata: { name: "n", labels: { a: "b" }, annotations: { c: "d" } }, spec: {} } as KubeObject;
    expect(namespaceObject(ns)).to.deep.equal({
      metadata: { name: "n", labels: { a: "b" }, namespace: undefined, uid: undefined, resourceVersion: undefined },
    });
  });
  it("of a route have defaults, who else writes its status, and no managed fields", () => {
    const bare = { metadata: { name: "r", namespace: "n", managedFields: [managedEntry("gke", ["pods"])] } } as KubeObject;
    const route = routeObject(bare);
    expect(route.spec).to.deep.include({ network: "default", reactionMode: "ReadyCondition", addresses: [] });
    expect(route.writers).to.deep.equal({ others: ["gke"], own: false });
    expect(route.metadata).to.not.have.property("managedFields");
    expect(routeObject(routeOf())).to.not.have.property("writers");
  });
  it("do not change what they were made from", () => {
    const raw = Object.freeze({ metadata: Object.freeze({ name: "x", annotations: Object.freeze({ a: "b" }) }) }) as KubeObject;
    expect(lean(raw)).to.deep.equal({ metadata: { name: "x", annotations: { a: "b" } } });
  });
  it("name the Gateways of a route, in its own namespace where it names none, and no other kind", () => {
    const refs = [...parents({ name: "a" }, { name: "b", namespace: "other" }), { group: "", kind: "Service", name: "s" }];
    expect(gatewaysOf(routeOf({ spec: { parentRefs: refs } }))).to.deep.equal(["default/a", "other/b"]);
  });
});

describe("atLeast", () => {
  const rows: [version: string | undefined, wanted: string | undefined, reached: boolean][] = [
    ["5", undefined, true],
    [undefined, undefined, true],
    [undefined, "5", false],
    ["5", "5", true],
    ["9", "10", false],
    ["10", "9", true],
    ["18446744073709551616", "18446744073709551615", true],
    ["abc", "5", false],
    ["5", "abc", false],
    ["abc", "abc", true],
  ];
  for (const [version, wanted, reached] of rows)
    it(`says ${reached} of ${version} against ${wanted}`, () => expect(atLeast(version, wanted)).to.equal(reached));
});
