// SPDX-License-Identifier: Apache-2.0
// The thin layer over Google's generated client. Order of one attempt, and it matters: token bucket, turn, access token, fence, send.
// The library's own retries are off: it would repeat a request without asking the fence.
import { Agent } from "node:http";
// The deep import leaves the alpha and beta APIs out of the bundle: half its size (docs/adr/0003-compute-client.md).
import { compute_v1 } from "@googleapis/compute/build/v1";
import { readAnswer } from "./answers";
import type { Credentials } from "./credentials";
import { ComputeError, fromHttp, fromTransport } from "./errors";
import { RateLimiter, Slots, type QuotaGroup } from "./limiter";
import { DEFAULT_POLICY, withRetry, type RetryPolicy } from "./retry";
import type { ComputeConfig, Deps, Fence } from "./types";

export type Schema = {
  Address: compute_v1.Schema$Address;
  AddressesScopedList: compute_v1.Schema$AddressesScopedList;
  Firewall: compute_v1.Schema$Firewall;
  ForwardingRule: compute_v1.Schema$ForwardingRule;
  Instance: compute_v1.Schema$Instance;
  Operation: compute_v1.Schema$Operation;
  PublicDelegatedPrefix: compute_v1.Schema$PublicDelegatedPrefix;
  TargetInstance: compute_v1.Schema$TargetInstance;
};

export interface CallOptions {
  headers: Record<string, string>;
  timeout: number;
  retry: false;
  validateStatus: () => boolean;
}
interface Answer<T> {
  status: number;
  data: T;
  headers: unknown;
}
/** Sends one request through a method of the generated client. */
export type Send<T> = (options: CallOptions) => Promise<Answer<T>>;

export interface Attempt<T> {
  method: string;
  group: QuotaGroup;
  send: Send<T>;
  fence?: Fence;
  timeoutMs?: number;
}

const DEFAULT_RATES = { read: 600, write: 300 };
/** Requests and operations under way, where the config does not say. */
export const DEFAULT_CONCURRENCY = 32;
const REQUEST_TIMEOUT_MS = 30_000;
const GOOGLE = "https://compute.googleapis.com/";
const PAGE = 500;

function headerOf(headers: unknown, name: string): string | undefined {
  const bag = headers as { get?: (name: string) => string | null } & Record<string, unknown>;
  const value = typeof bag.get === "function" ? bag.get(name) : bag[name];
  return typeof value === "string" ? value : undefined;
}

export class Client {
  readonly api: compute_v1.Compute;
  readonly policy: RetryPolicy;
  private readonly limiter: RateLimiter;
  private readonly reads: Slots;
  private readonly rootUrl: string;

  constructor(
    readonly config: ComputeConfig,
    readonly deps: Deps,
    private readonly credentials: Credentials,
    policy: RetryPolicy = DEFAULT_POLICY,
  ) {
    this.rootUrl = config.rootUrl ?? GOOGLE;
    // A loopback or private plain endpoint is never reached through a proxy of the environment; an agent of its own says so to the library.
    const agent = this.rootUrl.startsWith("http:") ? new Agent({ keepAlive: true }) : undefined;
    this.api = deps.api ?? new compute_v1.Compute({ rootUrl: this.rootUrl, ...(agent ? { agent } : {}) });
    this.policy = policy;
    this.limiter = new RateLimiter(deps.clock, config.ratesPerMinute ?? DEFAULT_RATES);
    this.reads = new Slots(config.concurrency ?? DEFAULT_CONCURRENCY);
  }

  /** Reads, trying again what a pause can heal. Throws ComputeError. */
  read<T>(method: string, send: Send<T>): Promise<T> {
    return this.reads.run(() => this.retrying(() => this.once({ method, group: "read", send })));
  }

  /** Like `read`, with undefined for an object that is not there. */
  async find<T>(method: string, send: Send<T>): Promise<T | undefined> {
    try {
      return await this.read(method, send);
    } catch (error) {
      if (error instanceof ComputeError && error.code === "NotFound") return undefined;
      throw error;
    }
  }

  /** All items of a paged list, or an error; never a part. */
  async list<T>(
    method: string,
    page: (query: { maxResults: number; pageToken?: string }) => Send<{ items?: T[]; nextPageToken?: string | null }>,
  ): Promise<T[]> {
    const items: T[] = [];
    for (let pageToken: string | undefined; ;) {
      const query = { maxResults: PAGE, ...(pageToken === undefined ? {} : { pageToken }) };
      const answer = await this.read(method, page(query));
      items.push(...(answer.items ?? []));
      if (!answer.nextPageToken) return items;
      if (answer.nextPageToken === pageToken)
        throw new ComputeError({ code: "Unknown", method, message: `${method}: the server repeats page token ${pageToken}` });
      pageToken = answer.nextPageToken;
    }
  }

  /** `withRetry` with this client's policy, clock and log. */
  retrying<T>(attempt: (tried: number) => Promise<T>): Promise<T> {
    const { clock, random, logger } = this.deps;
    return withRetry(
      {
        clock,
        random,
        policy: this.policy,
        onRetry: (error, pauseMs, tried) =>
          logger?.warn({ method: error.method, code: error.code, pauseMs, tried }, "compute call will be tried again"),
      },
      attempt,
    );
  }

  /** One request, sent once. Throws ComputeError; `Fenced` before anything left. */
  async once<T>(attempt: Attempt<T>): Promise<T> {
    const { method, group, fence } = attempt;
    await this.limiter.take(group);
    // The library takes a millisecond or two for each request: 60 that go on at once, as answers of one turn, would be too long a turn.
    await this.deps.clock.breathe?.();
    const headers = await this.credentials.headers(this.rootUrl);
    fence?.check(method);
    const answer = await this.exchange(attempt, headers);
    // Pages of several lists that come together are judged one after the other.
    await this.deps.clock.breathe?.();
    if (answer.status < 400) return readAnswer(method, answer.data);
    const error = fromHttp(
      method,
      { status: answer.status, body: answer.data, retryAfter: headerOf(answer.headers, "retry-after") },
      this.deps.clock.now(),
    );
    if (answer.status === 401) this.credentials.forget();
    if (error.code === "RateLimited") this.limiter.penalize(group, error.retryAfterMs ?? 1_000);
    throw error;
  }

  private async exchange<T>(attempt: Attempt<T>, headers: Record<string, string>): Promise<Answer<T>> {
    const { clock, onCall } = this.deps;
    const started = clock.monotonic();
    const record = (code: string): void =>
      onCall?.({ method: attempt.method, code, seconds: (clock.monotonic() - started) / 1000 });
    try {
      const timeout = attempt.timeoutMs ?? REQUEST_TIMEOUT_MS;
      const answer = await attempt.send({ headers, timeout, retry: false, validateStatus: () => true });
      record(String(answer.status));
      return answer;
    } catch (cause) {
      const error = fromTransport(attempt.method, cause);
      record(error.code);
      throw error;
    }
  }
}
