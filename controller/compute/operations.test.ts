// SPDX-License-Identifier: Apache-2.0
// Operations and retries, against a server that misbehaves on cue.
import { expect } from "chai";
import { caught, isSet, isWait, moving, operation, rule, T1, T2, wire } from "./testing/moving-rule";
import { googleError, openFence, worldOn, type Reply, type Request, type ScriptedServer } from "./testing/scripted-server";

describe("compute operations", () => {
  let server: ScriptedServer;
  afterEach(() => server.close());

  it("moves a rule with one setTarget, one wait and one read, over one kept connection", async () => {
    server = await moving(() => undefined);
    const { fabric, calls } = worldOn(server.rootUrl);
    const moved = await fabric.setTarget(rule, T2, openFence);
    expect(moved.target).to.equal(T2);
    expect(calls.map((call) => `${call.method} ${call.code}`)).to.deep.equal([
      "forwardingRules.setTarget 200",
      "regionOperations.wait 200",
      "forwardingRules.get 200",
    ]);
    expect(server.requests[0]?.body).to.deep.equal({ target: `https://www.googleapis.com/compute/v1/${T2}` });
    expect(server.requests[0]?.query.get("requestId")).to.match(/^[0-9a-f-]{36}$/);
    expect(server.connections()).to.equal(1);
  });

  it("sends nothing when the rule has the target already, whatever the host in its spelling (E48)", async () => {
    server = await moving(() => undefined);
    const { fabric } = worldOn(server.rootUrl);
    expect(await fabric.setTarget(rule, `https://compute.googleapis.com/compute/v1/${T1}`, openFence)).to.equal(rule);
    expect(server.requests).to.deep.equal([]);
  });

  const passing: [string, (request: Request, sets: number) => Reply | undefined][] = [
    ["a connection cut before the answer", (request, sets) => (isSet(request) && sets === 1 ? { cut: "before" } : undefined)],
    [
      "a connection cut in the middle of the answer",
      (request, sets) => (isSet(request) && sets === 1 ? { cut: "middle", body: operation("RUNNING") } : undefined),
    ],
    ["a 503", (request, sets) => (isSet(request) && sets === 1 ? googleError(503, "backendError") : undefined)],
    ["a proxy's 502 in HTML", (request, sets) => (isSet(request) && sets === 1 ? { status: 502, raw: "<html>" } : undefined)],
    ["a 403 for rate", (request, sets) => (isSet(request) && sets === 1 ? googleError(403, "rateLimitExceeded") : undefined)],
    [
      "a 403 for concurrent operations",
      (request, sets) => (isSet(request) && sets === 1 ? googleError(403, "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED") : undefined),
    ],
    ["a 401", (request, sets) => (isSet(request) && sets === 1 ? googleError(401, "authError") : undefined)],
  ];
  for (const [what, on] of passing)
    it(`survives ${what}, repeating the request with the same requestId (E47, E50)`, async () => {
      server = await moving(on);
      const { fabric } = worldOn(server.rootUrl);
      expect((await fabric.setTarget(rule, T2, openFence)).target).to.equal(T2);
      const ids = server.requests.filter(isSet).map((request) => request.query.get("requestId"));
      expect(ids).to.have.length(2);
      expect(new Set(ids).size).to.equal(1);
    });

  const final: [number, string, string][] = [
    [403, "forbidden", "PermissionDenied"],
    [403, "quotaExceeded", "QuotaExceeded"],
    [404, "notFound", "NotFound"],
    [412, "conditionNotMet", "PreconditionFailed"],
    [400, "invalid", "Invalid"],
  ];
  for (const [status, reason, code] of final)
    it(`hands a ${status} ${reason} over after one request (E50)`, async () => {
      server = await moving((request) => (isSet(request) ? googleError(status, reason) : undefined));
      const error = await caught(worldOn(server.rootUrl).fabric.setTarget(rule, T2, openFence));
      expect(error.code).to.equal(code);
      expect(server.requests.filter(isSet)).to.have.length(1);
    });

  it("waits at least Retry-After before it tries again, and nobody else writes meanwhile", async () => {
    server = await moving((request, sets) =>
      isSet(request) && sets === 1 ? googleError(429, "rateLimitExceeded", "slow down", { "retry-after": "7" }) : undefined,
    );
    const { fabric, slept } = worldOn(server.rootUrl);
    const sentAt: number[] = [];
    await fabric.setTarget(rule, T2, { check: () => void sentAt.push(slept.reduce((sum, ms) => sum + ms, 0)) });
    expect(sentAt).to.have.length(2);
    expect(sentAt[0]).to.equal(0);
    expect(sentAt[1]).to.be.at.least(7_000);
  });

  it("holds back another rule's write too, once the server said too many (E50)", async () => {
    server = await moving((request, sets) =>
      isSet(request) && sets === 1 ? googleError(429, "rateLimitExceeded", "slow down", { "retry-after": "7" }) : undefined,
    );
    const { fabric, slept } = worldOn(server.rootUrl);
    const first = fabric.setTarget(rule, T2, openFence);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(slept.length).to.be.greaterThan(0);
    await first;
    const before = slept.length;
    await fabric.setTarget({ ...rule, target: T1 }, T2, openFence);
    expect(
      slept.slice(before).some((ms) => ms > 100),
      "the bucket starts empty after a penalty",
    ).to.equal(true);
  });

  it("gives up after bounded tries with the last error", async () => {
    server = await moving((request) => (isSet(request) ? googleError(503, "backendError", "down") : undefined));
    const error = await caught(worldOn(server.rootUrl).fabric.setTarget(rule, T2, openFence));
    expect([error.code, error.retry, server.requests.length]).to.deep.equal(["Unavailable", true, 5]);
  });

  it("turns a failed operation into its error", async () => {
    const failed = {
      error: { errors: [{ code: "QUOTA_EXCEEDED", message: "Quota 'FORWARDING_RULES' exceeded" }] },
      httpErrorStatusCode: 403,
    };
    server = await moving((request) => (isWait(request) ? { body: operation("DONE", failed) } : undefined));
    const error = await caught(worldOn(server.rootUrl).fabric.setTarget(rule, T2, openFence));
    expect(error.code).to.equal("QuotaExceeded");
    expect(error.message).to.contain("FORWARDING_RULES");
  });

  it("repeats an operation that failed inside with a fresh requestId, since the old one is spent", async () => {
    const failed = { error: { errors: [{ code: "INTERNAL_ERROR", message: "oops" }] }, httpErrorStatusCode: 500 };
    server = await moving((request, _sets, waits) =>
      isWait(request) && waits === 1 ? { body: operation("DONE", failed) } : undefined,
    );
    await worldOn(server.rootUrl).fabric.setTarget(rule, T2, openFence);
    const ids = server.requests.filter(isSet).map((request) => request.query.get("requestId"));
    expect(new Set(ids).size).to.equal(2);
  });

  it("takes an operation that is done at once without waiting for it", async () => {
    server = await moving((request) => (isSet(request) ? { body: operation("DONE") } : undefined));
    await worldOn(server.rootUrl).fabric.setTarget(rule, T2, openFence);
    expect(server.requests.filter(isWait)).to.deep.equal([]);
  });

  it("asks again after a wait that was cut, refused for a moment or came back early", async () => {
    server = await moving((request, _sets, waits) => {
      if (!isWait(request) || waits > 3) return undefined;
      return [{ cut: "before" } as const, googleError(503, "backendError"), { body: operation("RUNNING") }][waits - 1];
    });
    expect((await worldOn(server.rootUrl).fabric.setTarget(rule, T2, openFence)).target).to.equal(T2);
    expect(server.requests.filter(isWait)).to.have.length(4);
    expect(server.requests.filter(isSet)).to.have.length(1);
  });

  it("times out on an operation that is never done, and the next try waits on instead of sending again (E47)", async () => {
    let done = false;
    server = await moving((request) => (isWait(request) && !done ? { body: operation("RUNNING") } : undefined));
    const { fabric } = worldOn(server.rootUrl, { operationTimeoutMs: 600 });
    const error = await caught(fabric.setTarget(rule, T2, openFence));
    expect([error.code, error.retry]).to.deep.equal(["Timeout", true]);
    expect(error.message).to.contain("operation-1").and.contain("forwardingRules/r1");
    done = true;
    expect((await fabric.setTarget(rule, T2, openFence)).target).to.equal(T2);
    expect(server.requests.filter(isSet)).to.have.length(1);
  });

  it("waits for its own running change before it sends a newer one, since nothing can overtake it (E51)", async () => {
    let ends = false;
    server = await moving((request) => (isWait(request) && !ends ? { body: operation("RUNNING") } : undefined));
    const { fabric } = worldOn(server.rootUrl, { operationTimeoutMs: 400 });
    await caught(fabric.setTarget(rule, "projects/p1/zones/us-central1-a/targetInstances/late", openFence));
    expect((await caught(fabric.setTarget(rule, T2, openFence))).code).to.equal("Timeout");
    expect(server.requests.filter(isSet)).to.have.length(1);
    ends = true;
    expect((await fabric.setTarget(rule, T2, openFence)).target).to.equal(T2);
    expect(server.requests.filter(isSet)).to.have.length(2);
  });

  it("keeps asking, under one requestId, while somebody else's operation holds the rule (E47)", async () => {
    server = await moving((request, sets) => (isSet(request) && sets <= 12 ? googleError(400, "resourceNotReady") : undefined));
    const { fabric, slept } = worldOn(server.rootUrl);
    expect((await fabric.setTarget(rule, T2, openFence)).target).to.equal(T2);
    expect(new Set(server.requests.filter(isSet).map((request) => request.query.get("requestId"))).size).to.equal(1);
    expect(Math.max(...slept)).to.be.at.most(5_000);
    await server.close();
    server = await moving((request) => (isSet(request) ? googleError(400, "resourceNotReady") : undefined));
    const error = await caught(worldOn(server.rootUrl).fabric.setTarget(rule, T2, openFence));
    expect([error.code, error.retry]).to.deep.equal(["Unavailable", true]);
  });

  it("says that the outcome must be observed when the server forgot the operation", async () => {
    server = await moving((request) => (isWait(request) ? googleError(404, "notFound") : undefined));
    const error = await caught(worldOn(server.rootUrl).fabric.setTarget(rule, T2, openFence));
    expect([error.code, error.retry]).to.deep.equal(["Unknown", true]);
  });

  it("reports a rule that does not read back as set, or is a different one by now (E49)", async () => {
    for (const read of [{ ...wire(T1) }, { ...wire(T2), id: "8" }]) {
      server = await moving((request) => (request.method === "GET" ? { body: read } : undefined));
      const error = await caught(worldOn(server.rootUrl).fabric.setTarget(rule, T2, openFence));
      expect(error.code).to.equal("Conflict");
      await server.close();
    }
    server = await moving((request) => (request.method === "GET" ? googleError(404, "notFound") : undefined));
    expect((await caught(worldOn(server.rootUrl).fabric.setTarget(rule, T2, openFence))).message).to.contain("deleted");
  });

  it("refuses to move a rule that is not ours without asking the server", async () => {
    server = await moving(() => undefined);
    const error = await caught(worldOn(server.rootUrl).fabric.setTarget({ ...rule, ours: false }, T2, openFence));
    expect([error.code, server.requests.length]).to.deep.equal(["Conflict", 0]);
  });

  it("tells a refused connection apart as Network", async () => {
    server = await moving(() => undefined);
    const { rootUrl } = server;
    await server.close();
    const error = await caught(worldOn(rootUrl).fabric.getRule("r1"));
    expect([error.code, error.reason]).to.deep.equal(["Network", "ECONNREFUSED"]);
    server = await moving(() => undefined);
  });
});
