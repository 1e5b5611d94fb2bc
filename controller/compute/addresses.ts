// SPDX-License-Identifier: Apache-2.0
// Finding the reservation behind a literal. Addresses are only ever read: the user owns them.
import { parseAddress, parseRange, rangeContains } from "../api/ipv4";
import type { Client, Schema } from "./client";
import { ComputeError } from "./errors";
import { toAddress, toPrefix } from "./observe";
import { baseName, partOf } from "./paths";
import type { ObservedAddress, ObservedPrefix, Scope } from "./types";

const SUBNET_CACHE_MS = 600_000;

export class Addresses {
  private readonly subnets = new Map<string, { network: string | undefined; until: number }>();

  constructor(private readonly client: Client) {}

  async find(address: string, scope: Scope, vpc?: string): Promise<ObservedAddress | undefined> {
    const { config } = this.client;
    const projects = scope === "Internal" && config.networkProject ? [config.project, config.networkProject] : [config.project];
    const found: ObservedAddress[] = [];
    for (const project of new Set(projects)) found.push(...(await this.regional(project, `address = "${address}"`)));
    const here = best(await this.matching(found, address), { scope, region: config.region, vpc });
    if (here) return here;
    const elsewhere = (await Promise.all([...new Set(projects)].map((project) => this.everywhere(project, address)))).flat();
    return best(await this.matching(elsewhere, address), { scope, region: config.region, vpc });
  }

  /** Reserved single addresses of the region, in this project and, where it differs, the network project. */
  async all(): Promise<ObservedAddress[]> {
    const { project, networkProject } = this.client.config;
    const lists = await Promise.all([...new Set([project, networkProject ?? project])].map((each) => this.regional(each)));
    return this.withNetworks(lists.flat());
  }

  async prefixOf(address: string): Promise<ObservedPrefix | undefined> {
    const { api, config } = this.client;
    const value = parseAddress(address);
    if (!value.ok) throw new ComputeError({ code: "Invalid", method: "publicDelegatedPrefixes.list", message: value.message });
    const params = { project: config.project, region: config.region };
    const items = await this.client.list(
      "publicDelegatedPrefixes.list",
      (query) => (options) => api.publicDelegatedPrefixes.list({ ...params, ...query }, options),
    );
    const holds = (prefix: ObservedPrefix): boolean => {
      const range = parseRange(prefix.cidr);
      return range !== undefined && rangeContains(range, value.value);
    };
    // The longest one: a sub-prefix may be withdrawn while its parent is announced.
    return items
      .map(toPrefix)
      .filter(holds)
      .sort((a, b) => Number(baseName(b.cidr)) - Number(baseName(a.cidr)))[0];
  }

  private async matching(found: ObservedAddress[], address: string): Promise<ObservedAddress[]> {
    // Filters are the server's courtesy: an older form may match more than was meant.
    return this.withNetworks(found.filter((each) => each.address === address));
  }

  private async regional(project: string, filter?: string): Promise<ObservedAddress[]> {
    const { api, config } = this.client;
    const params = { project, region: config.region, ...(filter ? { filter } : {}) };
    const items = await this.client.list(
      "addresses.list",
      (query) => (options) => api.addresses.list({ ...params, ...query }, options),
    );
    return items.filter(single).map((item) => toAddress(project, item));
  }

  private async everywhere(project: string, address: string): Promise<ObservedAddress[]> {
    const { api } = this.client;
    const params = { project, filter: `address = "${address}"`, includeAllScopes: true };
    const scopes = await this.client.list<Schema["AddressesScopedList"]>(
      "addresses.aggregatedList",
      (query) => async (options) => {
        const answer = await api.addresses.aggregatedList({ ...params, ...query }, options);
        const { items, nextPageToken } = answer.data;
        // The answer to an error has no items, and its body must stay readable for the error mapping.
        const data =
          answer.status < 400 ? { items: Object.values(items ?? {}), nextPageToken } : (answer.data as { items?: never[] });
        return { status: answer.status, headers: answer.headers, data };
      },
    );
    return scopes
      .flatMap((scope) => scope.addresses ?? [])
      .filter(single)
      .map((item) => toAddress(project, item));
  }

  private withNetworks(addresses: ObservedAddress[]): Promise<ObservedAddress[]> {
    const known = async (each: ObservedAddress): Promise<ObservedAddress> =>
      each.network || !each.subnetwork ? each : { ...each, network: await this.networkOf(each.subnetwork) };
    return Promise.all(addresses.map(known));
  }

  // An address of purpose GCE_ENDPOINT names its subnetwork only; which VPC that is in cannot change while the subnetwork lives.
  private async networkOf(subnetwork: string): Promise<string | undefined> {
    const { api, deps } = this.client;
    const cached = this.subnets.get(subnetwork);
    if (cached && cached.until > deps.clock.monotonic()) return cached.network;
    const params = {
      project: partOf(subnetwork, "projects") ?? this.client.config.project,
      region: partOf(subnetwork, "regions") ?? this.client.config.region,
      subnetwork: baseName(subnetwork),
    };
    const found = await this.client.find("subnetworks.get", (options) => api.subnetworks.get(params, options));
    const network = found?.network ? baseName(found.network) : undefined;
    this.subnets.set(subnetwork, { network, until: deps.clock.monotonic() + SUBNET_CACHE_MS });
    return network;
  }
}

const single = (address: Schema["Address"]): boolean => !address.prefixLength || address.prefixLength === 32;

interface Wanted {
  scope: Scope;
  region: string;
  vpc?: string;
}

/** The reservation that fits best: right region, then right kind, then right network. A misfit is returned too, so that it can be named. */
export function best(found: readonly ObservedAddress[], wanted: Wanted): ObservedAddress | undefined {
  const score = (each: ObservedAddress): number =>
    (each.region === wanted.region ? 4 : 0) +
    (each.type === wanted.scope ? 2 : 0) +
    (wanted.vpc === undefined || each.network === wanted.vpc ? 1 : 0);
  return [...found].sort((a, b) => score(b) - score(a) || a.name.localeCompare(b.name))[0];
}
