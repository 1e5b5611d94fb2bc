// SPDX-License-Identifier: Apache-2.0
// A consistent list in pages, for servers without WatchList. Pages are fetched one at a time and parsed object by object, with turns of the event
// loop in between, so that probes and lease renewals are not held up.
import { parseObject } from "./bytes";
import { ListBytes } from "./bytes-list";
import { type Clock, systemClock } from "./clock";
import { ApiError, isApiError } from "./errors";
import type { KubeObject } from "./resources";
import type { ApiClient, RequestOptions } from "./transport";

export interface ListOptions {
  client: ApiClient;
  path: string;
  query?: RequestOptions["query"];
  signal?: AbortSignal;
  /** Objects per page (default 100). */
  limit?: number;
  keepManagedFields?: boolean;
  /** Called when a page has arrived. */
  onActivity?(): void;
  /** Says when the loop needs a turn (default: the machine's). */
  clock?: Pick<Clock, "breathe">;
}

const PAGE_TIMEOUT_MS = 60_000;

/**
 * Hands every object to `handle` and answers the version to watch from. When a continue token expires half-way, the list starts again in pages
 * ten times as large, then without pages (as client-go's pager does at once), so `handle` may see an object twice.
 * @throws ApiError
 */
export async function listAll(options: ListOptions, handle: (object: KubeObject) => void): Promise<string> {
  const { limit = 100 } = options;
  for (const size of [limit, limit * 10]) {
    try {
      return await listPages(options, size, handle);
    } catch (error) {
      if (!isApiError(error, "Gone")) throw error;
    }
  }
  return listPages(options, 0, handle);
}

async function listPages(options: ListOptions, limit: number, handle: (object: KubeObject) => void): Promise<string> {
  let next: string | undefined;
  let version = "";
  do {
    const list = await getPage(options, limit, next);
    await handOver(list, options, handle);
    if (options.signal?.aborted === true) return version;
    const { resourceVersion, continue: token } = read(options.path, () => aboutOf(list));
    version ||= resourceVersion;
    next = token;
  } while (next !== undefined);
  return version;
}

async function getPage(options: ListOptions, limit: number, next: string | undefined): Promise<ListBytes> {
  const query = { ...options.query, limit: limit === 0 ? undefined : limit, continue: next };
  const request = { query, signal: options.signal, timeoutMs: PAGE_TIMEOUT_MS, raw: true };
  const bytes = await options.client.request<Buffer>("GET", options.path, request);
  options.onActivity?.();
  return read(options.path, () => new ListBytes(bytes));
}

async function handOver(list: ListBytes, options: ListOptions, handle: (object: KubeObject) => void): Promise<void> {
  const { clock = systemClock, signal } = options;
  for (const item of objectsOf(list, options)) {
    handle(item);
    const pause = clock.breathe?.();
    if (pause !== undefined) await pause;
    if (signal?.aborted === true) return;
  }
}

/** One object after the other, each as a watch gives it: built-in kinds leave kind and apiVersion out of the items of a list. */
function* objectsOf(list: ListBytes, { path, keepManagedFields = false }: ListOptions): Generator<KubeObject> {
  const { apiVersion } = list.head;
  const kind = list.head.kind?.replace(/List$/, "");
  const items = list.items();
  for (let next = read(path, () => items.next()); next.done !== true; next = read(path, () => items.next())) {
    const bytes = next.value;
    const item = read(path, () => objectIn(bytes, keepManagedFields));
    item.kind ??= kind;
    item.apiVersion ??= apiVersion;
    yield item;
  }
}

/** @throws SyntaxError */
function objectIn(bytes: Buffer, keepManagedFields: boolean): KubeObject {
  const item = parseObject(bytes, keepManagedFields) as KubeObject | null;
  if (typeof item?.metadata !== "object" || item.metadata === null) throw new SyntaxError("an item without metadata");
  return item;
}
/** @throws SyntaxError where there is no version: no API server answers like that, and an empty list would mean that everything was deleted */
function aboutOf(list: ListBytes): { resourceVersion: string; continue?: string } {
  const { resourceVersion = "", continue: token } = list.rest().metadata ?? {};
  if (resourceVersion === "") throw new SyntaxError("a list without a version");
  return { resourceVersion, ...(token ? { continue: token } : {}) };
}

/** What is no JSON came over a bad road. @throws ApiError Network */
function read<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new ApiError("Network", `LIST ${path}: the answer is not a whole list`, { cause: error });
  }
}
