// SPDX-License-Identifier: Apache-2.0
// The real gcloud drives the emulator: 43 recorded commands, each with its exit status and every request, and GKE's own.
import { expect } from "chai";
import type { Emulator, Exchange, JsonObject } from "../../sandbox/emulator";
import { startEmulator } from "../../sandbox/emulator";
import type { RecordedCommand, RecordedRequest } from "./gcloud";
import { comparable, Gcloud, gcloudMissing, recordedCommands } from "./gcloud";
import { schemasMissing, validateAll } from "./validator";

const REGION = "us-central1";
const ZONE = "us-central1-a";

/** What the recording server had from the start has to be made first, in an order that a strict server accepts. */
const FIRST = ["gcloud compute networks create blue-vpc", "gcloud compute networks subnets create subnet-blue"];

function ordered(commands: readonly RecordedCommand[]): RecordedCommand[] {
  const early = (c: RecordedCommand) => FIRST.some((start) => c.command.startsWith(start));
  return [...commands.filter(early), ...commands.filter((c) => !early(c))];
}

async function mutate(emulator: Emulator, method: string, path: string, body?: object): Promise<void> {
  const url = `${emulator.url}compute/v1/projects/p1/${path}`;
  const response = await fetch(url, { method, ...(body ? { body: JSON.stringify(body) } : {}) });
  const operation = (await response.json()) as JsonObject;
  expect(response.status, JSON.stringify(operation)).to.equal(200);
  const scope = path
    .split("/")
    .slice(0, -1)
    .join("/")
    .replace(/\/(\w+)$/, method === "DELETE" ? "" : "/$1");
  const waited = await fetch(`${emulator.url}compute/v1/projects/p1/${scope}/operations/${String(operation.name)}/wait`, {
    method: "POST",
  });
  expect(((await waited.json()) as JsonObject).error).to.equal(undefined);
}

/** State that a command needs and no command before it has made. */
async function prepare(emulator: Emulator, command: string): Promise<void> {
  if (command.startsWith("gcloud compute target-instances create t1")) {
    const red = {
      name: "subnet-red",
      network: "global/networks/red-vpc",
      ipCidrRange: "10.8.0.0/24",
      secondaryIpRanges: [{ rangeName: "pods", ipCidrRange: "10.9.0.0/20" }],
    };
    await mutate(emulator, "POST", "global/networks", { name: "red-vpc", autoCreateSubnetworks: false });
    await mutate(emulator, "POST", `regions/${REGION}/subnetworks`, red);
    const nics = [{ subnetwork: "subnet-blue", networkIP: "10.1.0.2" }, { subnetwork: "subnet-red" }];
    emulator.putInstance({ name: "node-a", zone: ZONE, networkInterfaces: nics });
  }
  if (command.includes("forwarding-rules describe fr1")) {
    const target = `zones/${ZONE}/targetInstances/t1`;
    await mutate(emulator, "POST", `regions/${REGION}/forwardingRules`, {
      name: "fr1",
      IPProtocol: "L3_DEFAULT",
      allPorts: true,
      target,
    });
  }
  // The recording server let a target instance go that a rule still used; this one does not.
  if (command.startsWith("gcloud compute target-instances delete t1"))
    await mutate(emulator, "DELETE", `regions/${REGION}/forwardingRules/fr-ext`);
}

/**
 * Top-level requests in order: parts of a batch stand inside it. Further pages are left out: `--limit=2` asks for one more
 * where there are more than two, and the recording server had no more.
 */
function requests(log: readonly Exchange[]): Exchange[] {
  return log.filter((exchange) => exchange.via === undefined && exchange.query.pageToken === undefined);
}

/** gcloud may send a batch's parts in any order. */
function sortedParts(request: JsonObject): JsonObject {
  const parts = request.parts as JsonObject[] | undefined;
  return parts ? { ...request, parts: [...parts].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) } : request;
}

/** A recorded request as it must have arrived: parts of a batch carry no status in the record. */
function compared(request: RecordedRequest | Exchange, url: string): JsonObject {
  const plain = sortedParts(comparable(request, url));
  const parts = (plain.parts as JsonObject[] | undefined)?.map(({ status: _status, ...part }) => part);
  return parts ? { ...plain, parts } : plain;
}

describe("gcloud against the emulator", function () {
  this.timeout(120_000);
  let emulator: Emulator;
  let gcloud: Gcloud;

  before(async function () {
    const missing = schemasMissing() ?? gcloudMissing();
    if (missing) {
      console.log(`      ${missing}`);
      return this.skip();
    }
    emulator = await startEmulator({ project: "p1" });
    gcloud = new Gcloud(emulator.url, "p1");
  });

  after(async () => {
    gcloud?.remove();
    await emulator?.close();
  });

  it("runs all 43 recorded commands with the recorded exit codes and requests (SEED: addresses create in both forms)", async function () {
    const commands = ordered(recordedCommands());
    expect(commands).to.have.length(43);
    for (const { command, exit, requests: recorded } of commands) {
      await prepare(emulator, command);
      const from = emulator.log.length;
      const done = await gcloud.run(command.split(" ").slice(1));
      expect(done.exit, `${command}\n${done.stderr}`).to.equal(exit);
      const got = requests(emulator.log.slice(from)).map((request) => compared(request, emulator.url));
      const wanted = recorded.map((request) => compared(request, emulator.url));
      expect(got.map(withoutPut), command).to.deep.equal(wanted.map(withoutPut));
      expectPuts(got, wanted);
    }
  });

  it("sent and received nothing that Google's schema does not allow", () => {
    expect(emulator.log.length).to.be.greaterThan(100);
    expect(validateAll(emulator.log)).to.deep.equal([]);
  });
});

/** add-backend sends the whole object back, with all that the server filled in: compared on its own. */
function withoutPut(request: JsonObject): JsonObject {
  return request.method === "PUT" ? { ...request, body: "compared below" } : request;
}

function expectPuts(got: readonly JsonObject[], wanted: readonly JsonObject[]): void {
  got.forEach((request, index) => {
    if (request.method !== "PUT") return;
    const { id: _id, creationTimestamp: _at, ...fields } = wanted[index]?.body as JsonObject;
    expect(request.body).to.deep.include(fields);
  });
}
