// SPDX-License-Identifier: Apache-2.0
// The node agent's view of the API server: its wish from journals and Pods, and generations that only go up.
import { expect } from "chai";
import type { AddressBinding, AddressBindingStatus, KubeObject } from "../api";
import { IntentMaker, localNode, localPod, type NodeFacts } from "./agent-intent";
import { fieldManagerOf } from "./agent-report";

const pod = (name: string, over: { uid?: string; phase?: string } = {}) =>
  localPod({
    metadata: {
      name,
      namespace: "default",
      uid: over.uid ?? `uid-${name}`,
      annotations: {
        "networking.gke.io/pod-ips": '[{"networkName":"blue","ip":"10.201.1.10/32"}]',
        "networking.gke.io/interface-status":
          '[{"networkName":"blue","ipAddresses":["10.201.1.10/32"],"macAddress":"02:00:00:00:00:0a"}]',
      },
    },
    status: { phase: over.phase ?? "Running", podIP: "10.200.1.10" },
  } as KubeObject);
const node = localNode({
  metadata: {
    name: "node-1",
    annotations: { "networking.gke.io/north-interfaces": '[{"network":"blue","ipAddress":"10.1.0.11"}]' },
  },
  status: { addresses: [{ type: "InternalIP", address: "10.0.0.11" }] },
} as KubeObject);
const holder = (n: number) => ({ pod: `pod-${n}`, podUID: `uid-pod-${n}`, node: `node-${n}`, zone: "z", instance: "i" });
const binding = (status: AddressBindingStatus, network = "blue"): AddressBinding => ({
  metadata: { name: "34-123-10-1", uid: "b1" },
  spec: { address: "34.123.10.1", scope: "External", network, route: { namespace: "default", name: "r", uid: "u" } },
  status,
});
const facts = (b: AddressBinding, over: Partial<NodeFacts> = {}): NodeFacts => ({
  node: "node-1",
  bindings: [b],
  pod: (key) => (key === "default/pod-1" ? pod("pod-1") : undefined),
  local: node,
  networks: [],
  ...over,
});
const held: AddressBindingStatus = { phase: "Held", generation: 3, holder: holder(1) };

describe("The wish of a node", () => {
  it("has the holder's address on its network, its hardware address, and the NIC by the node's annotation", () => {
    expect(new IntentMaker().make(facts(binding(held)), 0)).to.deep.equal({
      networks: [{ name: "blue", nicAddress: "10.1.0.11" }],
      addresses: [
        {
          address: "34.123.10.1",
          network: "blue",
          generation: 3,
          pod: { namespace: "default", name: "pod-1", uid: "uid-pod-1", ip: "10.201.1.10", mac: "02:00:00:00:00:0a" },
        },
      ],
    });
  });
  it("knows an address that lives elsewhere, for its blackhole", () => {
    const [a] = new IntentMaker().make(facts(binding({ ...held, holder: holder(2) })), 0).addresses;
    expect(a).to.deep.equal({ address: "34.123.10.1", network: "blue", generation: 0 });
  });
  it("takes the Pod's own address and the node's InternalIP on the default network, under whichever name", () => {
    const { networks, addresses } = new IntentMaker().make(facts(binding(held, "pod-network")), 0);
    expect(networks).to.deep.equal([{ name: "default", nicAddress: "10.0.0.11" }]);
    expect(addresses[0]!.pod!.ip).to.equal("10.200.1.10");
  });
  it("prefers the configured NIC to the annotation", () => {
    const { networks } = new IntentMaker().make(facts(binding(held), { networks: [{ name: "blue", nic: "ens5" }] }), 0);
    expect(networks).to.deep.equal([{ name: "blue", nicAddress: "10.1.0.11", nic: "ens5" }]);
  });
  it("says so where the Pod is not here, is another of that name, or has ended", () => {
    const problem = (p: NodeFacts["pod"]) => new IntentMaker().make(facts(binding(held), { pod: p }), 0).addresses[0]!.problem;
    expect(problem(() => undefined)).to.equal("Pod default/pod-1 is not on this node");
    expect(problem(() => pod("pod-1", { uid: "other" }))).to.equal("Pod default/pod-1 is not on this node");
    expect(problem(() => pod("pod-1", { phase: "Failed" }))).to.include("has ended (Failed)");
  });
  it("obeys generations that go up only: a journal that was put back changes nothing (F2)", () => {
    const maker = new IntentMaker();
    const now = maker.make(facts(binding(held)), 0);
    const old = binding({ phase: "Held", generation: 2, holder: holder(2) });
    expect(maker.make(facts(old), 0)).to.deep.equal(now);
    const next = binding({ phase: "Held", generation: 4, holder: holder(2) });
    expect(maker.make(facts(next), 0).addresses[0]!.pod).to.equal(undefined);
  });
  it("F2: obeys a journal that was put back once it has stayed so for 60 s: a restored API server has no other, and its controller waits", () => {
    const maker = new IntentMaker();
    maker.make(facts(binding({ phase: "Unserved", generation: 9 })), 0);
    const answers = (generation: number, now: number): [string | undefined, number] => {
      const [a] = maker.make(facts(binding({ ...held, generation })), now).addresses;
      return [a?.pod?.name, a!.generation];
    };
    expect([answers(3, 1_000), answers(4, 60_999)]).to.deep.equal([Array(2), Array(2)].map(() => [undefined, 0]));
    expect(answers(4, 61_000)).to.deep.equal(["pod-1", 4]);
    expect(answers(3, 61_001), "and begins anew with the next one").to.deep.equal(["pod-1", 4]);
  });
  it("lets go 60 s after a switch was begun that nobody reports, not before", () => {
    const maker = new IntentMaker();
    const status: AddressBindingStatus = { ...held, phase: "Switching", next: holder(2) };
    const serves = (now: number): boolean => maker.make(facts(binding(status)), now).addresses[0]!.pod !== undefined;
    expect([serves(1000), serves(60_999), serves(61_000)]).to.deep.equal([true, true, false]);
  });
  it("goes on serving a Pod that was left for 10 s, by its own clock, and only while it is there (invariant 4)", () => {
    const maker = new IntentMaker();
    const wall = Date.parse("2026-01-01T00:00:00Z");
    const left = { ...holder(1), leftAt: new Date(wall).toISOString() };
    const status: AddressBindingStatus = { phase: "Held", generation: 4, holder: holder(2), former: [left] };
    const pods = (now: number, at = wall, over: Partial<NodeFacts> = {}): (string | undefined)[] =>
      maker.make(facts(binding(status), over), now, at).addresses.map((a) => a.pod?.name);
    expect(pods(1_000)).to.deep.equal(["pod-1"]);
    expect(pods(10_999)).to.deep.equal(["pod-1"]);
    expect(pods(11_000)).to.deep.equal([undefined]);
    expect(pods(0, wall, { pod: () => undefined }), "it is gone").to.deep.equal([undefined]);
    expect(maker.make(facts(binding(status), { pod: () => undefined }), 0, wall).addresses[0]).to.not.have.property("problem");
    const fresh = new IntentMaker();
    expect(fresh.make(facts(binding(status)), 0, wall + 3_600_000).addresses[0]!.pod, "an old move is no news").to.equal(
      undefined,
    );
  });
  it("gives a newer Pod of this node the packets, and lets the old one send while it is there (row E)", () => {
    const next = { ...holder(2), node: "node-1" };
    const moving: AddressBindingStatus = { phase: "Preparing", generation: 4, holder: holder(1), next };
    const of = (names: string[]): { pod?: string; leaving: string[]; problem?: string } => {
      const pods: NodeFacts["pod"] = (key) => names.map((n) => pod(n)).find((p) => key === `default/${p.metadata.name}`);
      const [a] = new IntentMaker().make(facts(binding(moving), { pod: pods }), 0).addresses;
      const leaving = (a!.leaving ?? []).map((p) => p.name);
      return { leaving, ...(a!.pod ? { pod: a!.pod.name } : {}), ...(a!.problem ? { problem: a!.problem } : {}) };
    };
    expect(of(["pod-1", "pod-2"])).to.deep.equal({ pod: "pod-2", leaving: ["pod-1"] });
    expect(of(["pod-2"])).to.deep.equal({ pod: "pod-2", leaving: [] });
    expect(of(["pod-1"])).to.deep.equal({ pod: "pod-2", leaving: ["pod-1"], problem: "Pod default/pod-2 is not on this node" });
  });
  it("is prepared for a standby that the journal names, and says for which order", () => {
    const since = "2026-01-01T00:00:00.000Z";
    const status: AddressBindingStatus = { phase: "Held", generation: 4, holder: holder(2), standby: [{ ...holder(1), since }] };
    const [a] = new IntentMaker().make(facts(binding(status)), 0).addresses;
    expect(a).to.deep.include({ standby: true, since });
    expect(a!.pod!.name).to.equal("pod-1");
    const other: AddressBindingStatus = { ...status, phase: "Preparing", generation: 5, next: holder(3) };
    expect(
      new IntentMaker().make(facts(binding(other)), 0).addresses,
      "another node's turn is no work for this one",
    ).to.deep.equal([a]);
    const next: AddressBindingStatus = { ...status, phase: "Preparing", generation: 5, next: holder(1) };
    const [b] = new IntentMaker().make(facts(binding(next)), 0).addresses;
    expect(b!.pod!.name).to.equal("pod-1");
    expect(b).to.not.have.any.keys("standby", "since");
  });
  it("is not misled by malformed annotations (E22)", () => {
    const bad = localPod({ metadata: { name: "p", annotations: { "networking.gke.io/pod-ips": "{nonsense" } } });
    expect(bad.ips).to.deep.equal({});
    const evil = localPod({
      metadata: { name: "p", annotations: { "networking.gke.io/pod-ips": '[{"networkName":"blue","ip":"1.2.3.4 dev nic0"}]' } },
    });
    expect(evil.ips).to.deep.equal({});
  });
  it("has a field manager of its own for each node, of a length that the server takes", () => {
    expect(fieldManagerOf("node-1")).to.equal("persistent-ip-node-node-1");
    expect(fieldManagerOf("x".repeat(253))).to.have.length(128);
  });
});
