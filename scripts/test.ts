// SPDX-License-Identifier: Apache-2.0
// Runs suites one after the other, each in its own process with its own time limit, and ends with one line that counts them all.
// `ts-node -T scripts/test.ts [fast | real | all | <suite>...] [--strict] [--within <minutes>] [-- <arguments for mocha>]`
import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Command } from "commander";
import { endGroup, endMarked, MARK } from "./processes";
import { countLine, inexcusable, readCounts, suitesOf, testFiles, total, type Need, type Run, type Suite } from "./suites";

const ROOT = path.resolve(__dirname, "..");
const MARGIN_MS = 5_000;
const mark = randomUUID();
let current: number | undefined;

const onPath = (program: string): boolean => spawnSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" }).status === 0;

/** What is here, or can be had by building it. */
function whatIsHere(): Set<Need> {
  const tools = onPath("go") || process.env.KUBEBUILDER_ASSETS !== undefined || onPath("kube-apiserver");
  const has: [Need, boolean][] = [
    ["tools", tools],
    ["gcloud", onPath("gcloud")],
    ["shared", fs.existsSync(path.join(ROOT, "../shared/data"))],
    ["root", process.getuid?.() === 0],
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

interface Ended {
  exitCode: number | undefined;
  timedOut: boolean;
}

function mocha(suite: Suite, args: readonly string[], counts: string, limitMs: number): Promise<Ended> {
  const mochaArgs = ["--reporter", path.join(ROOT, "scripts/reporter.ts"), ...args, ...suite.files];
  const child = spawn(process.execPath, [require.resolve("mocha/bin/mocha.js"), ...mochaArgs], {
    cwd: ROOT,
    detached: true, // a process group of its own, so that all of it can be ended
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, TEST_COUNTS_FILE: counts, [MARK]: mark },
  });
  current = child.pid;
  let timedOut = false;
  const timers = [
    setTimeout(() => {
      timedOut = true;
      console.log(`suite ${suite.name} is still running after ${Math.round(limitMs / 1000)} s: ended`);
      endGroup(child.pid, "SIGTERM");
    }, limitMs),
    setTimeout(() => endGroup(child.pid, "SIGKILL"), limitMs + MARGIN_MS),
  ];
  return new Promise((resolve) => {
    const end = (exitCode: number | undefined): void => {
      timers.forEach(clearTimeout);
      endGroup(child.pid, "SIGKILL");
      current = undefined;
      resolve({ exitCode, timedOut });
    };
    child.once("error", () => end(undefined)).once("exit", (code) => end(code ?? undefined));
  });
}

async function runSuite(suite: Suite, args: readonly string[], limitMs: number): Promise<Run> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "test-counts-"));
  const counts = path.join(folder, "counts.ndjson");
  fs.writeFileSync(counts, "");
  const started = Date.now();
  console.log(`== ${suite.name}: ${suite.files.length} files, at most ${Math.ceil(limitMs / 60_000)} min`);
  const { exitCode, timedOut } = await mocha(suite, args, counts, limitMs);
  const left = await endMarked(mark);
  if (left > 0) console.log(`== ${suite.name}: ${left} processes were left behind and have been ended`);
  const read = readCounts(fs.readFileSync(counts, "utf8"), timedOut ? undefined : exitCode);
  fs.rmSync(folder, { recursive: true, force: true });
  console.log(`== ${suite.name}: ${countLine(read)} in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  return { suite, ...read };
}

interface Flags {
  strict?: boolean;
  within?: string;
}

async function main(names: string[], flags: Flags, mochaArgs: readonly string[]): Promise<void> {
  const deadline = Date.now() + Number(flags.within ?? 600) * 60_000;
  const runs: Run[] = [];
  for (const suite of chosen(names)) {
    const limit = Math.max(MARGIN_MS, Math.min(suite.minutes * 60_000, deadline - Date.now()));
    runs.push(await runSuite(suite, mochaArgs, limit));
  }
  const have = whatIsHere();
  const bad = flags.strict ? runs.filter((run) => inexcusable(run, have)) : [];
  for (const run of bad)
    console.log(
      `${run.suite.name} was skipped although its parts can be had (${run.suite.needs.join(", ")}): ${run.pending.join("; ")}`,
    );
  const sum = total(runs);
  console.log(countLine(sum));
  process.exitCode = sum.failed > 0 || bad.length > 0 || sum.passed === 0 ? 1 : 0;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => {
    endGroup(current, "SIGKILL");
    void endMarked(mark, 0).then(() => process.exit(130));
  });

const dashes = process.argv.indexOf("--");
const own = dashes < 0 ? process.argv : process.argv.slice(0, dashes);
new Command("test")
  .argument("[suites...]", "fast, real, all, or names of folders below tests/")
  .option("--strict", "a skip counts as a failure where the parts of its suite can be had")
  .option("--within <minutes>", "end everything after this many minutes")
  .action((names: string[], flags: Flags) => main(names, flags, dashes < 0 ? [] : process.argv.slice(dashes + 1)))
  .parseAsync(own)
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  });
