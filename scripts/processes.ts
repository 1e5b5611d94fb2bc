// SPDX-License-Identifier: Apache-2.0
// Leaves nothing running behind a suite: its process group is ended, and every process that still carries the run's mark in its environment.
import * as fs from "node:fs";

/** Environment variable that marks every process of one run. */
export const MARK = "GKEPIP_TEST_RUN";

/** Ends a process group; one that is gone already is fine. */
export function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // gone already
  }
}

/** Processes that carry the mark, without this one. Only Linux can tell; elsewhere none. */
export function marked(mark: string): number[] {
  if (!fs.existsSync("/proc/self/environ")) return [];
  const pids = fs
    .readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid > 1 && pid !== process.pid);
  return pids.filter((pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`${MARK}=${mark}`);
    } catch {
      return false; // ended meanwhile, or not ours to read
    }
  });
}

/** Ends what carries the mark, after a moment in which it may go by itself. Answers how many had to be ended. */
export async function endMarked(mark: string, graceMs = 3_000): Promise<number> {
  const until = Date.now() + graceMs;
  while (Date.now() < until && marked(mark).length > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  const left = marked(mark);
  for (const pid of left)
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // gone already
    }
  return left.length;
}
