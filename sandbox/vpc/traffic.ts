// SPDX-License-Identifier: Apache-2.0
// The sandbox's end of the client: asks for packets to be sent and hears what came back.
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { NetworkError, type Namespace } from "./namespace";
import { writeScript } from "./script";

/** What a stream lost between two marks. */
export interface Interval {
  sent: number;
  lost: number;
  /** Length of the interval, milliseconds. */
  ms: number;
  /** Milliseconds since the epoch, where something was lost. */
  firstLostAt?: number;
  lastLostAt?: number;
  longestGapMs?: number;
  /** Longest time from a packet to its answer, milliseconds. */
  slowestMs?: number;
  /** Runs of lost packets by their numbers and the times they were sent, and the Pods that answered the packets around them. */
  gaps?: Gap[];
}
export interface Gap {
  first: number;
  last: number;
  from: number;
  to: number;
  before: string;
  after: string;
}

/** An answer, or why there was none. */
export type Reply = { ok: true; text: string } | { ok: false; error: string };

export interface Traffic {
  tcp(host: string, port: number, text?: string): Promise<Reply>;
  udp(host: string, port: number, text?: string): Promise<Reply>;
  /** ICMP echo; the text is ping's own. */
  ping(host: string): Promise<Reply>;
  /** GET over TCP; the text is the body. */
  get(host: string, port: number, path: string, timeoutMs?: number): Promise<Reply>;
  /** Starts a UDP stream to several ports in turn, so that a short stall of a reader does not overflow its one socket. */
  start(host: string, ports: readonly number[], pps: number): Promise<void>;
  /** What was sent since the last mark or the start. */
  mark(): Promise<Interval>;
  stop(): Promise<void>;
  close(): Promise<void>;
}

interface Waiting {
  done: (result: unknown) => void;
  fail: (error: Error) => void;
}

/** Port of the client that tells a Pod which address it comes from, TCP and UDP. */
export const CLIENT_PORT = 9100;

/** Starts the client in a namespace. @param dir for its program */
export async function startTraffic(namespace: Namespace, dir: string): Promise<Traffic> {
  const script = writeScript(join(__dirname, "scripts/client.ts"), dir);
  const line = namespace.inside(process.execPath, [script]);
  const child = spawn(line.command, line.args, { stdio: ["pipe", "pipe", "inherit"] });
  const client = new Client(child, namespace);
  await client.ready;
  return client;
}

class Client implements Traffic {
  readonly ready: Promise<unknown>;
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;

  constructor(
    private readonly child: ChildProcess,
    private readonly namespace: Namespace,
  ) {
    this.ready = new Promise((done, fail) => this.waiting.set(0, { done, fail }));
    createInterface({ input: child.stdout! }).on("line", (line) => this.heard(line));
    child.once("exit", () => {
      for (const { fail } of this.waiting.values()) fail(new NetworkError("the client ended"));
      this.waiting.clear();
    });
  }

  tcp(host: string, port: number, text = ""): Promise<Reply> {
    return this.ask({ do: "tcp", host, port, text });
  }

  udp(host: string, port: number, text = "?"): Promise<Reply> {
    return this.ask({ do: "udp", host, port, text });
  }

  async ping(host: string): Promise<Reply> {
    return this.namespace.run("busybox", ["ping", "-c1", "-W2", host]).then(
      (text) => ({ ok: true, text }),
      (error: unknown) => ({ ok: false, error: String(error) }),
    );
  }

  async get(host: string, port: number, path: string, timeoutMs = 4000): Promise<Reply> {
    const text = `GET ${path} HTTP/1.0\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
    const reply = await this.ask({ do: "tcp", host, port, text, timeoutMs });
    if (!reply.ok) return reply;
    const [head = "", ...body] = reply.text.split("\r\n\r\n");
    return / 200 /.test(head.split("\r\n")[0] ?? "")
      ? { ok: true, text: body.join("\r\n\r\n") }
      : { ok: false, error: reply.text };
  }

  async start(host: string, ports: readonly number[], pps: number): Promise<void> {
    await this.call({ do: "start", host, ports, pps });
  }

  async mark(): Promise<Interval> {
    return (await this.call({ do: "mark" })) as Interval;
  }

  async stop(): Promise<void> {
    await this.call({ do: "stop" });
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const gone = new Promise((done) => this.child.once("exit", done));
    this.child.stdin?.end();
    await gone;
  }

  private ask(command: object): Promise<Reply> {
    return this.call(command).then(
      (text) => ({ ok: true, text: String(text) }),
      (error: unknown) => ({ ok: false, error: error instanceof Error ? error.message : String(error) }),
    );
  }

  private call(command: object): Promise<unknown> {
    const id = ++this.last;
    return new Promise((done, fail) => {
      this.waiting.set(id, { done, fail });
      this.child.stdin?.write(`${JSON.stringify({ id, ...command })}\n`);
    });
  }

  private heard(line: string): void {
    const { id, result, error } = JSON.parse(line) as { id: number; result?: unknown; error?: string };
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) waiting?.done(result);
    else waiting?.fail(new NetworkError(error));
  }
}
