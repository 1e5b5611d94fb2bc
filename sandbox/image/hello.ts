// SPDX-License-Identifier: Apache-2.0
// The workload of the demonstration: like Google's hello-app it answers GET / on port 8080 with its host name. It also echoes UDP, and on
// request it speaks first, with a source address that the caller names. A file makes it unready.
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { existsSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { createConnection } from "node:net";
import { hostname } from "node:os";

const PORT = 8080;
const UDP_PORTS = [9000, 9001, 9002, 9003];
const UNREADY = "/tmp/unready";
const RETRY_MS = 200;
const BUFFER = 1 << 20;
/** Size of a packet of the client's stream, and where in it the name of who answers begins. */
const STREAM_BYTES = 64;
const NAME_AT = 8;
const TIMEOUT_MS = 2000;

/** Speaks first over TCP and tells what the other side answered. */
function tcp(source: string, host: string, port: number): Promise<string> {
  return new Promise((done, fail) => {
    let out = "";
    const socket = createConnection({ host, port, localAddress: source, timeout: TIMEOUT_MS });
    socket.on("data", (data) => (out += data.toString()));
    socket.on("timeout", () => socket.destroy(new Error("timeout")));
    socket.on("error", fail).on("end", () => done(out));
  });
}

function udp(source: string, host: string, port: number): Promise<string> {
  return new Promise((done, fail) => {
    const socket = createSocket("udp4");
    const end = (act: () => void): void => {
      clearTimeout(timer);
      socket.close();
      act();
    };
    const timer = setTimeout(() => end(() => fail(new Error("timeout"))), TIMEOUT_MS);
    socket.on("error", (error) => end(() => fail(error)));
    socket.on("message", (data) => end(() => done(data.toString())));
    socket.bind(0, source, () => socket.send("?", port, host));
  });
}

function icmp(source: string, host: string): Promise<string> {
  return new Promise((done, fail) => {
    const ping = spawn("ping", ["-c1", "-W2", "-I", source, host]);
    let out = "";
    ping.stdout.on("data", (data: Buffer) => (out += data.toString()));
    ping.stderr.on("data", (data: Buffer) => (out += data.toString()));
    ping.on("error", fail).on("close", (code) => (code === 0 ? done(out) : fail(new Error(out.trim() || `ping: ${code}`))));
  });
}

/** `/from/tcp?source=IP&host=IP&port=N`, likewise udp and icmp. */
async function speakFirst(url: URL): Promise<string> {
  const query = (name: string): string => url.searchParams.get(name) ?? "";
  const port = Number(query("port"));
  switch (url.pathname) {
    case "/from/tcp":
      return tcp(query("source"), query("host"), port);
    case "/from/udp":
      return udp(query("source"), query("host"), port);
    default:
      return icmp(query("source"), query("host"));
  }
}

async function answer(request: IncomingMessage): Promise<{ status: number; text: string }> {
  const url = new URL(request.url ?? "/", "http://pod");
  if (url.pathname === "/ready")
    return existsSync(UNREADY) ? { status: 503, text: "unready\n" } : { status: 200, text: "ready\n" };
  if (!url.pathname.startsWith("/from/"))
    return {
      status: 200,
      text: `Hello, world!\nVersion: 1.0.0\nHostname: ${hostname()}\nAddress: ${request.socket.localAddress}\n`,
    };
  return speakFirst(url).then(
    (text) => ({ status: 200, text }),
    (error: unknown) => ({ status: 502, text: String(error) }),
  );
}

createServer((request, response) => {
  void answer(request).then(({ status, text }) => response.writeHead(status, { "content-type": "text/plain" }).end(text));
}).listen(PORT);

/** The long packets of a stream have room for the name of the Pod that answers; anything else comes back as it is. */
function signed(data: Buffer): Buffer {
  if (data.length === STREAM_BYTES) data.write(`${hostname().slice(0, STREAM_BYTES - NAME_AT - 1)}\0`, NAME_AT, "latin1");
  return data;
}

/** A UDP server must be bound to the persistent address, or it answers with another one. The address may come later than we do. */
function echo(address: string, port: number): void {
  const socket = createSocket({ type: "udp4", recvBufferSize: BUFFER, sendBufferSize: BUFFER });
  socket.on("message", (data, from) => socket.send(signed(data), from.port, from.address, () => undefined));
  socket.on("error", () => {
    socket.close();
    setTimeout(() => echo(address, port), RETRY_MS);
  });
  socket.bind(port, address);
}
for (const address of (process.env["PERSISTENT_IPS"] ?? "").split(" ").filter(Boolean))
  for (const port of UDP_PORTS) echo(address, port);

// A caller's odd request must not take the address away from everyone else.
process.on("uncaughtException", (error) => process.stderr.write(`${error.stack ?? String(error)}\n`));
process.on("SIGTERM", () => process.exit(0));
