// SPDX-License-Identifier: Apache-2.0
// Events for people who read `kubectl describe`. Core v1, since describe prints its count and both times ("3s (x4 over 2m)").
// A recorder never throws and never waits: what cannot be written is dropped and logged. Limits are client-go's.
import { TokenBucket } from "./backoff";
import type { Clock } from "./clock";
import { ApiError, isApiError } from "./errors";
import { type Logger, silentLogger } from "./logger";
import { type ResourceKind, resourcePath } from "./resources";
import type { ApiClient } from "./transport";

export interface EventTarget {
  apiVersion: string;
  kind: string;
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
}

export type EventType = "Normal" | "Warning";

export interface EventRecorderOptions {
  client: ApiClient;
  /** Shown as From in `kubectl describe`. */
  component: string;
  /** Which process, e.g. the Pod's name. */
  instance?: string;
  clock: Clock;
  logger?: Logger;
}

interface Known {
  name: string;
  namespace: string;
  count: number;
  firstTimestamp: string;
  lastAt: number;
}

interface Note {
  target: EventTarget;
  type: EventType;
  reason: string;
  message: string;
}

const EVENTS: ResourceKind = { group: "", version: "v1", plural: "events", kind: "Event", namespaced: true };
const ALIKE_MS = 600_000;
const SIMILAR_LIMIT = 10;
const BURST = 25;
const PER_SECOND = 1 / 300;
const LONGEST_MESSAGE = 1024;
const WAITING_LIMIT = 1000;
const TABLE_LIMIT = 4096;
const ATTEMPTS = 3;

export class EventRecorder {
  private readonly buckets = new Map<string, TokenBucket>();
  private readonly known = new Map<string, Known>();
  private readonly similar = new Map<string, { since: number; messages: Set<string> }>();
  private readonly logger: Logger;
  private tail: Promise<void> = Promise.resolve();
  private waiting = 0;
  private serial = 0;

  constructor(private readonly options: EventRecorderOptions) {
    this.logger = options.logger ?? silentLogger;
  }

  /** Records what happened to an object; at most 25 at once and then one in 5 minutes per object, alike ones as a count. */
  event(target: EventTarget, type: EventType, reason: string, message: string): void {
    if (!this.allowed(target)) return this.drop(target, reason, "spam filter");
    if (this.waiting >= WAITING_LIMIT) return this.drop(target, reason, "too many wait");
    const note = {
      target,
      type,
      reason,
      message: this.combined({ target, type, reason, message: message.slice(0, LONGEST_MESSAGE) }),
    };
    this.waiting += 1;
    this.tail = this.tail.then(() => this.write(note)).finally(() => (this.waiting -= 1));
  }

  /** Resolves when everything recorded so far was written or dropped. */
  flush(): Promise<void> {
    return this.tail;
  }

  private allowed(target: EventTarget): boolean {
    const key = targetKey(target);
    const bucket = this.buckets.get(key) ?? new TokenBucket(this.options.clock, PER_SECOND, BURST);
    remember(this.buckets, key, bucket);
    return bucket.tryTake();
  }

  // Many different messages for one reason would be as many objects: from the eleventh on they share one.
  private combined(note: Note): string {
    const key = `${targetKey(note.target)}|${note.type}|${note.reason}`;
    const now = this.options.clock.monotonic();
    let group = this.similar.get(key);
    if (group === undefined || now - group.since > ALIKE_MS) group = { since: now, messages: new Set() };
    remember(this.similar, key, group);
    if (group.messages.has(note.message)) return note.message;
    if (group.messages.size >= SIMILAR_LIMIT) return COMBINED;
    group.messages.add(note.message);
    return note.message;
  }

  private async write(note: Note): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.send(note);
      } catch (error) {
        if (attempt < ATTEMPTS && error instanceof ApiError && error.retry) {
          await this.options.clock.sleep((error.retryAfterSeconds ?? attempt) * 1000);
          continue;
        }
        return this.drop(note.target, note.reason, error instanceof Error ? error.message : String(error));
      }
    }
  }

  private async send(note: Note): Promise<void> {
    const key = `${targetKey(note.target)}|${note.type}|${note.reason}|${note.message}`;
    const known = this.known.get(key);
    const now = this.options.clock.monotonic();
    if (known !== undefined && now - known.lastAt <= ALIKE_MS && (await this.count(known))) return;
    const created = await this.create(note);
    remember(this.known, key, { ...created, count: 1, lastAt: now });
  }

  // False when the event has been cleaned up by the server (they live for an hour).
  private async count(known: Known): Promise<boolean> {
    const body = { count: known.count + 1, lastTimestamp: this.time() };
    try {
      await this.options.client.request("PATCH", resourcePath(EVENTS, known.namespace, known.name), { body });
    } catch (error) {
      if (isApiError(error, "NotFound")) return false;
      throw error;
    }
    known.count += 1;
    known.lastAt = this.options.clock.monotonic();
    return true;
  }

  private async create({
    target,
    type,
    reason,
    message,
  }: Note): Promise<{ name: string; namespace: string; firstTimestamp: string }> {
    const { client, component, instance, clock } = this.options;
    // Events of cluster-scoped objects live in `default`: that is where describe looks.
    const namespace = target.namespace ?? "default";
    const name = `${target.name.slice(0, 200)}.${(clock.now() * 1000 + (this.serial++ % 1000)).toString(16)}`;
    const time = this.time();
    const body = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name, namespace },
      involvedObject: { ...target },
      type,
      reason,
      message,
      count: 1,
      firstTimestamp: time,
      lastTimestamp: time,
      source: { component },
      reportingComponent: component,
      reportingInstance: instance ?? component,
    };
    await client.request("POST", resourcePath(EVENTS, namespace), { body });
    return { name, namespace, firstTimestamp: time };
  }

  private time(): string {
    return `${new Date(this.options.clock.now()).toISOString().slice(0, 19)}Z`;
  }

  private drop(target: EventTarget, reason: string, why: string): void {
    this.logger.debug({ target: targetKey(target), reason, why }, "event dropped");
  }
}

const COMBINED = "more events of this kind with different messages; the log has each of them";

function targetKey(target: EventTarget): string {
  return `${target.kind}/${target.namespace ?? ""}/${target.name}/${target.uid ?? ""}`;
}

// A small least-recently-used table: Map keeps the order of insertion.
function remember<V>(table: Map<string, V>, key: string, value: V): void {
  table.delete(key);
  table.set(key, value);
  if (table.size <= TABLE_LIMIT) return;
  const oldest = table.keys().next();
  if (oldest.done !== true) table.delete(oldest.value);
}
