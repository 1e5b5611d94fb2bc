// SPDX-License-Identifier: Apache-2.0
// A proxy that stands between a controller and a real server and does to their conversation what networks and busy servers do. It speaks plain
// HTTP or TLS of its own towards the controller, and real TLS behind. Requests are faulted one by one, watches line by line.
import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { FaultPlan, type Fault, type Seen } from "./faults";
import { refusalOf, type Dialect } from "./refusals";
import { cutSocket, Gate } from "./gate";
import { carryWatch } from "./proxy-watch";

export interface ProxyOptions {
  /** Root URL of the real server. */
  upstream: string;
  /** CA of the real server, for an https upstream. */
  caPem?: string;
  /** Serve TLS with this certificate instead of plain HTTP. */
  tls?: { certPem: string; keyPem: string };
  dialect: Dialect;
  /** Uniform in [0, 1). */
  random: () => number;
  /** Called right before a 401 is answered, for example to put a new token where the client will look. */
  onUnauthorized?: () => void;
}
/** One request: when it came, what it was, what became of it. */
export interface Passed {
  /** Milliseconds since the epoch when it arrived. */
  at: number;
  method: string;
  path: string;
  query: URLSearchParams;
  body: string;
  /** Status that the real server gave; 0 where it was not asked or did not answer. */
  status: number;
  fault?: Fault["kind"];
  /** True once the real server was asked. */
  forwarded: boolean;
}
export interface FaultProxy {
  readonly url: string;
  readonly plan: FaultPlan;
  /** Everything but GETs, in the order of arrival. */
  readonly log: readonly Passed[];
  /** Nothing passes any more, and nothing is refused: connections stay open. */
  freeze(): void;
  thaw(): void;
  /** Resets every open connection. */
  cut(): void;
  openSockets(): number;
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1. */
export async function startFaultProxy(options: ProxyOptions): Promise<FaultProxy> {
  const proxy = new Proxy(options);
  await proxy.listen();
  return proxy;
}

class Proxy implements FaultProxy {
  readonly plan: FaultPlan;
  readonly log: Passed[] = [];
  private readonly server: http.Server | https.Server;
  private readonly agent: http.Agent | https.Agent;
  private readonly upstream: URL;
  private readonly sockets = new Set<Socket>();
  private readonly gate = new Gate();
  private readonly closing = new AbortController();

  constructor(private readonly o: ProxyOptions) {
    this.plan = new FaultPlan(o.random);
    this.upstream = new URL(o.upstream);
    const secure = this.upstream.protocol === "https:";
    this.agent = secure ? new https.Agent({ keepAlive: true, ca: o.caPem }) : new http.Agent({ keepAlive: true });
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      this.serve(request, response).catch(() => request.socket.destroy());
    };
    this.server = o.tls ? https.createServer({ cert: o.tls.certPem, key: o.tls.keyPem }, serve) : http.createServer(serve);
    this.server.keepAliveTimeout = 75_000;
    this.server.on("connection", (socket: Socket) => {
      this.sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => this.sockets.delete(socket));
    });
  }

  get url(): string {
    return `${this.o.tls ? "https" : "http"}://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  async listen(): Promise<void> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
  }
  freeze(): void {
    this.gate.shut();
  }
  thaw(): void {
    this.gate.open();
  }
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }
  openSockets(): number {
    return this.sockets.size;
  }
  async close(): Promise<void> {
    this.closing.abort();
    this.gate.open();
    for (const socket of this.sockets) socket.destroy();
    this.agent.destroy();
    const closed = once(this.server, "close");
    this.server.close();
    await closed;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://proxy");
    const { searchParams: query, pathname: path } = url;
    const method = request.method ?? "GET";
    const body = await text(request);
    const seen: Seen = { method, path, query, watch: ["true", "1"].includes(query.get("watch") ?? ""), body };
    const passed: Passed = { at: Date.now(), method, path, query, body, status: 0, forwarded: false };
    if (method !== "GET") this.log.push(passed);
    await this.gate.passed();
    const fault = this.plan.forRequest(seen);
    if (fault) passed.fault = fault.kind;
    if (fault && (await this.instead(fault, request, response))) return;
    if (request.socket.destroyed) return;
    const answer = await this.ask(request, body, passed);
    await this.gate.passed();
    if (fault) this.plan.did(fault);
    if (seen.watch && (answer.statusCode ?? 0) < 300) {
      await carryWatch({ answer, response, seen, plan: this.plan, gate: this.gate, signal: this.closing.signal });
      return;
    }
    await this.answer(answer, response, fault);
  }

  /** Faults that keep the request from the real server. True where nothing else is to be done. */
  private async instead(fault: Fault, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    if (fault.kind === "unauthorized") this.o.onUnauthorized?.();
    const refusal = refusalOf(fault, this.o.dialect);
    if (refusal) {
      this.plan.did(fault);
      response.writeHead(refusal.status, refusal.headers).end(refusal.body);
      return true;
    }
    if (fault.kind === "freeze") await this.pause(fault.ms);
    if (fault.kind !== "freeze" && fault.kind !== "reset") return false;
    this.plan.did(fault);
    cutSocket(request.socket);
    return true;
  }

  private ask(request: IncomingMessage, body: string, passed: Passed): Promise<IncomingMessage> {
    const { protocol, hostname, port } = this.upstream;
    const send = protocol === "https:" ? https.request : http.request;
    passed.forwarded = true;
    return new Promise((resolve, reject) => {
      const onward = send(
        { agent: this.agent, hostname, port, method: request.method, path: request.url, headers: request.headers },
        (answer) => {
          passed.status = answer.statusCode ?? 0;
          resolve(answer);
        },
      );
      onward.once("error", reject);
      request.socket.once("close", () => onward.destroy());
      onward.end(body);
    });
  }

  /** An ordinary answer, whole in memory: lists of a test are small. */
  private async answer(answer: IncomingMessage, response: ServerResponse, fault: Fault | undefined): Promise<void> {
    const bytes = await buffer(answer);
    await this.gate.passed();
    if (fault?.kind === "lost") return void cutSocket(response.socket);
    const { "transfer-encoding": _chunked, ...headers } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, { ...headers, "content-length": String(bytes.length) });
    if (fault?.kind === "truncate") {
      response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => cutSocket(response.socket));
      return;
    }
    if (fault?.kind === "slow") {
      const piece = Math.max(1, Math.ceil(bytes.length / 4));
      for (let at = 0; at < bytes.length; at += piece) {
        response.write(bytes.subarray(at, at + piece));
        await this.pause(fault.ms / 4);
      }
      return void response.end();
    }
    if (fault?.kind === "delay") await this.pause(fault.ms);
    response.end(bytes);
  }

  private pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.closing.signal }).catch(() => undefined);
  }
}

async function buffer(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
const text = async (stream: IncomingMessage): Promise<string> => (await buffer(stream)).toString("utf8");
