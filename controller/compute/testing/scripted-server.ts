// SPDX-License-Identifier: Apache-2.0
// A Compute server that says exactly what a test tells it to, for the ugly cases an honest emulator never produces.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createFabric } from "../fabric";
import type { RetryPolicy } from "../retry";
import type { CallRecord, Clock, ComputeConfig, Deps, Fabric, Fence } from "../types";

export interface Request {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
  headers: IncomingMessage["headers"];
}
export interface Reply {
  status?: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** Sends this text instead of JSON. */
  raw?: string;
  /** Cuts the connection: before any byte, or in the middle of the body. */
  cut?: "before" | "middle";
}
export interface ScriptedServer {
  rootUrl: string;
  requests: Request[];
  /** TCP connections accepted so far. */
  connections(): number;
  close(): Promise<void>;
}

/** Starts a server on a free loopback port; `script` answers each request. */
export async function scriptedServer(
  script: (request: Request, count: number) => Reply | Promise<Reply>,
): Promise<ScriptedServer> {
  const requests: Request[] = [];
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer((incoming, response) => {
    void readAll(incoming).then(async (text) => {
      const url = new URL(incoming.url ?? "/", "http://x");
      const path = url.pathname.replace("/compute/v1/", "");
      const body: unknown = text === "" ? undefined : JSON.parse(text);
      const request: Request = { method: incoming.method ?? "", path, query: url.searchParams, body, headers: incoming.headers };
      requests.push(request);
      answer(response, await script(request, requests.length));
    });
  });
  server.on("connection", (socket) => {
    accepted++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    rootUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    connections: () => accepted,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function readAll(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

function answer(response: ServerResponse, reply: Reply): void {
  const text = reply.raw ?? JSON.stringify(reply.body ?? {});
  if (reply.cut === "before") return void response.socket?.destroy();
  const type = reply.raw === undefined ? "application/json" : "text/html";
  response.writeHead(reply.status ?? 200, { "content-type": type, "content-length": String(text.length), ...reply.headers });
  if (reply.cut === "middle") response.write(text.slice(0, Math.floor(text.length / 2)), () => response.socket?.destroy());
  else response.end(text);
}

/** An error answer in Google's shape (gcloud-requests.md 3). */
export const googleError = (
  status: number,
  reason: string,
  message = "refused",
  headers: Record<string, string> = {},
): Reply => ({
  status,
  headers,
  body: { error: { code: status, message, errors: [{ message, domain: "global", reason }] } },
});

export const openFence: Fence = { check: () => undefined };

export interface World {
  fabric: Fabric;
  calls: CallRecord[];
  /** Milliseconds of every sleep that was asked for. */
  slept: number[];
}

/** A fabric against `rootUrl`. Its clock jumps over every sleep, so back-offs cost nothing, and runs with real time otherwise. */
export function worldOn(
  rootUrl: string,
  config: Partial<ComputeConfig> = {},
  more: { policy?: RetryPolicy; deps?: Partial<Deps> } = {},
): World {
  const calls: CallRecord[] = [];
  const slept: number[] = [];
  let ids = 0;
  let skipped = 0;
  const clock: Clock = {
    now: () => Date.now(),
    monotonic: () => performance.now() + skipped,
    sleep: (ms) => {
      slept.push(ms);
      skipped += ms;
      return new Promise((resolve) => setTimeout(resolve, 1));
    },
  };
  const deps: Deps = {
    clock,
    random: () => 0.5,
    uuid: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, "0")}`,
    onCall: (call) => calls.push(call),
    ...more.deps,
  };
  const whole: ComputeConfig = { project: "p1", region: "us-central1", clusterUid: "uid-1", auth: "none", rootUrl, ...config };
  return { fabric: createFabric(whole, deps, more.policy), calls, slept };
}
