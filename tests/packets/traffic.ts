// SPDX-License-Identifier: Apache-2.0
// Runs inside a namespace of the lab as its own process: echo servers, questions, a packet meter, an open connection. Plain JavaScript
// modules only, so that it starts at once: `node -r ts-node/register/transpile-only` would cost half a second each time.
// Usage: node traffic.js serve|ask|meter|hold JSON
import * as dgram from "node:dgram";
import * as net from "node:net";

export interface TrafficOptions {
  host?: string;
  port?: number;
  bind?: string;
  name?: string;
  source?: string;
  timeoutMs?: number;
  seconds?: number;
  pps?: number;
}
export interface Answers {
  udp: string;
  tcp: string;
}
export interface Meter {
  sent: number;
  lost: number;
  by: { [server: string]: number };
  longestGap: number;
}
const PIP = "34.123.10.1";
/** For both ends: a busy machine lets a process wait for longer than the default buffer lasts at 1000 packets a second. */
const UDP = { type: "udp4", recvBufferSize: 1 << 22 } as const;
/** Most packets of the meter at once, after it had to wait itself. */
const BURST = 50;
/** A packet that has not come back this long after anything has is lost, not late. */
const QUIET_MS = 800;

function serve(o: TrafficOptions): void {
  const { bind = PIP, port = 9000, name = "srv" } = o;
  const udp = dgram.createSocket(UDP);
  udp.on("message", (d, peer) =>
    udp.send(Buffer.concat([d.subarray(0, 16), Buffer.from(`|${name}|${peer.address}`)]), peer.port, peer.address),
  );
  const tcp = net.createServer((c) => {
    c.on("data", (d) => c.write(Buffer.concat([d, Buffer.from(`|${name}|${c.remoteAddress}|${c.localAddress}`)])));
    c.on("error", () => c.destroy());
  });
  udp.bind(port, bind, () => tcp.listen(port, bind, () => process.stdout.write("ready\n")));
}

function askUdp(o: Required<Pick<TrafficOptions, "host" | "port" | "timeoutMs">> & TrafficOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket("udp4");
    const end = (answer: string): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end("FAIL timeout"), o.timeoutMs);
    socket.on("error", (e) => end(`FAIL ${(e as NodeJS.ErrnoException).code}`));
    socket.on("message", (d, peer) => end(`${d.subarray(16).toString()}|from ${peer.address}`));
    socket.bind(0, o.source, () => socket.send(Buffer.alloc(16, "0"), o.port, o.host));
  });
}
function askTcp(o: Required<Pick<TrafficOptions, "host" | "port" | "timeoutMs">> & TrafficOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: o.host, port: o.port, ...(o.source ? { localAddress: o.source } : {}) });
    const end = (answer: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end("FAIL timeout"), o.timeoutMs);
    socket.on("error", (e) => end(`FAIL ${(e as NodeJS.ErrnoException).code}`));
    socket.on("connect", () => socket.write("0".repeat(16)));
    socket.on("data", (d) => end(d.subarray(16).toString()));
  });
}
async function ask(o: TrafficOptions): Promise<Answers> {
  const full = { host: PIP, port: 9000, timeoutMs: 1500, ...o };
  const [udp, tcp] = await Promise.all([askUdp(full), askTcp(full)]);
  return { udp, tcp };
}

/** Sends numbered packets at an even rate and counts which come back, and who answered. */
function meter(o: TrafficOptions): Promise<Meter> {
  const { host = PIP, port = 9000, pps = 1000, seconds = 2.5 } = o;
  const total = Math.round(pps * seconds);
  const got = new Map<number, string>();
  const socket = dgram.createSocket(UDP);
  let heard = 0;
  socket.on("message", (d) => {
    heard = performance.now();
    got.set(d.readUInt32BE(0), d.subarray(16).toString().split("|")[1] ?? "");
  });
  socket.on("error", () => undefined);
  return new Promise((resolve) => {
    socket.connect(port, host, () => {
      let started = performance.now();
      let sent = 0;
      const tick = (): void => {
        const now = performance.now();
        const late = Math.floor(((now - started) * pps) / 1000) + 1 - sent - BURST;
        if (late > 0) started += (late * 1000) / pps;
        const due = Math.min(total, Math.floor(((now - started) * pps) / 1000) + 1);
        for (; sent < due; sent += 1) {
          const packet = Buffer.alloc(16);
          packet.writeUInt32BE(sent, 0);
          socket.send(packet, () => undefined);
        }
        if (sent < total) setTimeout(tick, 1);
        else wait(performance.now());
      };
      const wait = (since: number): void => {
        if (got.size === total || performance.now() - Math.max(heard, since) > QUIET_MS) end();
        else setTimeout(wait, 20, since);
      };
      const end = (): void => {
        const by: { [server: string]: number } = {};
        for (const server of got.values()) by[server] = (by[server] ?? 0) + 1;
        let gap = 0;
        let longestGap = 0;
        for (let i = 0; i < total; i += 1) {
          gap = got.has(i) ? 0 : gap + 1;
          longestGap = Math.max(longestGap, gap);
        }
        socket.close();
        resolve({ sent: total, lost: total - got.size, by, longestGap });
      };
      tick();
    });
  });
}

/** Keeps a connection busy. How it ended: open, FIN, ECONNRESET, silence. */
function hold(o: TrafficOptions): Promise<{ ok: number; end: string }> {
  const { host = PIP, port = 9000, seconds = 3, timeoutMs = 1500 } = o;
  return new Promise((resolve) => {
    let ok = 0;
    const socket = net.connect(port, host);
    const end = (why: string): void => {
      for (const t of [all, beat]) clearTimeout(t);
      clearTimeout(silence);
      socket.destroy();
      resolve({ ok, end: why });
    };
    const all = setTimeout(() => end("open"), seconds * 1000);
    let silence = setTimeout(() => end("silence"), timeoutMs);
    const beat = setInterval(() => socket.write("x".repeat(16)), 100);
    socket.on("data", () => {
      ok += 1;
      clearTimeout(silence);
      silence = setTimeout(() => end("silence"), timeoutMs);
    });
    socket.on("end", () => end("FIN"));
    socket.on("error", (e) => end((e as NodeJS.ErrnoException).code ?? "error"));
  });
}

const [what, text = "{}"] = process.argv.slice(2);
const JOBS = { ask, meter, hold } as { [name: string]: (o: TrafficOptions) => Promise<object> };
if (require.main === module) {
  const options = JSON.parse(text) as TrafficOptions;
  if (what === "serve") serve(options);
  else void JOBS[what ?? ""]!(options).then((answer) => process.stdout.write(`${JSON.stringify(answer)}\n`));
}
