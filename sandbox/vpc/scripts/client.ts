// SPDX-License-Identifier: Apache-2.0
// The client on the other side of the fabric. It answers what Pods send, asks them by TCP and UDP, and streams UDP packets with sequence
// numbers, so that every lost one is known. Commands and answers are lines of JSON on standard input and output.
import { createSocket, type Socket } from "node:dgram";
import { createConnection, createServer } from "node:net";
import { createInterface } from "node:readline";

interface Command {
  id: number;
  do: "tcp" | "udp" | "start" | "mark" | "stop";
  host?: string;
  port?: number;
  ports?: number[];
  text?: string;
  timeoutMs?: number;
  pps?: number;
}

const ANSWER_PORT = 9100;
/** How long an answer may still be on its way. */
const STRAGGLER_MS = 500;
const BUFFER = 1 << 20;
/** Where in an answer the name of who answers begins. */
const NAME_AT = 8;
const MOST_GAPS = 40;

createServer((socket) => {
  socket.on("error", () => undefined);
  socket.end(`client ${socket.remoteAddress}\n`);
}).listen(ANSWER_PORT, "0.0.0.0");
const echo = createSocket("udp4");
echo.on("message", (_data, from) => echo.send(`client ${from.address}\n`, from.port, from.address));
echo.bind(ANSWER_PORT);

function tcp({ host = "", port = 0, text = "", timeoutMs = 2000 }: Command): Promise<string> {
  return new Promise((done, fail) => {
    let out = "";
    const socket = createConnection({ host, port, timeout: timeoutMs });
    socket.on("data", (data) => (out += data.toString()));
    socket.on("timeout", () => socket.destroy(new Error("timeout")));
    socket.on("error", fail).on("end", () => done(out));
    socket.write(text);
  });
}

function udp({ host = "", port = 0, text = "", timeoutMs = 2000 }: Command): Promise<string> {
  return new Promise((done, fail) => {
    const socket = createSocket("udp4");
    const end = (act: () => void): void => {
      clearTimeout(timer);
      socket.close();
      act();
    };
    const timer = setTimeout(() => end(() => fail(new Error("timeout"))), timeoutMs);
    socket.on("error", (error) => end(() => fail(error)));
    // An answer from another address is no answer.
    socket.on("message", (data, from) => from.address === host && end(() => done(data.toString())));
    socket.send(text, port, host);
  });
}

class Stream {
  private readonly sockets: Socket[];
  private readonly sentAt: number[] = [];
  private readonly answers: ({ at: number; by: string } | undefined)[] = [];
  private readonly timer: NodeJS.Timeout;
  private readonly started = performance.now();
  private mark = 0;

  constructor(host: string, ports: number[], pps: number) {
    this.sockets = ports.map(() => {
      const socket = createSocket({ type: "udp4", recvBufferSize: BUFFER, sendBufferSize: BUFFER });
      socket.on("error", () => undefined);
      socket.on("message", (data, from) => {
        if (from.address === host && data.length >= 4) this.heard(data);
      });
      socket.bind(() => socket.setSendBufferSize(BUFFER));
      return socket;
    });
    this.timer = setInterval(() => {
      const due = Math.floor(((performance.now() - this.started) * pps) / 1000);
      while (this.sentAt.length < due) {
        const packet = Buffer.alloc(64);
        const n = this.sentAt.push(Date.now()) - 1;
        packet.writeUInt32BE(n, 0);
        this.sockets[n % ports.length]?.send(packet, ports[n % ports.length] ?? 0, host, () => undefined);
      }
    }, 1);
  }

  /** Who answers may write its name behind the number. */
  private heard(data: Buffer): void {
    const end = data.indexOf(0, NAME_AT);
    const by = data.length > NAME_AT ? data.toString("latin1", NAME_AT, end < 0 ? data.length : end) : "";
    this.answers[data.readUInt32BE(0)] ??= { at: Date.now(), by };
  }

  /** Counts what was sent since the last mark, once its last answer had time to come. */
  async count(): Promise<object> {
    const first = this.mark;
    const end = this.sentAt.length;
    this.mark = end;
    await new Promise((done) => setTimeout(done, STRAGGLER_MS));
    const lost: number[] = [];
    for (let n = first; n < end; n++) if (!this.answers[n]) lost.push(n);
    const at = (n: number | undefined): number => (n === undefined ? 0 : (this.sentAt[n] ?? 0));
    const slowestMs = this.answers.slice(first, end).reduce((most, a, i) => Math.max(most, a ? a.at - at(first + i) : 0), 0);
    return {
      sent: end - first,
      lost: lost.length,
      ms: at(end - 1) - at(first),
      slowestMs,
      ...(lost.length > 0
        ? { firstLostAt: at(lost[0]), lastLostAt: at(lost.at(-1)), longestGapMs: longest(lost, at), gaps: this.gaps(lost) }
        : {}),
    };
  }

  /** Runs of packets that were lost one after another, and who answered the ones around them. */
  private gaps(lost: readonly number[]): object[] {
    const found: { first: number; last: number }[] = [];
    for (const n of lost) {
      const open = found.at(-1);
      if (open?.last === n - 1) open.last = n;
      else found.push({ first: n, last: n });
    }
    const by = (n: number): string => this.answers[n]?.by ?? "";
    const at = (n: number): number => this.sentAt[n] ?? 0;
    return found.slice(0, MOST_GAPS).map(({ first, last }) => ({
      ...{ first, last, from: at(first), to: at(last), before: by(first - 1), after: by(last + 1) },
    }));
  }

  stop(): void {
    clearInterval(this.timer);
    this.sockets.forEach((socket) => socket.close());
  }
}

/** Longest run of packets lost one after another, from the first to the last of them. */
function longest(lost: readonly number[], at: (n: number) => number): number {
  let best = 0;
  let start = lost[0] ?? 0;
  lost.forEach((n, i) => {
    if (i > 0 && lost[i - 1] !== n - 1) start = n;
    best = Math.max(best, at(n) - at(start));
  });
  return best;
}

let stream: Stream | undefined;

const ACTS: { [K in Command["do"]]: (command: Command) => Promise<unknown> } = {
  tcp,
  udp,
  start: ({ host = "", ports = [], pps = 1000 }) => {
    stream?.stop();
    stream = new Stream(host, ports, pps);
    return Promise.resolve({});
  },
  mark: () => stream?.count() ?? Promise.resolve({}),
  stop: () => {
    stream?.stop();
    stream = undefined;
    return Promise.resolve({});
  },
};

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const command = JSON.parse(line) as Command;
    ACTS[command.do](command).then(
      (result) => say({ id: command.id, result }),
      (error: unknown) => say({ id: command.id, error: error instanceof Error ? error.message : String(error) }),
    );
  })
  .on("close", () => process.exit(0));
say({ id: 0, result: "ready" });
