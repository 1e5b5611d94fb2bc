// SPDX-License-Identifier: Apache-2.0
// Container v1 with and without a sandbox behind it.
import { asText } from "../text";
import { expect } from "chai";
import type { Emulator, JsonObject } from "../index";
import { startEmulator } from "../index";
import type { Answer, TestClient } from "../test-client";
import { testClient } from "../test-client";
import type { ContainerHooks } from "./types";

const L = "v1/projects/p1/locations/us-central1";
const C = `${L}/clusters/edge`;
const MULTI = {
  datapathProvider: "ADVANCED_DATAPATH",
  enableMultiNetworking: true,
  gatewayApiConfig: { channel: "CHANNEL_STANDARD" },
};
const NICS = { additionalNodeNetworkConfigs: [{ network: "blue-vpc", subnetwork: "blue" }] };
const PODS = {
  additionalPodNetworkConfigs: [{ subnetwork: "blue", secondaryPodRange: "pods", maxPodsPerNode: { maxPodsPerNode: "8" } }],
};

function cluster(more: object = {}) {
  return { cluster: { name: "edge", ipAllocationPolicy: { useIpAliases: true }, networkConfig: MULTI, ...more } };
}

describe("Container v1", () => {
  let emulator: Emulator;
  let client: TestClient;
  let calls: string[];
  let gate: Promise<void>;

  const hooks: ContainerHooks = {
    clusterCreated: async (c) => {
      await gate;
      calls.push(`cluster ${c.name} in ${c.location} multi=${c.multiNetworking}`);
      return { endpoint: "127.0.0.1:6443", caCertificateBase64: "Q0E=" };
    },
    clusterDeleted: async (c) => void calls.push(`deleted ${c.name}`),
    nodePoolCreated: async (c, p) => {
      calls.push(
        `pool ${p.name} ${p.nodeCount}x${p.zones.length} ${p.networks.map((n) => n.network).join()} ${p.podNetworks.map((n) => n.maxPodsPerNode).join()}`,
      );
      if (p.name === "bad") throw new Error("no machines");
      expect(c.resource.endpoint).to.equal("127.0.0.1:6443");
    },
    nodePoolResized: async (_c, p, count) => void calls.push(`resize ${p.name} ${p.nodeCount}->${count}`),
    nodePoolDeleted: async (_c, p) => void calls.push(`gone ${p.name}`),
  };

  const done = async (begun: Answer): Promise<JsonObject> => {
    if (begun.status !== 200) throw new Error(`${begun.reason}: ${begun.message}`);
    for (;;) {
      const { body } = await client.raw("GET", `${L}/operations/${asText(begun.body.name)}`);
      if (body.status === "DONE") return body;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const post = (path: string, body?: object) => client.raw("POST", path, body);

  beforeEach(async () => {
    calls = [];
    gate = Promise.resolve();
    emulator = await startEmulator({ project: "p1", operationLatencyMs: 0, hooks });
    client = testClient(emulator);
    await client.mutate("POST", "global/networks", { name: "blue-vpc", autoCreateSubnetworks: false });
    const secondaryIpRanges = [{ rangeName: "pods", ipCidrRange: "10.2.0.0/20" }];
    await client.mutate("POST", "regions/us-central1/subnetworks", {
      name: "blue",
      network: "global/networks/blue-vpc",
      ipCidrRange: "10.1.0.0/24",
      secondaryIpRanges,
    });
  });
  afterEach(() => emulator.close());

  it("creates a cluster whose operation stays RUNNING until the sandbox has booted it", async () => {
    let open = () => {};
    gate = new Promise((resolve) => (open = resolve));
    const begun = await post(`${L}/clusters`, cluster({ initialNodeCount: 1 }));
    expect(begun.body).to.include({ operationType: "CREATE_CLUSTER", status: "RUNNING", location: "us-central1" });
    expect((await client.raw("GET", C)).body).to.include({ status: "PROVISIONING" });
    const busy = await client.raw("DELETE", C);
    expect([busy.status, (busy.body.error as JsonObject).status]).to.deep.equal([400, "FAILED_PRECONDITION"]);
    open();
    await done(begun);
    const made = (await client.raw("GET", C)).body;
    expect(made).to.deep.include({
      status: "RUNNING",
      endpoint: "127.0.0.1:6443",
      masterAuth: { clusterCaCertificate: "Q0E=" },
      currentNodeCount: 3,
    });
    expect(calls).to.deep.equal(["cluster edge in us-central1 multi=true", "pool default-pool 1x3  "]);
    const again = await post(`${L}/clusters`, cluster());
    expect([again.status, (again.body.error as JsonObject).status]).to.deep.equal([409, "ALREADY_EXISTS"]);
  });

  it("makes, resizes, updates and deletes node pools with further networks", async () => {
    await done(await post(`${L}/clusters`, cluster()));
    const nodePool = { name: "edge-pool", initialNodeCount: 1, networkConfig: { ...NICS, ...PODS } };
    await done(await post(`${C}/nodePools`, { nodePool }));
    expect(calls.at(-1)).to.equal("pool edge-pool 1x3 blue-vpc 8");
    expect((await post(`${C}/nodePools`, { nodePool })).status).to.equal(409);
    await done(await post(`${C}/nodePools/edge-pool:setSize`, { nodeCount: 2 }));
    expect(calls.at(-1)).to.equal("resize edge-pool 1->2");
    await done(
      await client.raw("PUT", `${C}/nodePools/edge-pool`, { labels: { labels: { a: "b" } }, machineType: "n2-standard-4" }),
    );
    const pool = (await client.raw("GET", `${C}/nodePools/edge-pool`)).body;
    expect(pool).to.include({ initialNodeCount: 2, status: "RUNNING" });
    expect(pool.config).to.deep.include({ labels: { a: "b" }, machineType: "n2-standard-4" });
    const fixed = await client.raw("PUT", `${C}/nodePools/edge-pool`, { nodeNetworkConfig: NICS });
    expect(fixed.message).to.contain("make a new node pool");
    await done(await client.raw("DELETE", `${C}/nodePools/edge-pool`));
    expect(calls.at(-1)).to.equal("gone edge-pool");
    expect((await client.raw("GET", `${C}/nodePools`)).body.nodePools).to.have.length(1);
  });

  it("turns a rejection of the sandbox into the operation's error", async () => {
    await done(await post(`${L}/clusters`, cluster()));
    const failed = await done(await post(`${C}/nodePools`, { nodePool: { name: "bad", initialNodeCount: 1 } }));
    expect(failed.error).to.deep.equal({ code: 13, message: "no machines" });
    expect((await client.raw("GET", `${C}/nodePools/bad`)).body).to.include({ status: "ERROR" });
  });

  it("updates, labels, lists and deletes clusters", async () => {
    await done(await post(`${L}/clusters`, cluster({ resourceLabels: { a: "1" } })));
    await done(
      await client.raw("PUT", C, {
        update: { desiredReleaseChannel: { channel: "RAPID" }, desiredGatewayApiConfig: { channel: "CHANNEL_DISABLED" } },
      }),
    );
    const { body } = await client.raw("GET", C);
    expect(body.releaseChannel).to.deep.equal({ channel: "RAPID" });
    expect((body.networkConfig as JsonObject).gatewayApiConfig).to.deep.equal({ channel: "CHANNEL_DISABLED" });
    await done(await post(`${C}:setResourceLabels`, { resourceLabels: { a: "2" }, labelFingerprint: body.labelFingerprint }));
    expect(
      (await post(`${C}:setResourceLabels`, { resourceLabels: {}, labelFingerprint: body.labelFingerprint })).status,
    ).to.equal(412);
    expect((await client.raw("GET", "v1/projects/p1/locations/-/clusters")).body.clusters).to.have.length(1);
    expect((await client.raw("GET", "v1/projects/p1/locations/us-east1/clusters")).body.clusters).to.have.length(0);
    await done(await client.raw("DELETE", C));
    expect(calls.at(-1)).to.equal("deleted edge");
    expect((await client.raw("GET", C)).status).to.equal(404);
    expect((await client.raw("GET", `${L}/operations`)).body.operations).to.have.length(4);
  });

  const refused: [string, object, RegExp][] = [
    [
      "multi-networking without Dataplane V2",
      { networkConfig: { enableMultiNetworking: true } },
      /datapathProvider ADVANCED_DATAPATH/,
    ],
    [
      "the experimental Gateway channel",
      { networkConfig: { gatewayApiConfig: { channel: "CHANNEL_EXPERIMENTAL" } } },
      /CHANNEL_EXPERIMENTAL is not supported/,
    ],
    ["multi-networking on a dual-stack cluster", { ipAllocationPolicy: { stackType: "IPV4_IPV6" } }, /dual-stack/],
    ["multi-networking without VPC-native", { ipAllocationPolicy: { useIpAliases: false } }, /VPC-native/],
    ["a subnetwork that is not there", { subnetwork: "none" }, /subnetworks\/none' does not exist/],
    ["a subnetwork of another network", { network: "default", subnetwork: "blue" }, /is in network 'blue-vpc', not in 'default'/],
    [
      "a Pod range that is not there",
      { network: "blue-vpc", subnetwork: "blue", ipAllocationPolicy: { clusterSecondaryRangeName: "x" } },
      /it has: pods/,
    ],
    ["a bad name", { name: "Edge" }, /cluster\.name/],
    [
      "a pool with further networks on a cluster without multi-networking",
      { networkConfig: {}, nodePools: [{ name: "p", networkConfig: NICS }] },
      /enableMultiNetworking/,
    ],
    [
      "a pool with the cluster's own network twice",
      { network: "blue-vpc", subnetwork: "blue", nodePools: [{ name: "p", networkConfig: NICS }] },
      /used by another interface/,
    ],
    [
      "a Pod network without its interface",
      { nodePools: [{ name: "p", networkConfig: PODS }] },
      /none of the additionalNodeNetworkConfigs/,
    ],
    [
      "more than eight networks on a node",
      {
        nodePools: [
          { name: "p", networkConfig: { additionalNodeNetworkConfigs: Array(8).fill({ network: "n", subnetwork: "s" }) } },
        ],
      },
      /at most 7/,
    ],
  ];
  for (const [what, more, message] of refused) {
    it(`refuses ${what} and makes nothing`, async () => {
      const answer = await post(`${L}/clusters`, cluster(more));
      expect(answer.status).to.be.within(400, 404);
      expect(answer.message).to.match(message);
      expect(calls).to.deep.equal([]);
      expect((await client.raw("GET", `${L}/clusters`)).body.clusters).to.deep.equal([]);
    });
  }

  it("refuses to change the datapath of a cluster, and knows no location beyond its own", async () => {
    await done(await post(`${L}/clusters`, cluster()));
    expect((await client.raw("PUT", C, { update: { desiredDatapathProvider: "LEGACY_DATAPATH" } })).message).to.contain(
      "make a new cluster",
    );
    expect((await post("v1/projects/p1/locations/mars/clusters", cluster())).message).to.contain("'mars' does not exist");
    expect((await client.raw("GET", "v1/projects/p1/services/container.googleapis.com")).body).to.include({ state: "ENABLED" });
  });
});
