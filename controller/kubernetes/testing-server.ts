// SPDX-License-Identifier: Apache-2.0
// An HTTP server on loopback that misbehaves on purpose. Each request runs the next step of a script (the last one stays), and a
// step can answer, stream, stay silent or cut the connection.
import http from "node:http";
import type { AddressInfo } from "node:net";

export interface Seen {
  method: string;
  path: string;
  query: URLSearchParams;
  authorization: string | undefined;
  contentType: string | undefined;
  body: string;
  at: number;
}

export type Step = (exchange: Exchange) => void;

export class FaultServer {
  readonly seen: Seen[] = [];
  connections = 0;
  private steps: Step[] = [];

  private constructor(
    private readonly server: http.Server,
    readonly url: string,
  ) {}

  static async start(...steps: Step[]): Promise<FaultServer> {
    const server = http.createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const self = new FaultServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    self.script(...steps);
    server.on("connection", () => (self.connections += 1));
    server.on("request", (request, response) => void self.serve(request, response));
    return self;
  }

  /** Replaces what is left of the script. */
  script(...steps: Step[]): void {
    this.steps = steps;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? "/", this.url);
    const seen: Seen = {
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      authorization: request.headers.authorization,
      contentType: request.headers["content-type"],
      body: Buffer.concat(chunks).toString("utf8"),
      at: performance.now(),
    };
    this.seen.push(seen);
    const step = this.steps.length > 1 ? this.steps.shift() : this.steps[0];
    step?.(new Exchange(seen, response));
  }
}

export class Exchange {
  constructor(
    readonly seen: Seen,
    private readonly response: http.ServerResponse,
  ) {}

  json(body: unknown, status = 200, headers: Record<string, string> = {}): void {
    this.response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
  }

  text(body: string): void {
    this.response.writeHead(200, { "content-type": "text/plain" }).end(body);
  }

  /** A Status answer, as the API server words its refusals. */
  refuse(status: number, reason: string, headers: Record<string, string> = {}): void {
    this.json(
      { kind: "Status", apiVersion: "v1", status: "Failure", code: status, reason, message: `${reason} by the test` },
      status,
      headers,
    );
  }

  /** Starts a watch with these events; it stays open. */
  watch(...events: object[]): this {
    if (!this.response.headersSent) this.response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
    for (const event of events) this.raw(`${JSON.stringify(event)}\n`);
    return this;
  }

  raw(text: string): this {
    return this.bytes(Buffer.from(text));
  }

  bytes(part: Buffer): this {
    this.response.write(part);
    return this;
  }

  end(): void {
    this.response.end();
  }

  /** Cuts the connection without a goodbye. */
  reset(): void {
    this.response.socket?.resetAndDestroy();
  }

  /** Cuts it in `ms` milliseconds, so that what was written before still arrives. */
  resetIn(ms: number): void {
    setTimeout(() => this.reset(), ms);
  }
}

/** Object, events and list of the tests: a ConfigMap-like thing. */
export function thing(name: string, version: number, more: { uid?: string; data?: string } = {}): TestThing {
  const metadata = { namespace: "ns", name, uid: more.uid ?? `uid-${name}`, resourceVersion: String(version) };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data: { value: more.data ?? "" } };
}

export interface TestThing {
  apiVersion: string;
  kind: string;
  metadata: { namespace: string; name: string; uid: string; resourceVersion: string; annotations?: Record<string, string> };
  data: { value: string };
}

export const added = (object: object): object => ({ type: "ADDED", object });
export const modified = (object: object): object => ({ type: "MODIFIED", object });
export const deleted = (object: object): object => ({ type: "DELETED", object });
export const gone = {
  type: "ERROR",
  object: { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" },
};

export function bookmark(version: number, initialEnd = false): object {
  const annotations = initialEnd ? { "k8s.io/initial-events-end": "true" } : undefined;
  return {
    type: "BOOKMARK",
    object: { kind: "ConfigMap", apiVersion: "v1", metadata: { resourceVersion: String(version), annotations } },
  };
}

export function listOf(version: number, items: object[], next?: string): object {
  return { kind: "ConfigMapList", apiVersion: "v1", metadata: { resourceVersion: String(version), continue: next }, items };
}
