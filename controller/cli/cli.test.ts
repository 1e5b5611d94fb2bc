// SPDX-License-Identifier: Apache-2.0
// The commands over dumps and files, without a cluster: what they print, and with which code they end.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import type { AddressBinding, AddressBindingStatus, KubeObject } from "../api";
import { ALL_CLASSES, gatewayOf, networkObject, paramSetOf, routeOf } from "../core/testing";
import { nodeRaw, podRaw } from "../manager/testing-world";
import { kubeconfigFile } from "./connect";
import { DUMP_KIND, DUMP_VERSION, parseDump, pruned, type Dump } from "./dump";
import { explain, explanationLines } from "./explain";
import { runCli } from "./index";
import { moveLines, moveNews, planMove } from "./move";
import { age, table } from "./print";
import type { Session } from "./session";
import { statusLines, statusRows } from "./status";

const TAKEN = "2026-01-01T01:00:00.000Z";
const holder = (pod: string, node = "node-1") => ({
  pod,
  podUID: `uid-${pod}`,
  node,
  zone: "us-central1-a",
  instance: `vm-${node}`,
});
const binding = (status: AddressBinding["status"]): AddressBinding => ({
  metadata: { name: "34-123-10-1" },
  spec: {
    address: "34.123.10.1",
    scope: "External",
    vpc: "blue-vpc",
    route: { namespace: "default", name: "my-ip-route", uid: routeOf().metadata.uid! },
  },
  ...(status ? { status } : {}),
});
const dumpOf = (over: Partial<Dump["objects"]> = {}): Dump => ({
  ...{ kind: DUMP_KIND, version: DUMP_VERSION, takenAt: TAKEN, server: { version: "v1.34.0" }, missing: [], forbidden: [] },
  settings: { project: "demo", region: "us-central1", clusterUid: "c", datapath: "dataplane-v2", defaultNetwork: false },
  objects: {
    ...{
      route: [routeOf()],
      gateway: [gatewayOf()],
      gatewayClass: [...ALL_CLASSES],
      network: [networkObject()],
      paramSet: [paramSetOf()],
    },
    ...{ networkInterface: [], binding: [binding({ phase: "Held", generation: 2, holder: holder("pod-1") })] },
    ...{
      pod: [podRaw("pod-1", 1), podRaw("pod-2", 2, "node-2", { ready: false })],
      node: [nodeRaw("node-1"), nodeRaw("node-2")],
    },
    ...{ namespace: [{ metadata: { name: "default" } }], ...over },
  },
});

describe("kubectl persistent-ip: explain and status", () => {
  const lines = async (dump: Dump): Promise<string> =>
    explanationLines((await explain(dump, "my-ip-route", "default"))[0]!).join("\n");

  it("shows the verdict of each Pod, the state of each address and the next step", async () => {
    const text = await lines(dumpOf());
    expect(text).to.match(/pod-2 +node-2 +58m +False +NotReady +the Pod's condition Ready is not True/);
    expect(text).to.match(/pod-1 +node-1 +59m +True +Selected/);
    expect(text).to.match(/34\.123\.10\.1 +Held +2 +pod-1 +node-1 +not read \(give --project\) +nothing to do/);
  });
  it("says what the controller will do next when the choice is another", async () => {
    const text = await lines(dumpOf({ pod: [podRaw("pod-1", 1), podRaw("pod-2", 2, "node-2")] }));
    expect(text).to.contain("begin move 3 to pod-2 on node-2 (NewerPod)");
  });
  it("datapath linux: goes by the answer of the new Pod's node in the journal, as the controller does", async () => {
    const next = holder("pod-2", "node-2");
    const moving = {
      phase: "Preparing" as const,
      generation: 3,
      holder: holder("pod-1"),
      next,
      cause: "NewerPod",
      routeVersion: "1",
    };
    const explained = (nodes: AddressBindingStatus["nodes"]): Promise<string> => {
      const status = { ...moving, routeUid: routeOf().metadata.uid!, ...(nodes ? { nodes } : {}) };
      const pods = [podRaw("pod-1", 1), podRaw("pod-2", 2, "node-2")];
      const dump = dumpOf({ pod: pods, binding: [binding(status)] });
      return lines({ ...dump, settings: { ...dump.settings, datapath: "linux" } });
    };
    expect(await explained(undefined)).to.contain("wait until the new Pod's node is proven to be programmed");
    const said = { node: "node-2", podUID: next.podUID, generation: 3, programmed: true };
    expect(await explained([said])).to.contain("write into the journal that the rule is to be switched");
    expect(await explained([{ ...said, generation: 2 }])).to.contain("wait until the new Pod's node");
  });
  it("says why a route is refused, and what is known of a route that is not ours", async () => {
    expect(await lines(dumpOf({ network: [] }))).to.contain(
      "Accepted  False (NetworkNotFound): Network blue-network does not exist",
    );
    const foreign = ALL_CLASSES.map((c) => ({ ...c, spec: { controllerName: "example.com/other" } }));
    expect(await lines(dumpOf({ gatewayClass: foreign, binding: [] }))).to.contain(
      "not ours: its Gateway belongs to another controller",
    );
  });
  it("answers the same from a file as from the cluster, and names the routes that are there when one is not", async () => {
    const dump = dumpOf();
    const read = parseDump(JSON.stringify(dump), "dump.json");
    expect(await explain(read, undefined, "default")).to.deep.equal(await explain(dump, undefined, "default"));
    const missing = await explain(dump, "nobody", "default").catch((e: Error) => e.message);
    expect(missing).to.equal("GKEIPRoute default/nobody is not there; there are default/my-ip-route");
  });
  it("status: one line an address, claimed or not, in order of address", () => {
    const lost = routeOf({
      metadata: { name: "late", uid: "late" },
      spec: { addresses: [{ type: "IPAddress", value: "9.1.1.1" }] },
    });
    const rows = statusRows(dumpOf({ route: [routeOf(), lost] }));
    expect(rows.map((r) => [r.address, r.route, r.pod])).to.deep.equal([
      ["9.1.1.1", "default/late", ""],
      ["34.123.10.1", "default/my-ip-route", "pod-1"],
    ]);
    expect(statusLines([], 0)).to.deep.equal(["No GKEIPRoute has an address."]);
  });
});

describe("kubectl persistent-ip: dumps", () => {
  it("keep no container, no environment, no foreign annotation, no address of a Pod", () => {
    const pod = {
      metadata: {
        name: "p",
        annotations: { "example.com/token": "t", "networking.gke.io/interfaces": "[]" },
        managedFields: [{ manager: "m" }],
      },
      spec: { nodeName: "n", containers: [{ env: [{ name: "SECRET", value: "s" }] }], imagePullSecrets: [{ name: "x" }] },
      status: {
        phase: "Running",
        podIP: "10.0.0.1",
        conditions: [
          { type: "Ready", status: "True" },
          { type: "Other", status: "True" },
        ],
      },
    } as unknown as KubeObject;
    expect(pruned("pod", pod)).to.deep.equal({
      metadata: { name: "p", annotations: { "networking.gke.io/interfaces": "[]" } },
      spec: { nodeName: "n" },
      status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] },
    });
  });
  const wrong: [text: string, said: RegExp][] = [
    ["{", /^f\.json: is not JSON/],
    ["{}", /^f\.json kind: is undefined, must be PersistentIpDump/],
    [JSON.stringify({ kind: DUMP_KIND, version: 9 }), /^f\.json version: is 9; this program reads version 1/],
    [JSON.stringify({ kind: DUMP_KIND, version: 1, objects: { pod: {} } }), /^f\.json objects\.pod: must be a list/],
    [
      JSON.stringify({ kind: DUMP_KIND, version: 1, objects: { pod: [{}] } }),
      /^f\.json objects\.pod\[0\]\.metadata\.name: is missing/,
    ],
  ];
  for (const [text, said] of wrong)
    it(`that are wrong are refused with the field: ${text.slice(0, 50)}`, () => {
      expect(() => parseDump(text, "f.json")).to.throw(said);
    });
});

describe("kubectl persistent-ip: move", () => {
  const plan = (dump: Dump, address: string, pod?: string): Promise<string> =>
    planMove(dump, address, pod).then(
      (p) => `${p.route.namespace}/${p.route.name} ${p.pod ?? "-"}`,
      (e: Error) => e.message,
    );
  const both = dumpOf({
    pod: [podRaw("pod-1", 1), podRaw("pod-2", 2, "node-2"), podRaw("pod-3", 3, "node-2", { ready: false })],
  });

  it("finds the route by address or by the binding's name", async () => {
    expect([await plan(both, "34.123.10.1", "pod-1"), await plan(both, "34-123-10-1", "pod-2")]).to.deep.equal([
      "default/my-ip-route pod-1",
      "default/my-ip-route pod-2",
    ]);
  });
  it("refuses before anything is written what could not come about, and names what could", async () => {
    expect(await plan(both, "34.123.10.1", "pod-3")).to.equal(
      "--to: pod-3 cannot be chosen (NotReady): the Pod's condition Ready is not True; it can go to pod-2, pod-1",
    );
    expect(await plan(both, "34.123.10.1", "pod-9")).to.contain("pod-9 is no Pod that route default/my-ip-route selects");
    expect(await plan(both, "1.2.3.4", "pod-1")).to.equal("no AddressBinding has 1.2.3.4; there are 34.123.10.1");
    expect(await plan(dumpOf({ network: [] }), "34.123.10.1", "pod-1")).to.contain("is not accepted (NetworkNotFound)");
  });
  it("is done when the journal holds the Pod that was named, and tells phases only of a move that was made", () => {
    const before = binding({
      phase: "Held",
      holder: holder("pod-1"),
      lastMove: { generation: 1, cause: "x", finishedAt: TAKEN, durations: {} },
    });
    const durations = { prepare: 120, switch: 80, total: 200 };
    const after = binding({
      phase: "Held",
      holder: holder("pod-2"),
      lastMove: { generation: 2, from: holder("pod-1"), cause: "MoveAsked", finishedAt: TAKEN, durations },
    });
    expect(
      moveNews(before, binding({ phase: "Preparing", holder: holder("pod-1"), next: holder("pod-2") }), "pod-2"),
    ).to.deep.equal({ phase: "Preparing" });
    expect(moveNews(before, before, "pod-1").done?.move).to.equal(undefined);
    expect(moveLines("1.2.3.4", moveNews(before, after, "pod-2").done!)[0]).to.equal(
      "1.2.3.4 moved from pod-1 to pod-2 on node-1 in 200 ms (prepare 120 ms, switch 80 ms)",
    );
  });
});

describe("kubectl persistent-ip: as a command line", () => {
  const told: string[] = [];
  const session: Session = {
    terminal: { out: (l) => void told.push(l), err: (l) => void told.push(`! ${l}`) },
    ...{ now: () => 0, uuid: () => "u", sleep: () => Promise.resolve(true) },
    connect: () => {
      throw new Error("no cluster in this test");
    },
  };
  const ran = async (...args: string[]): Promise<[code: number, text: string]> => {
    told.length = 0;
    return [await runCli(args, {}, session), told.join("\n")];
  };
  let dir = "";
  before(() => (dir = mkdtempSync(path.join(tmpdir(), "pip-cli-"))));
  after(() => rmSync(dir, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(path.join(dir, name), text);
    return path.join(dir, name);
  };

  it("ends with 2 for what it does not understand or cannot do, and names it", async () => {
    const wrong: [args: string[], said: string][] = [
      [["explane"], "unknown command 'explane'"],
      [["explain", "-o", "yaml"], "Allowed choices are table, json"],
      [["analyze"], "needs either -f FILE or --all"],
      [["analyze", "-f", "/nowhere.yaml"], "/nowhere.yaml: cannot be read"],
      [["move", "1.2.3.4"], "needs either --to POD or --clear"],
      [["move", "1.2.3.4", "--to", "p", "--timeout", "0"], "must be a whole number from 1 to 3600"],
      [["check", "--only", "weather"], "there is no item weather; there are api-server"],
      [["status"], "no cluster in this test"],
      [["replay", file("x.json", "{}")], "must be PersistentIpDump"],
    ];
    for (const [args, said] of wrong) {
      const [code, text] = await ran(...args);
      expect([code, text.includes(said)], `${args.join(" ")}: ${text}`).to.deep.equal([2, true]);
    }
  });
  it("replay prints what explain prints; -o json gives the data", async () => {
    const dump = file("dump.json", JSON.stringify(dumpOf()));
    expect((await ran("replay", dump, "my-ip-route"))[1]).to.contain("Route     default/my-ip-route");
    const [code, text] = await ran("replay", dump, "my-ip-route", "-o", "json");
    expect([code, (JSON.parse(text) as { route: string }).route]).to.deep.equal([0, "default/my-ip-route"]);
  });
  it("analyze ends with 1 for an error, with 0 for warnings and for nothing; reads several documents, Lists and annotations", async () => {
    const docs = (network: string, note: string): string => `
kind: List
apiVersion: v1
items:
- {kind: Gateway, apiVersion: gateway.networking.k8s.io/v1, metadata: {name: gw}, spec: {gatewayClassName: persistent-ip-regional-external, listeners: [{name: a, port: 1, protocol: none}], addresses: [{type: gke.networking.io/cidr, value: 34.1.1.1/32}]}}
---
kind: GKEIPRoute
apiVersion: networking.gke.io/v1
metadata: {name: r, annotations: {gke-persistent-ip.dev/sticky: "${note}"}}
spec: {parentRefs: [{name: gw}], network: ${network}, addresses: [{type: gke.networking.io/cidr, value: 34.1.1.1/32}], podSelector: {matchLabels: {a: b}}}
---
kind: ConfigMap
apiVersion: v1
metadata: {name: other}
`;
    expect(await ran("analyze", "-f", file("good.yaml", docs("blue", "true")))).to.deep.equal([
      0,
      "1 GKEIPRoute(s), 1 Gateway(s): 0 error(s), 0 warning(s)",
    ]);
    const [code, text] = await ran("analyze", "-f", file("warn.yaml", docs("blue", "yes")));
    expect([
      code,
      text.includes("StabilityValue"),
      text.includes('metadata.annotations["gke-persistent-ip.dev/sticky"]'),
    ]).to.deep.equal([0, true, true]);
    expect((await ran("analyze", "-f", file("bad.yaml", docs("blue, x: 1", "true"))))[0]).to.equal(1);
  });
  it("looks for the kubeconfig where kubectl does, and says where it looked", () => {
    const one = file("config", "");
    expect(kubeconfigFile({ kubeconfig: one }, {})).to.equal(one);
    expect(kubeconfigFile({}, { KUBECONFIG: `/nowhere${path.delimiter}${one}` })).to.equal(one);
    expect(() => kubeconfigFile({ kubeconfig: "/nowhere" }, {})).to.throw("--kubeconfig: /nowhere does not exist");
    expect(() => kubeconfigFile({}, { KUBECONFIG: "/nowhere" })).to.throw("KUBECONFIG: /nowhere does not exist");
    expect(kubeconfigFile({}, { HOME: dir })).to.equal(undefined);
  });
  it("tables and ages look like kubectl's", () => {
    expect(
      table(
        ["A", "BB"],
        [
          ["1", ""],
          ["long", "x"],
        ],
      ),
    ).to.deep.equal(["A      BB", "1      -", "long   x"]);
    expect([0, 59_000, 61_000, 3_600_000, 90_061_000].map(age)).to.deep.equal(["0s", "59s", "1m1s", "1h", "1d1h"]);
  });
});
