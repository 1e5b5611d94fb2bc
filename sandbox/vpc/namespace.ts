// SPDX-License-Identifier: Apache-2.0
// A network namespace that exists as long as one process of ours does. It has no name in the file system, so whatever way the sandbox
// ends, SIGKILL included, nothing of it stays behind.
import { spawn } from "node:child_process";
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ProcessError, startProcess, type Child } from "../controlplane";

/** A command in a namespace ended badly; the message carries what it said. */
export class NetworkError extends Error {
  readonly code = "NetworkCommandFailed";
  readonly retry = false;
}

const START_MS = 5_000;

export class Namespace {
  private constructor(
    readonly name: string,
    private readonly holder: Child,
  ) {}

  /** Makes an empty namespace with its loopback up. @throws ProcessError without the rights for it */
  static async start(name: string, logs: string): Promise<Namespace> {
    const logFile = join(logs, `namespace-${name}.log`);
    const holder = await startProcess({
      name: `namespace ${name}`,
      command: "unshare",
      args: ["--net", "sleep", "infinity"],
      logFile,
    });
    const namespace = new Namespace(name, holder);
    await namespace.untilApart();
    await namespace.ip(["link set lo up"]);
    return namespace;
  }

  /** Process that holds it: `ip link … netns PID` takes this number. */
  get pid(): number {
    return this.holder.pid;
  }

  /** Path for `nsenter --net=`. */
  get path(): string {
    return `/proc/${this.holder.pid}/ns/net`;
  }

  /** Command line that runs a program in here. */
  inside(command: string, args: readonly string[]): { command: string; args: string[] } {
    return { command: "nsenter", args: [`--net=${this.path}`, command, ...args] };
  }

  /** Runs a program in here and answers its output. @throws NetworkError unless it ends with 0 */
  run(command: string, args: readonly string[], input?: string): Promise<string> {
    const line = this.inside(command, args);
    return runCommand(line.command, line.args, input);
  }

  /** Lines of `ip -batch`, the first error ends it. @throws NetworkError */
  async ip(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.run("ip", ["-batch", "-"], `${lines.join("\n")}\n`);
  }

  /** Values below /proc/sys, by their path there. */
  async sysctl(values: Readonly<Record<string, string | number>>): Promise<void> {
    const lines = Object.entries(values).map(([key, value]) => `echo ${value} >/proc/sys/${key}`);
    await this.run("sh", ["-ec", lines.join("\n")]);
  }

  async stop(): Promise<void> {
    this.holder.signal("SIGKILL");
    await this.holder.exited;
  }

  /** `unshare` is a program too: for a moment it is still where it was started. */
  private async untilApart(): Promise<void> {
    const own = readlinkSync("/proc/self/ns/net");
    const deadline = performance.now() + START_MS;
    while (performance.now() < deadline && !this.holder.exit()) {
      if (readlinkSync(this.path) !== own) return;
      await sleep(2);
    }
    throw new ProcessError(`namespace ${this.name}: unshare --net failed; this needs root or a user namespace`);
  }
}

/** A veth pair between two namespaces, both ends up. */
export async function wire(a: Namespace, aName: string, b: Namespace, bName: string): Promise<void> {
  await a.ip([`link add name ${aName} type veth peer name ${bName} netns ${b.pid}`, `link set ${aName} up`]);
  await b.ip([`link set ${bName} up`]);
}

/** Runs a program with its standard input, answers its standard output. @throws NetworkError unless it ends with 0 */
export async function runCommand(command: string, args: readonly string[], input = ""): Promise<string> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  child.stdin.on("error", () => undefined); // it may end without reading
  child.stdin.end(input);
  const end = await new Promise<string>((done, fail) =>
    child.once("error", fail).once("close", (code, signal) => done(signal ?? String(code))),
  ).catch((cause: Error) => {
    throw new NetworkError(`${command}: ${cause.message}`, { cause });
  });
  if (end !== "0")
    throw new NetworkError(`${command} ${args.join(" ")} ended with ${end}: ${(err || out).trim()}\n${input.trim()}`);
  return out;
}
