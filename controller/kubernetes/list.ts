// SPDX-License-Identifier: Apache-2.0
// A consistent list in pages, for servers without WatchList. Pages are parsed one at a time, with turns of the event loop between
// batches of objects, so that probes and lease renewals are not held up.
import { setImmediate as nextTurn } from "node:timers/promises";
import { parseObject } from "./bytes";
import { isApiError } from "./errors";
import type { KubeList, KubeObject } from "./resources";
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
}

const OBJECTS_PER_TURN = 25;
const PAGE_TIMEOUT_MS = 60_000;

/**
 * Hands every object to `handle` and answers the version to watch from. When a continue token expires half-way, the list starts
 * again without pages (client-go's pager does the same), so `handle` may see an object twice.
 * @throws ApiError
 */
export async function listAll(options: ListOptions, handle: (object: KubeObject) => void): Promise<string> {
  try {
    return await listPages(options, options.limit ?? 100, handle);
  } catch (error) {
    if (!isApiError(error, "Gone")) throw error;
    return listPages(options, 0, handle);
  }
}

async function listPages(options: ListOptions, limit: number, handle: (object: KubeObject) => void): Promise<string> {
  let next: string | undefined;
  let version = "";
  do {
    const page = await getPage(options, limit, next);
    version ||= page.metadata.resourceVersion ?? "";
    next = page.metadata.continue || undefined;
    await handOver(page, handle);
  } while (next !== undefined && options.signal?.aborted !== true);
  return version;
}

async function getPage(
  options: ListOptions,
  limit: number,
  next: string | undefined,
): Promise<KubeList & { kind?: string; apiVersion?: string }> {
  const query = { ...options.query, limit: limit === 0 ? undefined : limit, continue: next };
  const request = { query, signal: options.signal, timeoutMs: PAGE_TIMEOUT_MS, raw: true };
  const bytes = await options.client.request<Buffer>("GET", options.path, request);
  options.onActivity?.();
  return parseObject(bytes, options.keepManagedFields === true) as KubeList;
}

async function handOver(
  page: KubeList & { kind?: string; apiVersion?: string },
  handle: (object: KubeObject) => void,
): Promise<void> {
  const kind = page.kind?.replace(/List$/, "");
  let handled = 0;
  for (const item of page.items ?? []) {
    // Built-in kinds leave these out of list items; a watch has them, and both ways must give the same object.
    item.kind ??= kind;
    item.apiVersion ??= page.apiVersion;
    handle(item);
    if (++handled % OBJECTS_PER_TURN === 0) await nextTurn();
  }
}
