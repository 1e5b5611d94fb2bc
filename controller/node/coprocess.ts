// SPDX-License-Identifier: Apache-2.0
// One long-lived `ip -force -batch -`: a command costs microseconds instead of a process, and dumps come back as JSON. The end of a request is
// marked by a word that ip does not know; its error line carries the number of that line, as the error of every failed line does.
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { NodeError } from "./errors";
import type { Clock, Timer } from "./ports";

export interface Failure {
  line: string;
  message: string;
}
export interface IpBatch {
  /** Runs lines in order; a line that fails ends only itself. @throws NodeError IpExited, IpTimeout: nothing is known of the lines */
  apply(lines: readonly string[]): Promise<Failure[]>;
  /** Parsed JSON of each command, `undefined` for one that failed. @throws NodeError also DumpInterrupted */
  dump(commands: readonly string[]): Promise<unknown[]>;
  /** Ends the process; the next request starts another. For when what it remembers of links is old. */
  recycle(): void;
  close(): void;
}

const END = "end-of-request";
const FAILED = /^Command failed .*:(\d+)$/;

interface Request {
  lines: readonly string[];
  /** Number of the first line in the life of the process. */
  first: number;
  wantsOutput: boolean;
  failures: Failure[];
  output: string[];
  /** stderr since the last "Command failed". */
  notes: string[];
  ended: boolean;
  resolve(): void;
  reject(error: NodeError): void;
  timer: Timer;
}

export interface CoprocessOptions {
  clock: Clock;
  /** Program and leading arguments (default: `ip`). */
  command?: readonly string[];
  /** Longest that a request may take, milliseconds (default 10,000). */
  timeoutMs?: number;
}

export class IpCoprocess implements IpBatch {
  private child: ChildProcessWithoutNullStreams | undefined;
  private written = 0;
  private current: Request | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  /** How many processes there were; a figure for tests and metrics. */
  starts = 0;

  constructor(private readonly o: CoprocessOptions) {}

  async apply(lines: readonly string[]): Promise<Failure[]> {
    if (lines.length === 0) return [];
    return (await this.request(lines, false)).failures;
  }
  async dump(commands: readonly string[]): Promise<unknown[]> {
    const { failures, output, notes } = await this.request(commands, true);
    // What is said of one command stands in front of the error of a later one.
    const torn = [...notes, ...failures.map((f) => f.message)].filter((n) => n.includes("interrupted"));
    if (torn.length > 0) throw new NodeError("DumpInterrupted", torn.join("; "));
    const failed = new Set(failures.map((f) => f.line));
    let next = 0;
    return commands.map((c) => (failed.has(c) ? undefined : (JSON.parse(output[next++] ?? "null") as unknown)));
  }
  recycle(): void {
    const { child } = this;
    this.child = undefined;
    child?.stdin.end();
  }
  close(): void {
    this.recycle();
  }

  /** One at a time: answers carry no name of the question but its line number. */
  private request(lines: readonly string[], wantsOutput: boolean): Promise<Request> {
    const mine = this.queue.then(() => this.send(lines, wantsOutput));
    this.queue = mine.catch(() => undefined);
    return mine;
  }
  private send(lines: readonly string[], wantsOutput: boolean): Promise<Request> {
    const child = (this.child ??= this.start());
    const timeoutMs = this.o.timeoutMs ?? 10_000;
    return new Promise<Request>((resolve, reject) => {
      const done = (): void => {
        request.timer.cancel();
        this.current = undefined;
      };
      const request: Request = {
        lines,
        first: this.written + 1,
        wantsOutput,
        failures: [],
        output: [],
        notes: [],
        ended: false,
        resolve: () => (done(), resolve(request)),
        reject: (error) => (done(), reject(error)),
        timer: this.o.clock.setTimeout(() => {
          child.kill("SIGKILL");
          // Whatever comes next must not be written to the dying one.
          if (this.child === child) this.child = undefined;
          request.reject(new NodeError("IpTimeout", `ip did not answer ${lines.length} lines in ${timeoutMs} ms`));
        }, timeoutMs),
      };
      this.current = request;
      this.written += lines.length + 1;
      child.stdin.write([...lines, END, ""].join("\n"));
    });
  }

  private start(): ChildProcessWithoutNullStreams {
    const [program = "ip", ...before] = this.o.command ?? ["ip"];
    const child = spawn(program, [...before, "-4", "-N", "-j", "-force", "-batch", "-"], { stdio: ["pipe", "pipe", "pipe"] });
    this.starts += 1;
    this.written = 0;
    byLine(child.stdout, (line) => {
      if (child === this.child && this.current) this.printed(this.current, line);
    });
    byLine(child.stderr, (line) => {
      if (child === this.child && this.current) this.complained(this.current, line);
    });
    const gone = (why: string): void => {
      if (child !== this.child) return;
      this.child = undefined;
      this.current?.reject(new NodeError("IpExited", `ip ended in the middle of a request: ${why}`));
    };
    child.on("error", (error) => gone(error.message));
    child.on("close", (code, signal) => gone(signal ?? `exit code ${code}`));
    // A process that died tells so by `close`; a broken pipe says nothing more.
    child.stdin.on("error", () => undefined);
    return child;
  }
  private printed(request: Request, line: string): void {
    if (line !== "") request.output.push(line);
    this.finish(request);
  }
  private complained(request: Request, line: string): void {
    const number = FAILED.exec(line)?.[1];
    if (number === undefined) return void request.notes.push(line);
    const failed = request.lines[Number(number) - request.first];
    if (failed === undefined) {
      request.ended = true;
      request.notes = request.notes.filter((n) => !n.includes(END));
    } else {
      request.failures.push({ line: failed, message: request.notes.splice(0).join("; ") });
    }
    this.finish(request);
  }
  /** stdout and stderr are two pipes: the mark on one does not say that the other has been read to the same point. */
  private finish(request: Request): void {
    const wanted = request.wantsOutput ? request.lines.length - request.failures.length : 0;
    if (request.ended && request.output.length >= wanted) request.resolve();
  }
}

function byLine(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  });
}
