// SPDX-License-Identifier: Apache-2.0
// One watch connection: bytes in, events out, in order. A watchdog ends a connection that is open but says nothing; the API
// server sends a bookmark about once a minute, so two minutes of silence mean that nobody is there.
import { LineSplitter, parseObject } from "./bytes";
import type { Clock, Timer } from "./clock";
import { ApiError, errorFromStatus } from "./errors";
import type { KubeObject } from "./resources";
import type { ApiClient, ByteStream, RequestOptions } from "./transport";

export interface WatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  object: KubeObject;
}

export interface WatchOptions {
  client: ApiClient;
  path: string;
  query: RequestOptions["query"];
  clock: Clock;
  signal: AbortSignal;
  /** Milliseconds without a byte after which the connection counts as dead. */
  silenceMs: () => number;
  keepManagedFields: boolean;
  /** Called when the response headers arrive: somebody is there, but nothing is known yet of what was missed. */
  onOpen(): void;
  /** Called whenever bytes arrive. */
  onActivity(): void;
}

/** `reason` of the ApiError Timeout that the watchdog causes. */
export const SILENT = "Silent";

/**
 * Reads one watch to its end and hands each event to `handle`, which must not throw and is waited for.
 * @throws ApiError when the server refuses, sends an ERROR event, falls silent, or the connection breaks
 */
export async function readWatch(options: WatchOptions, handle: (event: WatchEvent) => void | Promise<void>): Promise<void> {
  const { client, path, query, clock, signal } = options;
  const stream = await client.stream(path, { query: { ...query, watch: true }, signal });
  const watchdog = new Watchdog(clock, options.silenceMs, () => stream.close());
  options.onOpen();
  try {
    await readEvents(stream, options, watchdog, handle);
  } finally {
    watchdog.stop();
    stream.close();
  }
  if (watchdog.barked) throw new ApiError("Timeout", `WATCH ${path}: silent for ${options.silenceMs()} ms`, { reason: SILENT });
}

async function readEvents(
  stream: ByteStream,
  options: WatchOptions,
  watchdog: Watchdog,
  handle: (event: WatchEvent) => void | Promise<void>,
): Promise<void> {
  const splitter = new LineSplitter();
  for await (const chunk of stream) {
    options.onActivity();
    watchdog.feed();
    for (const line of splitter.push(chunk)) {
      if (options.signal.aborted) return;
      const pause = handle(parseEvent(options.path, line, options.keepManagedFields)) ?? options.clock.breathe?.();
      if (pause !== undefined) await pause;
    }
  }
}

/** What a line that is `null` says. */
const NOTHING = {};
const hasMetadata = (object: KubeObject | undefined): object is KubeObject =>
  typeof object?.metadata === "object" && object.metadata !== null;

function parseEvent(path: string, line: Buffer, keepManagedFields: boolean): WatchEvent {
  let event: { type?: string; object?: KubeObject };
  try {
    event = parseObject(line, keepManagedFields) ?? NOTHING;
  } catch (error) {
    throw new ApiError("Network", `WATCH ${path}: a line is not JSON (${line.length} bytes)`, { cause: error });
  }
  switch (event.type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
    case "BOOKMARK":
      if (!hasMetadata(event.object)) throw new ApiError("Network", `WATCH ${path}: ${event.type} without an object`);
      return { type: event.type, object: event.object };
    case "ERROR":
      throw errorFromStatus(`WATCH ${path}`, statusCodeOf(event.object), event.object);
    default:
      throw new ApiError("Network", `WATCH ${path}: unknown event type ${JSON.stringify(event.type)}`);
  }
}

function statusCodeOf(status: unknown): number {
  const code = typeof status === "object" && status !== null && "code" in status ? status.code : undefined;
  return typeof code === "number" ? code : 500;
}

class Watchdog {
  barked = false;
  private fedAt: number;
  private timer: Timer;

  constructor(
    private readonly clock: Clock,
    private readonly silenceMs: () => number,
    private readonly bite: () => void,
  ) {
    this.fedAt = clock.monotonic();
    this.timer = clock.setTimeout(() => this.check(), silenceMs());
  }

  feed(): void {
    this.fedAt = this.clock.monotonic();
  }

  stop(): void {
    this.timer.cancel();
  }

  private check(): void {
    const rest = this.silenceMs() - (this.clock.monotonic() - this.fedAt);
    if (rest > 0) {
      this.timer = this.clock.setTimeout(() => this.check(), rest);
      return;
    }
    this.barked = true;
    this.bite();
  }
}
