// SPDX-License-Identifier: Apache-2.0
// One suite in one mocha process: ended with all it started when its time is over, its results read from what the reporter has written so far.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { endGroup, endMarked, MARK } from "./processes";
import { countLine, readCounts, type Run, type Suite } from "./suites";

const ROOT = path.resolve(__dirname, "..");
export const MARGIN_MS = 5_000;
/** Marks of the suites that run now, with the process group of each. */
const running = new Map<string, number | undefined>();

export interface How {
  args: readonly string[];
  limitMs: number;
  /** What the suite prints is shown when it ends, so that suites side by side stay readable. */
  heldBack: boolean;
}
interface Ended {
  exitCode: number | undefined;
  timedOut: boolean;
}
interface Place {
  mark: string;
  folder: string;
}

const countsOf = ({ folder }: Place): string => path.join(folder, "counts.ndjson");

function mocha(suite: Suite, how: How, place: Place): Promise<Ended> {
  const mochaArgs = ["--reporter", path.join(ROOT, "scripts/reporter.ts"), ...how.args, ...suite.files];
  const output = how.heldBack ? fs.openSync(path.join(place.folder, "output"), "a") : "inherit";
  const child = spawn(process.execPath, [require.resolve("mocha/bin/mocha.js"), ...mochaArgs], {
    cwd: ROOT,
    detached: true, // a process group of its own, so that all of it can be ended
    stdio: ["ignore", output, output],
    env: { ...process.env, TEST_COUNTS_FILE: countsOf(place), [MARK]: place.mark },
  });
  running.set(place.mark, child.pid);
  let timedOut = false;
  const timers = [
    setTimeout(() => {
      timedOut = true;
      console.log(`suite ${suite.name} is still running after ${Math.round(how.limitMs / 1000)} s: ended`);
      endGroup(child.pid, "SIGTERM");
    }, how.limitMs),
    setTimeout(() => endGroup(child.pid, "SIGKILL"), how.limitMs + MARGIN_MS),
  ];
  return new Promise((resolve) => {
    const end = (exitCode: number | undefined): void => {
      timers.forEach(clearTimeout);
      endGroup(child.pid, "SIGKILL");
      if (typeof output === "number") fs.closeSync(output);
      resolve({ exitCode, timedOut });
    };
    child.once("error", () => end(undefined)).once("exit", (code) => end(code ?? undefined));
  });
}

/** Runs a suite to its end and counts. What it leaves behind is ended and said. */
export async function runSuite(suite: Suite, how: How): Promise<Run> {
  const place = { mark: randomUUID(), folder: fs.mkdtempSync(path.join(os.tmpdir(), "test-counts-")) };
  fs.writeFileSync(countsOf(place), "");
  const started = Date.now();
  console.log(`== ${suite.name}: ${suite.files.length} files, at most ${Math.ceil(how.limitMs / 60_000)} min`);
  const { exitCode, timedOut } = await mocha(suite, how, place);
  const left = await endMarked(place.mark);
  running.delete(place.mark);
  if (how.heldBack) process.stdout.write(fs.readFileSync(path.join(place.folder, "output")));
  if (left > 0) console.log(`== ${suite.name}: ${left} processes were left behind and have been ended`);
  const read = readCounts(fs.readFileSync(countsOf(place), "utf8"), timedOut ? undefined : exitCode);
  fs.rmSync(place.folder, { recursive: true, force: true });
  console.log(`== ${suite.name}: ${countLine(read)} in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  return { suite, ...read };
}

/** Ends every suite that runs, and all that they started. */
export async function endAll(): Promise<void> {
  const all = [...running];
  all.forEach(([, pid]) => endGroup(pid, "SIGKILL"));
  await Promise.all(all.map(([mark]) => endMarked(mark, 0)));
}
