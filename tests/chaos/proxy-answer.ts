// SPDX-License-Identifier: Apache-2.0
// Passes on an answer that is no watch: whole in memory, since what these suites list is small.
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault, FaultKind } from "./faults";
import { cutSocket, type Gate } from "./gate";

export interface Answering {
  answer: IncomingMessage;
  response: ServerResponse;
  fault: Fault | undefined;
  gate: Gate;
  signal: AbortSignal;
}
type Way = (a: Answering, bytes: Buffer, ms: number) => Promise<void>;

const whole: Way = async ({ response }, bytes) => {
  await Promise.resolve(response.end(bytes));
};
const WAYS: Partial<Record<FaultKind, Way>> = {
  async truncate({ response }, bytes) {
    const half = bytes.subarray(0, Math.floor(bytes.length / 2));
    await new Promise<void>((done) => response.write(half, () => done()));
    cutSocket(response.socket);
  },
  async slow({ response, signal }, bytes, ms) {
    const piece = Math.max(1, Math.ceil(bytes.length / 4));
    for (let at = 0; at < bytes.length; at += piece) {
      response.write(bytes.subarray(at, at + piece));
      await sleep(ms / 4, undefined, { signal }).catch(() => undefined);
    }
    response.end();
  },
};

/** Answers, as the fault wants it. */
export async function answerWhole(a: Answering): Promise<void> {
  const { answer, response, fault } = a;
  const bytes = await bufferOf(answer);
  await a.gate.passed();
  if (fault?.kind === "lost") return cutSocket(response.socket);
  const { "transfer-encoding": _chunked, ...headers } = answer.headers;
  response.writeHead(answer.statusCode ?? 502, { ...headers, "content-length": String(bytes.length) });
  await (WAYS[fault?.kind ?? "lost"] ?? whole)(a, bytes, fault?.ms ?? 0);
}

export async function bufferOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
