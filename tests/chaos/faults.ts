// SPDX-License-Identifier: Apache-2.0
// What can go wrong between two programs that talk HTTP, and who decides when: a seeded chance, or a rule of the test. Every fault that was
// really injected is counted by its kind.

/** Faults of one request and its answer, and faults in the middle of a watch. */
export const FAULT_KINDS = [
  "reset", // the connection is cut before the request has an effect, or in the middle of a watch
  "lost", // the request has its effect, the answer never comes
  "freeze", // the connection stays open and says nothing more
  "slow", // bytes trickle
  "truncate", // half of the answer, or half a line of a watch
  "end", // a watch ends cleanly, as the API server does every few minutes
  "gone", // 410, as an answer or as the ERROR event of a watch
  "unauthorized", // 401
  "forbidden", // 403
  "conflict", // 409
  "throttled", // 429 with Retry-After
  "error", // 500, as an answer or as an ERROR event
  "duplicate", // an event of a watch comes twice
  "delay", // an event and everything after it comes late
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];
export type Counts = Record<FaultKind, number>;

/** A request as the proxy sees it. */
export interface Seen {
  method: string;
  /** Path without query. */
  path: string;
  query: URLSearchParams;
  watch: boolean;
  /** Text of the body; empty for none. */
  body: string;
}
export interface Fault {
  kind: FaultKind;
  /** How long it freezes, delays or trickles, milliseconds. */
  ms: number;
  /** With `throttled`. */
  retryAfterSeconds?: number;
  /** Instead of the usual text. */
  message?: string;
}
export interface Rule extends Partial<Omit<Fault, "kind">> {
  kind: FaultKind;
  /** Where in a watch: at its request, or at its next line. By default at whichever the kind belongs to. */
  on?: "request" | "line";
  /** Which requests; all when absent. */
  match?: (seen: Seen) => boolean;
  /** How often; always when absent. */
  times?: number;
}
export interface ActiveRule {
  readonly hits: number;
  remove(): void;
}

export interface Chance {
  /** Share of requests that meet a fault, 0 to 1. */
  requests: number;
  /** Share of lines of watches that meet a fault. */
  lines: number;
  /** Longest freeze, delay or trickle, milliseconds. */
  longestMs: number;
  /** Kinds to choose from, each as likely as its weight; absent kinds never. */
  weights?: Partial<Record<FaultKind, number>>;
}

const READS: FaultKind[] = ["reset", "freeze", "slow", "truncate", "gone", "unauthorized", "forbidden", "throttled", "error"];
const WRITES: FaultKind[] = [
  "reset",
  "lost",
  "freeze",
  "slow",
  "truncate",
  "unauthorized",
  "forbidden",
  "conflict",
  "throttled",
  "error",
];
const LINES: FaultKind[] = ["reset", "freeze", "slow", "truncate", "end", "gone", "error", "duplicate", "delay"];

/** Decides which request and which line meets which fault. The same seed decides the same for the same order of requests. */
export class FaultPlan {
  readonly counts = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Counts;
  chance: Chance | undefined;
  private rules: { rule: Rule; hits: number }[] = [];

  /** @param random uniform in [0, 1) */
  constructor(private readonly random: () => number) {}

  get total(): number {
    return FAULT_KINDS.reduce((sum, kind) => sum + this.counts[kind], 0);
  }

  add(rule: Rule): ActiveRule {
    const entry = { rule, hits: 0 };
    this.rules.push(entry);
    return {
      get hits() {
        return entry.hits;
      },
      remove: () => {
        this.rules = this.rules.filter((each) => each !== entry);
      },
    };
  }

  /** The fault that a request meets when it arrives. */
  forRequest(seen: Seen): Fault | undefined {
    return this.ruled(seen, false) ?? this.chosen(this.chance?.requests ?? 0, this.kindsOf(seen));
  }

  /** The fault that the next line of a watch meets. */
  forLine(seen: Seen): Fault | undefined {
    return this.ruled(seen, true) ?? this.chosen(this.chance?.lines ?? 0, LINES);
  }

  /** Counts a fault where it is really injected. */
  did(fault: Fault): void {
    this.counts[fault.kind] += 1;
  }

  private kindsOf({ method, watch }: Seen): FaultKind[] {
    // The first answer of a watch is only its headers: what happens on the way is `forLine`.
    if (watch) return READS.filter((kind) => kind !== "truncate" && kind !== "slow");
    return method === "GET" ? READS : WRITES;
  }

  private ruled(seen: Seen, line: boolean): Fault | undefined {
    const entry = this.rules.find(
      ({ rule, hits }) =>
        hits < (rule.times ?? Infinity) && atLine(rule, seen) === line && (rule.match === undefined || rule.match(seen)),
    );
    if (!entry) return undefined;
    entry.hits += 1;
    const { match: _match, times: _times, on: _on, ...fault } = entry.rule;
    return { ms: 1_000, ...fault };
  }

  private chosen(share: number, kinds: readonly FaultKind[]): Fault | undefined {
    if (share === 0 || this.random() >= share) return undefined;
    const weight = (kind: FaultKind): number => this.chance?.weights?.[kind] ?? (this.chance?.weights ? 0 : 1);
    let rest = this.random() * kinds.reduce((sum, kind) => sum + weight(kind), 0);
    const kind = kinds.find((each) => (rest -= weight(each)) < 0);
    if (kind === undefined) return undefined;
    const ms = Math.ceil(this.random() * (this.chance?.longestMs ?? 0));
    return { kind, ms, ...(kind === "throttled" ? { retryAfterSeconds: this.random() < 0.5 ? 1 : 2 } : {}) };
  }
}

const LINE_ONLY: readonly FaultKind[] = ["slow", "truncate", "end", "duplicate", "delay"];
/** Of a watch, some faults meet the lines and the others the request; of anything else all meet the request. */
const atLine = ({ on, kind }: Rule, { watch }: Seen): boolean =>
  watch && (on === undefined ? LINE_ONLY.includes(kind) : on === "line");

/** Adds counts up. */
export function sumCounts(all: readonly Counts[]): Counts {
  return Object.fromEntries(FAULT_KINDS.map((kind) => [kind, all.reduce((sum, c) => sum + c[kind], 0)])) as Counts;
}
