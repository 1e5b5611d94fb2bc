// SPDX-License-Identifier: Apache-2.0
// Switches for everything that can go wrong in the cloud: refused requests, failed or slow operations, cut connections,
// delays, quotas. A test sets them; requests meet the first rule that fits.
import { ApiError } from "./errors";

export type FaultKind = "error" | "operationError" | "slowOperation" | "resetBefore" | "resetAfter" | "delay";

export interface FaultRule {
  /** Discovery id, or a pattern for it; every method when absent. */
  methodId?: string | RegExp;
  /** Pattern for the request path. */
  path?: RegExp;
  /** How often the rule fires; without it, always. */
  times?: number;
  /** Matching requests that go through before the rule begins to fire. */
  skip?: number;
  /** Default `error`: an HTTP error instead of the effect. */
  kind?: FaultKind;
  /** HTTP status of the error (default that of `reason`; 500 for a reason not known here). */
  status?: number;
  /** Google's reason, e.g. `rateLimitExceeded`; for `operationError` the code in the operation may be given instead. */
  reason?: string;
  message?: string;
  /** Sent as `Retry-After` with an HTTP error. */
  retryAfterSeconds?: number;
  /** For `delay` and `slowOperation`. */
  delayMs?: number;
}

export interface Fault {
  /** How often it fired. */
  readonly hits: number;
  remove(): void;
}

/** What a test may set on a running emulator. */
export interface FaultSwitches {
  /** @throws RangeError for a rule that cannot work. */
  add(rule: FaultRule): Fault;
  /** Removes all rules and quotas, and allows INTERNAL rules with L3_DEFAULT again. */
  clear(): void;
  /** Limits how many of a Compute quota metric may exist per region (or project); undefined lifts the limit. */
  quota(metric: string, limit: number | undefined): void;
  /** Google's texts disagree on L3_DEFAULT for internal target instances (api.md 4.3): false plays the strict reading. */
  internalL3Default: boolean;
}

export interface RequestFault {
  kind: "error" | "resetBefore" | "resetAfter" | "none";
  error?: ApiError;
  retryAfterSeconds?: number;
  delayMs: number;
}

interface Live {
  rule: FaultRule;
  seen: number;
  hits: number;
}

export class Faults implements FaultSwitches {
  internalL3Default = true;
  private live: Live[] = [];
  private readonly limits = new Map<string, number>();
  private latency: (type: string) => number = () => 0;

  add(rule: FaultRule): Fault {
    const kind = rule.kind ?? "error";
    if ((kind === "delay" || kind === "slowOperation") && !(Number(rule.delayMs) > 0)) {
      throw new RangeError(`fault rule of kind ${kind}: delayMs is ${String(rule.delayMs)}, it must be above 0`);
    }
    const entry: Live = { rule: { ...rule, kind }, seen: 0, hits: 0 };
    this.live.push(entry);
    return {
      get hits() {
        return entry.hits;
      },
      remove: () => {
        this.live = this.live.filter((other) => other !== entry);
      },
    };
  }

  clear(): void {
    this.live = [];
    this.limits.clear();
    this.internalL3Default = true;
  }

  quota(metric: string, limit: number | undefined): void {
    if (limit === undefined) this.limits.delete(metric);
    else this.limits.set(metric, limit);
  }

  limitOf(metric: string): number | undefined {
    return this.limits.get(metric);
  }

  setLatency(latency: number | ((type: string) => number)): void {
    this.latency = typeof latency === "number" ? () => latency : latency;
  }

  latencyOf(type: string): number {
    return this.latency(type);
  }

  /** The fault that one request meets before its handler runs. */
  forRequest(methodId: string, path: string): RequestFault {
    const delay = this.take(["delay"], methodId, path);
    const hit = this.take(["error", "resetBefore", "resetAfter"], methodId, path);
    const kind = hit?.kind;
    return {
      kind: kind === "error" || kind === "resetBefore" || kind === "resetAfter" ? kind : "none",
      error: hit && kind === "error" ? errorOf(hit) : undefined,
      retryAfterSeconds: hit?.retryAfterSeconds,
      delayMs: delay?.delayMs ?? 0,
    };
  }

  /** The fault that the operation of an accepted mutation meets. */
  forOperation(methodId: string, path: string): { error?: ApiError; delayMs: number } {
    const slow = this.take(["slowOperation"], methodId, path);
    const failed = this.take(["operationError"], methodId, path);
    return { error: failed && errorOf(failed), delayMs: slow?.delayMs ?? 0 };
  }

  private take(kinds: FaultKind[], methodId: string, path: string): FaultRule | undefined {
    for (const entry of this.live) {
      if (!kinds.includes(entry.rule.kind ?? "error") || !fits(entry.rule, methodId, path)) continue;
      if (entry.hits >= (entry.rule.times ?? Infinity)) continue;
      entry.seen += 1;
      if (entry.seen <= (entry.rule.skip ?? 0)) continue;
      entry.hits += 1;
      return entry.rule;
    }
    return undefined;
  }
}

function fits(rule: FaultRule, methodId: string, path: string): boolean {
  const byMethod =
    rule.methodId === undefined ||
    (typeof rule.methodId === "string" ? rule.methodId === methodId : rule.methodId.test(methodId));
  return byMethod && (rule.path === undefined || rule.path.test(path));
}

function errorOf(rule: FaultRule): ApiError {
  const reason = rule.reason ?? (rule.kind === "operationError" ? "INTERNAL_ERROR" : "backendError");
  return new ApiError(reason, rule.message ?? `Fault set by the test: ${reason}`, { status: rule.status });
}
