// SPDX-License-Identifier: Apache-2.0
// One reflector a kind, and the World that the core decides from. A write of ours is seen at once (overlay), so that a reconcile
// never decides from an object that is older than its own last write.
import { GKE_CONTROLLER_NAMES, KINDS, type AddressBinding, type KubeObject, type LabelSelector, type Scope } from "../api";
import { NODE_LOSS_DEFAULTS, type AddressFact, type GoneNode, type NodeView, type Settings, type World } from "../core";
import {
  listAll,
  Reflector,
  resourcePath,
  type ApiClient,
  type Clock,
  type Logger,
  type Random,
  type StoreEvent,
} from "../kubernetes";
import { INDEXERS, NEEDED, neededKeys, TRANSFORMS, type KindKey, type Kinds, type Listener } from "./caches-kinds";
import { atLeast, keyOf, type NodeObject, type PodObject, type RouteObject } from "./views";

export { INDEXERS, TRANSFORMS, type KindKey, type Kinds, type Listener } from "./caches-kinds";

export interface CacheOptions {
  client: ApiClient;
  clock: Clock;
  random: Random;
  logger: Logger;
  settings: Omit<Settings, "alone">;
  addressFact(address: string, scope: Scope): AddressFact | undefined;
}
/** Deleted nodes that are remembered at most; GKE has no larger clusters. */
const MOST_LOST = 15_000;

export class Caches {
  readonly world: World;
  private readonly reflectors: { [K in KindKey]: Reflector<Kinds[K]> };
  private readonly overlays = { route: new Map<string, RouteObject>(), binding: new Map<string, AddressBinding>() };
  /** UIDs of objects that do not exist any more, be it that the watch still shows them or that a late answer speaks of them. */
  private readonly gone = new RecentSet(4096);
  /** Those of them that the watch has told of. Where it tells of one as new after that, the API server was restored from a backup. */
  private readonly buried = new RecentSet(4096);
  private listener: Partial<Listener> = {};
  /** Nodes that were deleted without having been cordoned, lately. */
  private readonly lost = new Map<string, GoneNode>();
  private nodeChanges = 0;

  constructor(private readonly options: CacheOptions) {
    const make = <K extends KindKey>(key: K): Reflector<Kinds[K]> =>
      new Reflector<Kinds[K]>({
        client: options.client,
        kind: KINDS[key],
        transform: TRANSFORMS[key],
        indexers: INDEXERS[key],
        keepManagedFields: key === "route",
        onEvent: (event) => this.seen(key, event),
        clock: options.clock,
        random: options.random,
        logger: options.logger,
      });
    const keys = Object.keys(TRANSFORMS) as KindKey[];
    this.reflectors = Object.fromEntries(keys.map((k) => [k, make(k)])) as unknown as { [K in KindKey]: Reflector<Kinds[K]> };
    this.world = this.makeWorld();
  }

  start(): void {
    for (const r of Object.values(this.reflectors)) r.start();
  }
  async stop(): Promise<void> {
    await Promise.all(Object.values(this.reflectors).map((r) => r.stop()));
  }
  /** Which needed kinds the API server does not serve or has not listed yet; empty: ready. */
  notReady(): string[] {
    return NEEDED.filter((k) => !this.reflectors[k].hasSynced()).map((k) => `${KINDS[k].plural}.${KINDS[k].group || "core"}`);
  }
  async whenReady(signal: AbortSignal): Promise<void> {
    await Promise.all(NEEDED.map((k) => this.reflectors[k].whenSynced(signal)));
    // The other kinds may be missing for good (E45): give those that exist a moment, then go on without.
    const optional = (["network", "paramSet", "networkInterface"] as const).filter((k) => !this.reflectors[k].kindMissing());
    await Promise.race([
      Promise.all(optional.map((k) => this.reflectors[k].whenSynced(signal))),
      this.options.clock.sleep(5_000, signal),
    ]);
  }
  /** Milliseconds since the quietest needed watch last said something. */
  staleness(): number {
    const now = this.options.clock.monotonic();
    return Math.max(...NEEDED.map((k) => now - this.reflectors[k].lastActivity()));
  }
  nodes(): NodeView[] {
    return this.reflectors.node.store.list().map((n) => n.view);
  }
  /** Nodes that were deleted although they were not on their way out; remembered for as long as that can hold anything still. */
  goneNodes(): readonly GoneNode[] {
    return [...this.lost.values()];
  }
  /** Counts what changes the answers of `nodes` and `goneNodes` in readiness or number. */
  nodesVersion(): number {
    return this.nodeChanges;
  }
  private nodeSeen({ type, object, old }: StoreEvent<NodeObject>): void {
    if (
      type !== "modified" ||
      object.view.notReadySince !== old?.view.notReadySince ||
      object.view.cordoned !== old?.view.cordoned
    )
      this.nodeChanges += 1;
    const { name, cordoned } = (old ?? object).view;
    if (type !== "deleted" || cordoned || object.view.cordoned) return;
    this.remember(name);
  }
  private remember(name: string): void {
    const at = this.options.clock.now();
    this.lost.delete(name);
    this.lost.set(name, { name, at });
    // The oldest come first.
    for (const [oldest, gone] of this.lost) {
      if (this.lost.size <= MOST_LOST && gone.at > at - NODE_LOSS_DEFAULTS.timeoutMs) break;
      this.lost.delete(oldest);
    }
  }
  listen(listener: Listener): void {
    this.listener = listener;
  }
  all<K extends KindKey>(kind: K): Kinds[K][] {
    return this.reflectors[kind].store.list();
  }
  byIndex<K extends KindKey>(kind: K, index: string, value: string): Kinds[K][] {
    return this.reflectors[kind].store.byIndex(index, value);
  }

  /**
   * Reads every claim anew. The watch of a replica that comes to lead may be late, and a journal of which another leader has written the next
   * page since must not be acted upon; from here on we write them ourselves. @throws ApiError
   */
  async readClaims(): Promise<void> {
    const there = new Set<string>();
    const { client, clock } = this.options;
    await listAll({ client, clock, path: resourcePath(KINDS.binding) }, (object) => {
      there.add(object.metadata.name ?? "");
      this.wrote("binding", object as KubeObject);
    });
    for (const b of this.all("binding")) if (!there.has(b.metadata.name)) this.removed("binding", b);
  }
  /** Remembers what a write of ours returned until the watch has caught up. */
  wrote(kind: "route" | "binding", object: KubeObject): void {
    const kept = TRANSFORMS[kind](object);
    const shown = this.reflectors[kind].store.get(this.key(object))?.metadata;
    const caughtUp = atLeast(shown?.resourceVersion, kept.metadata.resourceVersion);
    // The answer to a write can come after the news that the object was deleted.
    if (caughtUp || this.isGone(kept)) return;
    (this.overlays[kind] as Map<string, KubeObject>).set(this.key(object), kept);
  }
  /** An object that a write of ours has removed is not seen again, whatever the watch has yet to tell. */
  removed(kind: "route" | "binding", object: KubeObject): void {
    this.overlays[kind].delete(this.key(object));
    this.gone.add(object.metadata.uid ?? "");
  }
  route(key: string): RouteObject | undefined {
    const found = this.overlays.route.get(key) ?? this.reflectors.route.store.get(key);
    return found && !this.isGone(found) ? found : undefined;
  }
  binding(name: string): AddressBinding | undefined {
    const found = this.overlays.binding.get(name) ?? this.reflectors.binding.store.get(name);
    return found && !this.isGone(found) ? found : undefined;
  }
  /** Bindings that a route owns, by its UID. */
  ownedBy(uid: string): AddressBinding[] {
    const names = new Set(
      [...this.byIndex("binding", "route", uid), ...this.overlays.binding.values()].map((b) => b.metadata.name),
    );
    return [...names].flatMap((n) => this.binding(n) ?? []).filter((b) => b.spec.route.uid === uid);
  }

  /** The view that the core decides from; it reads the caches at each call. */
  private makeWorld(): World {
    const { options, reflectors } = this;
    const alone = (): boolean =>
      !reflectors.gatewayClass.store.list().some((c) => GKE_CONTROLLER_NAMES.includes(c.spec.controllerName));
    return {
      get settings(): Settings {
        return { ...options.settings, alone: alone() };
      },
      route: (namespace, name) => this.route(`${namespace}/${name}`),
      routesClaiming: (address) => this.byIndex("route", "address", address),
      routesOf: (gateway) => this.byIndex("route", "gateway", gateway),
      gateway: (key) => reflectors.gateway.store.get(key),
      gatewaysListing: (address) => this.byIndex("gateway", "address", address),
      gatewayClass: (name) => reflectors.gatewayClass.store.get(name),
      namespaceLabels: (name) => {
        const found = reflectors.namespace.store.get(name);
        return found && (found.metadata.labels ?? {});
      },
      network: (name) => reflectors.network.store.get(name),
      paramSet: (name) => reflectors.paramSet.store.get(name),
      interfaceNetwork: (namespace, name) => reflectors.networkInterface.store.get(`${namespace}/${name}`)?.spec?.networkName,
      pods: (namespace, selector) => this.podsFor(namespace, selector).map((p) => p.view),
      pod: (uid) => this.byIndex("pod", "uid", uid)[0]?.view,
      node: (name) => reflectors.node.store.get(name)?.view,
      addressFact: (address, scope) => options.addressFact(address, scope),
    };
  }

  /** The fewest that an index can narrow it down to: one route must not cost a walk over all Pods of its namespace. */
  private podsFor(namespace: string, selector?: LabelSelector): PodObject[] {
    const { store } = this.reflectors.pod;
    const sizes = neededKeys(namespace, selector).map((key) => ({ key, size: store.countBy("label", key) }));
    const [fewest] = sizes.sort((a, b) => a.size - b.size);
    return fewest ? store.byIndex("label", fewest.key) : store.byIndex("namespace", namespace);
  }

  private key(o: KubeObject): string {
    return o.metadata.namespace ? keyOf(o) : o.metadata.name;
  }
  private isGone(o: KubeObject): boolean {
    return this.gone.has(o.metadata.uid ?? "");
  }
  private seen<K extends KindKey>(kind: K, event: StoreEvent<Kinds[K]>): void {
    if (kind === "route") this.settle(this.overlays.route, event);
    if (kind === "binding") this.settle(this.overlays.binding, event);
    if (kind === "node") this.nodeSeen(event as unknown as StoreEvent<NodeObject>);
    this.listener[kind]?.(event);
  }
  /** Drops what we remember of an object once the watch is as far as that, or says that it is gone. */
  private settle(overlays: Map<string, KubeObject>, { type, object }: StoreEvent<KubeObject>): void {
    this.mourn(type, object.metadata.uid ?? "");
    const overlay = overlays.get(this.key(object))?.metadata;
    if (!overlay) return;
    // A late delete of an object of the same name says nothing about its successor.
    const passed = type === "deleted" ? overlay.uid === object.metadata.uid : reached(object, overlay.resourceVersion);
    if (passed) overlays.delete(this.key(object));
  }
  private mourn(type: StoreEvent<KubeObject>["type"], uid: string): void {
    if (type === "deleted") for (const set of [this.gone, this.buried]) set.add(uid);
    if (type !== "added" || !this.buried.has(uid)) return;
    for (const set of [this.gone, this.buried]) set.delete(uid);
  }
}

const reached = (o: KubeObject, version: string | undefined): boolean => atLeast(o.metadata.resourceVersion, version);

/** The last so many strings; UIDs are never used twice, so that forgetting the oldest is all the care they need. */
class RecentSet {
  private readonly items = new Set<string>();
  constructor(private readonly most: number) {}
  has(item: string): boolean {
    return this.items.has(item);
  }
  delete(item: string): void {
    this.items.delete(item);
  }
  add(item: string): void {
    if (item === "") return;
    this.items.delete(item);
    this.items.add(item);
    for (const oldest of this.items) {
      if (this.items.size <= this.most) return;
      this.items.delete(oldest);
    }
  }
}
