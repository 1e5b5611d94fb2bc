// SPDX-License-Identifier: Apache-2.0
// Objects of an API server in memory: one counter of versions over all kinds, a history for each collection that watches resume from, and
// bytes that are made once for everybody who watches.
import type { KubeObject } from "../../../controller/kubernetes";

export interface Stored {
  readonly json: string;
  /** Text without version and owners: what two versions that say the same have in common. */
  bare?: string;
  /** Never changed in place. */
  readonly object: KubeObject;
  readonly version: number;
}
export interface LogEntry {
  version: number;
  line: Buffer;
}
export type ChangeType = "ADDED" | "MODIFIED" | "DELETED";
export type Sink = (line: Buffer) => void;
interface Collection {
  readonly objects: Map<string, Stored>;
  readonly log: LogEntry[];
  readonly sinks: Set<Sink>;
}

export class ApiStore {
  version = 100;
  /** Watches cannot begin at a version before this one any more. */
  compacted = 0;
  private readonly collections = new Map<string, Collection>();

  of(collection: string): Collection {
    let found = this.collections.get(collection);
    if (!found) this.collections.set(collection, (found = { objects: new Map(), log: [], sinks: new Set() }));
    return found;
  }
  get(collection: string, key: string): Stored | undefined {
    return this.of(collection).objects.get(key);
  }
  list(collection: string): Stored[] {
    return [...this.of(collection).objects.values()];
  }
  /** Stores under the next version. */
  set(collection: string, key: string, object: KubeObject): Stored {
    const type = this.of(collection).objects.has(key) ? "MODIFIED" : "ADDED";
    const stored = this.versioned(object);
    this.of(collection).objects.set(key, stored);
    this.tell(collection, type, stored);
    return stored;
  }
  delete(collection: string, key: string, last: KubeObject): Stored {
    const stored = this.versioned(last);
    this.of(collection).objects.delete(key);
    this.tell(collection, "DELETED", stored);
    return stored;
  }
  compact(): void {
    this.compacted = this.version;
    for (const { log } of this.collections.values()) log.length = 0;
  }
  private versioned(object: KubeObject): Stored {
    const version = ++this.version;
    const next = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    return { json: JSON.stringify(next), object: next, version };
  }
  private tell(collection: string, type: ChangeType, { json, version }: Stored): void {
    const { log, sinks } = this.of(collection);
    const line = lineOf(type, json);
    log.push({ version, line });
    for (const sink of sinks) sink(line);
  }
}

export const lineOf = (type: string, json: string): Buffer => Buffer.from(`{"type":"${type}","object":${json}}\n`);
