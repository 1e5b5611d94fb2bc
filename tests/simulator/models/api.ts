// SPDX-License-Identifier: Apache-2.0
// A Kubernetes API server in memory: versions and conflicts, finalizers, generations, status as a sub-resource, server-side apply with owners,
// watches that resume, expire and carry bookmarks. tests/simulator/behaviour-api.ts holds it to what kube-apiserver does.
import { ApiError, type KubeObject, type Method } from "../../../controller/kubernetes";
import { ApiStore, lineOf, type Sink, type Stored } from "./api-store";
import { applyStatus, jsonPatch, managedFields, mergePatch, takenFrom, type Json, type Owners, type PatchOp } from "./api-patch";

export interface Ask {
  method: Method;
  path: string;
  body?: unknown;
  contentType?: string;
  query?: Record<string, string | number | boolean | undefined>;
}
/** One write that took effect. `after` is undefined for an object that is gone. */
export interface Write {
  who: string;
  collection: string;
  key: string;
  method: Method;
  sub?: string;
  before?: KubeObject;
  after?: KubeObject;
  body: unknown;
}
export interface Place {
  collection: string;
  namespace?: string;
  name?: string;
  sub?: string;
}
/** Kinds whose status is a sub-resource and whose spec has a generation. */
const CUSTOM = /\/(gkeiproutes|gateways|gatewayclasses|addressbindings|networks|widgets)$/;
const END = { annotations: { "k8s.io/initial-events-end": "true" } };
type Meta = KubeObject["metadata"];

/** @throws RangeError for a path that no API server knows */
export function placeOf(path: string): Place {
  const parts = path.split("/").slice(1);
  const root = parts[0] === "api" ? 2 : 3;
  const base = `/${parts.slice(0, root).join("/")}`;
  const rest = parts.slice(root);
  // `namespaces/N` alone is a Namespace; with more behind it, where something lives.
  const inside = rest[0] === "namespaces" && rest.length > 2 && rest[2] !== "status";
  const namespace = inside ? rest[1] : undefined;
  const [plural, name, sub] = inside ? rest.slice(2) : rest;
  if (!plural) throw new RangeError(`no resource in ${path}`);
  return {
    collection: `${base}/${plural}`,
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(sub ? { sub } : {}),
  };
}
/** Who asks what of which object. */
interface Order {
  who: string;
  place: Place;
  ask: Ask;
}
const keyAt = ({ namespace, name = "" }: Place): string => (namespace ? `${namespace}/${name}` : name);

export class ApiModel {
  readonly store = new ApiStore();
  /** Told of every write after it took effect. */
  onWrite: (write: Write) => void = () => undefined;
  private readonly owners = new Map<string, Owners>();
  private uids = 0;

  /** @param now true time, milliseconds since the epoch */
  constructor(private readonly now: () => number) {}

  /** One request. @throws ApiError */
  handle(who: string, ask: Ask): unknown {
    const place = placeOf(ask.path);
    if (ask.method === "GET") return place.name ? this.need(place).object : this.list(place, ask.query);
    const body = ask.body === undefined ? undefined : (JSON.parse(JSON.stringify(ask.body)) as unknown);
    return this.mutate(who, { ...ask, body }, place);
  }
  get<T extends KubeObject>(path: string): T | undefined {
    const place = placeOf(path);
    return this.store.get(place.collection, keyAt(place))?.object as T | undefined;
  }
  all<T extends KubeObject>(collection: string): T[] {
    return this.store.list(collection).map((s) => s.object as T);
  }

  /**
   * Opens a watch. Lines go to `sink` until the answered function is called; one ERROR line, and no more, for a version that was compacted away.
   */
  watch(path: string, query: NonNullable<Ask["query"]>, sink: Sink): () => void {
    const { collection } = placeOf(path);
    const { objects, log, sinks } = this.store.of(collection);
    if (query.sendInitialEvents === true) {
      for (const s of objects.values()) sink(lineOf("ADDED", s.json));
      sink(this.bookmark(collection, END));
    } else {
      const from = Number(query.resourceVersion ?? 0);
      if (from < this.store.compacted) {
        sink(
          lineOf(
            "ERROR",
            JSON.stringify({ kind: "Status", code: 410, reason: "Expired", message: `too old resource version: ${from}` }),
          ),
        );
        return () => undefined;
      }
      for (const entry of log) if (entry.version > from) sink(entry.line);
    }
    sinks.add(sink);
    return () => void sinks.delete(sink);
  }
  bookmark(collection: string, more: object = {}): Buffer {
    const metadata = { resourceVersion: String(this.store.version), ...more };
    return lineOf("BOOKMARK", JSON.stringify({ kind: collection, metadata }));
  }

  /** The one field selector that custom resources know, besides the namespace's. */
  private list({ collection, namespace }: Place, query: Ask["query"] = {}): unknown {
    const { 1: name } = /^metadata\.name=(.+)$/.exec(String(query.fieldSelector)) ?? [];
    const fits = ({ metadata: m }: KubeObject): boolean =>
      (!namespace || m.namespace === namespace) && (name === undefined || m.name === name);
    const items = this.store.list(collection).filter((s) => fits(s.object));
    return { kind: "List", metadata: { resourceVersion: String(this.store.version) }, items: items.map((s) => s.object) };
  }
  private mutate(who: string, ask: Ask, place: Place): unknown {
    switch (ask.method) {
      case "POST":
        return this.create(who, place, ask);
      case "PUT":
        return this.replace(who, place, ask);
      case "DELETE":
        return this.remove(who, place, ask);
      default:
        return this.patch(who, place, ask);
    }
  }
  private create(who: string, collectionPlace: Place, ask: Ask): KubeObject {
    const object = ask.body as KubeObject;
    const place: Place = { ...collectionPlace, name: object.metadata.name };
    const { collection } = place;
    if (this.store.get(collection, keyAt(place)))
      throw new ApiError("AlreadyExists", `${keyAt(place)} already exists`, { status: 409, reason: "AlreadyExists" });
    const made: Json & KubeObject = {
      ...object,
      metadata: {
        ...object.metadata,
        ...(place.namespace ? { namespace: place.namespace } : {}),
        uid: `uid-${++this.uids}`,
        creationTimestamp: seconds(this.now()),
        ...(CUSTOM.test(collection) ? { generation: 1 } : {}),
      },
    };
    if (CUSTOM.test(collection)) delete made.status;
    return this.commit({ who, place, ask }, undefined, made);
  }
  private replace(who: string, place: Place, ask: Ask): KubeObject {
    const stored = this.need(place);
    const wanted = ask.body as KubeObject;
    lock(stored.object, wanted.metadata);
    return this.commit({ who, place, ask }, stored, this.shaped(place, stored.object, wanted));
  }
  private remove(who: string, place: Place, ask: Ask): object {
    const stored = this.need(place);
    lock(stored.object, (ask.body as { preconditions?: Meta } | undefined)?.preconditions);
    const { metadata } = stored.object;
    if ((metadata.finalizers ?? []).length === 0) return this.drop({ who, place, ask }, stored, stored.object);
    if (metadata.deletionTimestamp) return stored.object;
    const generation = metadata.generation === undefined ? {} : { generation: metadata.generation + 1 };
    const marked = { ...stored.object, metadata: { ...metadata, ...generation, deletionTimestamp: seconds(this.now()) } };
    return this.commit({ who, place, ask }, stored, marked);
  }
  private patch(who: string, place: Place, ask: Ask): KubeObject {
    const stored = this.need(place);
    const type = ask.contentType ?? "application/merge-patch+json";
    if (type.includes("json-patch")) {
      const next = parsed(stored);
      jsonPatch(next as unknown as Json, ask.body as PatchOp[]);
      return this.commit({ who, place, ask }, stored, this.shaped(place, stored.object, next));
    }
    const body = ask.body as KubeObject & { status?: Json };
    lock(stored.object, { resourceVersion: body.metadata?.resourceVersion });
    if (type.includes("apply-patch")) return this.apply(who, place, ask, stored);
    const uid = body.metadata?.uid;
    if (uid !== undefined && uid !== stored.object.metadata.uid)
      throw new ApiError("Invalid", `${keyAt(place)} is invalid: metadata.uid: field is immutable`, {
        status: 422,
        reason: "Invalid",
      });
    const next = this.shaped(place, stored.object, mergePatch(stored.object, body) as KubeObject);
    return this.commit({ who, place, ask }, stored, place.sub === "status" ? this.taken(stored.object, next) : next);
  }
  /** What a patch of a status changes is taken from whoever had applied it. */
  private taken(before: KubeObject, next: KubeObject): KubeObject {
    const { uid = "" } = next.metadata;
    const owners = this.owners.get(uid);
    if (!owners) return next;
    const [had, has] = [before, next].map((o) => (o as KubeObject & { status?: Json }).status ?? {});
    const left = takenFrom(owners, had!, has!);
    this.owners.set(uid, left);
    return { ...next, metadata: { ...next.metadata, managedFields: managedFields(left) } };
  }
  private apply(who: string, place: Place, ask: Ask, stored: Stored): KubeObject {
    const { status = {} } = ask.body as { status?: Json };
    const { uid = "" } = stored.object.metadata;
    const have = (stored.object as unknown as { status?: Json }).status ?? {};
    const manager = String(ask.query?.fieldManager ?? who);
    const result = applyStatus(have, status, manager, this.owners.get(uid) ?? new Map());
    this.owners.set(uid, result.owners);
    const metadata = { ...stored.object.metadata, managedFields: managedFields(result.owners) };
    return this.commit({ who, place, ask }, stored, { ...stored.object, metadata, status: result.status } as KubeObject);
  }

  /** What of a wanted object may change through this door, and the generation that follows from it. */
  private shaped({ collection, sub }: Place, before: KubeObject, wanted: KubeObject): KubeObject {
    const [old, next] = [before as KubeObject & Json, wanted as KubeObject & Json];
    const { uid, creationTimestamp, generation, deletionTimestamp, resourceVersion } = old.metadata;
    const fixed = {
      uid,
      creationTimestamp,
      ...(generation ? { generation } : {}),
      ...(deletionTimestamp ? { deletionTimestamp } : {}),
      resourceVersion,
    };
    if (sub === "status") return { ...old, status: next.status } as KubeObject;
    const { status: _, ...rest } = next;
    const kept = CUSTOM.test(collection) ? { ...rest, ...("status" in old ? { status: old.status } : {}) } : next;
    const changed = JSON.stringify(old.spec) !== JSON.stringify(next.spec);
    const raised = generation !== undefined && changed ? { generation: generation + 1 } : {};
    return { ...kept, metadata: { ...next.metadata, ...fixed, ...raised } };
  }
  private commit(order: Order, stored: Stored | undefined, wanted: KubeObject): KubeObject {
    const { place } = order;
    const next = withoutEmptyLists(wanted);
    if (next.metadata.deletionTimestamp && (next.metadata.finalizers ?? []).length === 0 && stored)
      return this.drop(order, stored, next);
    // A write that changes nothing makes no version.
    const text = bare(next);
    if (stored && (stored.bare ??= bare(stored.object)) === text) return stored.object;
    const made = this.store.set(place.collection, keyAt(place), next);
    made.bare = text;
    this.told(order, stored, made);
    return made.object;
  }
  private drop(order: Order, stored: Stored, last: KubeObject): KubeObject {
    const { place } = order;
    this.owners.delete(stored.object.metadata.uid ?? "");
    const gone = this.store.delete(place.collection, keyAt(place), last);
    this.told(order, stored, undefined);
    return gone.object;
  }
  private told({ who, place, ask: { method, body } }: Order, before: Stored | undefined, after: Stored | undefined): void {
    const { collection, sub } = place;
    const key = keyAt(place);
    this.onWrite({ who, collection, key, method, ...(sub ? { sub } : {}), before: before?.object, after: after?.object, body });
  }
  private need(place: Place): Stored {
    const found = this.store.get(place.collection, keyAt(place));
    if (!found) throw new ApiError("NotFound", `${place.collection} ${keyAt(place)} not found`, { status: 404 });
    return found;
  }
}

/** Empty lists of the metadata are not kept. */
function withoutEmptyLists(o: KubeObject): KubeObject {
  if (o.metadata.finalizers?.length !== 0) return o;
  const { finalizers: _, ...metadata } = o.metadata;
  return { ...o, metadata };
}
const parsed = (s: Stored): KubeObject => JSON.parse(s.json) as KubeObject;
const seconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const bare = (o: KubeObject): string =>
  JSON.stringify({ ...o, metadata: { ...o.metadata, resourceVersion: undefined, managedFields: undefined } });
/** @throws ApiError Conflict */
function lock(current: KubeObject, wanted: Meta | undefined): void {
  const { resourceVersion, uid } = wanted ?? {};
  const stale = resourceVersion !== undefined && resourceVersion !== current.metadata.resourceVersion;
  if (stale || (uid !== undefined && uid !== current.metadata.uid))
    throw new ApiError("Conflict", `${current.metadata.name}: the object has been modified`, { status: 409, reason: "Conflict" });
}
