// SPDX-License-Identifier: Apache-2.0
// What a reflector has seen: a map by `namespace/name` with named indexes. Objects are shared, never copied: readers must not
// change them.
import { type KubeObject, keyOf } from "./resources";

/** From an object to the values it is found under; must be pure, as it is called again when the object leaves. */
export type Indexer<T> = (object: T) => string[];

/** The reading half, for everybody but the reflector. */
export interface ReadStore<T extends KubeObject> {
  get(key: string): T | undefined;
  list(): T[];
  keys(): string[];
  byIndex(name: string, value: string): T[];
  /** How many `byIndex` would answer. */
  countBy(name: string, value: string): number;
  readonly size: number;
}

export class Store<T extends KubeObject> implements ReadStore<T> {
  private readonly objects = new Map<string, T>();
  private readonly indexes = new Map<string, { indexer: Indexer<T>; buckets: Map<string, Map<string, T>> }>();

  constructor(indexers: Record<string, Indexer<T>> = {}) {
    for (const [name, indexer] of Object.entries(indexers)) this.indexes.set(name, { indexer, buckets: new Map() });
  }

  get size(): number {
    return this.objects.size;
  }

  /** @param key `namespace/name`, or `name` for cluster-scoped kinds */
  get(key: string): T | undefined {
    return this.objects.get(key);
  }

  list(): T[] {
    return Array.from(this.objects.values());
  }

  keys(): string[] {
    return Array.from(this.objects.keys());
  }

  /** @throws RangeError when no index has that name */
  byIndex(name: string, value: string): T[] {
    return Array.from(this.bucket(name, value)?.values() ?? []);
  }

  /** @throws RangeError when no index has that name */
  countBy(name: string, value: string): number {
    return this.bucket(name, value)?.size ?? 0;
  }

  /** Stores an object and answers the one it replaces. When an indexer throws, nothing has changed. */
  set(object: T): T | undefined {
    const key = keyOf(object);
    const placements = Array.from(this.indexes.values(), ({ indexer, buckets }) => ({ buckets, values: indexer(object) }));
    const old = this.objects.get(key);
    if (old !== undefined) this.unindex(key, old);
    this.objects.set(key, object);
    for (const { buckets, values } of placements) {
      for (const value of values) bucketOf(buckets, value).set(key, object);
    }
    return old;
  }

  /** Removes an object and answers it. */
  delete(key: string): T | undefined {
    const old = this.objects.get(key);
    if (old === undefined) return undefined;
    this.unindex(key, old);
    this.objects.delete(key);
    return old;
  }

  private bucket(name: string, value: string): ReadonlyMap<string, T> | undefined {
    const index = this.indexes.get(name);
    if (index === undefined)
      throw new RangeError(`index ${JSON.stringify(name)} does not exist; there are: ${[...this.indexes.keys()].join(", ")}`);
    return index.buckets.get(value);
  }

  private unindex(key: string, object: T): void {
    for (const { indexer, buckets } of this.indexes.values()) {
      for (const value of indexer(object)) dropFrom(buckets, value, key);
    }
  }
}

function bucketOf<T>(buckets: Map<string, Map<string, T>>, value: string): Map<string, T> {
  let bucket = buckets.get(value);
  if (bucket === undefined) buckets.set(value, (bucket = new Map<string, T>()));
  return bucket;
}

function dropFrom<T>(buckets: Map<string, Map<string, T>>, value: string, key: string): void {
  const bucket = buckets.get(value);
  bucket?.delete(key);
  if (bucket?.size === 0) buckets.delete(value);
}
