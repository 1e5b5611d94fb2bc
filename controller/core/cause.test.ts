// SPDX-License-Identifier: Apache-2.0
// Why an address moves, told from what became of the Pod that held it.
import { expect } from "chai";
import { MOVE_CAUSES, type GKEIPRouteSpec, type Holder, type MoveCause } from "../api";
import { moveCause } from "./cause";
import { nodeOf, podOf, routeOf, world, type WorldInput } from "./testing";
import type { PodView } from "./world";

const holderAt = (name: string, over: Partial<Holder> = {}): Holder => ({
  pod: name,
  podUID: `uid-${name}`,
  node: "node-1",
  zone: "us-central1-a",
  instance: "vm-node-1",
  ...over,
});
const [old, next] = [holderAt("old"), holderAt("new")];
const seen = (over: Partial<PodView> = {}, minute = 2): PodView[] => [podOf("old", 1, over), podOf("new", minute)];

describe("The cause of a move", () => {
  const table: [
    title: string,
    expected: MoveCause,
    pods: PodView[],
    more?: { holder?: Holder; wanted?: Holder; spec?: Partial<GKEIPRouteSpec>; input?: WorldInput },
  ][] = [
    ["nobody had the address (SEED-79)", "FirstAssignment", seen(), { holder: undefined }],
    ["a newer Pod is Ready (E9, SEED-9)", "NewerPod", seen()],
    ["the Pod is not there any more (SEED-79)", "PodGone", [podOf("new", 2)]],
    [
      "the Pod was made again under its name (S5, E15)",
      "PodRecreated",
      [podOf("old", 2, { uid: "uid-2" })],
      { wanted: holderAt("old", { podUID: "uid-2" }) },
    ],
    ["the Pod is terminating (E3, S4)", "PodTerminating", seen({ deleting: true })],
    ["the Pod is not Ready (E8, SEED-86)", "PodNotReady", seen({ ready: false })],
    [
      "the Pod is not Ready, which Exists does not mind (S18)",
      "NewerPod",
      seen({ ready: false }),
      { spec: { reactionMode: "Exists" } },
    ],
    ["the Pod's labels were edited (E11, S6)", "SelectorChanged", seen({ labels: {} })],
    [
      "the selector was edited (E12, S13)",
      "SelectorChanged",
      seen({}),
      { spec: { podSelector: { matchLabels: { component: "web" } } } },
    ],
    ["the Pod has ended (E5)", "PodNotSelectable", seen({ phase: "Failed" }), { spec: { reactionMode: "Exists" } }],
    ["the node is gone (E19)", "NodeGone", seen(), { input: { nodes: [nodeOf("node-2")] } }],
    ["the node and the Pod are gone (E19)", "NodeGone", [podOf("new", 2)], { input: { nodes: [] } }],
    ["an older Pod has to do, since the holder's network or node will not", "PodNotSelectable", seen({}, 0)],
    ["nobody will do, although the holder is well", "PodNotSelectable", seen(), { wanted: undefined }],
    ["the wish came back to the holder in the middle of a move (E51)", "MoveAbandoned", seen(), { wanted: old }],
  ];
  for (const [title, expected, pods, more = {}] of table)
    it(`is ${expected} when ${title}`, () => {
      const { holder, wanted, spec, input } = { holder: old as Holder | undefined, wanted: next as Holder | undefined, ...more };
      expect(moveCause(world({ pods, ...input }), routeOf({ spec }), holder, wanted)).to.equal(expected);
      expect(MOVE_CAUSES).to.include(expected);
    });
});
