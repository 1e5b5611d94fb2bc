// SPDX-License-Identifier: Apache-2.0
// A small list-and-watch for the sandbox's own parts: keeps a map of one resource current and calls back on every change. It is
// not the controller's reflector on purpose: the world under test must not stand on the code under test.
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeList, KubeObject } from "../../controller/kubernetes/resources";
import { isApiError, type ApiClient, type ByteStream } from "../../controller/kubernetes/transport";

export interface Watched<T extends KubeObject> {
  /** Current objects by `namespace/name` (or `name`). */
  readonly items: ReadonlyMap<string, T>;
  /** Resolves after the first complete list. */
  readonly synced: Promise<void>;
  stop(): void;
}

export interface WatchHandlers<T> {
  changed?: (object: T, before: T | undefined) => void;
  gone?: (object: T) => void;
}

const RETRY_MS = 200;
const MISSING_KIND_RETRY_MS = 500;

/** Follows one collection, e.g. `/api/v1/pods`. Goes on through API server restarts; a kind that is not there yet is waited for. */
export function watchResource<T extends KubeObject>(
  client: ApiClient,
  path: string,
  handlers: WatchHandlers<T> = {},
  query: Record<string, string> = {},
): Watched<T> {
  const follower = new Follower<T>(client, path, handlers, query);
  void follower.run();
  return follower;
}

interface Event<T> {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: T;
}

class Follower<T extends KubeObject> implements Watched<T> {
  readonly items = new Map<string, T>();
  readonly synced: Promise<void>;
  private markSynced: () => void = () => undefined;
  private stream: ByteStream | undefined;
  private readonly halt = new AbortController();

  constructor(
    private readonly client: ApiClient,
    private readonly path: string,
    private readonly handlers: WatchHandlers<T>,
    private readonly query: Record<string, string>,
  ) {
    this.synced = new Promise((done) => (this.markSynced = done));
  }

  stop(): void {
    this.halt.abort();
    this.stream?.close();
    this.markSynced();
  }

  async run(): Promise<void> {
    while (!this.halt.signal.aborted) {
      try {
        await this.follow(await this.list());
      } catch (error) {
        if (this.halt.signal.aborted) return;
        if (!isApiError(error)) process.stderr.write(`watch ${this.path}: ${String(error)}\n`);
        const wait = isApiError(error, "NotFound") ? MISSING_KIND_RETRY_MS : RETRY_MS;
        await sleep(wait, undefined, { signal: this.halt.signal }).catch(() => undefined);
      }
    }
  }

  private async list(): Promise<string> {
    const list = await this.client.request<KubeList<T>>("GET", this.path, { query: this.query, signal: this.halt.signal });
    const seen = new Set<string>();
    for (const item of list.items ?? []) {
      seen.add(keyOf(item));
      this.put(item);
    }
    for (const [key, item] of this.items) if (!seen.has(key)) this.drop(key, item);
    this.markSynced();
    return list.metadata.resourceVersion ?? "";
  }

  /** Reads watch events until the server ends the stream or the version is too old; the caller lists again then. */
  private async follow(resourceVersion: string): Promise<void> {
    let version = resourceVersion;
    while (!this.halt.signal.aborted) {
      const query = { ...this.query, watch: true, allowWatchBookmarks: true, timeoutSeconds: 600, resourceVersion: version };
      this.stream = await this.client.stream(this.path, { query, signal: this.halt.signal });
      for await (const line of lines(this.stream)) {
        const event = JSON.parse(line) as Event<T>;
        if (event.type === "ERROR") return;
        version = event.object.metadata.resourceVersion ?? version;
        this.apply(event);
      }
    }
  }

  private apply(event: Event<T>): void {
    switch (event.type) {
      case "ADDED":
      case "MODIFIED":
        return this.put(event.object);
      case "DELETED":
        return this.drop(keyOf(event.object), event.object);
      case "BOOKMARK":
      case "ERROR":
        return;
    }
  }

  private put(object: T): void {
    const key = keyOf(object);
    const before = this.items.get(key);
    if (before !== undefined && before.metadata.resourceVersion === object.metadata.resourceVersion) return;
    // Deleted and made again between two looks: the old one's end must be told too.
    if (before !== undefined && before.metadata.uid !== object.metadata.uid) this.drop(key, before);
    this.items.set(key, object);
    this.handlers.changed?.(object, before);
  }

  private drop(key: string, object: T): void {
    this.items.delete(key);
    this.handlers.gone?.(object);
  }
}

function keyOf(object: KubeObject): string {
  const { namespace, name = "" } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}

async function* lines(stream: ByteStream): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...rest, chunk.subarray(start, end)]).toString("utf8");
      rest = [];
      start = end + 1;
      if (line !== "") yield line;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
  }
}
