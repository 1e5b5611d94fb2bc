// SPDX-License-Identifier: Apache-2.0
// Programs in namespaces. Every namespace has a prefix of this run, and is removed at the end; so is every process that was started.
import { execFileSync, spawn, type ChildProcess, type ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { once } from "node:events";

export const PREFIX = `pip${process.pid.toString(36)}`;
const children = new Set<ChildProcess>();

/** Runs to the end. @throws Error with what the program said */
export function sh(...command: string[]): string {
  const [program = "", ...args] = command;
  try {
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 28 });
  } catch (error) {
    throw new Error(`${command.join(" ")}: ${(error as { stderr?: string }).stderr ?? String(error)}`);
  }
}
export const quietly = (...command: string[]): boolean => {
  try {
    sh(...command);
    return true;
  } catch {
    return false;
  }
};
const full = (ns: string): string => `${PREFIX}-${ns}`;
export const netns = (ns: string): string => full(ns);
/** `ip` in a namespace, words separated by blanks. */
export const ip = (ns: string, words: string): string => sh("ip", "-n", full(ns), ...words.split(" "));
export const tryIp = (ns: string, words: string): boolean => quietly("ip", "-n", full(ns), ...words.split(" "));
/** Any program in a namespace. */
export const inside = (ns: string, ...command: string[]): string => sh("ip", "netns", "exec", full(ns), ...command);
/** Many lines of ip at once. */
export function batch(ns: string, lines: readonly string[]): void {
  execFileSync("ip", ["-n", full(ns), "-batch", "-"], { input: `${lines.join("\n")}\n`, stdio: ["pipe", "ignore", "pipe"] });
}
export function nft(ns: string, script: string): void {
  execFileSync("ip", ["netns", "exec", full(ns), "nft", "-f", "-"], { input: script, stdio: ["pipe", "ignore", "pipe"] });
}
export const sysctl = (ns: string, ...settings: string[]): void => void inside(ns, "sysctl", "-qw", ...settings);

export interface Running {
  child: ChildProcess;
  /** All that it has printed so far. */
  text(): string;
  kill(signal?: NodeJS.Signals): Promise<void>;
}
export function start(ns: string, command: readonly string[]): Running {
  // nsenter becomes the program itself; `ip netns exec` would hide the namespaces below /run.
  return track(spawn("nsenter", [`--net=/run/netns/${full(ns)}`, ...command], { stdio: ["ignore", "pipe", "pipe"] }));
}
/** A process that ends with its test at the latest. */
export function track(child: ChildProcessByStdio<Writable | null, Readable, Readable>): Running {
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (d: string) => (text += d));
  child.stderr.setEncoding("utf8").on("data", (d: string) => (text += d));
  children.add(child);
  const gone = once(child, "close").then(() => children.delete(child));
  return {
    child,
    text: () => text,
    async kill(signal = "SIGTERM") {
      child.kill(signal);
      await gone;
    },
  };
}
export async function output(ns: string, command: readonly string[]): Promise<string> {
  const running = start(ns, command);
  await once(running.child, "close");
  return running.text();
}

/** Looks again and again until it is so. @throws Error after `ms` */
export async function until(what: string, is: () => boolean, ms = 15_000): Promise<void> {
  const started = Date.now();
  while (!is()) {
    if (Date.now() - started > ms) throw new Error(`not so after ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** More to do at the end, before processes are killed. */
const last: (() => unknown)[] = [];
export const atEnd = (act: () => unknown): void => void last.push(act);

/** Kills what this run has started and removes its namespaces. */
export async function down(): Promise<void> {
  for (const act of last.splice(0)) act();
  const alive = [...children];
  for (const child of alive) child.kill("SIGKILL");
  await Promise.all(alive.filter((c) => c.exitCode === null && c.signalCode === null).map((c) => once(c, "close")));
  children.clear();
  const names = sh("ip", "netns", "list")
    .split("\n")
    .map((l) => l.split(" ")[0] ?? "");
  for (const name of names.filter((n) => n.startsWith(`${PREFIX}-`))) sh("ip", "netns", "del", name);
}
