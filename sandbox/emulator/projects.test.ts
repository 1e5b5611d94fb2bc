// SPDX-License-Identifier: Apache-2.0
// Several projects in one emulator: each has its own objects, and only what Shared VPC shares can be named across.
import { expect } from "chai";
import { startEmulator, type Emulator } from "./index";

describe("several projects (E68)", () => {
  let emulator: Emulator;
  before(async () => {
    emulator = await startEmulator({ hostProjects: ["host"], operationLatencyMs: 0 });
  });
  after(() => emulator.close());

  const call = async (project: string, path: string, body?: object) => {
    const answer = await fetch(`${emulator.url}compute/v1/projects/${project}/${path}`, {
      method: body ? "POST" : "GET",
      ...(body ? { body: JSON.stringify(body), headers: { "content-type": "application/json" } } : {}),
    });
    return {
      status: answer.status,
      body: (await answer.json()) as { items?: object; selfLink?: string; error?: { message: string } },
    };
  };
  const SUBNET = "projects/host/regions/us-central1/subnetworks/shared";

  it("keeps the objects of each apart, in lists too, and knows no others", async () => {
    await call("host", "global/networks", { name: "shared", autoCreateSubnetworks: false });
    expect((await call("host", "global/networks/shared")).body.selfLink).to.contain("projects/host/");
    expect((await call(emulator.project, "global/networks/shared")).status).to.equal(404);
    expect((await call("host", "global/networks")).body.items).to.have.length(1);
    expect((await call("stranger", "global/networks")).status).to.equal(404);
    await call("host", "regions/us-central1/addresses", { name: "theirs" });
    const { items } = (await call(emulator.project, "aggregated/addresses")).body;
    expect(JSON.stringify(items)).to.not.contain("theirs");
  });

  it("lets the first project use subnets of the host, and nobody its networks for a firewall or subnet of their own", async () => {
    const network = "projects/host/global/networks/shared";
    const body = { name: "shared", network: "global/networks/shared", ipCidrRange: "10.9.0.0/24" };
    expect((await call("host", "regions/us-central1/subnetworks", body)).status).to.equal(200);
    const inside = { name: "inside", addressType: "INTERNAL", subnetwork: SUBNET };
    expect((await call(emulator.project, "regions/us-central1/addresses", inside)).status).to.equal(200);
    for (const [where, wanted] of [
      ["global/firewalls", { name: "open", network, allowed: [{ IPProtocol: "tcp" }] }],
      ["regions/us-central1/subnetworks", { name: "own", network, ipCidrRange: "10.8.0.0/24" }],
    ] as const)
      expect((await call(emulator.project, where, wanted)).body.error?.message).to.contain("No access to project 'host'");
    const back = `projects/${emulator.project}/regions/us-central1/subnetworks/default`;
    expect((await call("host", "regions/us-central1/addresses", { ...inside, subnetwork: back })).status).to.equal(403);
  });

  it("lets a cluster's nodes be in the host's subnets where these are named by path, as GKE wants it", async () => {
    const create = async (network: string, subnetwork: string) => {
      const answer = await fetch(`${emulator.url}v1/projects/${emulator.project}/locations/us-central1/clusters`, {
        method: "POST",
        body: JSON.stringify({ cluster: { name: "c", network, subnetwork } }),
        headers: { "content-type": "application/json" },
      });
      return { status: answer.status, text: await answer.text() };
    };
    const byName = await create("shared", "shared");
    expect(byName.status).to.equal(404);
    expect(byName.text).to.contain(`projects/${emulator.project}/regions/us-central1/subnetworks/shared`);
    expect((await create("projects/host/global/networks/shared", SUBNET)).status).to.equal(200);
    const made = await fetch(`${emulator.url}v1/projects/${emulator.project}/locations/us-central1/clusters/c`);
    const { networkConfig } = (await made.json()) as { networkConfig: object };
    expect(networkConfig).to.include({ network: "projects/host/global/networks/shared", subnetwork: SUBNET });
    const theirs = await fetch(`${emulator.url}v1/projects/host/locations/-/clusters`);
    expect(await theirs.json()).to.deep.equal({ clusters: [] });
  });
});
