// SPDX-License-Identifier: Apache-2.0
// The parts of one HTTP exchange: its deadline, its bytes as a stream, its query and bodies.
import type { Dispatcher } from "undici";
import type { Clock } from "./clock";
import { ABORTED, ApiError } from "./errors";
import type { ByteStream, RequestOptions } from "./transport";

const DEFAULT_TIMEOUT_MS = 30_000;

/** Ends an exchange by time or by the caller's signal, and remembers which of the two it was. */
export class Deadline {
  private readonly controller = new AbortController();
  private readonly timer;
  private readonly outer: AbortSignal | undefined;
  private readonly onAbort = (): void => this.controller.abort();
  private timedOut = false;

  constructor(
    clock: Clock,
    options: RequestOptions,
    private readonly action: string,
  ) {
    const ms = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.timer = clock.setTimeout(() => {
      this.timedOut = true;
      this.controller.abort();
    }, ms);
    this.outer = options.signal;
    if (this.outer?.aborted) this.controller.abort();
    this.outer?.addEventListener("abort", this.onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  stopTimer(): void {
    this.timer.cancel();
  }

  done(): void {
    this.timer.cancel();
    this.outer?.removeEventListener("abort", this.onAbort);
  }

  explain(error: unknown): ApiError {
    if (error instanceof ApiError) return error;
    if (this.timedOut) return new ApiError("Timeout", `${this.action}: no answer in time`, { cause: error });
    if (this.outer?.aborted) return new ApiError("Network", `${this.action}: called off`, { reason: ABORTED, cause: error });
    return new ApiError("Network", `${this.action}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

export function byteStream(body: Dispatcher.ResponseData["body"], deadline: Deadline): ByteStream {
  let closed = false;
  body.on("error", () => undefined); // the iteration reports it; without a listener a late one would end the process
  body.once("close", () => deadline.done());
  return {
    close() {
      closed = true;
      body.destroy();
    },
    async *[Symbol.asyncIterator]() {
      try {
        for await (const chunk of body) yield chunk as Buffer;
      } catch (error) {
        if (!closed) throw deadline.explain(error);
      } finally {
        deadline.done();
      }
    },
  };
}

export function parseBody(text: string, response: Dispatcher.ResponseData): unknown {
  if (!(header(response, "content-type") ?? "").includes("json")) return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ApiError("Network", `the response is not whole JSON (${text.length} characters)`, {
      status: response.statusCode,
      cause: error,
    });
  }
}

export function header(response: Dispatcher.ResponseData, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export function encodeBody(body: unknown): string | Buffer | undefined {
  if (body === undefined || typeof body === "string" || Buffer.isBuffer(body)) return body;
  return JSON.stringify(body);
}

export function queryString(query: RequestOptions["query"]): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) parts.push(`${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`);
  }
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}
