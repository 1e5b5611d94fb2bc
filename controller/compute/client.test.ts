// SPDX-License-Identifier: Apache-2.0
// The fence, lists, credentials and Shared VPC, against a server that misbehaves on cue.
import { expect } from "chai";
import { ComputeError } from "./errors";
import { createFabric } from "./fabric";
import { caught, isSet, moving, operation, rule, RULES, T1, T2, wire } from "./testing/moving-rule";
import { googleError, openFence, scriptedServer, worldOn, type ScriptedServer } from "./testing/scripted-server";

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

  it("is asked after the wait for a turn of the event loop, so a process that was stopped there sends nothing (DESIGN 9.7)", async () => {
    server = await moving(() => undefined);
    let open = true;
    const clock = {
      now: () => 0,
      monotonic: () => 0,
      sleep: () => Promise.resolve(),
      // The process stands still in the middle of that wait, and the lease is over when it goes on.
      breathe: () => ((open = false), Promise.resolve()),
    };
    const check = (method: string): void => {
      if (!open) throw new ComputeError({ code: "Fenced", method, message: "late" });
    };
    const { fabric } = worldOn(server.rootUrl, {}, { deps: { clock } });
    expect((await caught(fabric.setTarget(rule, T2, { check }))).code).to.equal("Fenced");
    expect(server.requests).to.deep.equal([]);
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

describe("compute credentials", () => {
  const before = { ...process.env };
  let server: ScriptedServer;
  afterEach(async () => {
    process.env = { ...before };
    await server.close();
  });

  /** Metadata server and Compute API in one; each token it gives out is new. */
  async function withMetadata(compute: (authorization: string | undefined) => ReturnType<typeof googleError> | undefined) {
    let tokens = 0;
    const google = { "metadata-flavor": "Google" };
    server = await scriptedServer((request) => {
      if (request.path.endsWith("/token"))
        return { headers: google, body: { access_token: `token-${++tokens}`, expires_in: 3600, token_type: "Bearer" } };
      if (!request.path.startsWith("projects/")) return { headers: google, body: {} };
      return compute(request.headers.authorization) ?? { body: wire(T1) };
    });
    process.env.GCE_METADATA_HOST = server.rootUrl.slice("http://".length, -1);
    process.env.GOOGLE_CLOUD_PROJECT = "p1";
    // No credentials file of the person who runs the tests may be found.
    delete process.env.GOOGLE_APPLICATION_CREDENTIALS;
    process.env.CLOUDSDK_CONFIG = "/nonexistent";
    process.env.HOME = "/nonexistent";
  }

  it("sends the metadata server's token, asked for once (Workload Identity)", async () => {
    const seen: (string | undefined)[] = [];
    await withMetadata((authorization) => void seen.push(authorization));
    const { fabric } = worldOn(server.rootUrl, { auth: "adc" });
    await fabric.getRule("r1");
    await fabric.getRule("r1");
    expect(seen).to.deep.equal(["Bearer token-1", "Bearer token-1"]);
  });

  it("takes a new token after a 401 and tries once more, no matter how often it is refused", async () => {
    const seen: (string | undefined)[] = [];
    await withMetadata((authorization) => (seen.push(authorization), googleError(401, "authError")));
    const error = await caught(worldOn(server.rootUrl, { auth: "adc" }).fabric.getRule("r1"));
    expect(error.code).to.equal("PermissionDenied");
    expect(seen).to.deep.equal(["Bearer token-1", "Bearer token-2"]);
  });

  it("asks the fence after the token, which may take its time to come (DESIGN 9.7)", async () => {
    await withMetadata(() => undefined);
    const check = (method: string): void => {
      expect(server.requests.some((request) => request.path.endsWith("/token"))).to.equal(true);
      throw new ComputeError({ code: "Fenced", method, message: "late" });
    };
    expect((await caught(worldOn(server.rootUrl, { auth: "adc" }).fabric.setTarget(rule, T2, { check }))).code).to.equal(
      "Fenced",
    );
  });

  it("sends no Authorization header when auth is none", async () => {
    await withMetadata(() => undefined);
    await worldOn(server.rootUrl).fabric.getRule("r1");
    expect(server.requests[0]?.headers.authorization).to.equal(undefined);
  });
});

describe("compute in a Shared VPC (E68)", () => {
  let server: ScriptedServer;
  afterEach(() => server.close());

  it("names networks of the host project and rules, VMs and targets of its own, and looks for addresses in both", async () => {
    const subnetwork = "https://www.googleapis.com/compute/v1/projects/host/regions/us-central1/subnetworks/s";
    const address = {
      name: "ip",
      address: "10.1.0.5",
      addressType: "INTERNAL",
      region: "regions/us-central1",
      subnetwork,
      status: "RESERVED",
    };
    let made: Record<string, unknown> | undefined;
    server = await scriptedServer((request) => {
      const { path, method } = request;
      if (method === "POST" && path === RULES) {
        made = { ...(request.body as object), id: "7", IPAddress: "10.1.0.5" };
        return { body: operation("DONE") };
      }
      if (path.endsWith("/setLabels")) {
        made = { ...made, labels: (request.body as { labels: object }).labels };
        return { body: operation("DONE") };
      }
      if (path === "projects/host/regions/us-central1/addresses") return { body: { items: [address] } };
      if (path.endsWith("/subnetworks/s")) return { body: { name: "s", network: "projects/host/global/networks/blue" } };
      if (path === `${RULES}/r1`) return made ? { body: made } : googleError(404, "notFound");
      return { body: {} };
    });
    const { fabric } = worldOn(server.rootUrl, { networkProject: "host" });
    const found = await fabric.findAddress("10.1.0.5", "Internal", "blue");
    expect(found).to.include({ project: "host", network: "blue", subnetwork: "projects/host/regions/us-central1/subnetworks/s" });
    const spec = {
      name: "r1",
      address: "10.1.0.5",
      addressName: "projects/host/regions/us-central1/addresses/ip",
      description: "",
    };
    await fabric.createRule(
      { ...spec, scope: "Internal", targetPath: T1, vpc: "blue", subnetwork: found?.subnetwork, labels: {} },
      openFence,
    );
    expect(made).to.include({ network: "https://www.googleapis.com/compute/v1/projects/host/global/networks/blue", subnetwork });
    expect(server.requests.filter((request) => request.method === "POST").map((request) => request.path)).to.deep.equal([
      RULES,
      `${RULES}/r1/setLabels`,
    ]);
  });
});

describe("compute config", () => {
  const right = { project: "p1", region: "us-central1", clusterUid: "uid-1", auth: "none" } as const;
  const wrong: [string, object][] = [
    ["project", { project: "My Project" }],
    ["region", { region: "" }],
    ["clusterUid", { clusterUid: "UPPER" }],
    ["rootUrl", { rootUrl: "http://127.0.0.1:1/compute/v1/" }],
    ["concurrency", { concurrency: 0 }],
  ];
  for (const [field, over] of wrong)
    it(`refuses a wrong ${field}, naming field, value and what is right`, () => {
      const make = () => createFabric({ ...right, ...over }, undefined as never);
      expect(make).to.throw(`compute config: ${field} is ${JSON.stringify(Object.values(over)[0])}; `);
    });
});
