// SPDX-License-Identifier: Apache-2.0
// `npm run sim -- --seeds N [--from K] [--jobs J] [--budget-ms M] [--report FILE]` runs many worlds; `--seed N [--trace] [--plan 1,2,3]` runs one
// again, exactly, and cuts the plan of a failing one down to what is needed.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { printSeed } from "./replay";
import { summaryOf, type Summary } from "./report";
import { inChildren, runRange } from "./range";

const WORKER = "SIMULATOR_RANGE";

interface Wish {
  seeds: number;
  from: number;
  jobs: number;
  budgetMs: number;
  report?: string;
}

async function many(o: Wish): Promise<number> {
  const started = performance.now();
  const parts = await inChildren({ file: __filename, variable: WORKER, ...o });
  const summary = summaryOf(parts, { ...o, seconds: (performance.now() - started) / 1000 });
  if (o.report) writeFileSync(o.report, `${JSON.stringify(summary, null, 2)}\n`);
  tell(summary);
  return summary.violations.length > 0 ? 1 : 0;
}
function tell(s: Summary): void {
  for (const v of s.violations.slice(0, 10))
    console.log(
      `seed ${v.seed}: ${v.invariant} after ${(v.at / 1000).toFixed(1)} s: ${v.message}\n  again: npm run sim -- --seed ${v.seed} --trace`,
    );
  console.log(
    `${s.seeds} seeds, ${s.violations.length} violations, ${s.seconds} s (${s.cpuMsPerSeed} ms of processor a seed), ${s.machine.cpus} cores`,
  );
  console.log(
    Object.entries(s.counts)
      .map(([k, n]) => `${k} ${n}`)
      .join(", "),
  );
  for (const [id, { exercised, says }] of Object.entries(s.invariants))
    console.log(`${id.padEnd(14)} ${String(exercised).padStart(9)} times  ${says}`);
}

async function main(): Promise<number> {
  const range = process.env[WORKER];
  if (range !== undefined) return runRange(JSON.parse(range) as Parameters<typeof runRange>[0]);
  const text = { type: "string" } as const;
  const { values: v } = parseArgs({
    options: {
      seeds: text,
      from: text,
      jobs: text,
      report: text,
      seed: text,
      plan: text,
      "budget-ms": text,
      trace: { type: "boolean" },
    },
  });
  if (v.seed !== undefined) return printSeed(Number(v.seed), { trace: v.trace === true, plan: v.plan?.split(",").map(Number) });
  const wish = {
    seeds: Number(v.seeds ?? 1000),
    from: Number(v.from ?? 1),
    jobs: Number(v.jobs ?? 2),
    budgetMs: Number(v["budget-ms"] ?? Infinity),
  };
  return many({ ...wish, ...(v.report ? { report: v.report } : {}) });
}
main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
