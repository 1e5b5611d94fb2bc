// SPDX-License-Identifier: Apache-2.0
// The real gcloud drives the emulator: 43 recorded commands, each with its exit status and every request, and GKE's own.
import { asText } from "../../sandbox/emulator/text";
import { expect } from "chai";
import type { ContainerHooks, Emulator, Exchange, JsonObject } from "../../sandbox/emulator";
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
  const waited = await fetch(`${emulator.url}compute/v1/projects/p1/${scope}/operations/${asText(operation.name)}/wait`, {
    method: "POST",
  });
  expect(((await waited.json()) as JsonObject).error).to.equal(undefined);
}

/** The seed's own commands: external, internal with its lines joined, and several names in one. */
const SEED_COMMANDS: Record<string, string> = {
  "gcloud compute addresses create web --region=us-central1": " (SEED-28, SEED-29, SEED-30)",
  "gcloud compute addresses create web-internal": " (SEED-32, SEED-34, SEED-35)",
  "gcloud compute addresses create a1 a2": " (SEED-33)",
};

function seedIds(command: string): string {
  return Object.entries(SEED_COMMANDS).find(([start]) => command.startsWith(start))?.[1] ?? "";
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
  const booted: string[] = [];
  const hooks: ContainerHooks = {
    clusterCreated: (cluster) => {
      booted.push(`${cluster.name} multi=${cluster.multiNetworking}`);
      return Promise.resolve({ endpoint: "127.0.0.1:6443", caCertificateBase64: "Q0E=" });
    },
    nodePoolCreated: (_cluster, pool) => {
      booted.push(`${pool.name} ${pool.nodeCount}x${pool.zones.length}`);
      return Promise.resolve();
    },
  };

  before(async function () {
    const missing = schemasMissing() ?? gcloudMissing();
    if (missing) {
      console.log(`      ${missing}`);
      return this.skip();
    }
    emulator = await startEmulator({ project: "p1", hooks });
    gcloud = new Gcloud(emulator.url, "p1");
  });

  after(async () => {
    gcloud?.remove();
    await emulator?.close();
  });

  const commands = schemasMissing() ? [] : ordered(recordedCommands());

  for (const { command, exit, requests: recorded } of commands) {
    it(`${command}: exit ${exit} and the recorded requests${seedIds(command)}`, async () => {
      await prepare(emulator, command);
      const from = emulator.log.length;
      const done = await gcloud.run(command.split(" ").slice(1));
      expect(done.exit, done.stderr).to.equal(exit);
      const got = requests(emulator.log.slice(from)).map((request) => compared(request, emulator.url));
      const wanted = recorded.map((request) => compared(request, emulator.url));
      expect(got.map(withoutPut)).to.deep.equal(wanted.map(withoutPut));
      expectPuts(got, wanted);
    });
  }

  it("ran all 43 recorded commands", () => expect(commands).to.have.length(43));

  it("makes a multi-network cluster, writes its kubeconfig, and is told what GKE refuses", async () => {
    const location = ["--region", REGION];
    const flags = [
      "--enable-ip-alias",
      "--enable-multi-networking",
      "--num-nodes=1",
      "--network",
      "default",
      "--subnetwork",
      "default",
    ];
    const create = (name: string, ...more: string[]) =>
      gcloud.run(["container", "clusters", "create", name, ...location, ...flags, ...more]);
    const refused = await create("c2");
    expect([refused.exit, refused.stderr]).to.satisfy(
      ([exit, text]: [number, string]) => exit === 1 && text.includes("needs networkConfig.datapathProvider"),
    );
    const made = await create("c1", "--enable-dataplane-v2", "--gateway-api=standard");
    expect(made.exit, made.stderr).to.equal(0);
    expect(booted).to.deep.equal(["c1 multi=true", "default-pool 1x3"]);
    expect(gcloud.kubeconfig()).to.contain("server: https://127.0.0.1:6443").and.contain("certificate-authority-data: Q0E=");
    const described = await gcloud.run(["container", "clusters", "describe", "c1", ...location, "--format=json"]);
    expect(JSON.parse(described.stdout)).to.deep.include({ status: "RUNNING", currentNodeCount: 3 });
    const listed = await gcloud.run(["container", "clusters", "list", "--format=value(name)"]);
    expect([listed.exit, listed.stdout]).to.deep.equal([0, "c1\n"]);
  });

  it("finds its identity at the metadata server", async () => {
    const vm = gcloud.onVm(`127.0.0.1:${emulator.port}`);
    const token = await gcloud.run(["auth", "print-access-token"], vm);
    expect([token.exit, token.stdout], token.stderr).to.satisfy(
      ([exit, text]: [number, string]) => exit === 0 && text.startsWith("sandbox-token-"),
    );
    const listed = await gcloud.run(["compute", "regions", "list", "--format=value(name)"], vm);
    expect(listed.stdout.trim().split("\n"), listed.stderr).to.have.members(["europe-west1", "us-central1", "us-east1"]);
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
