// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import type { NodeSpec } from "../nodes";
import { connectedNetworks, nodeAnnotations } from "./node-rules";
import { AddressPool, DevicePool, podAnnotations, requestedNetworks } from "./pod-rules";
import { ANNOTATIONS, withCondition, type Condition, type GkePod, type Network, type ParamSet } from "./types";

const NODE: NodeSpec = {
  ...{ name: "n", zone: "z", region: "r", project: "p", pool: "d", internalIP: "10.128.0.7" },
  networks: [
    { name: "red", nic: "nic1", ip: "10.1.0.7", podCidr: "172.20.7.0/24" },
    { name: "", nic: "nic2", ip: "10.2.0.7", vpc: "https://compute/projects/p/global/networks/v", subnetwork: "s" },
    { name: "", nic: "nic3", ip: "10.3.0.7", vpc: "v", subnetwork: "unknown" },
  ],
};
const SET: ParamSet = { metadata: { name: "p", uid: "p" }, spec: { vpc: "v", vpcSubnet: "regions/r/subnetworks/s" } };
const BLUE: Network = {
  metadata: { name: "blue", uid: "b" },
  spec: {
    type: "L3",
    gateway4: "10.2.0.1",
    parametersRef: { group: "networking.gke.io", kind: "GKENetworkParamSet", name: "p" },
  },
};

describe("network annotations", () => {
  it("connect a NIC by its Network's name, or by VPC and subnetwork in any spelling", () => {
    const connected = connectedNetworks(NODE, [BLUE], [SET]);
    expect(connected.map(({ name, ip, podCidr }) => [name, ip, podCidr])).to.deep.equal([
      ["red", "10.1.0.7", "172.20.7.0/24"],
      ["blue", "10.2.0.7", "172.17.7.0/24"],
    ]);
    const annotations = nodeAnnotations(NODE, connected);
    expect(JSON.parse(annotations[ANNOTATIONS.northInterfaces]!)).to.deep.equal([
      { network: "red", ipAddress: "10.1.0.7" },
      { network: "blue", ipAddress: "10.2.0.7" },
    ]);
    expect(JSON.parse(annotations[ANNOTATIONS.nicInfo]!)).to.have.length(3);
  });

  it("find the networks a Pod asks for, directly or through a NetworkInterface, never the default one", () => {
    const pod = (interfaces: string): GkePod => ({
      metadata: { name: "a", uid: "a", namespace: "ns", annotations: { [ANNOTATIONS.interfaces]: interfaces } },
      spec: {},
    });
    const byInterface = (name: string): string | undefined => (name === "nif" ? "red" : undefined);
    const asked = JSON.stringify([
      { interfaceName: "eth0", network: "default" },
      { interfaceName: "eth1", network: "blue" },
      { interface: "nif" },
      { interface: "x" },
    ]);
    expect(requestedNetworks(pod(asked), byInterface)).to.deep.equal(["blue", "red"]);
    expect(requestedNetworks(pod("not json"), byInterface)).to.deep.equal([]);
    expect(requestedNetworks(pod('{"network":"blue"}'), byInterface)).to.deep.equal([]);
  });

  it("say a Pod's addresses in GKE's two forms", () => {
    const annotations = podAnnotations([{ network: "blue", ip: "172.17.7.2" }], new Map([["blue", BLUE]]));
    expect(JSON.parse(annotations[ANNOTATIONS.podIps]!)).to.deep.equal([{ networkName: "blue", ip: "172.17.7.2" }]);
    expect(JSON.parse(annotations[ANNOTATIONS.interfaceStatus]!)).to.deep.equal([
      { networkName: "blue", ipAddresses: ["172.17.7.2/32"], macAddress: "02:42:ac:11:07:02", gateway4: "10.2.0.1" },
    ]);
  });

  it("hand out each address once, the same to the same Pod, and again after release", () => {
    const pool = new AddressPool("10.0.0.0/29");
    expect(["a", "b", "a", "c", "d", "e"].map((owner) => pool.take(owner))).to.deep.equal([
      "10.0.0.2",
      "10.0.0.3",
      "10.0.0.2",
      "10.0.0.4",
      "10.0.0.5",
      "10.0.0.6",
    ]);
    expect(pool.take("f")).to.equal(undefined);
    pool.release("b");
    expect(pool.take("f")).to.equal("10.0.0.3");
  });

  it("give a device NIC's address to one Pod at a time", () => {
    const pool = new DevicePool({ ip: "10.3.0.7" });
    expect([pool.take("a"), pool.take("b")]).to.deep.equal(["10.3.0.7", undefined]);
    pool.release("a");
    expect(pool.take("b")).to.equal("10.3.0.7");
  });
});

describe("conditions", () => {
  const old: Condition = {
    type: "Ready",
    status: "True",
    reason: "R",
    message: "",
    observedGeneration: 1,
    lastTransitionTime: "then",
  };

  it("that say nothing new leave the list as it is", () => {
    const list = [old];
    expect(
      withCondition(list, { type: "Ready", status: "True", reason: "R", message: "", observedGeneration: 1 }, "now"),
    ).to.equal(list);
  });

  it("keep others, and their own transition time while the status stays", () => {
    const other: Condition = { ...old, type: "Other" };
    const next = withCondition(
      [other, old],
      { type: "Ready", status: "True", reason: "New", message: "", observedGeneration: 2 },
      "now",
    );
    expect(next).to.deep.equal([other, { ...old, reason: "New", observedGeneration: 2 }]);
    const flipped = withCondition(
      [old],
      { type: "Ready", status: "False", reason: "R", message: "", observedGeneration: 1 },
      "now",
    );
    expect(flipped[0]?.lastTransitionTime).to.equal("now");
  });
});
