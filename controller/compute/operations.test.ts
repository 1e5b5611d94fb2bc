// SPDX-License-Identifier: Apache-2.0
// Requests, retries, operations and the fence, against a server that misbehaves on cue.
import { expect } from "chai";
import { ruleLabels } from "../api/names";
import { ComputeError, isComputeError } from "./errors";
import {
  googleError,
  openFence,
  scriptedServer,
  worldOn,
  type Reply,
  type Request,
  type ScriptedServer,
} from "./testing/scripted-server";
import type { ObservedRule } from "./types";

const RULES = "projects/p1/regions/us-central1/forwardingRules";
const T1 = "projects/p1/zones/us-central1-a/targetInstances/t1";
const T2 = "projects/p1/zones/us-central1-a/targetInstances/t2";
const labels = ruleLabels("uid-1", "34.123.10.1");
const rule: ObservedRule = {
  name: "r1",
  address: "34.123.10.1",
  target: T1,
  scheme: "EXTERNAL",
  protocol: "L3_DEFAULT",
  labels,
  ours: true,
  id: "7",
};
const wire = (target: string) => ({ name: "r1", id: "7", IPAddress: "34.123.10.1", IPProtocol: "L3_DEFAULT", target, labels });
const operation = (status: string, more: object = {}) => ({
  name: "operation-1",
  status,
  region: "regions/us-central1",
  ...more,
});
const isSet = (request: Request) => request.path.endsWith("/setTarget");
const isWait = (request: Request) => request.path.endsWith("/wait");

/** A server on which the rule moves as asked; `on` may answer instead. */
function moving(on: (request: Request, sets: number, waits: number) => Reply | undefined) {
  let target = T1;
  let sets = 0;
  let waits = 0;
  return scriptedServer((request) => {
    if (isSet(request)) sets++;
    if (isWait(request)) waits++;
    const special = on(request, sets, waits);
    if (isSet(request) && special?.status === undefined) target = T2;
    if (special) return special;
    if (isSet(request)) return { body: operation("RUNNING") };
    if (isWait(request)) return { body: operation("DONE") };
    return { body: wire(target) };
  });
}

const caught = async (promise: Promise<unknown>): Promise<ComputeError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (each: unknown) => each,
  );
  if (!isComputeError(error)) throw new Error(`expected a ComputeError, got ${String(error)}`);
  return error;
};

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

describe("compute fence", () => {
  let server: ScriptedServer;
  afterEach(() => server.close());
  const closedFrom = (first: number) => {
    let asked = 0;
    const check = (method: string): void => {
      if (++asked >= first) throw new ComputeError({ code: "Fenced", method, message: `${method}: the lease is over` });
    };
    return { check, asked: () => asked };
  };

  it("sends nothing when it is closed", async () => {
    server = await moving(() => undefined);
    const error = await caught(worldOn(server.rootUrl).fabric.setTarget(rule, T2, closedFrom(1)));
    expect([error.code, error.retry, server.requests.length]).to.deep.equal(["Fenced", false, 0]);
  });

  it("is asked again before each repetition, so a lease lost in a back-off ends the retries (DESIGN 9.7)", async () => {
    server = await moving((request) => (isSet(request) ? googleError(503, "backendError") : undefined));
    const fence = closedFrom(3);
    expect((await caught(worldOn(server.rootUrl).fabric.setTarget(rule, T2, fence))).code).to.equal("Fenced");
    expect([server.requests.length, fence.asked()]).to.deep.equal([2, 3]);
  });

  it("is asked after the wait for a token, so a lease that ends meanwhile sends nothing (DESIGN 9.7)", async () => {
    server = await moving(() => undefined);
    let open = true;
    let waited = 0;
    const clock = {
      now: () => 0,
      monotonic: () => waited,
      // The lease runs out while the limiter sleeps.
      sleep: (ms: number) => ((waited += ms), (open = false), Promise.resolve()),
    };
    const { fabric } = worldOn(server.rootUrl, { ratesPerMinute: { read: 600, write: 2 } }, { deps: { clock } });
    const fence = {
      check: (method: string) => {
        if (!open) throw new ComputeError({ code: "Fenced", method, message: "late" });
      },
    };
    await fabric.setTarget(rule, T2, fence);
    expect(waited).to.equal(0);
    const before = server.requests.length;
    const error = await caught(fabric.setTarget({ ...rule, target: T2 }, T1, fence));
    expect(error.code).to.equal("Fenced");
    expect(waited).to.be.greaterThan(1_000);
    expect(server.requests.length).to.equal(before);
  });

  it("is not asked for reads or for waiting on what is under way", async () => {
    server = await moving(() => undefined);
    const fence = closedFrom(2);
    await worldOn(server.rootUrl).fabric.setTarget(rule, T2, fence);
    expect(fence.asked()).to.equal(1);
  });
});

describe("compute lists", () => {
  let server: ScriptedServer;
  afterEach(() => server.close());

  it("follows page tokens to the end and passes its filter on each page", async () => {
    server = await scriptedServer((_request, count) => ({
      body: { items: [wire(T1)], ...(count < 3 ? { nextPageToken: `t${count}` } : {}) },
    }));
    const rules = await worldOn(server.rootUrl).fabric.rulesOn("34.123.10.1");
    expect(rules).to.have.length(3);
    expect(server.requests.map((request) => request.query.get("pageToken"))).to.deep.equal([null, "t1", "t2"]);
    expect(new Set(server.requests.map((request) => request.query.get("filter")))).to.deep.equal(
      new Set(['IPAddress = "34.123.10.1"']),
    );
  });

  it("fails as a whole when one page fails, and does not spin on a repeated token", async () => {
    server = await scriptedServer((_request, count) =>
      count === 1 ? { body: { nextPageToken: "t" } } : googleError(403, "forbidden"),
    );
    expect((await caught(worldOn(server.rootUrl).fabric.rulesOn("34.123.10.1"))).code).to.equal("PermissionDenied");
    await server.close();
    server = await scriptedServer(() => ({ body: { nextPageToken: "same" } }));
    expect((await caught(worldOn(server.rootUrl).fabric.rulesOn("34.123.10.1"))).message).to.contain("repeats page token");
  });

  it("does not trust the server's filter", async () => {
    server = await scriptedServer(() => ({ body: { items: [wire(T1), { ...wire(T1), IPAddress: "34.123.10.11" }] } }));
    expect(await worldOn(server.rootUrl).fabric.rulesOn("34.123.10.1")).to.have.length(1);
    expect(server.requests[0]?.path).to.equal(RULES);
  });
});
