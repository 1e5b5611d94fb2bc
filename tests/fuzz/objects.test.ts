// SPDX-License-Identifier: Apache-2.0
// Any object at all beside good ones: nothing throws, and what is decided about the good ones stays letter for letter the same.
import { expect } from "chai";
import * as fc from "fast-check";
import { KINDS, OWN_CLASSES, type KubeObject } from "../../controller/api";
import { DUMP_KIND, DUMP_VERSION, KIND_KEYS, pruned, type Dump, type KindKey } from "../../controller/cli/dump";
import { explain } from "../../controller/cli/explain";
import { analyze } from "../../controller/cli/analyze";
import { statusRows } from "../../controller/cli/status";
import { worldOf } from "../../controller/cli/world";
import { gatewayStatus } from "../../controller/core";
import { ALL_CLASSES, cidr, gatewayOf, networkObject, paramSetOf, parents, routeOf } from "../../controller/core/testing";
import { INDEXERS, TRANSFORMS } from "../../controller/manager/caches";
import { nodeRaw, pathOf, podRaw, TestWorld } from "../../controller/manager/testing-world";
import { mangled, text } from "./arbitraries";
import { check, checkAsync, TOTAL } from "./budget";

const GOOD: Dump["objects"] = {
  route: [
    routeOf(),
    routeOf({ metadata: { name: "second" }, spec: { addresses: cidr("34.123.10.2/32") } }),
    routeOf({
      metadata: { name: "none" },
      spec: { addresses: cidr("34.123.10.2/32"), podSelector: { matchLabels: { no: "pod" } } },
    }),
  ],
  gateway: [gatewayOf()],
  gatewayClass: [...ALL_CLASSES],
  network: [networkObject()],
  paramSet: [paramSetOf()],
  networkInterface: [],
  binding: [],
  pod: [podRaw("pod-1", 1), podRaw("pod-2", 2, "node-2"), podRaw("pod-3", 3, "node-2", { ready: false })],
  node: [nodeRaw("node-1"), nodeRaw("node-2")],
  namespace: [{ metadata: { name: "default" } }],
};
const dumpOf = (objects: Dump["objects"]): Dump => ({
  ...{ kind: DUMP_KIND, version: DUMP_VERSION, takenAt: "2026-01-01T12:00:00.000Z", server: { version: "v1.34.0" } },
  settings: { project: "demo", region: "us-central1", clusterUid: "cluster", datapath: "dataplane-v2", defaultNetwork: true },
  ...{ objects, missing: [], forbidden: [] },
});

/** A good object of each kind that has nothing to do with the good routes; what is arbitrary in it is everything but its name. */
const name = "zz-bad";
const later = { creationTimestamp: "2026-01-02T00:00:00Z", name };
const BAD: { [K in KindKey]: KubeObject } = {
  route: routeOf({
    metadata: { ...later, annotations: { "gke-persistent-ip.dev/sticky": "true" } },
    spec: {
      addresses: cidr("34.123.10.9/32"),
      parentRefs: parents({ name, sectionName: "x", port: 1 }),
      nodeSelector: { matchLabels: { a: "b" } },
    },
  }),
  gateway: gatewayOf({ metadata: later, spec: { gatewayClassName: OWN_CLASSES.External, addresses: cidr("34.123.10.9/32") } }),
  gatewayClass: { metadata: { ...later }, spec: { controllerName: "example.com/other" } } as KubeObject,
  network: networkObject(name),
  paramSet: paramSetOf(name),
  networkInterface: { metadata: { name, namespace: "default" }, spec: { networkName: "blue-network" } } as KubeObject,
  binding: {
    metadata: { name: "34-123-10-9" },
    spec: { address: "34.123.10.9", scope: "External", route: { namespace: "default", name, uid: "other" } },
    status: { phase: "Held", generation: 3, holder: { pod: "p", podUID: "u", node: "n", zone: "z", instance: "i" }, history: [] },
  } as KubeObject,
  pod: { ...podRaw(name, 9), metadata: { ...podRaw(name, 9).metadata, labels: { other: "app" } } },
  node: nodeRaw(name),
  namespace: { metadata: { name, labels: { a: "b" } } },
};
/**
 * What stays: what the API server guards in every object (metadata), and all of the kinds whose types are its own or in our own CRD. There only
 * texts are arbitrary. Labels of the Pod decide whether it is a candidate, which would be its good right.
 */
const TYPED: readonly KindKey[] = ["pod", "node", "namespace", "binding"];
const keepMeta = (path: string): boolean => path.startsWith("metadata");
const custom = fc
  .constantFrom(...KIND_KEYS.filter((k) => !TYPED.includes(k)))
  .chain((kind) => mangled(BAD[kind], keepMeta).map((object) => ({ kind, object })));
const words = fc.dictionary(
  fc.oneof(
    text,
    fc.constantFrom("networking.gke.io/interfaces", "networking.gke.io/north-interfaces", "gke-persistent-ip.dev/sticky"),
  ),
  text,
  { maxKeys: 3 },
);
const typed = fc
  .record({
    kind: fc.constantFrom<KindKey>("pod", "node", "namespace", "route", "gateway"),
    annotations: words,
    created: text,
    a: text,
    b: text,
  })
  .map(({ kind, annotations, created, a, b }): { kind: KindKey; object: KubeObject } => {
    const { metadata } = BAD[kind];
    const labels = kind === "pod" ? metadata.labels : { [a]: b };
    const object = { ...BAD[kind], metadata: { ...metadata, annotations, labels, creationTimestamp: created } } as KubeObject;
    if (kind === "pod")
      Object.assign(object, {
        spec: { nodeName: a, hostNetwork: a === "" },
        status: { phase: b, conditions: [{ type: a, status: b }] },
      });
    if (kind === "node")
      Object.assign(object, {
        spec: { providerID: a, taints: [{ key: b, effect: a }] },
        status: { conditions: [{ type: "Ready", status: b, lastTransitionTime: a }] },
      });
    return { kind, object };
  });
const badObject = fc.oneof({ weight: 3, arbitrary: custom }, { weight: 2, arbitrary: typed });

/** Everything that is decided about the good routes and Gateways, as text. */
async function decisions(dump: Dump): Promise<string> {
  const said = await explain(dump, undefined, "default");
  const { world, gateways } = await worldOf(dump);
  const status = gateways.filter((g) => g.metadata.name !== name).map((g) => gatewayStatus(world, g));
  // A bad Pod of the namespace is rightly counted as one that does not match.
  return JSON.stringify([said.filter((e) => !e.route.endsWith(`/${name}`)).map((e) => ({ ...e, notMatching: [] })), status]);
}

describe("fuzz: objects of the cluster", function () {
  this.timeout(300_000);
  let undisturbed: string;
  before(async () => (undisturbed = await decisions(dumpOf(GOOD))));

  it("the good ones are decided at all: one Ready to hold, one without a Pod, one that lost its address", () => {
    for (const part of ['"verdict":"Selected"', '"reason":"InvalidAddresses"']) expect(undisturbed).to.contain(part);
  });

  it("one arbitrary object changes no decision about another route, whatever its kind (E22, E46, invariant 6)", () =>
    checkAsync(0.1, badObject, async ({ kind, object }) => {
      const objects = { ...GOOD, [kind]: [...GOOD[kind], object] };
      expect(await decisions(dumpOf(objects))).to.equal(undisturbed);
    }));

  it("its view and its index keys are made without an error, and an unchanged object gives an unchanged view", () => {
    check(0.1, badObject, ({ kind, object }) => {
      const view = TRANSFORMS[kind](structuredClone(object));
      expect(TRANSFORMS[kind](structuredClone(object))).to.deep.equal(view);
      const keys = Object.values((INDEXERS[kind] ?? {}) as Record<string, (o: object) => string[]>).flatMap((index) =>
        index(view),
      );
      expect(keys.every((k) => typeof k === "string")).to.equal(true);
    });
  });

  it("sysdump keeps everything of it that a decision reads", () =>
    checkAsync(0.03, badObject, async ({ kind, object }) => {
      const full = { ...GOOD, [kind]: [object] };
      const cut = Object.fromEntries(
        KIND_KEYS.map((k) => [k, full[k].map((o) => pruned(k, structuredClone(o)))]),
      ) as unknown as Dump["objects"];
      expect(await explain(dumpOf(cut), undefined, "default")).to.deep.equal(await explain(dumpOf(full), undefined, "default"));
    }));

  it("status and analyze take it: rows and findings, no error", () =>
    check(0.05, badObject, ({ kind, object }) => {
      statusRows(dumpOf({ ...GOOD, [kind]: [...GOOD[kind], object] }));
      const apiVersion = `${KINDS[kind].group}/${KINDS[kind].version}`;
      const { findings } = analyze([{ ...object, kind: KINDS[kind].kind, apiVersion }], "default");
      for (const f of findings) expect([f.object, f.path, f.message].every((t) => t.length > 0)).to.equal(true);
    }));

  it("a whole leader serves the good route beside it (invariant 6)", () =>
    checkAsync(TOTAL > 10_000 ? 0.002 : 0.01, badObject, async ({ kind, object }) => {
      const w = new TestWorld().withRoute();
      w.api.put(pathOf(kind, object.metadata.name, KINDS[kind].namespaced ? "default" : undefined), object);
      const leader = await w.boot();
      try {
        await leader.run();
        expect([w.condition("Ready")?.status, w.vmOf(), leader.errors.map(String)]).to.deep.equal(["True", "vm-node-1", []]);
      } finally {
        await leader.stop();
      }
    }));
});
