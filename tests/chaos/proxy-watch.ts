// SPDX-License-Identifier: Apache-2.0
// Carries one watch from the real server to the client, line by line, in order. What a line meets, everything behind it meets too.
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault, FaultPlan, Seen } from "./faults";
import { cutSocket, firstOf, type Gate } from "./gate";
import { statusObject } from "./refusals";

export interface WatchCarriage {
  answer: IncomingMessage;
  response: ServerResponse;
  seen: Seen;
  plan: FaultPlan;
  gate: Gate;
  signal: AbortSignal;
  /** Told of each line of the real server; false drops it, which no client can know: only for a check of the checks. */
  onLine?: (line: Buffer) => boolean;
}

/** Resolves when the watch has ended, by whichever side. */
export async function carryWatch(c: WatchCarriage): Promise<void> {
  const { answer, response } = c;
  response.once("close", () => answer.destroy());
  const { "transfer-encoding": _chunked, "content-length": _length, ...headers } = answer.headers;
  response.writeHead(answer.statusCode ?? 200, headers);
  response.flushHeaders();
  let goesOn = true;
  try {
    for await (const line of linesOf(answer)) {
      await c.gate.passed();
      goesOn = await carryLine(c, line);
      if (!goesOn) break;
    }
  } catch {
    // The real server, or the client, has broken the connection: so do we.
    cutSocket(response.socket);
  } finally {
    answer.destroy();
  }
  if (goesOn && !response.destroyed) response.end();
}

/** False where the watch is over. */
async function carryLine(c: WatchCarriage, line: Buffer): Promise<boolean> {
  const { response, plan, seen } = c;
  if (response.destroyed) return false;
  if (c.onLine?.(line) === false) return true;
  const fault = plan.forLine(seen);
  if (!fault) return write(response, line);
  plan.did(fault);
  return FAULTS[fault.kind]?.(c, line, fault) ?? write(response, line);
}

type LineFault = (c: WatchCarriage, line: Buffer, fault: Fault) => Promise<boolean>;
const over = (act: (c: WatchCarriage, line: Buffer, fault: Fault) => void): LineFault =>
  async function (c, line, fault) {
    act(c, line, fault);
    return Promise.resolve(false);
  };
const saying = over(({ response }, _line, fault) => {
  response.end(`${JSON.stringify({ type: "ERROR", object: statusObject(fault) })}\n`);
});

const FAULTS: Partial<Record<Fault["kind"], LineFault>> = {
  reset: over(({ response }) => void cutSocket(response.socket)),
  end: over(({ response }) => void response.end()),
  gone: saying,
  error: saying,
  truncate: over(({ response }, line) => {
    response.write(line.subarray(0, Math.floor(line.length / 2)), () => cutSocket(response.socket));
  }),
  async freeze({ response, signal }, _line, { ms }) {
    // Open and silent, until the client loses patience or we do.
    await firstOf(response, ["close"], { ms, signal });
    if (!response.destroyed) cutSocket(response.socket);
    return false;
  },
  async duplicate({ response }, line) {
    await write(response, line);
    return write(response, line);
  },
  async delay({ response, signal }, line, { ms }) {
    await pause(ms, signal);
    return write(response, line);
  },
  async slow({ response, signal }, line, { ms }) {
    const piece = Math.max(1, Math.ceil(line.length / 3));
    for (let at = 0; at < line.length; at += piece) {
      await write(response, line.subarray(at, at + piece));
      await pause(ms / 3, signal);
    }
    return true;
  },
};

const pause = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal }).catch(() => undefined);

async function write(response: ServerResponse, bytes: Buffer): Promise<boolean> {
  if (response.destroyed) return false;
  if (!response.write(bytes)) await firstOf(response, ["drain", "close"]);
  return !response.destroyed;
}

/** Lines with their line ends. */
async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield rest.subarray(0, end + 1);
      rest = rest.subarray(end + 1);
    }
  }
  if (rest.length > 0) yield rest;
}
