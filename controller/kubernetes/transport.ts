// SPDX-License-Identifier: Apache-2.0
// The thin road to the API server: one undici pool of keep-alive HTTP/1.1 connections per client, JSON in and out, every
// failure an ApiError. No retries and no rate limit in here (server-side fairness does that): reflector and queue decide.
// A leader elector should have a client of its own, so that its renewals never wait behind other requests.
import { Pool, type Dispatcher } from "undici";
import { type Clock, systemClock } from "./clock";
import { ApiError, errorFromStatus } from "./errors";
import { byteStream, Deadline, encodeBody, header, parseBody, queryString } from "./exchange";
import { type TokenProvider, tokenSource } from "./token";

export { ApiError, isApiError, type ApiErrorCode } from "./errors";
export type { TokenProvider } from "./token";

export interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined>;
  /** Sent as JSON, unless it is a string or Buffer already. */
  body?: unknown;
  contentType?: string;
  /** `request`: the whole exchange (default 30 s). `stream`: until the response headers (default 30 s). */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** `request` answers the bytes of a good response, unparsed. */
  raw?: boolean;
}

/** One finished exchange; `status` is 0 when no response came, `seconds` runs to the headers for a watch. */
export interface RequestRecord {
  method: string;
  path: string;
  status: number;
  seconds: number;
  watch?: boolean;
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
export type ByteStream = AsyncIterable<Buffer> & { close(): void };

export interface ApiClient {
  readonly server: string;
  /** Answers the parsed JSON, or the text where the server sent none. @throws ApiError */
  request<T = unknown>(method: Method, path: string, options?: RequestOptions): Promise<T>;
  /** Opens a watch. @throws ApiError if the status is not 2xx; the iteration throws one too when the connection breaks. */
  stream(path: string, options?: RequestOptions): Promise<ByteStream>;
  /** Called once per exchange, for metrics and for recording verbs in tests. */
  onRequest(listener: (r: RequestRecord) => void): void;
  /** Ends all connections, open watches included. */
  close(): Promise<void>;
}

export interface ClientConfig {
  server: string;
  caPem?: string;
  token?: string;
  tokenFile?: string;
  /** For exec plugins; wins over `token` and `tokenFile`. */
  tokenProvider?: TokenProvider;
  clientCertPem?: string;
  clientKeyPem?: string;
  /** Name to expect in the server's certificate when it is not the host of `server`. */
  tlsServerName?: string;
  userAgent?: string;
  insecureSkipTlsVerify?: boolean;
}

// Watches hold a connection each; the rest bounds how many requests are in flight.
const CONNECTIONS = 64;

/**
 * A client for one API server. The token file is read again every 60 s and at once on a 401, and the request is then repeated once.
 * @throws ApiError BadRequest when `server` is not an http(s) URL
 */
export function createApiClient(config: ClientConfig, options: { clock?: Clock } = {}): ApiClient {
  return new UndiciClient(config, options.clock ?? systemClock);
}

class UndiciClient implements ApiClient {
  readonly server: string;
  private readonly pool: Pool;
  private readonly basePath: string;
  private readonly tokens;
  private readonly listeners: ((r: RequestRecord) => void)[] = [];

  constructor(
    private readonly config: ClientConfig,
    private readonly clock: Clock,
  ) {
    const url = parseServer(config.server);
    this.server = config.server;
    this.basePath = url.pathname.replace(/\/+$/, "");
    this.tokens = tokenSource(config, clock);
    this.pool = new Pool(url.origin, {
      connections: CONNECTIONS,
      pipelining: 1,
      keepAliveTimeout: 60_000, // below kube-apiserver's own 90 s, so that we never write into a connection it just closed
      keepAliveMaxTimeout: 60_000,
      headersTimeout: 0, // our own timer covers the wait for a connection too
      bodyTimeout: 0, // a quiet watch is normal; the reflector's watchdog judges silence
      connect: {
        ca: config.caPem,
        cert: config.clientCertPem,
        key: config.clientKeyPem,
        servername: config.tlsServerName,
        rejectUnauthorized: config.insecureSkipTlsVerify !== true,
        timeout: 10_000,
        keepAlive: true,
        keepAliveInitialDelay: 30_000,
      },
    });
  }

  onRequest(listener: (r: RequestRecord) => void): void {
    this.listeners.push(listener);
  }

  close(): Promise<void> {
    return this.pool.destroy();
  }

  async request<T = unknown>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
    const started = this.clock.monotonic();
    const deadline = new Deadline(this.clock, options, `${method} ${path}`);
    let status = 0;
    try {
      const response = await this.sendWithToken(method, path, { ...options, signal: deadline.signal });
      status = response.statusCode;
      if (options.raw === true && status < 300) return Buffer.from(await response.body.arrayBuffer()) as T;
      const body = parseBody(await response.body.text(), response);
      if (status >= 300) throw errorFromStatus(`${method} ${path}`, status, body, header(response, "retry-after"));
      return body as T;
    } catch (error) {
      throw deadline.explain(error);
    } finally {
      deadline.done();
      this.record({ method, path, status, seconds: (this.clock.monotonic() - started) / 1000 });
    }
  }

  async stream(path: string, options: RequestOptions = {}): Promise<ByteStream> {
    const started = this.clock.monotonic();
    const deadline = new Deadline(this.clock, options, `WATCH ${path}`);
    let status = 0;
    try {
      const response = await this.sendWithToken("GET", path, { ...options, signal: deadline.signal });
      status = response.statusCode;
      if (status >= 300) {
        const body = parseBody(await response.body.text(), response);
        throw errorFromStatus(`WATCH ${path}`, status, body, header(response, "retry-after"));
      }
      deadline.stopTimer();
      return byteStream(response.body, deadline);
    } catch (error) {
      deadline.done();
      throw deadline.explain(error);
    } finally {
      this.record({ method: "GET", path, status, seconds: (this.clock.monotonic() - started) / 1000, watch: true });
    }
  }

  private async sendWithToken(method: Method, path: string, options: RequestOptions): Promise<Dispatcher.ResponseData> {
    const token = await this.tokens.current();
    const response = await this.send(method, path, options, token);
    if (response.statusCode !== 401) return response;
    const fresh = await this.tokens.after401(token);
    if (fresh === undefined) return response;
    await response.body.dump();
    return this.send(method, path, options, fresh);
  }

  private send(
    method: Method,
    path: string,
    options: RequestOptions,
    token: string | undefined,
  ): Promise<Dispatcher.ResponseData> {
    const headers: Record<string, string> = {
      accept: "application/json",
      "user-agent": this.config.userAgent ?? "pulumi-gke-persistent-ip",
    };
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    if (options.body !== undefined) {
      headers["content-type"] = options.contentType ?? (method === "PATCH" ? "application/merge-patch+json" : "application/json");
    }
    return this.pool.request({
      method,
      path: this.basePath + path + queryString(options.query),
      headers,
      body: encodeBody(options.body),
      signal: options.signal,
    });
  }

  private record(entry: RequestRecord): void {
    for (const listener of this.listeners) listener(entry);
  }
}

function parseServer(server: string): URL {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url !== undefined && (url.protocol === "https:" || url.protocol === "http:")) return url;
  throw new ApiError("BadRequest", `server: ${JSON.stringify(server)} is not a URL of the form https://host:port`);
}
