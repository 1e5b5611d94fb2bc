// SPDX-License-Identifier: Apache-2.0
// Keeps a store equal to a collection on the API server, through everything that can happen to the connection. It never gives up
// and never ends the process: initial events by WatchList (or a paged list), then watches from the last version seen; a version
// that is gone means starting over, anything else means waiting and going on from where it was.
import { ConnectionBackoff } from "./backoff";
import { ApiError, isApiError } from "./errors";
import { listAll } from "./list";
import { type Logger, silentLogger } from "./logger";
import { REFLECTOR_TUNING, type ReflectorOptions, type ReflectorTuning } from "./reflector-options";
import { type KubeObject, resourcePath } from "./resources";
import { type ReadStore, Store } from "./store";
import { Syncer } from "./sync";
import { readWatch, SILENT, type WatchEvent } from "./watch";

export type { ReflectorOptions, ReflectorTuning } from "./reflector-options";
export type { StoreEvent } from "./sync";

const INITIAL_EVENTS_END = "k8s.io/initial-events-end";
// After these the last version seen is still good; after anything else a new list is the safe way.
const KEEPS_VERSION = ["Unauthorized", "Forbidden", "TooManyRequests", "Unavailable", "Timeout", "Network"] as const;

export class Reflector<T extends KubeObject> {
  private readonly state: Store<T>;
  private readonly sync: Syncer<T>;
  private readonly tuning: ReflectorTuning;
  private readonly backoff: ConnectionBackoff;
  private readonly logger: Logger;
  private readonly path: string;
  private readonly stopper = new AbortController();
  private watchList: boolean;
  private version: string | undefined;
  private missing = false;
  private active: number;
  private openedAt: number | undefined;
  private eventsOfWatch = 0;
  private loop: Promise<void> | undefined;

  constructor(private readonly options: ReflectorOptions<T>) {
    this.tuning = { ...REFLECTOR_TUNING, ...options.tuning };
    this.backoff = new ConnectionBackoff(options.random, this.tuning.backoffBaseMs, this.tuning.backoffCapMs);
    this.logger = options.logger ?? silentLogger;
    this.path = resourcePath(options.kind, options.namespace);
    this.watchList = options.watchList ?? true;
    this.state = new Store<T>(options.indexers);
    this.sync = new Syncer({ ...options, store: this.state, logger: this.logger });
    this.active = options.clock.monotonic();
  }

  /** What has been seen; only to be read. */
  get store(): ReadStore<T> {
    return this.state;
  }

  /** Starts once; further calls do nothing. */
  start(): void {
    this.loop ??= this.run();
  }

  /** Ends the connection; resolves when no further event can come. */
  async stop(): Promise<void> {
    this.stopper.abort();
    this.sync.abandon();
    await this.loop;
  }

  /** True once the store has held the whole collection; stays true. */
  hasSynced(): boolean {
    return this.sync.synced;
  }

  /** Resolves when synced. @throws ApiError with reason "Aborted" when the signal or `stop` comes first */
  whenSynced(signal?: AbortSignal): Promise<void> {
    return this.sync.whenSynced(signal);
  }

  /**
   * Monotonic milliseconds of the last byte from the server (of the construction, before the first). The headers of a watch that is opened
   * again do not count: what was missed while it was broken has yet to come (DESIGN 9.7).
   */
  lastActivity(): number {
    return this.active;
  }

  /** True while the server says that the kind does not exist. The store keeps what it had. */
  kindMissing(): boolean {
    return this.missing;
  }

  private get stopped(): boolean {
    return this.stopper.signal.aborted;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      this.openedAt = undefined;
      this.eventsOfWatch = 0;
      try {
        await this.cycle();
        await this.afterCleanEnd();
      } catch (error) {
        if (!this.stopped) await this.afterFailure(asApiError(error));
      }
    }
  }

  private async cycle(): Promise<void> {
    // A resumed watch proves nothing until its first byte, which for a quiet kind is a bookmark a minute later; a fresh list proves it at once.
    if (this.options.clock.monotonic() - this.active >= this.tuning.silenceMs) this.version = undefined;
    if (this.version === undefined && this.watchList) return this.watchInitial();
    if (this.version === undefined) await this.list();
    return this.watch();
  }

  private async list(): Promise<void> {
    const { client, keepManagedFields } = this.options;
    const seen = new Set<string>();
    const version = await listAll(
      {
        client,
        path: this.path,
        query: this.selectors(),
        signal: this.stopper.signal,
        limit: this.tuning.pageLimit,
        keepManagedFields,
        onActivity: () => this.touch(),
        clock: this.options.clock,
      },
      (object) => this.sync.upsert(object, seen),
    );
    if (this.stopped) return;
    await this.sync.complete(seen);
    this.version = version;
  }

  private watch(): Promise<void> {
    return this.read({ resourceVersion: this.version }, (event) => {
      this.apply(event);
      this.version = event.object.metadata.resourceVersion ?? this.version;
    });
  }

  private async watchInitial(): Promise<void> {
    const seen = new Set<string>();
    const query = { sendInitialEvents: true, resourceVersionMatch: "NotOlderThan" };
    try {
      await this.read(query, (event) => {
        this.apply(event, this.version === undefined ? seen : undefined);
        if (this.version !== undefined || isInitialEnd(event)) this.version = event.object.metadata.resourceVersion;
        return isInitialEnd(event) ? this.sync.complete(seen) : undefined;
      });
    } catch (error) {
      this.judgeWatchList(error);
      throw error;
    }
  }

  // Servers that do not know WatchList refuse it, or (very old ones) never send the end of the initial events.
  private judgeWatchList(error: unknown): void {
    if (this.version !== undefined) return;
    if (!isApiError(error, "Invalid", "BadRequest") && !(isApiError(error, "Timeout") && error.reason === SILENT)) return;
    this.watchList = false;
    this.logger.info({ kind: this.options.kind.kind, error: error.message }, "WatchList refused, listing in pages");
  }

  private read(
    query: Record<string, string | boolean | undefined>,
    handle: (event: WatchEvent) => void | Promise<void>,
  ): Promise<void> {
    const { client, clock, random, keepManagedFields } = this.options;
    return readWatch(
      {
        client,
        path: this.path,
        query: { ...this.selectors(), ...query, allowWatchBookmarks: true, timeoutSeconds: 300 + Math.floor(random() * 301) },
        clock,
        signal: this.stopper.signal,
        // The short bound is for the initial events only; the same connection then goes on as an ordinary watch.
        silenceMs: () => (this.version === undefined ? this.tuning.initialSilenceMs : this.tuning.silenceMs),
        keepManagedFields: keepManagedFields === true,
        onOpen: () => this.opened(),
        onActivity: () => this.touch(),
      },
      (event) => {
        this.eventsOfWatch += 1;
        return handle(event);
      },
    );
  }

  private apply(event: WatchEvent, seen?: Set<string>): void {
    switch (event.type) {
      case "ADDED":
      case "MODIFIED":
        return this.sync.upsert(event.object, seen);
      case "DELETED":
        return this.sync.remove(event.object);
      case "BOOKMARK":
        return;
    }
  }

  private touch(): void {
    this.active = this.options.clock.monotonic();
    this.opened();
  }
  private opened(): void {
    this.openedAt ??= this.options.clock.monotonic();
    this.missing = false;
  }

  private lived(): number {
    return this.openedAt === undefined ? 0 : this.options.clock.monotonic() - this.openedAt;
  }

  private async afterCleanEnd(): Promise<void> {
    if (this.lived() >= this.tuning.resetAfterMs) this.backoff.reset();
    if (this.eventsOfWatch > 0 || this.lived() >= this.tuning.healthyMs) return;
    await this.pause(this.backoff.next());
  }

  private async afterFailure(error: ApiError): Promise<void> {
    if (!isApiError(error, ...KEEPS_VERSION)) this.version = undefined;
    if (this.lived() >= this.tuning.resetAfterMs) this.backoff.reset();
    if (error.code === "NotFound") return this.afterNotFound();
    const delay = this.delayAfter(error);
    const level = delay === 0 ? "debug" : "warn";
    this.logger[level](
      { kind: this.options.kind.kind, code: error.code, error: error.message, delayMs: Math.round(delay) },
      "watch failed, trying again",
    );
    await this.pause(delay);
  }

  private async afterNotFound(): Promise<void> {
    if (!this.missing) {
      this.missing = true;
      this.logger.warn({ kind: this.options.kind.kind, path: this.path }, "kind does not exist, waiting for it");
      this.options.onMissingKind?.();
    }
    await this.pause(Math.min(this.backoff.next(), this.tuning.missingKindCapMs));
  }

  private delayAfter(error: ApiError): number {
    const told = (error.retryAfterSeconds ?? 0) * 1000;
    if (told === 0 && this.lived() >= this.tuning.healthyMs) return 0;
    // The jitter on top keeps clients apart that were all told the same time.
    return Math.max(this.backoff.next(), told * (1 + this.options.random() * 0.1));
  }

  private pause(ms: number): Promise<void> {
    return this.options.clock.sleep(ms, this.stopper.signal);
  }

  private selectors(): Record<string, string | undefined> {
    return { labelSelector: this.options.labelSelector, fieldSelector: this.options.fieldSelector };
  }
}

function isInitialEnd(event: WatchEvent): boolean {
  return event.type === "BOOKMARK" && event.object.metadata.annotations?.[INITIAL_EVENTS_END] === "true";
}

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError("Unknown", error instanceof Error ? error.message : String(error), { cause: error });
}
