// SPDX-License-Identifier: Apache-2.0
// The listening server: reads requests, hands them to the dispatcher, writes answers, and cuts connections when a fault says so.
import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { BATCH_PATH, parseBatch, renderBatch } from "./batch";
import type { Dispatcher, Incoming, Outcome } from "./dispatch";
import { dispatch } from "./dispatch";
import { ApiError } from "./errors";
import type { Exchange } from "./types";
import { content } from "./wire";

/** Larger request bodies are refused. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Listens on 127.0.0.1; port 0 takes a free one. */
export async function listen(dispatcher: Dispatcher, port: number): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    serve(dispatcher, request, response).catch((error: unknown) => {
      request.socket.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return { server, port: (server.address() as AddressInfo).port };
}

async function serve(dispatcher: Dispatcher, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://emulator");
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
  const incoming: Incoming = {
    method: request.method ?? "GET",
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers,
    body: await bodyOf(request),
  };
  const outcome = incoming.path === BATCH_PATH ? await batch(dispatcher, incoming) : await dispatch(dispatcher, incoming);
  if (outcome.cut) request.socket.destroy();
  else send(response, outcome);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error(`request body is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, outcome: Extract<Outcome, { cut: false }>): void {
  const body = content(outcome);
  response.writeHead(outcome.status, {
    ...(outcome.content === undefined ? {} : { "content-type": contentType(outcome.content) }),
    "content-length": Buffer.byteLength(body),
    ...outcome.headers,
  });
  response.end(body);
}

function contentType(content: unknown): string {
  return typeof content === "string" ? "text/plain" : "application/json; charset=UTF-8";
}

/** All parts run side by side, since a part may be a `wait` that holds the line. */
async function batch(dispatcher: Dispatcher, incoming: Incoming): Promise<Outcome> {
  const recorded: Exchange[] = [];
  const exchange: Exchange = {
    at: dispatcher.env.now(),
    method: incoming.method,
    path: incoming.path,
    query: incoming.query,
    methodId: "batch",
    status: 0,
    userAgent: incoming.headers["user-agent"] ?? "",
    parts: recorded,
  };
  const outcome = await batchAnswer(dispatcher, incoming, recorded);
  if (!outcome.cut) exchange.status = outcome.status;
  dispatcher.record(exchange);
  return outcome;
}

async function batchAnswer(dispatcher: Dispatcher, incoming: Incoming, recorded: Exchange[]): Promise<Outcome> {
  try {
    const parts = parseBatch(incoming.headers["content-type"] ?? "", incoming.body.toString());
    const outcomes = await Promise.all(
      parts.map((part, index) => {
        const record = (exchange: Exchange) => {
          recorded[index] = exchange;
          dispatcher.record(exchange);
        };
        return dispatch({ ...dispatcher, record }, withHost(part.request, incoming));
      }),
    );
    const boundary = `batch_${randomUUID()}`;
    const text = renderBatch(parts, outcomes, boundary);
    if (text === undefined) return { cut: true };
    return { cut: false, status: 200, headers: { "content-type": `multipart/mixed; boundary=${boundary}` }, content: text };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { cut: false, status: error.status, content: error.body() };
  }
}

function withHost(part: Incoming, outer: Incoming): Incoming {
  return {
    ...part,
    headers: {
      ...part.headers,
      host: outer.headers.host,
      "user-agent": part.headers["user-agent"] ?? outer.headers["user-agent"],
    },
  };
}
