// SPDX-License-Identifier: Apache-2.0
// Google's own Node client against the emulator, and the emulator under load.
import { auth, compute_v1 } from "@googleapis/compute";
import { expect } from "chai";
import type { Emulator } from "../../sandbox/emulator";
import { startEmulator } from "../../sandbox/emulator";
import { schemasMissing, validateAll } from "./validator";

const REGION = "us-central1";
const ZONES = ["us-central1-a", "us-central1-b"];
const project = "p1";

function clientOf(emulator: Emulator): compute_v1.Compute {
  // An API key keeps the client from looking for credentials; the emulator does not look at it.
  return new compute_v1.Compute({ rootUrl: emulator.url, auth: new auth.GoogleAuth({ apiKey: "none" }) });
}

describe("@googleapis/compute against the emulator", () => {
  let emulator: Emulator;
  let compute: compute_v1.Compute;
  const place = { project, region: REGION };

  before(async () => {
    emulator = await startEmulator({ project });
    compute = clientOf(emulator);
    for (const [index, zone] of ZONES.entries()) emulator.putInstance({ name: `node-${index}`, zone });
  });
  after(() => emulator.close());

  const regional = async (operation: compute_v1.Schema$Operation) =>
    (await compute.regionOperations.wait({ ...place, operation: operation.name ?? "" })).data;

  async function insertTargets(): Promise<string[]> {
    const links: string[] = [];
    for (const [index, zone] of ZONES.entries()) {
      const requestBody = { name: `t-${index}`, instance: `projects/${project}/zones/${zone}/instances/node-${index}` };
      const { data } = await compute.targetInstances.insert({ project, zone, requestBody });
      await compute.zoneOperations.wait({ project, zone, operation: data.name ?? "" });
      links.push((await compute.targetInstances.get({ project, zone, targetInstance: `t-${index}` })).data.selfLink ?? "");
    }
    return links;
  }

  it("inserts, waits, moves with setTarget and reads back", async () => {
    const [first = "", second = ""] = await insertTargets();
    const requestId = "11111111-2222-4333-8444-555555555555";
    const address = await compute.addresses.insert({ ...place, requestId, requestBody: { name: "web", address: "34.123.10.1" } });
    expect((await regional(address.data)).status).to.equal("DONE");
    const requestBody = { name: "fr", IPAddress: "34.123.10.1", IPProtocol: "L3_DEFAULT", allPorts: true, target: first };
    const inserted = await compute.forwardingRules.insert({ ...place, requestBody });
    expect((await regional(inserted.data)).error).to.equal(undefined);
    const moved = await compute.forwardingRules.setTarget({ ...place, forwardingRule: "fr", requestBody: { target: second } });
    expect((await regional(moved.data)).operationType).to.equal("SetTarget");
    const { data } = await compute.forwardingRules.get({ ...place, forwardingRule: "fr" });
    expect([data.target, data.IPAddress]).to.deep.equal([second, "34.123.10.1"]);
  });

  it("gives the client Google's errors", async () => {
    const failure = await compute.addresses.delete({ ...place, address: "web" }).catch((error: unknown) => error);
    expect(failure).to.include({ status: 400 });
    const { response } = failure as { response: { data: { error: { errors: { reason: string }[] } } } };
    expect(response.data.error.errors[0]?.reason).to.equal("resourceInUseByAnotherResource");
  });

  it("pages through a list", async () => {
    const names = Array.from({ length: 7 }, (_unused, index) => `n-${index}`);
    const begun = await Promise.all(names.map((name) => compute.addresses.insert({ ...place, requestBody: { name } })));
    await Promise.all(begun.map(({ data }) => regional(data)));
    const seen: string[] = [];
    let pageToken: string | undefined;
    let pages = 0;
    do {
      const { data } = await compute.addresses.list({
        ...place,
        filter: 'name eq "n-.*"',
        maxResults: 3,
        ...(pageToken ? { pageToken } : {}),
      });
      seen.push(...(data.items ?? []).map((item) => item.name ?? ""));
      pageToken = data.nextPageToken ?? undefined;
      pages += 1;
    } while (pageToken !== undefined);
    expect([seen, pages]).to.deep.equal([names, 3]);
  });

  it("said nothing that Google's schema does not allow", function () {
    const missing = schemasMissing();
    if (missing) {
      console.log(`      ${missing}`);
      return this.skip();
    }
    expect(emulator.log.length).to.be.greaterThan(20);
    expect(validateAll(emulator.log)).to.deep.equal([]);
  });
});

describe("the emulator under load", function () {
  this.timeout(60_000);
  const RULES = 1000;
  let emulator: Emulator;
  const base = () => `${emulator.url}compute/v1/projects/${project}`;

  const post = async (path: string, body: object): Promise<void> => {
    const response = await fetch(`${base()}/${path}`, { method: "POST", body: JSON.stringify(body) });
    const text = await response.text();
    expect(response.status, text).to.equal(200);
  };

  before(async () => {
    emulator = await startEmulator({ project, operationLatencyMs: 0 });
    for (const [index, zone] of ZONES.entries()) {
      emulator.putInstance({ name: `node-${index}`, zone });
      await post(`zones/${zone}/targetInstances`, { name: `t-${index}`, instance: `zones/${zone}/instances/node-${index}` });
    }
  });
  after(() => emulator.close());

  /** Makes rules until there are `count`. */
  async function grow(count: number): Promise<void> {
    const target = `zones/${ZONES[0]}/targetInstances/t-0`;
    for (let n = emulator.list("forwardingRules").length; n < count; n += 1) {
      await post(`regions/${REGION}/forwardingRules`, { name: `fr-${n}`, IPProtocol: "L3_DEFAULT", allPorts: true, target });
    }
  }

  /** Milliseconds of processor time, client's part included, that one move takes: other programs do not disturb it. */
  async function moveCost(moves: number): Promise<number> {
    const from = process.cpuUsage();
    for (let n = 0; n < moves; n += 1) {
      const to = n % 2;
      await post(`regions/${REGION}/forwardingRules/fr-${n % 20}/setTarget`, {
        target: `zones/${ZONES[to]}/targetInstances/t-${to}`,
      });
    }
    const { user, system } = process.cpuUsage(from);
    return (user + system) / 1000 / moves;
  }

  it("moves a rule among 1000 at the cost of one among 20: nothing is scanned", async () => {
    await grow(20);
    await moveCost(300);
    const few = await moveCost(300);
    await grow(RULES);
    const many = await moveCost(300);
    console.log(`      processor time per setTarget: ${few.toFixed(2)} ms among 20 rules, ${many.toFixed(2)} ms among ${RULES}`);
    expect(many).to.be.below(few * 2 + 0.2);
  });

  it("cannot block the event loop for 50 ms: no full page of 1000 rules needs that much processor time", async () => {
    await grow(RULES);
    const lists = [
      `regions/${REGION}/forwardingRules?maxResults=500`,
      "aggregated/forwardingRules?maxResults=500",
      "aggregated/forwardingRules?filter=name!=x&orderBy=creationTimestamp%20desc",
    ];
    for (const path of lists) {
      const from = process.cpuUsage();
      for (let n = 0; n < 10; n += 1) expect((await fetch(`${base()}/${path}`)).status).to.equal(200);
      const { user, system } = process.cpuUsage(from);
      const each = (user + system) / 1000 / 10;
      console.log(`      ${each.toFixed(1)} ms of processor time for ${path}`);
      expect(each).to.be.below(50);
    }
  });
});
