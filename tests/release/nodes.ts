// SPDX-License-Identifier: Apache-2.0
// Other versions of Node.js than the one that runs the tests: the binaries that npm itself carries, kept in the cache folder.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import * as path from "node:path";
import { run } from "../support/clients";

const NPM_MS = 180_000;

/** Path of a Node.js of this major version, or why there is none. */
export async function nodeOf(major: number): Promise<{ executable: string } | { why: string }> {
  if (process.versions.node.startsWith(`${major}.`)) return { executable: process.execPath };
  const name = `node-${process.platform}-${process.arch}`;
  const base = path.join(process.env["XDG_CACHE_HOME"] || path.join(homedir(), ".cache"), "gke-persistent-ip", "node");
  const folder = path.join(base, String(major));
  const executable = path.join(folder, "bin", "node");
  if (existsSync(executable)) return { executable };
  mkdirSync(base, { recursive: true });
  // Beside its place, so that it can be renamed into it.
  const tmp = mkdtempSync(path.join(base, ".new-"));
  try {
    const fetched = await run("npm", ["pack", "--silent", `${name}@${major}`], { cwd: tmp, timeoutMs: NPM_MS });
    if (fetched.code !== 0) return { why: `npm has no ${name}@${major} here` };
    const archive = fetched.stdout.trim().split("\n").at(-1)!;
    const unpacked = await run("tar", ["xzf", archive, "package/bin/node"], { cwd: tmp });
    if (unpacked.code !== 0) return { why: `${archive} cannot be unpacked: ${unpacked.stderr.trim()}` };
    rmSync(folder, { recursive: true, force: true });
    renameSync(path.join(tmp, "package"), folder);
    return { executable };
  } catch (error) {
    return { why: String(error) };
  } finally {
    rmSync(tmp, { recursive: true, force: true });
  }
}
