// SPDX-License-Identifier: Apache-2.0
// Many seeds: cut into shares for child processes, each of which prints one line of JSON for what it saw.
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Violation } from "./checks/tally";
import { runSeed } from "./run";

export interface Range {
  from: number;
  /** Every `step`-th seed. */
  step: number;
  to: number;
  budgetMs: number;
  /** Ends at the first violation. */
  first?: boolean;
}
export interface Part {
  seeds: number;
  violations: (Violation & { seed: number })[];
  counts: Record<string, number>;
  exercised: Record<string, number>;
  virtualMs: number;
  steps: number;
  /** Processor time of the seeds, milliseconds. */
  cpuMs: number;
  convergedMs: number[];
}

/** Runs a share of seeds. */
export async function partOf(range: Range): Promise<Part> {
  // Errors are plenty in a simulated world, and nobody reads their stacks.
  Error.stackTraceLimit = 0;
  const part: Part = { seeds: 0, violations: [], counts: {}, exercised: {}, virtualMs: 0, steps: 0, cpuMs: 0, convergedMs: [] };
  const began = performance.now();
  const cpu = process.cpuUsage();
  for (let seed = range.from; seed < range.to && performance.now() - began < range.budgetMs; seed += range.step) {
    const o = await runSeed(seed);
    part.seeds += 1;
    part.virtualMs += o.ms;
    part.steps += o.steps;
    part.violations.push(...o.violations.map((v) => ({ ...v, seed })));
    if (o.convergedAfter !== undefined) part.convergedMs.push(o.convergedAfter);
    for (const [k, n] of o.tally.counts) part.counts[k] = (part.counts[k] ?? 0) + n;
    for (const [k, n] of o.tally.exercised) part.exercised[k] = (part.exercised[k] ?? 0) + n;
    if (range.first && part.violations.length > 0) break;
  }
  const used = process.cpuUsage(cpu);
  part.cpuMs = (used.user + used.system) / 1000;
  return part;
}

/** The child's half: one line of JSON. Answers the exit code. */
export async function runRange(range: Range): Promise<number> {
  const part = await partOf(range);
  await new Promise((resolve) => process.stdout.write(`${JSON.stringify(part)}\n`, resolve));
  return 0;
}

/** Runs shares in `jobs` child processes of `file`, which find their range in an environment variable. @throws Error where one breaks */
export async function inChildren(o: {
  file: string;
  variable: string;
  seeds: number;
  from: number;
  jobs: number;
  budgetMs: number;
  env?: Record<string, string>;
}): Promise<Part[]> {
  const shares = Array.from({ length: o.jobs }, (_, i): Range => ({
    from: o.from + i,
    step: o.jobs,
    to: o.from + o.seeds,
    budgetMs: Number.isFinite(o.budgetMs) ? o.budgetMs : 1e12,
  }));
  return Promise.all(shares.map((range) => child(o.file, { ...o.env, [o.variable]: JSON.stringify(range) })));
}
/** One child; its one line of JSON. */
export async function child<T = Part>(file: string, env: Record<string, string>): Promise<T> {
  // Worlds are short-lived: with room for young objects the collector has little to do.
  const run = spawn(process.execPath, ["--max-semi-space-size=64", require.resolve("ts-node/dist/bin"), "-T", file], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  run.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(run, "close")) as [number | null];
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${text.slice(-500)}`);
  return JSON.parse(text) as T;
}
