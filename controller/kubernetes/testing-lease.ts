// SPDX-License-Identifier: Apache-2.0
// A Lease in memory with the API server's compare and swap, and a road to it on which requests and answers are late or lost.
import type { Clock } from "./clock";
import { ApiError } from "./errors";
import { LeaderElector, type LeaderElectorOptions } from "./leader";
import type { Lease } from "./lease";
import type { ApiClient, Method, RequestOptions } from "./transport";

/** What happens to one request: how long it travels each way, and whether it or its answer is lost. */
export interface Fate {
  toServerMs: number;
  backMs: number;
  lost: "no" | "request" | "answer";
}

export const WELL: Fate = { toServerMs: 0, backMs: 0, lost: "no" };

/** One Lease, as the API server keeps it. */
export class LeaseServer {
  lease: Lease | undefined;
  readonly log: string[] = [];
  private version = 0;

  handle(method: Method, body: Lease | undefined): Lease {
    this.log.push(method);
    if (method === "POST") {
      if (this.lease !== undefined) throw new ApiError("AlreadyExists", "there");
      return this.store(body);
    }
    if (this.lease === undefined) throw new ApiError("NotFound", "none");
    if (method === "GET") return structuredClone(this.lease);
    if (body?.metadata.resourceVersion !== this.lease.metadata.resourceVersion) throw new ApiError("Conflict", "changed");
    return this.store(body);
  }

  private store(body: Lease | undefined): Lease {
    const lease = structuredClone(body ?? { metadata: {}, spec: {} });
    lease.metadata.resourceVersion = String(++this.version);
    this.lease = lease;
    return structuredClone(lease);
  }
}

export function clientOf(server: LeaseServer, clock: Clock, fate: () => Fate = () => WELL): ApiClient {
  const travel = (ms: number): Promise<void> => (ms === 0 ? Promise.resolve() : clock.sleep(ms));
  async function exchange(method: Method, options: RequestOptions): Promise<Lease> {
    const { toServerMs, backMs, lost } = fate();
    await travel(toServerMs);
    if (lost === "request") return new Promise(() => undefined);
    let answer: Lease | Error;
    try {
      answer = server.handle(method, options.body as Lease | undefined);
    } catch (error) {
      answer = error as Error;
    }
    if (lost === "answer") return new Promise(() => undefined);
    await travel(backMs);
    if (answer instanceof Error) throw answer;
    return answer;
  }
  return {
    server: "memory",
    request<T>(method: Method, _path: string, options: RequestOptions = {}): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        const timer = clock.setTimeout(() => reject(new ApiError("Timeout", "no answer in time")), options.timeoutMs ?? 30_000);
        exchange(method, options).then(
          (lease) => (timer.cancel(), resolve(lease as T)),
          (error: Error) => (timer.cancel(), reject(error)),
        );
      });
    },
    stream: () => Promise.reject(new ApiError("Network", "no watches here")),
    onRequest: () => undefined,
    close: () => Promise.resolve(),
  };
}

export interface Candidate {
  elector: LeaderElector;
  calls: string[];
}

export function candidate(
  server: LeaseServer,
  clock: Clock,
  identity: string,
  more: Partial<LeaderElectorOptions> = {},
): Candidate {
  const calls: string[] = [];
  const elector = new LeaderElector({
    client: clientOf(server, clock),
    namespace: "ns",
    name: "lock",
    identity,
    clock,
    random: () => 0.5,
    onStartedLeading: () => void calls.push("started"),
    onStoppedLeading: (why) => void calls.push(why),
    onNewLeader: (leader) => void calls.push(`leader ${leader}`),
    ...more,
  });
  return { elector, calls };
}
