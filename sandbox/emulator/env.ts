// SPDX-License-Identifier: Apache-2.0
// What every handler gets: the state of one emulator, and one call with its parameters.
import type { ApiError } from "./errors";
import { invalid, notFound } from "./errors";
import type { Faults } from "./faults";
import type { Ids } from "./ids";
import type { LinkContext, Scope } from "./links";
import { resolveLink, scopePath } from "./links";
import type { Mutations } from "./mutate";
import type { Operations } from "./operations";
import type { Store } from "./store";
import type { Json, JsonObject } from "./types";

export interface Env {
  /** The project that a call is about; outside of calls the emulator's own. */
  readonly project: string;
  readonly projectNumber: string;
  /** Every project by its id: its number. The emulator's own is the first, the others are hosts of a Shared VPC. */
  readonly projects: ReadonlyMap<string, string>;
  /** Region to its zones. */
  readonly places: ReadonlyMap<string, readonly string[]>;
  readonly store: Store;
  readonly operations: Operations;
  readonly mutations: Mutations;
  readonly faults: Faults;
  readonly ids: Ids;
  readonly now: () => number;
  /** Longest time in milliseconds that an operation's `wait` holds the line. */
  readonly waitBoundMs: number;
  /** Host names under which this server is reached. */
  hosts: string[];
}

export interface Call {
  readonly env: Env;
  readonly methodId: string;
  /** Path without host and query. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: JsonObject;
  readonly hosts: readonly string[];
}

/** An answer that is not plain JSON with status 200. */
export interface Reply {
  status: number;
  headers?: Record<string, string>;
  /** JSON for an object, sent as it is for a string, no body when absent. */
  content?: Json;
}

export class RawReply {
  constructor(readonly reply: Reply) {}
}

export type Handler = (call: Call) => Json | object | RawReply | undefined | Promise<Json | object | RawReply | undefined>;

/** One line of the method table. */
export interface Row {
  /** Discovery id. */
  readonly id: string;
  readonly verb: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Template relative to the service path, e.g. `projects/{project}/regions/{region}/addresses`. */
  readonly path: string;
  readonly handler: Handler;
}

/** A path parameter; absent only if the table is wrong. */
export function param(call: Call, name: string): string {
  const value = call.params[name];
  if (value === undefined) throw new TypeError(`method ${call.methodId} has no path parameter ${name}`);
  return value;
}

export function scopeOfCall(call: Call): string {
  const { region, zone } = call.params;
  if (zone !== undefined) return scopePath(call.env.project, "zone", zone);
  return region === undefined ? scopePath(call.env.project, "global") : scopePath(call.env.project, "region", region);
}

export function regionOfZone(env: Env, zone: string): string | undefined {
  return [...env.places].find(([, zones]) => zones.includes(zone))?.[0];
}

/** The emulator as one of its projects sees it: all state is shared, and keys carry their project. @throws ApiError `notFound` */
export function inProject(env: Env, idOrNumber: string | undefined): Env {
  if (idOrNumber === undefined || idOrNumber === env.project || idOrNumber === env.projectNumber) return env;
  const found = [...env.projects].find((pair) => pair.includes(idOrNumber));
  if (!found) throw notFound(`projects/${idOrNumber}`);
  return { ...env, project: found[0], projectNumber: found[1] };
}

/** Refuses places that do not exist. */
export function checkPlace(call: Call): void {
  const { env, params } = call;
  if (params.region !== undefined && !env.places.has(params.region))
    throw unknownPlace("region", params.region, [...env.places.keys()]);
  if (params.zone !== undefined && !regionOfZone(env, params.zone)) {
    throw unknownPlace("zone", params.zone, [...env.places.values()].flat());
  }
}

function unknownPlace(scope: Exclude<Scope, "global">, value: string, known: readonly string[]): ApiError {
  return invalid(scope, value, `Unknown ${scope}. This emulator has: ${known.join(", ")}.`);
}

export function linkContext(call: Call): LinkContext {
  return { project: call.env.project, projectNumber: call.env.projectNumber, hosts: [...call.env.hosts, ...call.hosts] };
}

/** {@link resolveLink} with the call's hosts. */
export function link(call: Call, field: string, value: unknown, ...collections: string[]): string {
  return resolveLink(linkContext(call), field, value, collections);
}

/** The same for what a project may use of a Shared VPC: the object may lie in a host project. */
export function hostedLink(call: Call, field: string, value: unknown, ...collections: string[]): string {
  const [own, ...hosts] = call.env.projects.keys();
  return resolveLink({ ...linkContext(call), shared: call.env.project === own ? hosts : [] }, field, value, collections);
}
