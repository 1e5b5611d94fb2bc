// SPDX-License-Identifier: Apache-2.0
// Operations, request ids, locks, faults and quotas, as a client meets them.
import { asText } from "./text";
import { expect } from "chai";
import type { Emulator } from "./index";
import { startEmulator } from "./index";
import type { TestClient } from "./test-client";
import { testClient } from "./test-client";
import type { JsonObject } from "./types";

const R = "regions/us-central1";
const A = `${R}/addresses`;
const ID = "00000000-0000-4000-8000-00000000000";

describe("mutations", () => {
  let emulator: Emulator;
  let client: TestClient;

  beforeEach(async () => {
    emulator = await startEmulator({ project: "p1", operationLatencyMs: 20 });
    client = testClient(emulator);
  });
  afterEach(() => emulator.close());

  it("take effect when their operation is done, not before", async () => {
    emulator.setLatency(250);
    const { body } = await client.call("POST", A, { name: "a" });
    expect(body).to.include({ kind: "compute#operation", status: "RUNNING", operationType: "insert", progress: 0 });
    expect(body.targetLink).to.equal("https://www.googleapis.com/compute/v1/projects/p1/regions/us-central1/addresses/a");
    expect((await client.call("GET", `${A}/a`)).status).to.equal(404);
    const done = await client.call("POST", `${R}/operations/${asText(body.name)}/wait`);
    expect(done.body).to.include({ status: "DONE", progress: 100 });
    expect((await client.get(`${A}/a`)).id).to.equal(body.targetId);
  });

  it("wait no longer than the bound", async () => {
    const slow = await startEmulator({ operationLatencyMs: 60_000, waitBoundMs: 30 });
    const there = testClient(slow);
    const { body } = await there.call("POST", A, { name: "a" });
    const held = await there.call("POST", `${R}/operations/${asText(body.name)}/wait`);
    expect(held.body.status).to.equal("RUNNING");
    await slow.close();
  });

  it("with the same requestId are one operation, even after it is done (E47)", async () => {
    const first = await client.call("POST", `${A}?requestId=${ID}1`, { name: "a" });
    const second = await client.call("POST", `${A}?requestId=${ID}1`, { name: "a" });
    expect(second.body.name).to.equal(first.body.name);
    await client.call("POST", `${R}/operations/${asText(first.body.name)}/wait`);
    const third = await client.call("POST", `${A}?requestId=${ID}1`, { name: "a" });
    expect(third.body).to.include({ name: first.body.name, status: "DONE", clientOperationId: `${ID}1` });
    expect(emulator.list("addresses")).to.have.length(1);
    const other = await client.call("POST", `${A}?requestId=${ID}2`, { name: "a" });
    expect(other.status).to.equal(409);
    expect((await client.call("DELETE", `${A}/a?requestId=${ID}1`)).message).to.contain("another request");
    expect((await client.call("DELETE", `${A}/a?requestId=nonsense`)).message).to.contain("requestId");
  });

  it("of one resource exclude each other: resourceNotReady, or alreadyExists for a second insert", async () => {
    emulator.setLatency((type) => (type === "insert" ? 200 : 60_000));
    const { body } = await client.call("POST", A, { name: "a" });
    expect((await client.call("POST", A, { name: "a" })).reason).to.equal("alreadyExists");
    await client.call("POST", `${R}/operations/${asText(body.name)}/wait`);
    await client.call("POST", `${A}/a/setLabels`, { labels: {} });
    const busy = await client.call("DELETE", `${A}/a`);
    expect([busy.status, busy.reason]).to.deep.equal([400, "resourceNotReady"]);
  });

  it("that collide on the way fail in their operation: of two claims on one address the first wins", async () => {
    emulator.setLatency(250);
    const claims = await Promise.all(["a", "b"].map((name) => client.mutate("POST", A, { name, address: "34.123.10.1" })));
    const failed = claims.filter((operation) => operation.error !== undefined);
    expect(failed).to.have.length(1);
    expect(failed[0]).to.include({ status: "DONE", httpErrorStatusCode: 400, httpErrorMessage: "BAD REQUEST" });
    expect(emulator.list("addresses")).to.have.length(1);
  });

  it("are listed, read and forgotten like any operation", async () => {
    const { name } = await client.mutate("POST", A, { name: "a" });
    const listed = await client.get(`${R}/operations?filter=${encodeURIComponent("operationType=insert AND status=DONE")}`);
    expect((listed.items as JsonObject[]).map((o) => o.name)).to.deep.equal([name]);
    const everywhere = (await client.get("aggregated/operations")).items as Record<string, JsonObject>;
    expect(everywhere["regions/us-central1"]?.operations).to.have.length(1);
    expect(everywhere["regions/us-east1"]?.warning).to.include({ code: "NO_RESULTS_ON_PAGE" });
    expect((await client.call("DELETE", `${R}/operations/${asText(name)}`)).status).to.equal(204);
    expect((await client.call("GET", `${R}/operations/${asText(name)}`)).status).to.equal(404);
  });

  it("meet the faults a test sets, as often as it says", async () => {
    const fault = emulator.faults.add({
      methodId: "compute.addresses.insert",
      times: 2,
      skip: 1,
      reason: "rateLimitExceeded",
      retryAfterSeconds: 7,
    });
    expect((await client.call("POST", A, { name: "a" })).status).to.equal(200);
    const refused = await client.call("POST", A, { name: "b" });
    expect([refused.status, refused.reason, refused.headers.get("retry-after")]).to.deep.equal([403, "rateLimitExceeded", "7"]);
    expect((await client.call("GET", A)).status).to.equal(200);
    expect((await client.call("POST", A, { name: "b" })).status).to.equal(403);
    expect((await client.call("POST", A, { name: "b" })).status).to.equal(200);
    expect(fault.hits).to.equal(2);
    emulator.faults.add({ methodId: /addresses/, status: 503 });
    expect((await client.call("GET", A)).status).to.equal(503);
    emulator.faults.clear();
    expect((await client.call("GET", A)).status).to.equal(200);
  });

  it("fail in their operation and change nothing, or take longer, when a fault says so", async () => {
    emulator.faults.add({ kind: "operationError", times: 1, reason: "QUOTA_EXCEEDED", message: "no more", status: 403 });
    const failed = await client.mutate("POST", A, { name: "a" });
    expect(failed.error).to.deep.equal({ errors: [{ code: "QUOTA_EXCEEDED", message: "no more" }] });
    expect(failed).to.include({ httpErrorStatusCode: 403, httpErrorMessage: "FORBIDDEN" });
    expect(emulator.list("addresses")).to.have.length(0);
    emulator.faults.add({ kind: "slowOperation", times: 1, delayMs: 60 });
    const from = Date.now();
    await client.mutate("POST", A, { name: "a" });
    expect(Date.now() - from).to.be.at.least(75);
    expect(() => emulator.faults.add({ kind: "delay" })).to.throw(RangeError, "delayMs");
  });

  it("are cut before or after their effect", async () => {
    emulator.faults.add({ methodId: "compute.addresses.insert", kind: "resetBefore", times: 1 });
    emulator.faults.add({ methodId: "compute.addresses.insert", kind: "resetAfter", times: 1 });
    const cut = async (name: string) => {
      const failure = await client.call("POST", A, { name }).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(failure).to.be.instanceOf(Error);
      await new Promise((resolve) => setTimeout(resolve, 40));
    };
    await cut("before");
    expect(emulator.list("addresses").map((a) => a.name)).to.deep.equal([]);
    await cut("after");
    expect(emulator.list("addresses").map((a) => a.name)).to.deep.equal(["after"]);
    expect(emulator.log.map((e) => e.status)).to.deep.equal([0, 0]);
  });

  it("are refused over a quota, which the region shows", async () => {
    emulator.faults.quota("STATIC_ADDRESSES", 1);
    await client.mutate("POST", A, { name: "a" });
    const refused = await client.call("POST", A, { name: "b" });
    expect([refused.status, refused.reason]).to.deep.equal([403, "quotaExceeded"]);
    expect(refused.message).to.equal("Quota 'STATIC_ADDRESSES' exceeded. Limit: 1.0 in region us-central1.");
    const quotas = (await client.get(R)).quotas as JsonObject[];
    expect(quotas).to.deep.include({ metric: "STATIC_ADDRESSES", limit: 1, usage: 1 });
    expect((await client.call("POST", "regions/us-east1/addresses", { name: "b" })).status).to.equal(200);
    emulator.faults.quota("STATIC_ADDRESSES", undefined);
    expect((await client.call("POST", A, { name: "b" })).status).to.equal(200);
  });

  it("name unknown projects, regions, zones, methods and bad JSON", async () => {
    const base = "compute/v1/projects";
    expect((await client.raw("GET", `${base}/other/regions/us-central1/addresses`)).message).to.contain("projects/other");
    expect((await client.raw("GET", `${base}/${emulator.projectNumber}/${A}`)).status).to.equal(200);
    expect((await client.call("GET", "regions/mars/addresses")).message).to.contain("Unknown region");
    expect((await client.call("GET", "zones/mars-a/instances")).message).to.contain("us-central1-a");
    expect((await client.call("PUT", A)).status).to.equal(404);
    expect((await client.raw("POST", `${base}/p1/${A}`, "{")).reason).to.equal("parseError");
  });

  it("tell listeners what changed", async () => {
    const seen: string[] = [];
    const stop = emulator.onChange((change) => seen.push(`${change.op} ${change.kind} ${change.name}`));
    await client.mutate("POST", A, { name: "a" });
    await client.mutate("DELETE", `${A}/a`);
    stop();
    await client.mutate("POST", A, { name: "b" });
    expect(seen).to.deep.equal(["insert addresses a", "delete addresses a"]);
  });
});

describe("lists", () => {
  it("filter, page and cut fields, per region and over all", async () => {
    const emulator = await startEmulator({ project: "p1", operationLatencyMs: 0 });
    const client = testClient(emulator);
    for (const name of ["a", "b", "c"]) await client.mutate("POST", A, { name, labels: { owner: name } });
    await client.mutate("POST", "regions/us-east1/addresses", { name: "d" });
    const filtered = await client.get(`${A}?filter=${encodeURIComponent("labels.owner=a OR labels.owner=c")}&fields=items/name`);
    expect(filtered).to.deep.equal({ items: [{ name: "a" }, { name: "c" }] });
    const first = await client.get(`${A}?maxResults=2`);
    expect(first).to.include({ kind: "compute#addressList", id: `projects/p1/${A}` });
    const second = await client.get(`${A}?maxResults=2&pageToken=${asText(first.nextPageToken)}`);
    expect((second.items as JsonObject[]).map((i) => i.name)).to.deep.equal(["c"]);
    const all = (await client.get("aggregated/addresses?filter=name!=b")).items as Record<string, JsonObject>;
    expect((all["regions/us-central1"]?.addresses as JsonObject[]).map((i) => i.name)).to.deep.equal(["a", "c"]);
    expect((all["regions/us-east1"]?.addresses as JsonObject[]).map((i) => i.name)).to.deep.equal(["d"]);
    expect((await client.get("regions?orderBy=name")).items).to.have.length(3);
    expect((await client.get("zones")).items).to.have.length(10);
    await emulator.close();
  });
});
