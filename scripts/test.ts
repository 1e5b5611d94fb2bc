// SPDX-License-Identifier: Apache-2.0
// Runs suites, each in its own process with its own time limit, and ends with one line that counts them all.
// `ts-node -T scripts/test.ts [fast | real | all | <suite>...] [--strict] [--lanes <n>] [--within <minutes>] [-- <arguments for mocha>]`
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { endAll, MARGIN_MS, runSuite } from "./run-suite";
import { countLine, failureLines, inexcusable, suitesOf, testFiles, total, type Need, type Run, type Suite } from "./suites";

const ROOT = path.resolve(__dirname, "..");

const onPath = (program: string): boolean => spawnSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" }).status === 0;

/** What is here, or can be had by building it. */
function whatIsHere(): Set<Need> {
  const tools = onPath("go") || process.env.KUBEBUILDER_ASSETS !== undefined || onPath("kube-apiserver");
  const has: [Need, boolean][] = [
    ["tools", tools],
    ["gcloud", onPath("gcloud")],
    ["shared", fs.existsSync(path.join(ROOT, "../shared/data"))],
    ["namespaces", process.platform === "linux" && process.getuid?.() === 0 && onPath("ip")],
    ["containers", onPath("containerd") && onPath("runc") && fs.existsSync("/usr/lib/cni/ptp")],
  ];
  return new Set(has.filter(([, here]) => here).map(([need]) => need));
}

function chosen(names: readonly string[]): Suite[] {
  const all = suitesOf(testFiles(ROOT));
  const wanted = names.length === 0 ? ["fast"] : names;
  const unknown = wanted.filter((n) => !["all", "real", "fast"].includes(n) && !all.some((s) => s.name === n));
  if (unknown.length > 0)
    throw new Error(`suite ${unknown.join(", ")} is not one of all, real, ${all.map((s) => s.name).join(", ")}`);
  return all.filter((s) => wanted.includes("all") || wanted.includes(s.name) || wanted.includes(s.kind));
}

interface Flags {
  strict?: boolean;
  within?: string;
  lanes: number;
}

const lanes = (text: string): number => {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1 || n > 16) throw new InvalidArgumentError("must be a whole number from 1 to 16");
  return n;
};

/** Takes the suites from one list in as many lanes as asked for. With more than one, what a suite prints is held back until it ends. */
async function inLanes(suites: readonly Suite[], count: number, run: (suite: Suite) => Promise<Run>): Promise<Run[]> {
  const waiting = [...suites];
  const runs: Run[] = [];
  const lane = async (): Promise<void> => {
    for (let suite = waiting.shift(); suite; suite = waiting.shift()) runs.push(await run(suite));
  };
  await Promise.all(Array.from({ length: count }, lane));
  return runs;
}

async function main(names: string[], flags: Flags, mochaArgs: readonly string[]): Promise<void> {
  const deadline = Date.now() + Number(flags.within ?? 600) * 60_000;
  const runs = await inLanes(chosen(names), flags.lanes, (suite) => {
    const limitMs = Math.max(MARGIN_MS, Math.min(suite.minutes * 60_000, deadline - Date.now()));
    return runSuite(suite, { args: mochaArgs, limitMs, heldBack: flags.lanes > 1 });
  });
  const have = whatIsHere();
  const bad = flags.strict ? runs.filter((run) => inexcusable(run, have)) : [];
  for (const run of bad)
    console.log(
      `${run.suite.name} was skipped although its parts can be had (${run.suite.needs.join(", ")}): ${run.pending.join("; ")}`,
    );
  for (const line of failureLines(runs)) console.log(line);
  const sum = total(runs);
  console.log(countLine(sum));
  process.exitCode = sum.failed > 0 || bad.length > 0 || sum.passed + sum.skipped === 0 ? 1 : 0;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => {
    void endAll().then(() => process.exit(130));
  });

const dashes = process.argv.indexOf("--");
const own = dashes < 0 ? process.argv : process.argv.slice(0, dashes);
new Command("test")
  .argument("[suites...]", "fast, real, all, or names of folders below tests/")
  .option("--strict", "a skip counts as a failure where the parts of its suite can be had")
  .option("--lanes <n>", "so many suites at a time", lanes, 1)
  .option("--within <minutes>", "end everything after this many minutes")
  .action((names: string[], flags: Flags) => main(names, flags, dashes < 0 ? [] : process.argv.slice(dashes + 1)))
  .parseAsync(own)
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  });
