// SPDX-License-Identifier: Apache-2.0
// One long conversation that uses every method of the tables at least once; every exchange is checked against Google's
// schema, so that no answer has a field, an enum value or a format that Google's has not.
import { asText } from "../../sandbox/emulator/text";
import { expect } from "chai";
import type { Emulator, JsonObject } from "../../sandbox/emulator";
import { startEmulator } from "../../sandbox/emulator";
import { clusterRows } from "../../sandbox/emulator/container/clusters";
import { nodePoolRows } from "../../sandbox/emulator/container/node-pools";
import type { ContainerState } from "../../sandbox/emulator/container/state";
import { COMPUTE_ROWS } from "../../sandbox/emulator/table";
import type { TestClient } from "../../sandbox/emulator/test-client";
import { testClient } from "../../sandbox/emulator/test-client";
import { schemasMissing, validateAll } from "./validator";

const R = "regions/us-central1";
const Z = "zones/us-central1-a";
const L = "v1/projects/p1/locations/us-central1";
const N = { network: "global/networks/blue-vpc", subnetwork: `${R}/subnetworks/blue` };

/** Families without aggregatedList. */
const PLAIN = ["networks", "firewalls", "publicAdvertisedPrefixes", "healthChecks", "backendServices"];

/** Reads of one family: get by name, list, and aggregatedList where there is one. */
async function read(client: TestClient, scope: string, kind: string, name: string): Promise<JsonObject> {
  const listed = await client.get(`${scope}/${kind}?maxResults=1&orderBy=name`);
  expect(listed.items, `${kind} list`).to.have.length(1);
  if (!PLAIN.includes(kind)) {
    expect((await client.call("GET", `aggregated/${kind}?maxResults=500&includeAllScopes=true`)).status).to.equal(200);
  }
  return client.get(`${scope}/${kind}/${name}`);
}

async function networks(client: TestClient): Promise<void> {
  await client.mutate("POST", "global/networks", { name: "auto-vpc", mtu: 1500, routingConfig: { routingMode: "GLOBAL" } });
  await client.mutate("PATCH", "global/networks/auto-vpc", { routingConfig: { routingMode: "REGIONAL" } });
  await client.mutate("POST", "global/networks/auto-vpc/switchToCustomMode");
  await client.mutate("POST", "global/networks", { name: "blue-vpc", autoCreateSubnetworks: false });
  await read(client, "global", "networks", "blue-vpc");
  const secondaryIpRanges = [{ rangeName: "pods", ipCidrRange: "10.2.0.0/20" }];
  await client.mutate("POST", `${R}/subnetworks`, {
    name: "blue",
    network: N.network,
    ipCidrRange: "10.1.0.0/24",
    secondaryIpRanges,
  });
  const subnetwork = `${R}/subnetworks/blue`;
  await client.mutate("POST", `${subnetwork}/expandIpCidrRange`, { ipCidrRange: "10.1.0.0/23" });
  await client.mutate("POST", `${subnetwork}/setPrivateIpGoogleAccess`, { privateIpGoogleAccess: true });
  const { fingerprint } = await read(client, R, "subnetworks", "blue");
  await client.mutate("PATCH", subnetwork, { fingerprint, secondaryIpRanges });
  await client.call("POST", `${subnetwork}/testIamPermissions`, { permissions: ["compute.subnetworks.use"] });
  const firewall = {
    name: "fw",
    network: N.network,
    allowed: [{ IPProtocol: "tcp", ports: ["443"] }],
    sourceRanges: ["0.0.0.0/0"],
  };
  await client.mutate("POST", "global/firewalls", firewall);
  await client.mutate("PUT", "global/firewalls/fw", { ...firewall, priority: 900 });
  await client.mutate("PATCH", "global/firewalls/fw", { name: "fw", disabled: true });
  await read(client, "global", "firewalls", "fw");
  await client.call("GET", "global/networks/blue-vpc/getEffectiveFirewalls");
  await client.call("POST", "global/firewalls/fw/testIamPermissions", { permissions: ["compute.firewalls.get"] });
}

async function instances(emulator: Emulator, client: TestClient): Promise<void> {
  emulator.putInstance({
    name: "vm",
    zone: "us-central1-a",
    labels: { a: "b" },
    tags: ["node"],
    networkInterfaces: [{ natIP: "34.9.9.9" }, { subnetwork: "blue" }],
  });
  emulator.putInstance({ name: "vm2", zone: "us-central1-a" });
  const shown = await read(client, Z, "instances", "vm");
  const nic = (shown.networkInterfaces as JsonObject[])[1];
  await client.mutate("PATCH", `${Z}/instances/vm/updateNetworkInterface?networkInterface=nic1`, {
    aliasIpRanges: [{ ipCidrRange: "/28", subnetworkRangeName: "pods" }],
    fingerprint: nic?.fingerprint,
  });
}

async function prefixes(client: TestClient): Promise<void> {
  const pap = "global/publicAdvertisedPrefixes";
  const pdp = `${R}/publicDelegatedPrefixes`;
  await client.mutate("POST", pap, { name: "pap", ipCidrRange: "203.0.112.0/23", dnsVerificationIp: "203.0.112.1" });
  await client.mutate("POST", `${pap}/pap/announce`);
  await client.mutate("POST", pdp, {
    name: "pdp",
    ipCidrRange: "203.0.113.0/24",
    parentPrefix: `${pap}/pap`,
    mode: "DELEGATION",
  });
  await client.mutate("POST", `${pdp}/pdp/withdraw`);
  await client.mutate("POST", `${pdp}/pdp/announce`);
  await read(client, "global", "publicAdvertisedPrefixes", "pap");
  await read(client, R, "publicDelegatedPrefixes", "pdp");
  await client.mutate("POST", `${R}/addresses`, { name: "byo", ipCollection: `${pdp}/pdp` });
  expect((await client.call("DELETE", `${pdp}/pdp`)).reason).to.equal("resourceInUseByAnotherResource");
  await client.mutate("DELETE", `${R}/addresses/byo`);
  await client.mutate("DELETE", `${pdp}/pdp`);
  await client.mutate("POST", `${pap}/pap/withdraw`);
  await client.mutate("DELETE", `${pap}/pap`);
}

async function rules(client: TestClient): Promise<void> {
  await client.mutate("POST", `${R}/addresses`, { name: "web", address: "34.123.10.1", description: "d", labels: { a: "b" } });
  await client.mutate("POST", `${R}/addresses`, {
    name: "in",
    addressType: "INTERNAL",
    subnetwork: N.subnetwork,
    purpose: "GCE_ENDPOINT",
  });
  const { labelFingerprint } = await read(client, R, "addresses", "web");
  await client.mutate("POST", `${R}/addresses/web/setLabels`, { labels: { c: "d" }, labelFingerprint });
  await client.call("POST", `${R}/addresses/web/testIamPermissions`, { permissions: ["compute.addresses.use"] });
  for (const [name, instance] of [
    ["t1", "vm"],
    ["t2", "vm2"],
  ] as const) {
    await client.mutate("POST", `${Z}/targetInstances`, { name, instance: `${Z}/instances/${instance}`, natPolicy: "NO_NAT" });
  }
  await client.mutate("POST", `${Z}/targetInstances`, { name: "t3", instance: `${Z}/instances/vm`, network: N.network });
  await read(client, Z, "targetInstances", "t3");
  await client.call("POST", `${Z}/targetInstances/t3/testIamPermissions`, { permissions: [] });
  const l3 = { IPProtocol: "L3_DEFAULT", allPorts: true };
  const own = { labels: { owner: "x" }, description: "{}" };
  await client.mutate("POST", `${R}/forwardingRules`, {
    name: "ext",
    IPAddress: `${R}/addresses/web`,
    target: `${Z}/targetInstances/t1`,
    ...l3,
    ...own,
  });
  await client.mutate("POST", `${R}/forwardingRules`, {
    name: "int",
    IPAddress: `${R}/addresses/in`,
    loadBalancingScheme: "INTERNAL",
    target: `${Z}/targetInstances/t3`,
    ...N,
    ...l3,
  });
  await client.mutate("POST", `${R}/forwardingRules/ext/setTarget`, { target: `${Z}/targetInstances/t2` });
  await client.mutate("POST", `${R}/forwardingRules/ext/setLabels`, {
    labels: {},
    labelFingerprint: (await read(client, R, "forwardingRules", "ext")).labelFingerprint,
  });
  await client.mutate("PATCH", `${R}/forwardingRules/int`, { allowGlobalAccess: true });
  expect((await client.get(`${R}/addresses/web`)).status).to.equal("IN_USE");
}

async function backends(client: TestClient): Promise<void> {
  const neg = `${Z}/networkEndpointGroups`;
  await client.mutate("POST", neg, { name: "neg", networkEndpointType: "GCE_VM_IP", ...N });
  await client.mutate("POST", `${neg}/neg/attachNetworkEndpoints`, { networkEndpoints: [{ instance: "vm" }] });
  expect((await client.call("POST", `${neg}/neg/listNetworkEndpoints`, {})).body.items).to.have.length(1);
  await read(client, Z, "networkEndpointGroups", "neg");
  const check = { name: "hc", type: "TCP", tcpHealthCheck: { port: 80 } };
  await client.mutate("POST", `${R}/healthChecks`, check);
  await client.mutate("PUT", `${R}/healthChecks/hc`, { ...check, checkIntervalSec: 7 });
  await client.mutate("PATCH", `${R}/healthChecks/hc`, { timeoutSec: 3 });
  await read(client, R, "healthChecks", "hc");
  const service = {
    name: "bs",
    protocol: "UNSPECIFIED",
    healthChecks: [`${R}/healthChecks/hc`],
    backends: [{ group: `${neg}/neg` }],
  };
  await client.mutate("POST", `${R}/backendServices`, service);
  await client.mutate("PATCH", `${R}/backendServices/bs`, {
    timeoutSec: 20,
    fingerprint: (await read(client, R, "backendServices", "bs")).fingerprint,
  });
  await client.mutate("PUT", `${R}/backendServices/bs`, { ...(await client.get(`${R}/backendServices/bs`)), backends: [] });
  await client.call("POST", `${R}/backendServices/bs/getHealth`, { group: `${neg}/neg` });
  await client.mutate("DELETE", `${R}/backendServices/bs`);
  await client.mutate("DELETE", `${R}/healthChecks/hc`);
  await client.mutate("POST", `${neg}/neg/detachNetworkEndpoints`, { networkEndpoints: [{ instance: "vm" }] });
  await client.mutate("DELETE", `${neg}/neg`);
}

async function takeDown(emulator: Emulator, client: TestClient): Promise<void> {
  for (const name of ["ext", "int"]) await client.mutate("DELETE", `${R}/forwardingRules/${name}`);
  for (const name of ["t1", "t2", "t3"]) await client.mutate("DELETE", `${Z}/targetInstances/${name}`);
  for (const name of ["web", "in"]) await client.mutate("DELETE", `${R}/addresses/${name}`);
  emulator.removeInstance("us-central1-a", "vm");
  await client.mutate("DELETE", "global/firewalls/fw");
  await client.mutate("DELETE", N.subnetwork);
  await client.mutate("DELETE", "global/networks/blue-vpc");
}

async function placesAndOperations(client: TestClient): Promise<void> {
  expect((await client.raw("GET", "compute/v1/projects/p1")).status).to.equal(200);
  for (const path of ["regions", R, "zones", Z, "aggregated/operations"]) {
    expect((await client.call("GET", path)).status, path).to.equal(200);
  }
  for (const scope of [R, Z, "global"]) {
    const [operation] = (await client.get(`${scope}/operations?maxResults=1`)).items as JsonObject[];
    const path = `${scope}/operations/${asText(operation?.name)}`;
    expect((await client.get(path)).status).to.equal("DONE");
    expect((await client.call("DELETE", path)).status).to.equal(204);
  }
}

async function containers(client: TestClient): Promise<void> {
  const settle = async (method: string, path: string, body?: object) => {
    const { status, body: begun } = await client.raw(method, path, body);
    expect(status, `${method} ${path} ${JSON.stringify(begun)}`).to.equal(200);
    while ((await client.raw("GET", `${L}/operations/${asText(begun.name)}`)).body.status !== "DONE")
      await new Promise((r) => setTimeout(r, 2));
  };
  const networkConfig = {
    datapathProvider: "ADVANCED_DATAPATH",
    enableMultiNetworking: true,
    gatewayApiConfig: { channel: "CHANNEL_STANDARD" },
  };
  await settle("POST", `${L}/clusters`, {
    parent: "projects/p1/locations/us-central1",
    cluster: { name: "edge", ipAllocationPolicy: { useIpAliases: true }, networkConfig },
  });
  const pool = `${L}/clusters/edge/nodePools`;
  const pods = {
    additionalPodNetworkConfigs: [{ subnetwork: "blue", secondaryPodRange: "pods", maxPodsPerNode: { maxPodsPerNode: "8" } }],
  };
  const nics = { additionalNodeNetworkConfigs: [{ network: "blue-vpc", subnetwork: "blue" }] };
  await settle("POST", pool, { nodePool: { name: "p", initialNodeCount: 1, networkConfig: { ...nics, ...pods } } });
  await settle("POST", `${pool}/p:setSize`, { nodeCount: 2 });
  await settle("POST", `${pool}/p:setAutoscaling`, { autoscaling: { enabled: true, minNodeCount: 1, maxNodeCount: 3 } });
  await settle("POST", `${pool}/p:setManagement`, { management: { autoRepair: true, autoUpgrade: false } });
  await settle("PUT", `${pool}/p`, {
    labels: { labels: { a: "b" } },
    tags: { tags: ["t"] },
    workloadMetadataConfig: { mode: "GKE_METADATA" },
  });
  await settle("PUT", `${L}/clusters/edge`, { update: { desiredReleaseChannel: { channel: "RAPID" } } });
  await settle("POST", `${L}/clusters/edge:setResourceLabels`, { resourceLabels: { a: "b" } });
  for (const path of [`${L}/clusters`, `${L}/clusters/edge`, pool, `${pool}/p`, `${L}/operations`]) {
    expect((await client.raw("GET", path)).status, path).to.equal(200);
  }
  await settle("DELETE", `${pool}/p`);
  await settle("DELETE", `${L}/clusters/edge`);
}

describe("every method of the emulator", function () {
  this.timeout(30_000);
  let emulator: Emulator;

  before(async function () {
    const missing = schemasMissing();
    if (missing) {
      console.log(`      ${missing}`);
      return this.skip();
    }
    emulator = await startEmulator({ project: "p1", operationLatencyMs: 1 });
    const client = testClient(emulator);
    await networks(client);
    await instances(emulator, client);
    await prefixes(client);
    await rules(client);
    await backends(client);
    await containers(client);
    await takeDown(emulator, client);
    await placesAndOperations(client);
  });
  after(() => emulator?.close());

  it("was used and has answered", () => {
    const none = {} as ContainerState;
    const rows = [...COMPUTE_ROWS, ...clusterRows(none), ...nodePoolRows(none)];
    const answered = new Set(emulator.log.filter((e) => e.status >= 200 && e.status < 300).map((e) => e.methodId));
    expect(rows.map((row) => row.id).filter((id) => !answered.has(id))).to.deep.equal([]);
  });

  it("spoke as Google's schema says, in every request and answer", () => {
    expect(emulator.log.length).to.be.greaterThan(150);
    expect(validateAll(emulator.log)).to.deep.equal([]);
  });

  it("left nothing behind but the default network and the one that became custom", () => {
    expect(emulator.list("networks").map((n) => n.name)).to.deep.equal(["default", "auto-vpc"]);
    expect([
      ...emulator.list("addresses"),
      ...emulator.list("forwardingRules"),
      ...emulator.list("targetInstances"),
    ]).to.deep.equal([]);
  });
});
