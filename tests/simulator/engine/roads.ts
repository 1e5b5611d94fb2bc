// SPDX-License-Identifier: Apache-2.0
// The two clients of a simulated controller: the API server's behind ApiClient, and Google's generated one, each over the roads of a process.
import type { compute_v1 } from "@googleapis/compute/build/v1";
import { ApiError, type ApiClient, type ByteStream, type Method, type RequestOptions } from "../../../controller/kubernetes";
import type { ApiModel } from "../models/api";
import { placeOf } from "../models/api";
import { CloudRefusal, type CloudModel, type Json } from "../models/cloud";
import type { Chance } from "./chance";
import type { Process } from "./process";

const REQUEST_MS = 30_000;
const BOOKMARK_MS = 60_000;

export interface Heard {
  /** The process has read these bytes of a watch. */
  heard(process: Process, collection: string, line: Buffer): void;
  /** An answer of the cloud has arrived; `at` is when the cloud gave it. */
  learnt(process: Process, method: string, answer: Json, at: number): void;
}

export function apiClientOf(process: Process, model: ApiModel, chance: Chance, heard: Heard): ApiClient {
  const refusal = (): Error =>
    chance.pick([
      () => new ApiError("TooManyRequests", "too many requests", { status: 429, retryAfterSeconds: chance.int(1, 4) }),
      () => new ApiError("ServerError", "etcd leader changed", { status: 500 }),
      () => new ApiError("Unavailable", "apiserver is shutting down", { status: 503 }),
    ])();
  return {
    server: "https://simulated",
    onRequest: () => undefined,
    close: () => Promise.resolve(),
    request<T>(method: Method, path: string, o: RequestOptions = {}): Promise<T> {
      const what = `${method} ${path}`;
      return process.exchange<T>({
        road: "api",
        what,
        mutates: method !== "GET",
        timeoutMs: o.timeoutMs ?? REQUEST_MS,
        serve(reply) {
          const { body, contentType, query } = o;
          const answer = model.handle(process.name, { method, path, body, contentType, query });
          reply((o.raw ? Buffer.from(JSON.stringify(answer)) : answer) as T);
        },
        lost: (why) => new ApiError(why === "timeout" ? "Timeout" : "Network", `${what}: ${why}`),
        refusal,
      });
    },
    stream: (path, o = {}) => openWatch({ process, model, chance, heard }, path, o),
  };
}

interface WatchParts {
  process: Process;
  model: ApiModel;
  chance: Chance;
  heard: Heard;
}
async function openWatch(parts: WatchParts, path: string, o: RequestOptions): Promise<ByteStream> {
  const { process, model } = parts;
  return process.exchange<ByteStream>({
    road: "watch",
    what: `WATCH ${path}`,
    mutates: false,
    timeoutMs: o.timeoutMs ?? REQUEST_MS,
    serve(reply) {
      const stream = new WatchStream(parts, path);
      stream.open(model, o.query ?? {}, o.signal);
      reply(stream);
    },
    lost: (why) => new ApiError(why === "timeout" ? "Timeout" : "Network", `WATCH ${path}: ${why}`),
    refusal: () => new ApiError("Unavailable", "apiserver is shutting down", { status: 503 }),
  });
}

/** One open watch. Its lines stay in order; those of another watch may overtake them. */
export class WatchStream implements ByteStream {
  private readonly sent: { line: Buffer | Error; at: number }[] = [];
  private readonly arrived: (Buffer | Error)[] = [];
  private wake: () => void = () => undefined;
  private unsubscribe: () => void = () => undefined;
  private letGo: () => void = () => undefined;
  private closed = false;
  private travelling = false;
  private readonly collection: string;

  constructor(
    private readonly p: WatchParts,
    path: string,
  ) {
    this.collection = placeOf(path).collection;
  }
  /** @param signal ends it from the reader's side; a reader has one for all the watches of its life, so nothing may stay on it */
  open(model: ApiModel, query: NonNullable<RequestOptions["query"]>, signal?: AbortSignal): void {
    const { scheduler } = this.p.process;
    openStreams(this.p.process).add(this);
    const end = (): void => this.close();
    signal?.addEventListener("abort", end, { once: true });
    this.letGo = () => signal?.removeEventListener("abort", end);
    // What there is at the beginning comes as one.
    let together: number | undefined = scheduler.now + this.p.process.delay("watch");
    this.unsubscribe = model.watch(`${this.collection}`, query, (line) => this.push(line, together));
    together = undefined;
    const mark = (): void => {
      if (this.closed || !this.p.process.alive) return;
      this.push(model.bookmark(this.collection));
      scheduler.in(BOOKMARK_MS, mark);
    };
    scheduler.in(BOOKMARK_MS, mark);
    scheduler.in(Number(query.timeoutSeconds ?? 300) * 1000, () => this.end());
  }
  private push(line: Buffer, at?: number): void {
    const { process } = this.p;
    if (this.closed || !process.alive) return;
    this.sent.push({ line, at: at ?? process.scheduler.now + process.delay("watch") });
    if (process.twice()) this.sent.push({ line, at: process.scheduler.now + process.delay("watch") });
    this.travel();
  }
  /** Moves on what is on its way, unless the road is blocked; `resume` is called when it is free again. */
  private travel(): void {
    const first = this.sent[0];
    if (!first || this.travelling || this.blocked()) return;
    this.travelling = true;
    this.p.process.scheduler.in(first.at - this.p.process.scheduler.now, () => {
      this.travelling = false;
      if (!this.blocked()) this.arrive();
      this.travel();
    });
  }
  private blocked(): boolean {
    const { blocked, held } = this.p.process.roads.watch;
    return blocked || held === this.collection;
  }
  private arrive(): void {
    const { process } = this.p;
    const { now } = process.scheduler;
    while (this.sent[0] && this.sent[0].at <= now + 0.001) {
      const { line } = this.sent.shift()!;
      process.deliver(() => {
        this.arrived.push(line);
        this.wake();
      });
    }
  }
  resume(): void {
    this.travel();
  }
  /** The connection breaks. */
  reset(): void {
    this.p.process.deliver(() => {
      this.arrived.push(new ApiError("Network", "connection reset"));
      this.wake();
    });
  }
  private end(): void {
    this.p.process.deliver(() => this.close());
  }
  close(): void {
    if (this.closed) return;
    this.closed = true;
    openStreams(this.p.process).delete(this);
    this.unsubscribe();
    this.letGo();
    this.wake();
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    while (!this.closed) {
      for (let next = this.arrived.shift(); next !== undefined; next = this.arrived.shift()) {
        if (next instanceof Error) throw next;
        // Not before: of a watch whose headers were lost, or that has broken or been closed meanwhile, nobody hears any more.
        this.p.heard.heard(this.p.process, this.collection, next);
        yield next;
      }
      if (!this.closed) await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
const streams = new WeakMap<Process, Set<WatchStream>>();
/** The watches that a process has open. */
export function openStreams(process: Process): Set<WatchStream> {
  let found = streams.get(process);
  if (!found) streams.set(process, (found = new Set()));
  return found;
}

interface Answer {
  status: number;
  data: unknown;
  headers: Record<string, string>;
}
type Caller = (params: Json, options: { timeout?: number }) => Promise<Answer>;
const METHODS = {
  forwardingRules: ["get", "list", "insert", "delete", "setTarget", "setLabels"],
  targetInstances: ["get", "list", "insert", "delete"],
  instances: ["get"],
  addresses: ["list", "aggregatedList", "delete"],
  regions: ["get"],
  firewalls: ["list"],
  subnetworks: ["get"],
  publicDelegatedPrefixes: ["list"],
  regionOperations: ["list", "wait"],
  zoneOperations: ["wait"],
} as const;
const READS: readonly string[] = ["get", "list", "aggregatedList", "wait"];

/** The generated client, as far as the controller calls it. */
export function computeOf(process: Process, model: CloudModel, chance: Chance, heard: Heard): compute_v1.Compute {
  const families = Object.entries(METHODS).map(([family, verbs]) => [
    family,
    Object.fromEntries(verbs.map((verb) => [verb, caller({ process, model, chance, heard, family, verb })])),
  ]);
  return Object.fromEntries(families);
}
interface CallerParts {
  process: Process;
  model: CloudModel;
  chance: Chance;
  heard: Heard;
  family: string;
  verb: string;
}
function caller({ process, model, chance, heard, family, verb }: CallerParts): Caller {
  const method = `${family}.${verb}`;
  return async (params, options) => {
    const timeoutMs = options.timeout ?? REQUEST_MS;
    try {
      const { data, at } = await process.exchange<{ data: Json; at: number }>({
        road: "cloud",
        what: `${method} ${JSON.stringify(params.forwardingRule ?? params.targetInstance ?? (params.requestBody as Json | undefined)?.name ?? params.operation ?? "")}`,
        mutates: !READS.includes(verb),
        timeoutMs,
        serve(reply) {
          const done = (data: Json): void => reply({ data, at: process.scheduler.now });
          if (verb === "wait") model.wait(params, Math.min(120_000, timeoutMs), done);
          else done(model.handle(process.name, method, params));
        },
        lost: (why) =>
          Object.assign(new Error(`socket hang up (${why})`), { code: why === "timeout" ? "ETIMEDOUT" : "ECONNRESET" }),
        refusal: () => refusalOf(chance),
      });
      heard.learnt(process, method, data, at);
      return { status: 200, data, headers: {} };
    } catch (error) {
      if (!(error instanceof CloudRefusal)) throw error;
      return { status: error.status, data: error.body(), headers: retryHeader(error) };
    }
  };
}
const retryHeader = ({ retryAfter }: CloudRefusal): Record<string, string> =>
  retryAfter ? { "retry-after": String(retryAfter) } : {};
function refusalOf(chance: Chance): CloudRefusal {
  const after = chance.hit(0.3) ? chance.int(1, 8) : undefined;
  return chance.pick([
    () => new CloudRefusal(403, "rateLimitExceeded", "Rate Limit Exceeded", after),
    () => new CloudRefusal(403, "forbidden", "Required permission is missing"),
    () => new CloudRefusal(403, "concurrentOperationsQuotaExceeded", "too many operations"),
    () => new CloudRefusal(412, "conditionNotMet", "Precondition Failed"),
    () => new CloudRefusal(409, "conflict", "conflict"),
    () => new CloudRefusal(429, "rateLimitExceeded", "Too Many Requests", after),
    () => new CloudRefusal(500, "internalError", "internal"),
    () => new CloudRefusal(503, "backendError", "Service Unavailable", after),
  ])();
}
