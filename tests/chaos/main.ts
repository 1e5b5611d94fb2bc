// SPDX-License-Identifier: Apache-2.0
// `npm run soak -- --faults 10000 --report FILE [--seed N]`: the controller's machinery on the real API server and the emulator behind fault
// proxies, while hundreds of objects churn. Ends with 1 where anything was lost, leaked or left unhandled.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ensureTools } from "../../sandbox/tools";
import { soak, type SoakReport } from "./soak/run";

const HELP = `npm run soak -- [--faults N] [--report FILE] [--seed N] [--drop-one]
  --faults    faults to inject, at least (default 1500)
  --report    where the report goes, as JSON
  --seed      seed of chance (default 1)
  --drop-one  lets one event vanish without a trace: the soak must find it and end with 1`;

function whole(name: string, text: string, least: number): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < least)
    throw new RangeError(`--${name} is ${text}, it must be a whole number from ${least}`);
  return n;
}

function summary(r: SoakReport): string {
  const kinds = Object.entries(r.faults.byKind).map(([kind, count]) => `${kind} ${count}`);
  const heaps = r.checkpoints.map((c) => c.heapMB);
  return [
    `${r.ok ? "ok" : "FAILED"}: ${r.faults.injected} faults in ${r.seconds} s (seed ${r.seed}), ${r.churnWrites} writes of churn`,
    `  injected: ${kinds.join(", ")}; by the server itself: 410 ${r.faults.realGone}`,
    `  ${r.checkpoints.length} checkpoints equal to a fresh list: ${r.ok ? "yes" : "see below"}; heap ${heaps.join(" -> ")} MB; unhandled ${r.unhandled}`,
    ...r.problems.slice(0, 20).map((p) => `  problem: ${p}`),
    ...(r.problems.length > 20 ? [`  and ${r.problems.length - 20} more, see the report`] : []),
  ].join("\n");
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      faults: { type: "string", default: "1500" },
      report: { type: "string" },
      seed: { type: "string", default: "1" },
      "drop-one": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const report = await soak({
    tools: await ensureTools({ need: ["kubernetes"] }),
    faults: whole("faults", values.faults, 1),
    seed: whole("seed", values.seed, 0),
    dropOne: values["drop-one"],
    say: (line) => console.log(line),
  });
  if (values.report) writeFileSync(values.report, `${JSON.stringify(report, null, 2)}\n`);
  console.log(summary(report));
  return report.ok ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  },
);
