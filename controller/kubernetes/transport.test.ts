// SPDX-License-Identifier: Apache-2.0
// The transport's promises against a server that breaks every one of HTTP's.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { codeOf } from "./errors";
import { FakeClock } from "./testing";
import { FaultServer, type Step } from "./testing-server";
import { type ApiClient, ApiError, type ClientConfig, createApiClient, type RequestRecord } from "./transport";

describe("transport", () => {
  let server: FaultServer;
  const clients: ApiClient[] = [];
  const folders: string[] = [];

  async function connect(config: Partial<ClientConfig> = {}, ...steps: Step[]): Promise<ApiClient> {
    server = await FaultServer.start(...steps);
    const client = createApiClient({ server: server.url, ...config });
    clients.push(client);
    return client;
  }

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await server.close();
    await Promise.all(folders.splice(0).map((dir) => rm(dir, { recursive: true, force: true })));
  });

  async function newFolder(): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), "token-"));
    folders.push(dir);
    return dir;
  }

  async function failure(promise: Promise<unknown>): Promise<ApiError> {
    try {
      await promise;
    } catch (error) {
      expect(error).to.be.instanceOf(ApiError);
      return error as ApiError;
    }
    throw new Error("expected an ApiError");
  }

  it("sends 200 requests one after another without opening connections for them", async () => {
    const client = await connect({}, (x) => x.json({ ok: true }));
    for (let i = 0; i < 200; i++) expect(await client.request("GET", "/version")).to.deep.equal({ ok: true });
    expect(server.connections).to.be.at.most(2); // the pool may dial a spare one
  });

  it("sends body, content type, query and token, and leaves undefined query values out", async () => {
    const client = await connect({ token: "secret" }, (x) => x.json({}));
    await client.request("PATCH", "/x", { body: { a: 1 }, query: { force: true, limit: 5, none: undefined, label: "a=b" } });
    const [seen] = server.seen;
    expect(seen).to.include({
      method: "PATCH",
      body: '{"a":1}',
      authorization: "Bearer secret",
      contentType: "application/merge-patch+json",
    });
    expect(String(seen?.query)).to.equal("force=true&limit=5&label=a%3Db");
  });

  it("keeps a path prefix of the server URL", async () => {
    server = await FaultServer.start((x) => x.json({}));
    const client = createApiClient({ server: `${server.url}/clusters/one/` });
    clients.push(client);
    await client.request("GET", "/version");
    expect(server.seen[0]?.path).to.equal("/clusters/one/version");
  });

  it("answers text as text, and bytes where asked for", async () => {
    const client = await connect({}, (x) => x.text("ok"));
    expect(await client.request("GET", "/readyz")).to.equal("ok");
    expect(await client.request("GET", "/readyz", { raw: true })).to.deep.equal(Buffer.from("ok"));
  });

  const table: [number, string, string, boolean][] = [
    [400, "BadRequest", "BadRequest", false],
    [401, "Unauthorized", "Unauthorized", true],
    [403, "Forbidden", "Forbidden", false],
    [404, "NotFound", "NotFound", false],
    [409, "Conflict", "Conflict", false],
    [409, "AlreadyExists", "AlreadyExists", false],
    [410, "Expired", "Gone", false],
    [422, "Invalid", "Invalid", false],
    [429, "TooManyRequests", "TooManyRequests", true],
    [500, "InternalError", "ServerError", true],
    [503, "ServiceUnavailable", "Unavailable", true],
    [504, "Timeout", "Timeout", true],
  ];
  for (const [status, reason, code, retry] of table) {
    it(`makes ${code} (retry ${String(retry)}) of ${status} ${reason}`, async () => {
      const client = await connect({}, (x) => x.refuse(status, reason));
      const error = await failure(client.request("GET", "/x"));
      expect(error).to.include({ code, retry, status, reason });
      expect(error.message).to.equal(`GET /x: ${status} ${reason} by the test`);
    });
  }

  it("gives an unknown status the code Unknown", () => {
    expect(codeOf(418)).to.equal("Unknown");
    expect(codeOf(599)).to.equal("ServerError");
  });

  it("reads Retry-After from the header and from the Status body (C3)", async () => {
    const body = { kind: "Status", details: { retryAfterSeconds: 3 } };
    const client = await connect(
      {},
      (x) => x.refuse(429, "TooManyRequests", { "retry-after": "7" }),
      (x) => x.json(body, 429),
    );
    expect((await failure(client.request("GET", "/x"))).retryAfterSeconds).to.equal(7);
    expect((await failure(client.request("GET", "/x"))).retryAfterSeconds).to.equal(3);
  });

  it("gives up after timeoutMs with Timeout", async () => {
    const client = await connect({}, () => undefined);
    expect(await failure(client.request("GET", "/x", { timeoutMs: 30 }))).to.include({ code: "Timeout", retry: true });
  });

  it("also gives up when only the body never ends", async () => {
    const client = await connect({}, (x) => void x.watch().raw('{"half":'));
    expect(await failure(client.request("GET", "/x", { timeoutMs: 50 }))).to.include({ code: "Timeout" });
  });

  it("ends a request when the caller's signal aborts, and says that nobody should retry that", async () => {
    const client = await connect({}, () => undefined);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    const error = await failure(client.request("GET", "/x", { signal: controller.signal }));
    expect(error).to.include({ code: "Network", reason: "Aborted", retry: false });
    expect(await failure(client.request("GET", "/x", { signal: controller.signal }))).to.include({ reason: "Aborted" });
  });

  it("makes Network of a reset and of a refused connection, and works again afterwards", async () => {
    const client = await connect(
      {},
      (x) => x.reset(),
      (x) => x.json({ ok: 1 }),
    );
    expect(await failure(client.request("GET", "/x"))).to.include({ code: "Network", retry: true });
    expect(await client.request("GET", "/x")).to.deep.equal({ ok: 1 });
    const nobody = createApiClient({ server: "http://127.0.0.1:1" });
    clients.push(nobody);
    expect(await failure(nobody.request("GET", "/x"))).to.include({ code: "Network", retry: true });
  });

  it("makes Network of a JSON body that was cut off", async () => {
    const client = await connect({}, (x) => x.watch().raw('{"a":').end());
    expect(await failure(client.request("GET", "/x"))).to.include({ code: "Network", retry: true });
  });

  it("reads the token file again at once on a 401 and repeats the request", async () => {
    const dir = await newFolder();
    const tokenFile = join(dir, "token");
    await writeFile(tokenFile, "old\n");
    const client = await connect({ tokenFile }, (x) =>
      x.seen.authorization === "Bearer new" ? x.json({}) : x.refuse(401, "Unauthorized"),
    );
    expect(await failure(client.request("GET", "/x"))).to.include({ code: "Unauthorized" });
    expect(server.seen, "nothing newer, nothing repeated").to.have.length(1);
    await writeFile(tokenFile, "new\n");
    await client.request("GET", "/x");
    expect(server.seen.map((seen) => seen.authorization)).to.deep.equal(["Bearer old", "Bearer old", "Bearer new"]);
  });

  it("reads the token file again after 60 seconds, not before", async () => {
    const dir = await newFolder();
    const tokenFile = join(dir, "token");
    await writeFile(tokenFile, "one");
    server = await FaultServer.start((x) => x.json({}));
    const clock = new FakeClock();
    const client = createApiClient({ server: server.url, tokenFile }, { clock });
    clients.push(client);
    await client.request("GET", "/x");
    await writeFile(tokenFile, "two");
    await clock.advance(59_000);
    await client.request("GET", "/x");
    await clock.advance(1_000);
    await client.request("GET", "/x");
    await rm(dir, { recursive: true });
    await clock.advance(60_000);
    await client.request("GET", "/x");
    expect(server.seen.map((seen) => seen.authorization)).to.deep.equal(["Bearer one", "Bearer one", "Bearer two", "Bearer two"]);
    expect(clock.timers).to.equal(0);
  });

  it("streams a watch, refuses to open one that is not 2xx, and reports a break in the middle", async () => {
    const client = await connect(
      {},
      (x) => x.refuse(403, "Forbidden"),
      (x) => void setTimeout(() => x.watch({ n: 1 }).end()),
      (x) => void x.watch({ n: 2 }).resetIn(20),
    );
    expect(await failure(client.stream("/w"))).to.include({ code: "Forbidden" });
    const chunks: string[] = [];
    for await (const chunk of await client.stream("/w")) chunks.push(chunk.toString());
    expect(chunks.join("")).to.equal('{"n":1}\n');
    const broken = await client.stream("/w");
    const read = async (): Promise<void> => {
      for await (const chunk of broken) chunks.push(chunk.toString());
    };
    expect(await failure(read())).to.include({ code: "Network", retry: true });
    expect(chunks.join("")).to.equal('{"n":1}\n{"n":2}\n');
  });

  it("ends the iteration of a watch quietly when it is closed here", async () => {
    const client = await connect({}, (x) => void x.watch({ n: 1 }));
    const stream = await client.stream("/w");
    setTimeout(() => stream.close(), 20);
    let chunks = 0;
    for await (const chunk of stream) chunks += chunk.length > 0 ? 1 : 0;
    expect(chunks).to.equal(1);
    const unread = await client.stream("/w");
    unread.close();
    await new Promise((resolve) => setTimeout(resolve, 20)); // an unhandled error would fail the run
  });

  it("gives up on a watch whose headers never come", async () => {
    const client = await connect({}, () => undefined);
    expect(await failure(client.stream("/w", { timeoutMs: 30 }))).to.include({ code: "Timeout" });
  });

  it("tells listeners each exchange once, failed ones with status 0", async () => {
    const client = await connect(
      {},
      (x) => x.json({}, 201),
      (x) => x.refuse(404, "NotFound"),
      (x) => x.watch().end(),
      (x) => x.reset(),
    );
    const records: RequestRecord[] = [];
    client.onRequest((record) => records.push(record));
    await client.request("POST", "/a", { query: { q: 1 } });
    await failure(client.request("GET", "/b"));
    await client.stream("/c");
    await failure(client.request("DELETE", "/d"));
    expect(records.map(({ method, path, status, watch }) => [method, path, status, watch === true])).to.deep.equal([
      ["POST", "/a", 201, false],
      ["GET", "/b", 404, false],
      ["GET", "/c", 200, true],
      ["DELETE", "/d", 0, false],
    ]);
    expect(records.every((record) => record.seconds >= 0 && record.seconds < 5)).to.equal(true);
  });

  it("names the field and the form of a server that is no URL", async () => {
    server = await FaultServer.start();
    expect(() => createApiClient({ server: "10.0.0.1:443" })).to.throw(
      ApiError,
      'server: "10.0.0.1:443" is not a URL of the form https://host:port',
    );
  });
});
