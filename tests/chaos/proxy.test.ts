// SPDX-License-Identifier: Apache-2.0
// The proxy itself, before a small server whose answers are known: each fault does what its name says, once, and is counted.
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { createApiClient, isApiError, type ApiClient, type ApiErrorCode } from "../../controller/kubernetes";
import { seededRandom } from "../../controller/kubernetes/testing";
import { createAuthority } from "../../sandbox/controlplane/x509";
import { FAULT_KINDS, FaultPlan, type FaultKind, type Rule, type Seen } from "./faults";
import { startFaultProxy, type FaultProxy, type ProxyOptions } from "./proxy";

const EVENTS = [1, 2, 3].map((n) => `${JSON.stringify({ type: "ADDED", object: { metadata: { name: `o${n}` } } })}\n`);

describe("fault proxy", function () {
  this.timeout(5_000);
  let upstream: http.Server;
  let served: string[];
  let proxy: FaultProxy;
  let client: ApiClient;

  const begin = async (more: Partial<ProxyOptions> = {}): Promise<void> => {
    const { port } = upstream.address() as AddressInfo;
    proxy = await startFaultProxy({
      upstream: `http://127.0.0.1:${port}`,
      dialect: "kubernetes",
      random: seededRandom(1),
      ...more,
    });
    client = createApiClient({ server: proxy.url, ...(more.tls ? { caPem: more.tls.certPem } : {}) });
  };
  beforeEach(async () => {
    served = [];
    upstream = http.createServer((request, response) => {
      served.push(`${request.method} ${request.url}`);
      request.resume();
      if (request.url?.includes("watch=true")) {
        EVENTS.forEach((event) => response.write(event));
        if (!request.url.includes("stays")) response.end();
      } else response.setHeader("content-type", "application/json").end(JSON.stringify({ ok: "yes".repeat(50) }));
    });
    upstream.listen(0, "127.0.0.1");
    await once(upstream, "listening");
    await begin();
  });
  afterEach(async () => {
    await client.close();
    await proxy.close();
    upstream.closeAllConnections();
    upstream.close();
  });

  const refused = async (rule: Rule, method: "GET" | "PATCH" = "GET"): Promise<{ code?: ApiErrorCode; retryAfter?: number }> => {
    proxy.plan.add({ times: 1, ms: 30, ...rule });
    try {
      await client.request(method, "/thing", method === "PATCH" ? { body: {} } : {});
      return {};
    } catch (error) {
      if (!isApiError(error)) throw error;
      return { code: error.code, ...(error.retryAfterSeconds === undefined ? {} : { retryAfter: error.retryAfterSeconds }) };
    }
  };
  const watched = async (rule?: Rule): Promise<{ text: string; broken: boolean }> => {
    if (rule) proxy.plan.add({ times: 1, ms: 30, on: "line", ...rule });
    let text = "";
    try {
      for await (const chunk of await client.stream("/things", { query: { watch: true } })) text += chunk.toString();
      return { text, broken: false };
    } catch {
      return { text, broken: true };
    }
  };

  it("carries requests and watches as they are where no fault is due", async () => {
    expect(await client.request("GET", "/thing?a=b")).to.deep.equal({ ok: "yes".repeat(50) });
    expect(await client.request("PATCH", "/thing", { body: { x: 1 } })).to.deep.equal({ ok: "yes".repeat(50) });
    expect(await watched()).to.deep.equal({ text: EVENTS.join(""), broken: false });
    expect(proxy.plan.total).to.equal(0);
    expect(proxy.log.map((p) => [p.method, p.path, p.body, p.status])).to.deep.equal([["PATCH", "/thing", '{"x":1}', 200]]);
  });

  it("speaks TLS towards the controller with a certificate of its own", async () => {
    await client.close();
    await proxy.close();
    const ca = createAuthority("proxy-ca");
    await begin({ tls: ca.issue({ commonName: "proxy", hosts: ["127.0.0.1"] }) });
    await client.close();
    client = createApiClient({ server: proxy.url, caPem: ca.certPem });
    expect(await client.request("GET", "/thing")).to.have.property("ok");
  });

  const REFUSALS: [FaultKind, ApiErrorCode][] = [
    ["gone", "Gone"],
    ["unauthorized", "Unauthorized"],
    ["forbidden", "Forbidden"],
    ["conflict", "Conflict"],
    ["throttled", "TooManyRequests"],
    ["error", "ServerError"],
  ];
  for (const [kind, code] of REFUSALS)
    it(`${kind}: answers as the API server would, and does not ask it`, async () => {
      const told = await refused({ kind, ...(kind === "throttled" ? { retryAfterSeconds: 7 } : {}) });
      expect(told).to.deep.equal(kind === "throttled" ? { code, retryAfter: 7 } : { code });
      expect(served).to.deep.equal([]);
      expect([proxy.plan.counts[kind], proxy.plan.total]).to.deep.equal([1, 1]);
      expect(await client.request("GET", "/thing"), "once only").to.have.property("ok");
    });

  it("reset and freeze: the real server is not asked; lost and truncate: it is, and the answer does not arrive whole", async () => {
    for (const kind of ["reset", "freeze"] as const) expect((await refused({ kind }, "PATCH")).code, kind).to.equal("Network");
    expect(served).to.deep.equal([]);
    for (const kind of ["lost", "truncate"] as const) expect((await refused({ kind }, "PATCH")).code, kind).to.equal("Network");
    expect(served).to.have.length(2);
    expect(proxy.log.map((p) => [p.fault, p.forwarded, p.status])).to.deep.equal([
      ["reset", false, 0],
      ["freeze", false, 0],
      ["lost", true, 200],
      ["truncate", true, 200],
    ]);
  });

  it("slow: the answer comes whole, late", async () => {
    const began = performance.now();
    expect(await refused({ kind: "slow", ms: 120 })).to.deep.equal({});
    expect(performance.now() - began).to.be.greaterThan(80);
  });

  it("duplicate, delay, slow and end in a watch: nothing is lost that came before, and order stays", async () => {
    expect((await watched({ kind: "duplicate" })).text).to.equal(EVENTS[0] + EVENTS.join(""));
    const began = performance.now();
    expect((await watched({ kind: "delay", ms: 100 })).text).to.equal(EVENTS.join(""));
    expect(performance.now() - began).to.be.greaterThan(90);
    expect((await watched({ kind: "slow" })).text).to.equal(EVENTS.join(""));
    expect(await watched({ kind: "end" })).to.deep.equal({ text: "", broken: false });
  });

  it("reset, freeze and truncate in a watch break it; truncate leaves half a line", async () => {
    expect(await watched({ kind: "reset" })).to.deep.equal({ text: "", broken: true });
    expect(await watched({ kind: "freeze" })).to.deep.equal({ text: "", broken: true });
    const half = await watched({ kind: "truncate" });
    expect(half.broken).to.equal(true);
    expect(half.text).to.equal(EVENTS[0]!.slice(0, Math.floor(EVENTS[0]!.length / 2)));
  });

  it("gone and error in a watch are its last event, in the API server's own form", async () => {
    for (const [kind, code] of [
      ["gone", 410],
      ["error", 500],
    ] as const) {
      const { text, broken } = await watched({ kind });
      const { type, object } = JSON.parse(text) as { type: string; object: { kind: string; code: number } };
      expect([type, object.kind, object.code, broken]).to.deep.equal(["ERROR", "Status", code, false]);
    }
  });

  it("freeze() holds everything, open watches too, and thaw() lets it pass; cut() breaks what is open", async () => {
    const stream = await client.stream("/stays", { query: { watch: true } });
    const text = (async () => {
      let all = "";
      for await (const chunk of stream) all += chunk.toString();
      return all;
    })().catch(() => "broken");
    proxy.freeze();
    let answered = false;
    const late = client.request("GET", "/thing").then(() => (answered = true));
    await new Promise((r) => setTimeout(r, 60));
    expect([answered, served.length]).to.deep.equal([false, 1]);
    proxy.thaw();
    await late;
    proxy.cut();
    expect(await text).to.equal("broken");
    expect(proxy.openSockets()).to.be.lessThan(3);
  });

  it("a plan of chance is repeated by its seed, keeps to its kinds, and finds every kind that fits", () => {
    const seen = (method: string, watch = false): Seen => ({ method, path: "/x", query: new URLSearchParams(), watch, body: "" });
    const draw = (seed: number, weights?: Partial<Record<FaultKind, number>>): string[] => {
      const plan = new FaultPlan(seededRandom(seed));
      plan.chance = { requests: 0.5, lines: 0.5, longestMs: 10, ...(weights ? { weights } : {}) };
      const all = Array.from({ length: 600 }, (_, i) =>
        i % 3 === 0 ? plan.forLine(seen("GET", true)) : plan.forRequest(seen(i % 3 === 1 ? "GET" : "PATCH")),
      );
      return all.map((fault) => (fault ? `${fault.kind} ${fault.ms}` : "-"));
    };
    expect(draw(7)).to.deep.equal(draw(7));
    expect(draw(7)).to.not.deep.equal(draw(8));
    const kinds = (drawn: string[]): Set<string> => new Set(drawn.map((d) => d.split(" ")[0]!));
    expect([...kinds(draw(7))].sort()).to.deep.equal(["-", ...FAULT_KINDS].sort());
    expect([...kinds(draw(7, { duplicate: 1, error: 2 }))].sort()).to.deep.equal(["-", "duplicate", "error"]);
  });

  it("Google's dialect words a refusal as Google does", async () => {
    await client.close();
    await proxy.close();
    await begin({ dialect: "google" });
    proxy.plan.add({ kind: "forbidden", times: 1 });
    const answer = await fetch(`${proxy.url}/compute/v1/x`);
    const body = (await answer.json()) as { error: { code: number; errors: { reason: string }[] } };
    expect([answer.status, body.error.code, body.error.errors[0]?.reason]).to.deep.equal([403, 403, "rateLimitExceeded"]);
  });
});
