// SPDX-License-Identifier: Apache-2.0
// kubectl, gcloud and pulumi as their users call them: real programs, real exit codes. Never synchronous: the emulator lives in this process.
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}
export interface RunOptions {
  env?: Record<string, string | undefined>;
  cwd?: string;
  input?: string;
  timeoutMs?: number;
}

/** Runs a program to its end. A code other than 0 is the caller's to judge. */
export function run(program: string, args: readonly string[], o: RunOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...o.env }, cwd: o.cwd, stdio: ["pipe", "pipe", "pipe"] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (d: Buffer) => out.push(d));
    child.stderr.on("data", (d: Buffer) => err.push(d));
    const timer = setTimeout(() => child.kill("SIGKILL"), o.timeoutMs ?? 120_000);
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 1, stdout: Buffer.concat(out).toString("utf8"), stderr: Buffer.concat(err).toString("utf8") });
    });
    child.stdin.end(o.input ?? "");
  });
}

/** The same, and a code other than 0 is an error that shows what the program said. */
export async function runOk(program: string, args: readonly string[], o: RunOptions = {}): Promise<string> {
  const ran = await run(program, args, o);
  if (ran.code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${ran.code}:\n${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}

/** Repeats `look` until it answers without throwing. @throws the last error after `ms` */
export async function eventually<T>(look: () => Promise<T> | T, ms = 20_000, everyMs = 150): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(everyMs);
    }
  }
}

/** Repeats `look` for `ms` and fails at once when it throws: for things that must not happen. */
export async function throughout(look: () => Promise<void> | void, ms: number, everyMs = 200): Promise<void> {
  const deadline = Date.now() + ms;
  while (Date.now() < deadline) {
    await look();
    await sleep(everyMs);
  }
}
