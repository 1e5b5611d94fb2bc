// SPDX-License-Identifier: Apache-2.0
// An API server in memory, behind the ApiClient interface: versions, optimistic locks, finalizers, server-side apply of conditions, watches.
// For tests only; what it does was read off kube-apiserver 1.34 by tests/apiserver.
import type { KubeObject } from "../api";
import { ApiError, type ApiClient, type ByteStream, type Method, type RequestOptions } from "../kubernetes";

export interface Sent {
  method: string;
  path: string;
  body: Record<string, unknown>;
  query: RequestOptions["query"];
}
/** Called before and after the effect of a request; may throw. */
export type Fuse = (what: string, when: "before" | "after") => void;
type Json = Record<string, unknown>;
type Status = { pods?: string[]; conditions?: { type: string }[] } & Json;
interface Watcher {
  path: string;
  push(line: object): void;
}
const END = { annotations: { "k8s.io/initial-events-end": "true" } };

export class MemoryApi implements ApiClient {
  readonly server = "https://memory";
  readonly sent: Sent[] = [];
  fuse: Fuse = () => undefined;
  private readonly objects = new Map<string, KubeObject>();
  /** Condition types, and `pods`, that a manager has applied, by `path manager`. */
  private readonly applied = new Map<string, Set<string>>();
  private readonly watchers = new Set<Watcher>();
  private backlog: (() => void)[] | undefined;
  private late = "";
  private version = 100;
  private uids = 0;

  onRequest(): void {}
  close(): Promise<void> {
    return Promise.resolve();
  }
  /** Writes since the last call, without reads. */
  writes(): Sent[] {
    return this.sent.splice(0);
  }

  get<T extends KubeObject>(path: string): T | undefined {
    return this.objects.get(path) as T | undefined;
  }
  list(prefix: string): KubeObject[] {
    return [...this.objects].filter(([p]) => p.startsWith(prefix)).map(([, o]) => o);
  }
  /** Somebody creates or replaces an object. */
  put(path: string, object: object): KubeObject {
    const before = this.objects.get(path);
    const { metadata } = object as KubeObject;
    const spec = (o: object | undefined): string => JSON.stringify((o as { spec?: unknown } | undefined)?.spec);
    const generation =
      (before?.metadata.generation ?? metadata.generation ?? 1) + (before && spec(before) !== spec(object) ? 1 : 0);
    const own = { uid: metadata.uid ?? before?.metadata.uid ?? `made-${++this.uids}`, generation };
    return this.store(path, { ...object, metadata: { ...metadata, ...own } });
  }
  /** Somebody changes an object in place. */
  change<T extends KubeObject>(path: string, edit: (object: T) => T): void {
    this.store(path, edit(structuredClone(this.need(path)) as T));
  }
  /** Somebody deletes an object; finalizers hold it. */
  remove(path: string): void {
    const found = this.objects.get(path);
    if (!found) return;
    if ((found.metadata.finalizers ?? []).length > 0)
      this.store(path, { ...found, metadata: { ...found.metadata, deletionTimestamp: "2026-01-01T01:00:00Z" } });
    else this.drop(path, found);
  }
  /** Watches fall behind until `catchUp`. @param part only those of objects with this in their path */
  lag(part = ""): void {
    this.backlog ??= [];
    this.late = part;
  }
  catchUp(): void {
    const waiting = this.backlog ?? [];
    this.backlog = undefined;
    for (const tell of waiting) tell();
  }

  async request<T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
    await Promise.resolve();
    if (method === "GET") return this.read(path, options) as T;
    const what = `${method} ${path}`;
    this.fuse(what, "before");
    const body = structuredClone(options.body ?? {}) as Json;
    this.sent.push({ method, path, body, query: options.query });
    const answer = this.mutate(method, path, body, options);
    this.fuse(what, "after");
    return structuredClone(answer) as T;
  }
  /** One object, or a list of those that bear the name. */
  private read(path: string, { query, raw }: RequestOptions): unknown {
    const name = /^metadata\.name=(.+)$/.exec(String(query?.fieldSelector))?.[1];
    if (name === undefined) return structuredClone(this.need(path));
    const found = this.objects.get(`${path}/${name}`);
    const list = { kind: "List", metadata: { resourceVersion: String(this.version) }, items: found ? [found] : [] };
    return raw ? Buffer.from(JSON.stringify(list)) : list;
  }
  private mutate(method: Method, path: string, body: Json, { contentType = "", query }: RequestOptions): unknown {
    if (method === "POST") return this.create(path, body as unknown as KubeObject);
    if (method === "DELETE") return this.deleted(path, body);
    if (contentType.includes("json-patch")) return this.jsonPatch(path, body as unknown as Op[]);
    const object = path.replace(/\/status$/, "");
    const current = this.need(object);
    this.checkLock(current, body.metadata as KubeObject["metadata"]);
    if (contentType.includes("apply-patch"))
      return this.apply(object, current, body.status as Status, String(query?.fieldManager));
    return this.store(object, merge(current, body) as KubeObject);
  }
  private create(path: string, object: KubeObject): KubeObject {
    const full = `${path}/${object.metadata.name}`;
    if (this.objects.has(full)) throw new ApiError("AlreadyExists", `${full} exists`);
    return this.put(full, object);
  }
  private deleted(path: string, body: Json): object {
    const current = this.need(path);
    this.checkLock(current, body.preconditions as KubeObject["metadata"] | undefined);
    this.remove(path);
    return {};
  }
  private jsonPatch(path: string, ops: Op[]): KubeObject {
    const current = structuredClone(this.need(path));
    const list = current.metadata.finalizers ?? [];
    for (const op of ops) applyOp(current, list, op);
    const next = { ...current, metadata: { ...current.metadata, finalizers: list } };
    if (list.length > 0 || !current.metadata.deletionTimestamp) return this.store(path, next);
    this.drop(path, current);
    return next;
  }
  /** Conditions are a map by type: what the manager leaves out this time goes, what others wrote stays. */
  private apply(path: string, current: KubeObject, status: Status, manager: string): KubeObject {
    const key = `${path} ${manager}`;
    const before = this.applied.get(key) ?? new Set<string>();
    const have = (current as unknown as { status?: Status }).status ?? {};
    const types = new Set((status.conditions ?? []).map((c) => c.type));
    const kept = (have.conditions ?? []).filter((c) => !types.has(c.type) && !before.has(c.type));
    const next: Status = { ...have, ...status, conditions: [...kept, ...(status.conditions ?? [])] };
    if (!("pods" in status) && before.has("pods")) delete next.pods;
    this.applied.set(key, new Set([...types, ...("pods" in status ? ["pods"] : [])]));
    const foreign = (managed(current) ?? []).filter((e) => e.manager !== manager);
    const managedFields = [...foreign, managedEntry(manager, [...this.applied.get(key)!])];
    return this.store(path, { ...current, metadata: { ...current.metadata, managedFields }, status: next } as KubeObject);
  }

  stream(path: string, options: RequestOptions = {}): Promise<ByteStream> {
    const lines: Buffer[] = [];
    let wake: () => void = () => undefined;
    let closed = false;
    const push = (line: object): void => {
      lines.push(Buffer.from(`${JSON.stringify(line)}\n`));
      wake();
    };
    const watcher: Watcher = { path: `${path}/`, push };
    for (const [p, o] of this.objects) if (belongs(p, path)) push({ type: "ADDED", object: o });
    push({ type: "BOOKMARK", object: { kind: "x", metadata: { resourceVersion: String(this.version), ...END } } });
    this.watchers.add(watcher);
    const close = (): void => {
      closed = true;
      this.watchers.delete(watcher);
      options.signal?.removeEventListener("abort", close);
      wake();
    };
    options.signal?.addEventListener("abort", close, { once: true });
    async function* read(): AsyncGenerator<Buffer> {
      while (!closed) {
        while (lines.length > 0) yield lines.shift()!;
        if (!closed) await new Promise<void>((resolve) => (wake = resolve));
      }
    }
    return Promise.resolve({ close, [Symbol.asyncIterator]: read });
  }
  private need(path: string): KubeObject {
    const found = this.objects.get(path);
    if (!found) throw new ApiError("NotFound", `${path} not found`, { status: 404 });
    return found;
  }
  private checkLock(current: KubeObject, wanted: KubeObject["metadata"] | undefined): void {
    const { resourceVersion, uid } = wanted ?? {};
    const stale = resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion;
    if (stale || (uid !== undefined && uid !== current.metadata.uid)) throw new ApiError("Conflict", "changed meanwhile");
  }
  private store(path: string, object: KubeObject): KubeObject {
    const before = this.objects.get(path);
    const bare = (o: KubeObject): string =>
      JSON.stringify({ ...o, metadata: { ...o.metadata, resourceVersion: "", managedFields: [] } });
    if (before && bare(before) === bare(object)) return before;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.version) } };
    this.objects.set(path, stored);
    this.tell(path, { type: before ? "MODIFIED" : "ADDED", object: stored });
    return stored;
  }
  private drop(path: string, object: KubeObject): void {
    this.objects.delete(path);
    this.tell(path, {
      type: "DELETED",
      object: { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.version) } },
    });
  }
  private tell(path: string, event: { type: string; object: KubeObject }): void {
    const line = structuredClone(event);
    const now = (): void => {
      for (const w of this.watchers) if (belongs(path, w.path.slice(0, -1))) w.push(line);
    };
    if (this.backlog && path.includes(this.late)) this.backlog.push(now);
    else now();
  }
}

interface Op {
  op: "test" | "add" | "remove";
  path: string;
  value?: unknown;
}
function applyOp(object: KubeObject, list: string[], { op, path, value }: Op): void {
  const last = path.split("/").at(-1)!;
  if (op === "test" && last === "uid") return check(object.metadata.uid === value);
  if (op === "test")
    return check(last === "finalizers" ? (list.length === 0) === (value === null) : list[Number(last)] === value);
  if (op === "remove") return void list.splice(Number(last), 1);
  list.push(...[value as string | string[]].flat());
}
function check(good: boolean): void {
  if (!good) throw new ApiError("Invalid", "test failed", { status: 422, body: { details: {} } });
}
/** `/apis/G/V/plural` has `/apis/G/V/plural/name` and `/apis/G/V/namespaces/N/plural/name`. */
function belongs(path: string, collection: string): boolean {
  const plain = path.replace(/\/namespaces\/[^/]+\/([^/]+\/[^/]+)$/, "/$1");
  return plain.slice(0, plain.lastIndexOf("/")) === collection;
}
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const out: Json = typeof target === "object" && target !== null && !Array.isArray(target) ? { ...(target as Json) } : {};
  for (const [k, v] of Object.entries(patch)) {
    if (v === null) delete out[k];
    else out[k] = merge(out[k], v);
  }
  return out;
}
type Managed = { manager: string };
const managed = (o: KubeObject): Managed[] | undefined => (o.metadata as { managedFields?: Managed[] }).managedFields;

/** An entry of managedFields for `pods` and conditions of a status. */
export function managedEntry(manager: string, owned: readonly string[]): Managed & Json {
  const types = owned.filter((o) => o !== "pods").map((type) => [`k:${JSON.stringify({ type })}`, { ".": {}, "f:status": {} }]);
  const status = { ...(owned.includes("pods") ? { "f:pods": {} } : {}), "f:conditions": Object.fromEntries(types) as Json };
  return { manager, operation: "Apply", subresource: "status", fieldsV1: { "f:status": status } };
}
