// SPDX-License-Identifier: Apache-2.0
// A lock file that names its holder's process, so that of two sandboxes starting together one builds and the other waits; a lock
// whose holder is gone is taken over.
import { mkdir, open, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface LockOptions {
  pollMs?: number;
  /** Called each time the lock is seen held by someone alive. */
  onWait?: (pid: number) => void;
}

/** Runs `work` while holding `path`. Waits without limit for a living holder. */
export async function withLock<T>(path: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  while (!(await tryTake(path))) {
    const holder = await holderOf(path);
    if (holder === undefined) continue;
    if (!alive(holder)) {
      await rm(path, { force: true });
      continue;
    }
    options.onWait?.(holder);
    await sleep(options.pollMs ?? 500);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryTake(path: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.write(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Process id in the lock; undefined when the file went away. A holder that has not written yet counts as us: alive. */
async function holderOf(path: string): Promise<number | undefined> {
  try {
    return Number(await readFile(path, "utf8")) || process.pid;
  } catch {
    return undefined;
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
