// SPDX-License-Identifier: Apache-2.0
// What many seeds have shown, as one JSON object.
import os from "node:os";
import { INVARIANTS, type Invariant } from "./checks/tally";
import type { Part } from "./range";

export interface Summary {
  seeds: number;
  from: number;
  violations: Part["violations"];
  seconds: number;
  cpuMsPerSeed: number;
  virtualHours: number;
  steps: number;
  /** Virtual seconds from the last fault to a right state. */
  convergence: { median: number; p99: number; longest: number };
  counts: Record<string, number>;
  events: Record<string, number>;
  told: Record<string, number>;
  moves: Record<string, number>;
  invariants: Record<string, { says: string; exercised: number }>;
  machine: { cpus: number; model: string; node: string; memoryGiB: number };
}

/** Events that cut a controller off from the API server, its watches or the cloud. */
const PARTITIONS = ["cutApi", "cutWatch", "cutCloud", "starveWatches", "gap"].map((kind) => `event:${kind}`);

export function summaryOf(parts: readonly Part[], o: { from: number; seconds: number }): Summary {
  const counts = added(parts.map((p) => p.counts));
  counts.partitions = PARTITIONS.reduce((n, kind) => n + (counts[kind] ?? 0), 0);
  const exercised = added(parts.map((p) => p.exercised));
  const group = (start: string): Record<string, number> =>
    Object.fromEntries(Object.entries(counts).flatMap(([k, n]) => (k.startsWith(start) ? [[k.slice(start.length), n]] : [])));
  const sum = (of: (p: Part) => number): number => parts.reduce((n, p) => n + of(p), 0);
  const times = parts.flatMap((p) => p.convergedMs).sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0) / 1000);
  const seeds = sum((p) => p.seeds);
  const cpus = os.cpus();
  return {
    seeds,
    from: o.from,
    violations: parts.flatMap((p) => p.violations).sort((a, b) => a.seed - b.seed),
    seconds: Math.round(o.seconds * 10) / 10,
    cpuMsPerSeed: Math.round((sum((p) => p.cpuMs) / Math.max(1, seeds)) * 10) / 10,
    virtualHours: Math.round(sum((p) => p.virtualMs) / 3_600_000),
    steps: sum((p) => p.steps),
    convergence: { median: at(0.5), p99: at(0.99), longest: at(1) },
    counts: Object.fromEntries(
      Object.entries(counts)
        .filter(([k]) => !k.includes(":"))
        .sort(),
    ),
    events: group("event:"),
    told: group("told:"),
    moves: group("moves:"),
    invariants: Object.fromEntries(
      (Object.keys(INVARIANTS) as Invariant[]).map((id) => [id, { says: INVARIANTS[id], exercised: exercised[id] ?? 0 }]),
    ),
    machine: {
      cpus: cpus.length,
      model: cpus[0]?.model ?? "",
      node: process.version,
      memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    },
  };
}
function added(tables: readonly Record<string, number>[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const table of tables) for (const [k, n] of Object.entries(table)) all[k] = (all[k] ?? 0) + n;
  return Object.fromEntries(Object.entries(all).sort());
}
