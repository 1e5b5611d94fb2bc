// SPDX-License-Identifier: Apache-2.0
// Every assumption of docs/limits.md has an item that verifies it; every item can say ok and can say that something is wrong.
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { expect } from "chai";
import { OWN_CLASSES, type AddressBinding, type Condition, type KubeObject } from "../api";
import { toAddress } from "../compute/observe";
import { forwardingRuleName, ruleLabels, targetInstanceName } from "../api";
import type { CloudSnapshot } from "../compute";
import { ALL_CLASSES, classOf, gatewayOf, networkObject, paramSetOf, routeOf } from "../core/testing";
import { nodeRaw, podRaw } from "../manager/testing-world";
import { checkItems, checkLines, runChecks } from "./check";
import type { CheckInput } from "./check-input";
import { DUMP_KIND, DUMP_VERSION, type Dump } from "./dump";
import { explain } from "./explain";
import { worldOf } from "./world";

const NOW = Date.UTC(2026, 0, 1, 12);
const at = (secondsAgo: number): string => new Date(NOW - secondsAgo * 1000).toISOString();
const condition = (type: string, status: "True" | "False", secondsAgo = 600): Condition => ({
  type,
  status,
  reason: "R",
  message: "",
  observedGeneration: 1,
  lastTransitionTime: at(secondsAgo),
});
const holder = (node: string, zone = "us-central1-a") => ({
  pod: "pod-1",
  podUID: "uid-pod-1",
  node,
  zone,
  instance: `vm-${node}`,
});
const move = (from: string, zone: string, prepare = 300) => ({
  ...{ generation: 2, cause: "NewerPod", finishedAt: at(60), durations: { prepare, switch: 200, total: prepare + 200 } },
  ...{ from: holder(from, zone), to: holder("node-1") },
});
const binding: AddressBinding = {
  metadata: { name: "34-123-10-1" },
  spec: {
    address: "34.123.10.1",
    scope: "External",
    vpc: "blue-vpc",
    route: { namespace: "default", name: "my-ip-route", uid: routeOf().metadata.uid! },
  },
  status: {
    phase: "Held",
    holder: holder("node-1"),
    history: [move("node-2", "us-central1-b"), move("node-2", "us-central1-b")],
  },
};
const targetName = targetInstanceName("c", "us-central1-a", "vm-node-1", "blue-vpc");
const cloud = (): CloudSnapshot => ({
  addresses: ["34.123.10.1", "34.123.10.2"].map((address) =>
    toAddress("demo", { name: "a", address, addressType: "EXTERNAL", status: "RESERVED", region: "x/regions/us-central1" }),
  ),
  rules: [
    {
      name: forwardingRuleName("c", "34-123-10-1"),
      address: "34.123.10.1",
      target: `projects/demo/zones/us-central1-a/targetInstances/${targetName}`,
      scheme: "EXTERNAL",
      protocol: "L3_DEFAULT",
      labels: ruleLabels("c", "34.123.10.1"),
      ours: true,
      id: "1",
    },
  ],
  targets: [{ name: targetName, zone: "us-central1-a", instance: "vm-node-1", network: "blue-vpc", ours: true, id: "2" }],
  firewalls: [
    {
      name: "f",
      network: "blue-vpc",
      direction: "INGRESS",
      priority: 1000,
      disabled: false,
      action: "allow",
      protocols: ["all"],
      sourceRanges: ["0.0.0.0/0"],
      destinationRanges: [],
      targeted: false,
    },
  ],
});
const google = { ...gatewayOf({ metadata: { name: "theirs" }, spec: { gatewayClassName: "theirs" } }) };
/** Objects with a status that their bare type does not have. */
const raw = (o: object): KubeObject => o as KubeObject;
const theirRoute = routeOf({
  metadata: { name: "theirs", uid: "theirs" },
  spec: { parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "theirs" }] },
});

interface Over {
  objects?: Partial<Dump["objects"]>;
  version?: string;
  metrics?: string;
  cloud?: CheckInput["cloud"];
  rest?: Partial<CheckInput>;
}
async function input({
  objects = {},
  version = "v1.34.1-gke.1",
  metrics = "",
  cloud: fact,
  rest = {},
}: Over = {}): Promise<CheckInput> {
  const read = fact ?? { state: "read", snapshot: cloud() };
  const route = routeOf();
  const dump: Dump = {
    ...{ kind: DUMP_KIND, version: DUMP_VERSION, takenAt: at(0), server: { version }, missing: [], forbidden: [], metrics },
    settings: { project: "demo", region: "us-central1", clusterUid: "c", datapath: "dataplane-v2", defaultNetwork: true },
    objects: {
      ...{
        route: [
          raw({ ...route, status: { pods: ["pod-1"], conditions: [condition("DPV2Ready", "True")] } }),
          raw({ ...theirRoute, status: { conditions: [condition("GCPReady", "True")] } }),
        ],
      },
      ...{
        gateway: [gatewayOf(), google],
        gatewayClass: [...ALL_CLASSES, classOf("theirs", "networking.gke.io/persistent-ip-controller")],
      },
      ...{ network: [networkObject()], paramSet: [paramSetOf()], networkInterface: [], binding: [binding] },
      ...{
        pod: [podRaw("pod-1", 1)],
        node: [nodeRaw("node-1"), nodeRaw("node-2")],
        namespace: [{ metadata: { name: "default" } }],
        ...objects,
      },
    },
    ...(read.state === "read" ? { cloud: read.snapshot } : {}),
  };
  return {
    ...{ dump, dw: await worldOf(dump), explained: await explain(dump, undefined, "default"), now: NOW, cloud: read },
    facts: { flags: {}, deployment: { wanted: 2, available: 2 } },
    crds: [
      {
        name: "gkeiproutes.networking.gke.io",
        here: true,
        labels: { "addonmanager.kubernetes.io/mode": "Reconcile" },
        managers: ["x"],
      },
    ],
    access: [{ verb: "list", resource: "pods", allowed: true }],
    lease: { holder: "one", renewed: at(2), seconds: 15 },
    ...rest,
  };
}
const statusOf = async (id: string, over: Over = {}): Promise<string> => {
  const [found] = runChecks(await input(over), [id]);
  return found!.status;
};

describe("kubectl persistent-ip check", () => {
  const page = readFileSync(path.resolve(__dirname, "../../docs/limits.md"), "utf8");
  const rows = [...page.matchAll(/^\| (\d+) \| (.*) \|$/gm)].map((m) => ({ number: Number(m[1]), text: m[2]! }));
  const items = checkItems();

  it("has an item for every row of docs/limits.md, and every item's rows are there (DESIGN 6)", () => {
    const covered = new Set(items.flatMap((i) => i.assumptions));
    const named = (text: string): boolean =>
      items.some((i) => text.includes(`check ${i.id}`) || text.includes(`check --only ${i.id}`));
    expect(rows.length).to.be.greaterThan(20);
    expect(rows.filter((r) => !covered.has(r.number) && !named(r.text)).map((r) => `${r.number} ${r.text}`)).to.deep.equal([]);
    expect([...covered].filter((n) => !rows.some((r) => r.number === n))).to.deep.equal([]);
  });
  it("and an item for every check that docs/limits.md names", () => {
    const asked = [...page.matchAll(/persistent-ip check(?: --only)? ([a-z][a-z-]+)/g)].map((m) => m[1]!);
    expect(asked.filter((id) => !items.some((i) => i.id === id))).to.deep.equal([]);
  });

  it("says ok of a cluster where all is as believed, but for what only packets show", async () => {
    const checked = runChecks(await input());
    expect(checked.filter((c) => c.status !== "ok").map((c) => `${c.item}: ${c.message}`))
      .to.have.length(1)
      .and.to.satisfy((l: string[]) => l[0]!.startsWith("packets"));
    expect(checkLines(checked).at(-1)).to.equal(`${items.length - 1} ok, 1 warn, 0 fail`);
  });

  const without = <T extends KubeObject>(list: readonly T[], name: string): T[] => list.filter((o) => o.metadata.name !== name);
  const noRule = { ...cloud(), rules: [] };
  const served = (secondsAgo: number) => [
    { ...routeOf(), status: { pods: ["pod-1"], conditions: [condition("DPV2Ready", "False", secondsAgo)] } },
  ];
  const wrong: [item: string, status: "warn" | "fail", what: string, over: Over][] = [
    ["api-server", "fail", "an API server of 1.28", { version: "v1.28.9" }],
    ["api-server", "warn", "a version that cannot be read", { version: "?" }],
    [
      "crds",
      "fail",
      "a CRD that is missing",
      { rest: { crds: [{ name: "networks.networking.gke.io", here: false, labels: {}, managers: [] }] } },
    ],
    ["classes", "fail", "our classes missing", { objects: { gatewayClass: without(ALL_CLASSES, OWN_CLASSES.External) } }],
    [
      "nodes",
      "fail",
      "nodes without a VM",
      { objects: { node: [{ metadata: { name: "k" }, spec: { providerID: "kind://k" } } as KubeObject] } },
    ],
    [
      "nodes",
      "fail",
      "no node on the network of a route",
      { objects: { node: [{ metadata: { name: "n" }, spec: { providerID: "gce://p/z/i" } } as KubeObject] } },
    ],
    ["controller", "fail", "no replica available", { rest: { facts: { flags: {}, deployment: { wanted: 2, available: 0 } } } }],
    ["controller", "fail", "a Lease that nobody renews", { rest: { lease: { holder: "one", renewed: at(120), seconds: 15 } } }],
    ["controller", "warn", "no controller at all", { rest: { facts: { flags: {} } } }],
    ["permissions", "fail", "no right at all", { rest: { access: [{ verb: "list", resource: "pods", allowed: false }] } }],
    [
      "condition-names",
      "warn",
      "Google writing IPRouteGCPReady",
      { objects: { route: [raw({ ...theirRoute, status: { conditions: [condition("IPRouteGCPReady", "True")] } })] } },
    ],
    ["datapath", "fail", "an agent that has been silent for long", { objects: { route: served(600) } }],
    ["datapath", "warn", "no route with a Pod", { objects: { route: [] } }],
    ["moves", "warn", "no move yet", { objects: { binding: [] } }],
    [
      "moves",
      "warn",
      "a slow agent",
      {
        objects: {
          binding: [
            { ...binding, status: { ...binding.status, history: [move("node-2", "us-central1-b", 60_000)] } } as AddressBinding,
          ],
        },
      },
    ],
    [
      "compute-access",
      "fail",
      "a refusal of Google Cloud",
      { cloud: { state: "refused", code: "PermissionDenied", message: "no" } },
    ],
    ["compute-access", "warn", "no --project", { cloud: { state: "not-asked" } }],
    [
      "addresses",
      "fail",
      "an address that is not reserved",
      { cloud: { state: "read", snapshot: { ...cloud(), addresses: [] } } },
    ],
    ["forwarding-rules", "fail", "no rule for a held address", { cloud: { state: "read", snapshot: noRule } }],
    [
      "forwarding-rules",
      "warn",
      "L3_DEFAULT refused",
      { cloud: { state: "read", snapshot: { ...cloud(), rules: cloud().rules.map((r) => ({ ...r, protocol: "TCP" })) } } },
    ],
    [
      "target-instances",
      "fail",
      "a target instance on another network",
      { cloud: { state: "read", snapshot: { ...cloud(), targets: cloud().targets.map((t) => ({ ...t, network: "other" })) } } },
    ],
    [
      "firewall",
      "fail",
      "no firewall rule that lets anything in",
      { cloud: { state: "read", snapshot: { ...cloud(), firewalls: [] } } },
    ],
    [
      "quota",
      "warn",
      "requests refused for their rate",
      { metrics: 'persistent_ip_compute_requests_total{method="m",code="403"} 7\n' },
    ],
  ];
  for (const [item, status, what, over] of wrong)
    it(`${item} says ${status} of ${what}`, async () => {
      expect(await statusOf(item, over)).to.equal(status);
      const [found] = runChecks(await input(over), [item]);
      expect(found!.remedy.length, "every warn and fail has a remedy").to.be.greaterThan(10);
    });
  it("second-writer says fail of a route that two controllers decide", async () => {
    const entry = (manager: string) => ({
      manager,
      operation: "Apply",
      subresource: "status",
      fieldsV1: { "f:status": { "f:pods": {} } },
    });
    const route = {
      ...routeOf(),
      metadata: { ...routeOf().metadata, managedFields: [entry("persistent-ip-controller"), entry("gke")] },
    };
    expect(await statusOf("second-writer", { objects: { route: [route] } })).to.equal("fail");
  });
});
