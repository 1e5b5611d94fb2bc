// SPDX-License-Identifier: Apache-2.0
// A Python with Pulumi's SDK and the generated one: a virtual environment in the cache folder, made once, named by what is in it.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import * as path from "node:path";
import { ROOT } from "../../sandbox/demo";
import { withLock } from "../../sandbox/tools/lock";
import { run } from "../support/clients";
import { contentOf } from "../../scripts/sdk";

const REQUIREMENTS = path.join(__dirname, "requirements.txt");
const SDK = path.join(ROOT, "sdk", "python");
const PIP_MS = 180_000;
const READY = ".ready";

export type Python = { executable: string } | { why: string };
let made: Promise<Python> | undefined;

/** The interpreter, or why there is none. */
export const pythonWithPulumi = (): Promise<Python> => (made ??= prepare());

async function prepare(): Promise<Python> {
  const version = await run("python3", ["-c", "import sys, venv, ensurepip; print(sys.version)"]).catch(() => undefined);
  if (version?.code !== 0) return { why: "python3 with venv is not installed" };
  const hash = createHash("sha256").update(version.stdout).update(readFileSync(REQUIREMENTS));
  for (const [file, text] of contentOf(SDK)) hash.update(file).update(text);
  const cache = path.join(process.env["XDG_CACHE_HOME"] || path.join(homedir(), ".cache"), "gke-persistent-ip", "python");
  const folder = path.join(cache, hash.digest("hex").slice(0, 16));
  const executable = path.join(folder, "bin", "python");
  return withLock(path.join(cache, ".lock"), async () => {
    if (existsSync(path.join(folder, READY))) return { executable };
    rmSync(folder, { recursive: true, force: true });
    const why = await install(folder, executable);
    return why === undefined ? { executable } : { why };
  });
}

/** @returns why it cannot be had, or nothing */
async function install(folder: string, executable: string): Promise<string | undefined> {
  // Built from a copy: setuptools leaves its own files beside the sources.
  const copy = mkdtempSync(path.join(tmpdir(), "sdk-python-"));
  cpSync(SDK, copy, { recursive: true });
  try {
    const steps: [string, string[]][] = [
      ["python3", ["-m", "venv", folder]],
      [executable, ["-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS]],
      [executable, ["-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", copy]],
    ];
    for (const [program, args] of steps) {
      const ran = await run(program, args, { timeoutMs: PIP_MS });
      if (ran.code !== 0)
        return `${program} ${args.join(" ")} ended with ${ran.code}: ${ran.stderr.trim().split("\n").at(-1) ?? ""}`;
    }
    writeFileSync(path.join(folder, READY), "");
    return undefined;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
