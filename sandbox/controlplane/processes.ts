// SPDX-License-Identifier: Apache-2.0
// Child processes that never outlive us. Each runs in a process group of its own (a Ctrl-C of the terminal reaches us alone, and
// we stop them in order). A small shell holds the reading end of a pipe whose writing end only we have: whatever way we end,
// SIGKILL included, it reads end-of-file and kills every group that is still on its list.
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

export interface ProcessSpec {
  name: string;
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** stdout and stderr are appended here. */
  logFile: string;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** One running child. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when it has ended, whatever the reason. */
  readonly exited: Promise<Exit>;
  /** How it ended, or undefined while it runs. */
  exit(): Exit | undefined;
  /** Sends a signal to its whole group; harmless when it has ended. */
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, again after `againMs` if given, SIGKILL after `graceMs` (default 3000). Resolves when it is gone. */
  stop(options?: { graceMs?: number; againMs?: number }): Promise<Exit>;
}

/** A child could not be started or ended too early; the message carries the tail of its log. */
export class ProcessError extends Error {
  readonly code = "ProcessFailed";
  readonly retry = false;
}

const WATCHDOG = `trap '' INT TERM HUP
groups=
while read -r op pid; do
  case $op in
    +) groups="$groups $pid" ;;
    -) rest=; for p in $groups; do [ "$p" = "$pid" ] || rest="$rest $p"; done; groups=$rest ;;
  esac
done
for p in $groups; do kill -s KILL -- "-$p" 2>/dev/null; done`;

let watchdog: ChildProcess | undefined;
const running = new Set<number>();

/** Starts a program. @throws ProcessError when it cannot be started at all */
export async function startProcess(spec: ProcessSpec): Promise<Child> {
  const log = openSync(spec.logFile, "a");
  const child = spawn(spec.command, spec.args, {
    cwd: spec.cwd,
    env: spec.env ?? process.env,
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  await new Promise<void>((done, fail) => {
    child.once("spawn", done);
    child.once("error", (cause) =>
      fail(new ProcessError(`${spec.name}: cannot start ${spec.command}: ${cause.message}`, { cause })),
    );
  });
  return new GroupLeader(spec, child);
}

/** Last lines of a log file, for error messages. */
export function logTail(file: string, lines = 15): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  } catch {
    return "(no log)";
  }
}

class GroupLeader implements Child {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  readonly exited: Promise<Exit>;
  private ended: Exit | undefined;

  constructor(
    spec: ProcessSpec,
    private readonly child: ChildProcess,
  ) {
    this.name = spec.name;
    this.logFile = spec.logFile;
    this.pid = child.pid ?? 0;
    guard("+", this.pid);
    this.exited = new Promise((done) => {
      child.once("exit", (code, signal) => {
        this.ended = { code, signal };
        // What the leader left behind in its group goes with it; only then may its number be forgotten.
        signalGroup(this.pid, "SIGKILL");
        guard("-", this.pid);
        done(this.ended);
      });
    });
  }

  exit(): Exit | undefined {
    return this.ended;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.ended === undefined) signalGroup(this.pid, signal);
  }

  async stop(options: { graceMs?: number; againMs?: number } = {}): Promise<Exit> {
    if (this.ended) return this.ended;
    const timers: NodeJS.Timeout[] = [];
    const later = (ms: number, signal: NodeJS.Signals): void => void timers.push(setTimeout(() => this.signal(signal), ms));
    this.signal("SIGCONT"); // a stopped process would only take the SIGTERM once it goes on
    this.signal("SIGTERM");
    if (options.againMs !== undefined) later(options.againMs, "SIGTERM");
    later(options.graceMs ?? 3000, "SIGKILL");
    const exit = await this.exited;
    timers.forEach(clearTimeout);
    return exit;
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // gone already
  }
}

function guard(op: "+" | "-", pid: number): void {
  if (watchdog === undefined) startWatchdog();
  if (op === "+") running.add(pid);
  else running.delete(pid);
  watchdog?.stdin?.write(`${op} ${pid}\n`);
}

function startWatchdog(): void {
  watchdog = spawn("/bin/sh", ["-c", WATCHDOG], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  watchdog.stdin?.on("error", () => undefined);
  watchdog.unref();
  (watchdog.stdin as unknown as { unref?: () => void })?.unref?.();
  process.once("exit", () => running.forEach((pid) => signalGroup(pid, "SIGKILL")));
}
