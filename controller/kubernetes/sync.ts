// SPDX-License-Identifier: Apache-2.0
// From objects as the server tells them to changes of the store, each announced once: the same version twice is nothing, another
// UID under the same name is a delete and an add, and whatever a complete list did not contain has been deleted meanwhile.
import type { Clock } from "./clock";
import { ABORTED, ApiError } from "./errors";
import type { Logger } from "./logger";
import { type KubeObject, keyOf, type ResourceKind } from "./resources";
import type { Store } from "./store";

export interface StoreEvent<T extends KubeObject> {
  type: "added" | "modified" | "deleted";
  /** The object now; for `deleted`, its last known state. */
  object: T;
  old?: T;
  /** True until the first sync is complete. */
  initial: boolean;
}

export interface SyncerOptions<T extends KubeObject> {
  store: Store<T>;
  kind: ResourceKind;
  transform?(object: KubeObject): T;
  onEvent?: (event: StoreEvent<T>) => void;
  logger: Logger;
  clock: Pick<Clock, "breathe">;
}

export class Syncer<T extends KubeObject> {
  synced = false;
  private abandoned = false;
  private waiters: (() => void)[] = [];

  constructor(private readonly options: SyncerOptions<T>) {}

  /** An object exists. `seen` collects the keys of a list under way. */
  upsert(raw: KubeObject, seen?: Set<string>): void {
    const key = keyOf(raw);
    seen?.add(key);
    const object = this.transformed(raw);
    if (object === undefined) return;
    let old = this.options.store.get(key);
    if (old !== undefined && old.metadata.uid !== object.metadata.uid) {
      this.drop(key, old);
      old = undefined;
    }
    if (old?.metadata.resourceVersion !== undefined && old.metadata.resourceVersion === object.metadata.resourceVersion) return;
    this.guarded("index", key, () => {
      this.options.store.set(object);
      this.emit({ type: old === undefined ? "added" : "modified", object, old, initial: !this.synced });
    });
  }

  /** An object has been deleted, or has left the selection. */
  remove(raw: KubeObject): void {
    const key = keyOf(raw);
    const old = this.options.store.get(key);
    if (old !== undefined) this.drop(key, this.transformed(raw) ?? old);
  }

  /** A list is complete: everything that it did not contain is gone. Many may be, so the event loop has its turns meanwhile. */
  async complete(seen: ReadonlySet<string>): Promise<void> {
    for (const key of this.options.store.keys()) {
      const old = seen.has(key) ? undefined : this.options.store.get(key);
      if (old === undefined) continue;
      this.drop(key, old);
      const pause = this.options.clock.breathe?.();
      if (pause !== undefined) await pause;
    }
    if (this.abandoned) return;
    this.synced = true;
    this.wake();
  }

  whenSynced(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        signal?.removeEventListener("abort", settle);
        if (this.synced) resolve();
        else reject(new ApiError("Timeout", `${this.options.kind.plural}: stopped before the first sync`, { reason: ABORTED }));
      };
      if (this.synced || this.abandoned || signal?.aborted) return settle();
      this.waiters.push(settle);
      signal?.addEventListener("abort", settle, { once: true });
    });
  }

  /** Nobody will sync any more: whoever waits gets an error. */
  abandon(): void {
    this.abandoned = true;
    this.wake();
  }

  private wake(): void {
    for (const settle of this.waiters.splice(0)) settle();
  }

  private drop(key: string, last: T): void {
    const old = this.options.store.delete(key);
    this.emit({ type: "deleted", object: last, old, initial: !this.synced });
  }

  private transformed(raw: KubeObject): T | undefined {
    if (this.options.transform === undefined) return raw as T;
    return this.guarded("transform", keyOf(raw), () => this.options.transform?.(raw));
  }

  private emit(event: StoreEvent<T>): void {
    this.guarded("onEvent", keyOf(event.object), () => this.options.onEvent?.(event));
  }

  // One odd object, or one bug in a handler, must not stop the objects after it.
  private guarded<R>(what: string, key: string, fn: () => R): R | undefined {
    try {
      return fn();
    } catch (error) {
      this.options.logger.error({ kind: this.options.kind.kind, key, error }, `${what} threw, object skipped`);
      return undefined;
    }
  }
}
