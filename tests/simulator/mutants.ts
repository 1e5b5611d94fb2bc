// SPDX-License-Identifier: Apache-2.0
// `npm run sim:mutants [-- --only TEXT] [--seeds N]`: every mutant must be caught within a bounded number of seeds. Two child processes share them.
import { parseArgs } from "node:util";
import { loadMutated } from "./mutation/hook";
import { MUTANTS } from "./mutation/list";
import { child } from "./range";
import type * as run from "./run";

const SHARE = "SIMULATOR_MUTANTS";
const JOBS = 2;
const MOST_SEEDS = 150;

interface Share {
  names: string[];
  seeds: number;
}
interface Caught {
  name: string;
  /** Undefined: it survived. */
  seed?: number;
  invariant?: string;
  message?: string;
  seeds: number;
  seconds: number;
}

async function hunt(name: string, seeds: number): Promise<Caught> {
  const began = performance.now();
  const mutant = MUTANTS.find((m) => m.name === name)!;
  const { runSeed } = loadMutated<typeof run>(require.resolve("./run"), mutant);
  const seconds = (): number => Math.round((performance.now() - began) / 100) / 10;
  for (let seed = 1; seed <= seeds; seed++) {
    const [violation] = await runSeed(seed, mutant.focus ? { focus: mutant.focus } : {}).then(
      (o) => o.violations,
      // A mutant may also break the simulator's own patience: a loop without end.
      (error: unknown) => [{ invariant: "0-error", message: String(error), at: 0 }],
    );
    if (violation)
      return { name, seed, invariant: violation.invariant, message: violation.message, seeds: seed, seconds: seconds() };
  }
  return { name, seeds, seconds: seconds() };
}
function lineOf({ name, seed, invariant, seeds, seconds }: Caught): string {
  const end = seed === undefined ? `${seeds} seeds` : `seed ${String(seed).padStart(4)}  ${invariant ?? ""}`;
  return `${seed === undefined ? "SURVIVED" : "caught  "}  ${name.padEnd(48)} ${end}  (${seconds} s)`;
}
async function share({ names, seeds }: Share): Promise<number> {
  Error.stackTraceLimit = 0;
  const found: Caught[] = [];
  for (const name of names) {
    const caught = await hunt(name, seeds);
    found.push(caught);
    // As they come, for whoever watches; the table is printed at the end.
    console.error(lineOf(caught));
  }
  await new Promise((resolve) => process.stdout.write(JSON.stringify(found), resolve));
  return 0;
}

async function main(): Promise<number> {
  const mine = process.env[SHARE];
  if (mine !== undefined) return share(JSON.parse(mine) as Share);
  const { values } = parseArgs({ options: { only: { type: "string" }, seeds: { type: "string" } } });
  const names = MUTANTS.map((m) => m.name).filter((n) => n.includes(values.only ?? ""));
  const seeds = Number(values.seeds ?? MOST_SEEDS);
  const began = performance.now();
  const shares = Array.from({ length: JOBS }, (_, i): Share => ({ names: names.filter((_n, at) => at % JOBS === i), seeds }));
  const found = (await Promise.all(shares.map((s) => child<Caught[]>(__filename, { [SHARE]: JSON.stringify(s) })))).flat();
  console.log(names.flatMap((n) => found.filter((f) => f.name === n).map(lineOf)).join("\n"));
  const survivors = found.filter((f) => f.seed === undefined);
  console.log(
    `${found.length - survivors.length} of ${found.length} mutants caught in ${Math.round((performance.now() - began) / 1000)} s`,
  );
  return survivors.length > 0 ? 1 : 0;
}
main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
