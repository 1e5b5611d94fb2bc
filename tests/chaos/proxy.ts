// SPDX-License-Identifier: Apache-2.0
// A proxy that stands between a controller and a real server and does to their conversation what networks and busy servers do. It speaks plain
// HTTP or TLS of its own towards the controller, and real TLS behind. Requests are faulted one by one, watches line by line.
import { once, setMaxListeners } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { FaultPlan, type Fault, type Seen } from "./faults";
import { refusalOf, type Dialect } from "./refusals";
import { cutSocket, Gate } from "./gate";
import { answerWhole, bufferOf } from "./proxy-answer";
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
  /** False: `log` stays empty, for long runs. */
  keepLog?: boolean;
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
  /** Told of each request but GETs when it arrives, before anything becomes of it. */
  onWrite: ((passed: Passed) => void) | undefined;
  /** False drops a line of a watch; see `WatchCarriage`. */
  onLine: ((line: Buffer) => boolean) | undefined;
  /** How often the real server itself said 410. */
  readonly realGone: number;
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
  onWrite: ((passed: Passed) => void) | undefined;
  onLine: ((line: Buffer) => boolean) | undefined;
  realGone = 0;
  private readonly server: http.Server | https.Server;
  private readonly agent: http.Agent | https.Agent;
  private readonly upstream: URL;
  private readonly sockets = new Set<Socket>();
  private readonly gate = new Gate();
  private readonly closing = new AbortController();

  constructor(private readonly o: ProxyOptions) {
    this.plan = new FaultPlan(o.random);
    setMaxListeners(0, this.closing.signal); // every pause of every connection hears of the end
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
    const seen = await seenOf(request);
    const passed = this.note(seen);
    await this.gate.passed();
    const fault = this.plan.forRequest(seen);
    if (fault) passed.fault = fault.kind;
    if ((fault && (await this.instead(fault, request, response))) || request.socket.destroyed) return;
    const answer = await this.ask(request, response, passed);
    await this.gate.passed();
    if (fault) this.plan.did(fault);
    if (passed.status === 410) this.realGone += 1;
    const { plan, gate } = this;
    const { signal } = this.closing;
    const onLine = (line: Buffer): boolean => this.line(line);
    if (seen.watch && passed.status < 300) return carryWatch({ answer, response, seen, plan, gate, signal, onLine });
    return answerWhole({ answer, response, fault, gate, signal });
  }

  private line(line: Buffer): boolean {
    if (line.subarray(0, 16).includes("ERROR") && line.includes('"code":410')) this.realGone += 1;
    return this.onLine?.(line) ?? true;
  }

  private note({ method, path, query, body }: Seen): Passed {
    const passed: Passed = { at: Date.now(), method, path, query, body, status: 0, forwarded: false };
    if (method === "GET") return passed;
    if (this.o.keepLog !== false) this.log.push(passed);
    this.onWrite?.(passed);
    return passed;
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
    if (fault.kind === "freeze") await sleep(fault.ms, undefined, { signal: this.closing.signal }).catch(() => undefined);
    if (fault.kind !== "freeze" && fault.kind !== "reset") return false;
    this.plan.did(fault);
    cutSocket(request.socket);
    return true;
  }

  private ask(request: IncomingMessage, response: ServerResponse, passed: Passed): Promise<IncomingMessage> {
    const { protocol, hostname, port } = this.upstream;
    const send = protocol === "https:" ? https.request : http.request;
    const { method, url: path, headers } = request;
    passed.forwarded = true;
    return new Promise((resolve, reject) => {
      const onward = send({ agent: this.agent, hostname, port, method, path, headers }, (answer) => {
        passed.status = answer.statusCode ?? 0;
        resolve(answer);
      });
      onward.once("error", reject);
      response.once("close", () => onward.destroy());
      onward.end(passed.body);
    });
  }
}

async function seenOf(request: IncomingMessage): Promise<Seen> {
  const { searchParams: query, pathname: path } = new URL(request.url ?? "/", "http://proxy");
  const body = (await bufferOf(request)).toString("utf8");
  return { method: request.method ?? "GET", path, query, watch: ["true", "1"].includes(query.get("watch") ?? ""), body };
}
