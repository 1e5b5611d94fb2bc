// SPDX-License-Identifier: Apache-2.0
// The cgroup of one node, below every controller of this machine (cgroup v1) or in the one tree (v2; not tried where this was written).
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ROOT = "/sys/fs/cgroup";
const V1 = ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd"];
const REMOVE_MS = 5_000;

function trees(): string[] {
  if (existsSync(join(ROOT, "cgroup.controllers"))) return [ROOT];
  return V1.map((name) => join(ROOT, name)).filter((folder) => existsSync(folder));
}

/** Makes the cgroup. */
export function makeCgroup(name: string): void {
  if (trees()[0] === ROOT) {
    const have = readFileSync(join(ROOT, "cgroup.controllers"), "utf8").trim().split(" ").filter(Boolean);
    for (const one of have) tryWrite(join(ROOT, "cgroup.subtree_control"), `+${one}`);
  }
  for (const tree of trees()) mkdirSync(join(tree, name), { recursive: true });
  // A fresh cpuset of cgroup v1 allows nothing.
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    const from = join(ROOT, "cpuset", file);
    if (existsSync(from)) writeFileSync(join(ROOT, "cpuset", name, file), readFileSync(from));
  }
}

/** Takes it away with everything below, once its processes are gone. @returns whether nothing is left */
export async function removeCgroup(name: string): Promise<boolean> {
  const deadline = performance.now() + REMOVE_MS;
  for (;;) {
    const left = trees()
      .map((tree) => join(tree, name))
      .filter((folder) => existsSync(folder) && !removeTree(folder));
    if (left.length === 0) return true;
    if (performance.now() > deadline) return false;
    await sleep(50);
  }
}

/** Names of cgroups that start like ours. */
export function cgroupsLike(prefix: string): string[] {
  const names = trees().flatMap((tree) => readdirSync(tree).filter((name) => name.startsWith(prefix)));
  return [...new Set(names)];
}

function removeTree(folder: string): boolean {
  for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) removeTree(join(folder, entry.name));
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false; // busy for a moment longer
  }
}

function tryWrite(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch {
    // not every controller can be handed down, and none has to be
  }
}
