// SPDX-License-Identifier: Apache-2.0
// Which Pod: a verdict for every candidate, one choice, the same from any order of the input.
import { expect } from "chai";
import { DEFAULT_STABILITY, type GKEIPRoute, type GKEIPRouteSpec, type PodInterface } from "../api";
import { noPodsMessage, select, VERDICTS, type Selection } from "./select";
import { STABILITY_VERDICTS } from "./stability";
import { nodeOf, podOf, routeOf, world, type WorldInput } from "./testing";
import type { PodView } from "./world";

const network = { name: "blue-network", type: "L3", vpc: "blue-vpc" } as const;
const choose = (pods: readonly PodView[], spec: Partial<GKEIPRouteSpec> = {}, input: WorldInput = {}): Selection =>
  select(world({ pods, ...input }), routeOf({ spec }), network);
const verdicts = (s: Selection): string[] => s.verdicts.map((v) => `${v.pod.name} ${v.reason}`);
const on = (...interfaces: PodInterface[]): PodView["interfaces"] => ({ ok: true, value: interfaces });

describe("The choice among selectable Pods", () => {
  const table: [title: string, pods: PodView[], spec: Partial<GKEIPRouteSpec>, expected: string | undefined][] = [
    [
      "the newest of four Ready ones (S1, SEED-9, SEED-61, SEED-70)",
      [podOf("a", 1), podOf("d", 4), podOf("c", 3), podOf("b", 2)],
      {},
      "d",
    ],
    ["nobody where there is none (S2, SEED-83)", [], {}, undefined],
    [
      "the older one while the newest is not Ready (E8, SEED-10, SEED-86)",
      [podOf("a", 1), podOf("b", 2, { ready: false })],
      {},
      "a",
    ],
    [
      "the newest although not Ready with Exists (S18, E6, SEED-11, SEED-85)",
      [podOf("a", 1), podOf("b", 2, { ready: false })],
      { reactionMode: "Exists" },
      "b",
    ],
    ["nobody that is not Ready with ReadyCondition (E6, SEED-86)", [podOf("a", 1, { ready: false })], {}, undefined],
    [
      "nobody without a node, even with Exists (S17, SEED-85)",
      [podOf("a", 1, { node: undefined, ready: false })],
      { reactionMode: "Exists" },
      undefined,
    ],
    ["the one that is not terminating (S4, E3)", [podOf("a", 1), podOf("b", 2, { deleting: true })], {}, "a"],
    [
      "the one that has not ended (E5)",
      [podOf("a", 1), podOf("b", 2, { phase: "Succeeded" }), podOf("c", 3, { phase: "Failed" })],
      {},
      "a",
    ],
    ["the one that is not on the node's own network (E17)", [podOf("a", 1), podOf("b", 2, { hostNetwork: true })], {}, "a"],
    [
      "the one with the network (E1)",
      [podOf("a", 1), podOf("b", 2, { interfaces: on({ interfaceName: "eth0", network: "default" }) })],
      {},
      "a",
    ],
    [
      "the one whose annotation can be read (E22)",
      [podOf("a", 1), podOf("b", 2, { interfaces: { ok: false, message: "not JSON" } })],
      {},
      "a",
    ],
    ["the one whose node is there (E19)", [podOf("a", 1), podOf("b", 2, { node: "node-9" })], {}, "a"],
    ["the newest of two on one node (S11)", [podOf("a", 1), podOf("b", 2)], {}, "b"],
    ["the first by name at equal times (S12, E7)", [podOf("b", 1, { uid: "1" }), podOf("a", 1, { uid: "2" })], {}, "a"],
    ["the first by UID at equal times and names (S12)", [podOf("a", 1, { uid: "2" }), podOf("a", 1, { uid: "1" })], {}, "a"],
    [
      "the Ready one at equal times with Exists (E7)",
      [podOf("a", 1, { ready: false }), podOf("b", 1)],
      { reactionMode: "Exists" },
      "b",
    ],
    ["nobody of another namespace (S10, SEED-60)", [podOf("a", 1, { namespace: "other" })], {}, undefined],
    ["nobody with other labels (SEED-84, SEED-87)", [podOf("a", 1, { labels: { component: "web" } })], {}, undefined],
    [
      "a StatefulSet's replica by its label (SEED-68)",
      [
        podOf("ss-1", 1, { labels: { "statefulset.kubernetes.io/pod-name": "ss-1" } }),
        podOf("ss-2", 2, { labels: { "statefulset.kubernetes.io/pod-name": "ss-2" } }),
      ],
      { podSelector: { matchLabels: { "statefulset.kubernetes.io/pod-name": "ss-1" } } },
      "ss-1",
    ],
    [
      "one of the new set after the selector was edited (S13, E12)",
      [podOf("a", 1), podOf("b", 2, { labels: { component: "web" } })],
      { podSelector: { matchLabels: { component: "web" } } },
      "b",
    ],
    ["nobody with a selector that cannot be read (E14)", [podOf("a", 1)], { podSelector: {} }, undefined],
    [
      "nobody with a node selector that cannot be read",
      [podOf("a", 1)],
      { nodeSelector: { matchExpressions: [{ key: "a", operator: "In" }] } },
      undefined,
    ],
    [
      "a Pod on a node that the node selector means",
      [podOf("a", 1), podOf("b", 2, { node: "node-2" })],
      { nodeSelector: { matchLabels: { "kubernetes.io/hostname": "node-1" } } },
      "a",
    ],
  ];
  for (const [title, pods, spec, expected] of table)
    it(`takes ${title}`, () => expect(choose(pods, spec).selected?.name).to.equal(expected));

  it("goes by the server's creation times alone, whatever any other clock says (E65)", () => {
    // Made by a node whose clock is an hour ahead: neither its start time nor the moment of our decision counts.
    const ahead = { ...podOf("ahead", 1), started: "2030-01-01T00:00:00Z" };
    const at = (now: number) =>
      select(world({ pods: [ahead, podOf("later", 2)] }), routeOf(), network, {
        policy: DEFAULT_STABILITY,
        tenure: { moves: [] },
        now,
      }).selected?.name;
    expect([at(0), at(Date.UTC(2040, 0))]).to.deep.equal(["later", "later"]);
  });

  it("answers the node of the chosen Pod with it", () => {
    const s = choose([podOf("a", 1, { node: "node-2" })]);
    expect([s.selected?.node, s.node?.vm?.instance]).to.deep.equal(["node-2", "vm-node-2"]);
  });

  it("keeps a Pod whose node is not Ready, as GKE does, until its own Ready turns (E18, S16)", () =>
    expect(choose([podOf("a", 1)], {}, { nodes: [nodeOf("node-1", { ready: false })] }).selected?.name).to.equal("a"));

  it("waits for a node that is not on the network yet (E2)", () => {
    const nodes = [nodeOf("node-1", { networks: [] }), nodeOf("node-2")];
    const s = choose([podOf("a", 1, { node: "node-2" }), podOf("b", 2)], {}, { nodes });
    expect(verdicts(s)).to.deep.equal(["b NodeNotConnected", "a Selected"]);
  });

  it("takes every node on the primary network, which all are on (E45)", () => {
    const w = world({ pods: [podOf("a", 1, { interfaces: on() })], nodes: [nodeOf("node-1", { networks: [] })] });
    expect(select(w, routeOf(), { name: "default", type: "Default" }).selected?.name).to.equal("a");
  });

  it("follows a NetworkInterface to its network, in the Pod's own namespace (E21)", () => {
    const pods = [podOf("a", 1, { interfaces: on({ interfaceName: "eth1", interface: "nic" }) })];
    expect(choose(pods, {}, { interfaces: { "default/nic": "blue-network" } }).selected?.name).to.equal("a");
    for (const interfaces of [{ "other/nic": "blue-network" }, {}] as Record<string, string>[]) {
      const s = choose(pods, {}, { interfaces });
      expect(verdicts(s)).to.deep.equal(["a NotOnNetwork"]);
      expect(s.verdicts[0]!.message).to.match(/NetworkInterface nic, whose network is not known here; name network blue-network/);
    }
  });

  it("knows a recreated Pod by its UID and node, although the name is the same (S5, E15, E16)", () => {
    const rounds = ["node-1", "node-2", "node-2", "node-1"].map((node, i) =>
      choose([
        podOf("ss-0", 1 + i, { uid: `u${i}`, node }),
        ...(i > 0 ? [podOf("ss-0", i, { uid: `u${i - 1}`, deleting: true })] : []),
      ]),
    );
    expect(rounds.map((s) => `${s.selected?.uid} ${s.selected?.node}`)).to.deep.equal([
      "u0 node-1",
      "u1 node-2",
      "u2 node-2",
      "u3 node-1",
    ]);
  });

  it("lets a Pod drop out and come back as its labels are edited (S6, E11)", () => {
    const labels = [{ component: "proxy" }, { component: "old" }, { component: "proxy" }];
    expect(labels.map((l) => choose([podOf("a", 2, { labels: l }), podOf("b", 1)]).selected?.name)).to.deep.equal([
      "a",
      "b",
      "a",
    ]);
  });

  it("moves once in a rollout: to the new Pod when it is Ready, not again when the old one goes (E9)", () => {
    const old = podOf("old", 1);
    const steps = [
      [old],
      [old, podOf("new", 2, { ready: false })],
      [old, podOf("new", 2)],
      [{ ...old, deleting: true }, podOf("new", 2)],
      [podOf("new", 2)],
    ];
    expect(steps.map((pods) => choose(pods).selected?.name)).to.deep.equal(["old", "old", "new", "new", "new"]);
  });

  it("finds nobody at zero and somebody at one again (E10)", () =>
    expect([[podOf("a", 1)], [], [podOf("b", 2)]].map((p) => choose(p).selected?.name)).to.deep.equal(["a", undefined, "b"]));
});

describe("The verdicts", () => {
  const blue = podOf("x", 1).interfaces;
  const cases: [reason: string, pod: PodView, says: RegExp][] = [
    ["Terminating", podOf("x", 1, { deleting: true }), /being deleted/],
    ["Finished", podOf("x", 1, { phase: "Failed" }), /has ended \(Failed\)/],
    ["Unscheduled", podOf("x", 1, { node: undefined }), /spec\.nodeName is not set/],
    ["HostNetwork", podOf("x", 1, { hostNetwork: true }), /hostNetwork/],
    ["MalformedInterfaces", podOf("x", 1, { interfaces: { ok: false, message: "annotation is not JSON" } }), /not JSON/],
    [
      "NotOnNetwork",
      podOf("x", 1, { interfaces: on() }),
      /no interface on network blue-network; name it in networking\.gke\.io\/interfaces/,
    ],
    ["NotReady", podOf("x", 1, { ready: false }), /condition Ready is not True/],
    ["NodeMissing", podOf("x", 1, { node: "node-9" }), /node node-9 does not exist/],
    ["NodeNotSelected", podOf("x", 1, { node: "node-2" }), /node node-2 does not match spec\.nodeSelector/],
    [
      "NodeNotConnected",
      podOf("x", 1, { node: "bare" }),
      /node bare is not on network blue-network .* its pool needs that network/,
    ],
    ["NoVirtualMachine", podOf("x", 1, { node: "metal" }), /node metal has no Compute Engine VM in spec\.providerID/],
    ["Selected", podOf("x", 1, { interfaces: blue }), /newest Pod that can be chosen/],
    ["OlderThanSelected", podOf("x", 0, { interfaces: blue }), /newest is preferred: it is newer/],
  ];
  const pool = { pool: "a" };
  const nodes = [
    nodeOf("node-1", { labels: pool }),
    nodeOf("node-2"),
    nodeOf("bare", { labels: pool, networks: [] }),
    nodeOf("metal", { labels: pool, vm: undefined }),
  ];
  for (const [reason, pod, says] of cases)
    it(`say ${reason} and why`, () => {
      const pods = reason === "OlderThanSelected" ? [pod, podOf("newest", 9)] : [pod];
      const verdict = choose(pods, { nodeSelector: { matchLabels: pool } }, { nodes }).verdicts.find((v) => v.pod.name === "x")!;
      expect(verdict.reason).to.equal(reason);
      expect(verdict.message).to.match(says);
    });

  // Those of stability have theirs in stability.test.ts.
  it("have a case here for each reason there is", () =>
    expect([...cases.map(([reason]) => reason), ...STABILITY_VERDICTS]).to.have.members([...VERDICTS]));

  it("explain a tie as one", () => {
    const s = choose([podOf("a", 1), podOf("b", 1)]);
    expect(s.verdicts[1]!.message).to.contain("created at the same time");
  });
});

describe("The sentence of NoPodsFound", () => {
  const said = (pods: PodView[], spec: Partial<GKEIPRouteSpec> = {}): string => {
    const route: GKEIPRoute = routeOf({ spec });
    return noPodsMessage(route, select(world({ pods }), route, network).verdicts);
  };
  it("says that nothing matches, what was looked for and where (SEED-83, SEED-84, SEED-85, SEED-87, SEED-88)", () =>
    expect(said([podOf("a", 1, { labels: {} })])).to.equal(
      'no Pod of namespace default matches {"matchLabels":{"component":"proxy"}}; check the labels of the Pods and spec.podSelector',
    ));

  it("shows the whole selector, labels and expressions", () =>
    expect(
      said([], { podSelector: { matchLabels: { a: "b" }, matchExpressions: [{ key: "c", operator: "Exists" }] } }),
    ).to.contain('{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"c","operator":"Exists"}]}'));

  it("counts those that match, groups them by reason and explains the newest (SEED-86, SEED-89)", () => {
    const pods = [1, 2, 3, 4, 5].map((m) => podOf(`p${m}`, m, { ready: false }));
    const text = said([...pods, podOf("gone", 9, { deleting: true })]);
    expect(text).to.contain("6 Pod(s) of namespace default match");
    expect(text).to.contain("(Terminating: gone; NotReady: p5, p4, p3 and 2 more)");
    expect(text).to.contain("Newest, gone: the Pod is being deleted");
  });
});
