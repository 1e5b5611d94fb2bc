// SPDX-License-Identifier: Apache-2.0
// All state in memory. Resources are replaced, never changed in place, so a recorded answer stays what was sent.
// Lookups that mutations need (by path, scope, numeric id, or a named index) do not scan.
import type { Change, Families, Kind, Resource } from "./types";
import { FAMILIES, pathOf } from "./links";

type IndexKeys<T> = (resource: T) => readonly string[];

/** All resources of one family. */
export class Collection<T extends Resource> {
  private readonly byPath = new Map<string, T>();
  private readonly scopes = new Map<string, Map<string, T>>();
  private readonly byId = new Map<string, string>();
  private readonly indexes = new Map<string, { keys: IndexKeys<T>; members: Map<string, Set<string>> }>();

  constructor(
    readonly kind: Kind,
    private readonly changed: (change: Change) => void,
  ) {}

  /** Adds an index over the keys that `keys` derives; must be called before anything is stored. */
  index(name: string, keys: IndexKeys<T>): this {
    this.indexes.set(name, { keys, members: new Map() });
    return this;
  }

  get(path: string): T | undefined {
    return this.byPath.get(path);
  }

  /** A resource by its scope and its name or numeric id. */
  find(scope: string, nameOrId: string): T | undefined {
    const byName = this.byPath.get(`${scope}/${this.kind}/${nameOrId}`);
    if (byName) return byName;
    const path = this.byId.get(nameOrId);
    return path?.startsWith(`${scope}/`) ? this.byPath.get(path) : undefined;
  }

  /** Resources whose index `name` holds `key`. */
  by(name: string, key: string): T[] {
    const members = this.indexes.get(name)?.members.get(key);
    return members ? [...members].flatMap((path) => this.byPath.get(path) ?? []) : [];
  }

  all(): T[] {
    return [...this.byPath.values()];
  }

  inScope(scope: string): T[] {
    return [...(this.scopes.get(scope)?.values() ?? [])];
  }

  count(scope: string): number {
    return this.scopes.get(scope)?.size ?? 0;
  }

  /** Adds or replaces; fields that are undefined are dropped. */
  put(given: T): T {
    const resource = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T;
    const path = pathOf(resource.selfLink);
    const before = this.byPath.get(path);
    if (before) this.unindex(path, before);
    this.byPath.set(path, resource);
    this.byId.set(resource.id, path);
    const scope = scopeOf(path);
    const named = this.scopes.get(scope) ?? new Map<string, T>();
    this.scopes.set(scope, named.set(resource.name, resource));
    this.reindex(path, resource);
    this.changed({ kind: this.kind, name: resource.name, op: before ? "update" : "insert" });
    return resource;
  }

  delete(path: string): boolean {
    const before = this.byPath.get(path);
    if (!before) return false;
    this.unindex(path, before);
    this.byPath.delete(path);
    this.byId.delete(before.id);
    this.scopes.get(scopeOf(path))?.delete(before.name);
    this.changed({ kind: this.kind, name: before.name, op: "delete" });
    return true;
  }

  private reindex(path: string, resource: T): void {
    for (const { keys, members } of this.indexes.values()) {
      for (const key of keys(resource)) members.set(key, (members.get(key) ?? new Set<string>()).add(path));
    }
  }

  private unindex(path: string, resource: T): void {
    for (const { keys, members } of this.indexes.values()) {
      for (const key of keys(resource)) {
        const set = members.get(key);
        set?.delete(path);
        if (set?.size === 0) members.delete(key);
      }
    }
  }
}

function scopeOf(path: string): string {
  return path.split("/").slice(0, -2).join("/");
}

const urls = (...values: (string | undefined)[]) => values.flatMap((value) => (value === undefined ? [] : [pathOf(value)]));

/** Key under which an IP address is taken: external ones are unique, internal ones within their VPC network. */
export function ipKey(ip: string, networkUrl?: string): string {
  return networkUrl === undefined ? `external|${ip}` : `${pathOf(networkUrl)}|${ip}`;
}

/** The collections of one emulator with their indexes. */
export class Store {
  private readonly listeners = new Set<(change: Change) => void>();
  private readonly collections: { [K in Kind]: Collection<Families[K]> };

  constructor() {
    const changed = (change: Change) => this.listeners.forEach((listener) => listener(change));
    const make = <K extends Kind>(kind: K) => new Collection<Families[K]>(kind, changed);
    this.collections = {
      addresses: make("addresses")
        .index("ip", (a) => [ipKey(a.address, a.addressType === "INTERNAL" ? a.network : undefined)])
        .index("subnetwork", (a) => urls(a.subnetwork)),
      forwardingRules: make("forwardingRules")
        .index("ip", (r) => [ipKey(r.IPAddress, r.loadBalancingScheme === "INTERNAL" ? r.network : undefined)])
        .index("target", (r) => urls(r.target, r.backendService))
        .index("subnetwork", (r) => urls(r.subnetwork)),
      targetInstances: make("targetInstances").index("instance", (t) => urls(t.instance)),
      instances: make("instances")
        .index("ip", (i) => i.networkInterfaces.flatMap(nicIpKeys))
        .index("network", (i) => i.networkInterfaces.map((nic) => pathOf(nic.network)))
        .index("subnetwork", (i) => i.networkInterfaces.flatMap((nic) => urls(nic.subnetwork))),
      networks: make("networks"),
      subnetworks: make("subnetworks").index("network", (s) => urls(s.network)),
      firewalls: make("firewalls").index("network", (f) => urls(f.network)),
      publicDelegatedPrefixes: make("publicDelegatedPrefixes").index("parent", (p) => urls(p.parentPrefix)),
      publicAdvertisedPrefixes: make("publicAdvertisedPrefixes"),
      networkEndpointGroups: make("networkEndpointGroups").index("network", (g) => urls(g.network)),
      backendServices: make("backendServices"),
      healthChecks: make("healthChecks"),
    };
  }

  of<K extends Kind>(kind: K): Collection<Families[K]> {
    return this.collections[kind];
  }

  /** Whatever lies at a path, in whichever family. */
  at(path: string): Resource | undefined {
    const collection = path.split("/").at(-2) ?? "";
    return collection in FAMILIES ? this.of(collection as Kind).get(path) : undefined;
  }

  onChange(listener: (change: Change) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

function nicIpKeys(nic: Families["instances"]["networkInterfaces"][number]): string[] {
  return [ipKey(nic.networkIP, nic.network), ...(nic.accessConfigs ?? []).map((config) => ipKey(config.natIP))];
}
