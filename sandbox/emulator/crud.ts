// SPDX-License-Identifier: Apache-2.0
// Table rows that are the same for every family: get, list, aggregatedList, insert, delete, setLabels, patch-like changes.
import type { Call, Env, Handler, Row } from "./env";
import { param, scopeOfCall } from "./env";
import { ApiError, alreadyExists, invalid, notFound, oneOfError, required } from "./errors";
import { labelFingerprint, sameFingerprint, timestamp } from "./ids";
import type { FamilyInfo, Scope } from "./links";
import { FAMILIES, pathOf, selfLink } from "./links";
import { page } from "./listing";
import { checkQuota } from "./quotas";
import type { Families, JsonObject, Kind, Resource } from "./types";
import { view } from "./views";

const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_KEY = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u;
const LABEL_VALUE = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u;

/** What the server, not the client, decides about a new resource. */
export interface Identity {
  kind: string;
  id: string;
  name: string;
  creationTimestamp: string;
  selfLink: string;
  region?: string;
  zone?: string;
}

const SCOPE_TEMPLATE: Record<Scope, string> = { global: "global", region: "regions/{region}", zone: "zones/{zone}" };

/** `projects/{project}/regions/{region}/addresses` for a family. */
export function template(kind: Kind): string {
  return `projects/{project}/${SCOPE_TEMPLATE[FAMILIES[kind].scope]}/${kind}`;
}

function idOf(kind: Kind, method: string): string {
  return `compute.${FAMILIES[kind].resource}.${method}`;
}

/** @throws ApiError `notFound` */
export function existing<K extends Kind>(call: Call, kind: K, parameter = FAMILIES[kind].parameter): Families[K] {
  const found = call.env.store.of(kind).find(scopeOfCall(call), param(call, parameter));
  if (!found) throw notFound(`${scopeOfCall(call)}/${kind}/${param(call, parameter)}`);
  return found;
}

/** The row of one family's method `name` below `.../{resource}`. */
export function row(kind: Kind, name: string, verb: Row["verb"], suffix: string, handler: Handler): Row {
  return { id: idOf(kind, name), verb, path: template(kind) + suffix, handler };
}

export function getRow(kind: Kind): Row {
  return row(kind, "get", "GET", `/{${FAMILIES[kind].parameter}}`, (call) => view(call.env, kind, existing(call, kind)));
}

export function listRow(kind: Kind): Row {
  return row(kind, "list", "GET", "", (call) => {
    const scope = scopeOfCall(call);
    const all = call.env.store.of(kind).inScope(scope) as Resource[];
    return {
      kind: `compute#${FAMILIES[kind].kind}List`,
      ...listed(
        call,
        `${scope}/${kind}`,
        all.map((r) => view(call.env, kind, r)),
      ),
    };
  });
}

/** id, selfLink, items and token of a list answer. */
export function listed(call: Call, path: string, all: readonly Resource[]): object {
  const { items, nextPageToken } = page(all, call.query);
  return {
    id: path,
    ...(items.length > 0 ? { items } : {}),
    selfLink: selfLink(path),
    ...(nextPageToken ? { nextPageToken } : {}),
  };
}

export function aggregatedRow(kind: Kind): Row {
  const path = `projects/{project}/aggregated/${kind}`;
  return {
    id: idOf(kind, "aggregatedList"),
    verb: "GET",
    path,
    handler: (call) => {
      const all = (call.env.store.of(kind).all() as Resource[]).map((r) => view(call.env, kind, r));
      return aggregated(
        call,
        kind,
        `compute#${FAMILIES[kind].kind}AggregatedList`,
        all,
        scopesOf(call.env, FAMILIES[kind].scope),
      );
    },
  };
}

/** An aggregated answer: one page over all scopes, grouped; empty scopes carry Google's warning. */
export function aggregated(
  call: Call,
  member: string,
  kind: string,
  all: readonly Resource[],
  scopes: readonly string[],
): object {
  const { items, nextPageToken } = page(all, call.query);
  const grouped: Record<string, JsonObject> = Object.fromEntries(scopes.map((scope) => [scope, noResults(scope)]));
  for (const item of items) {
    const scope = pathOf(item.selfLink).split("/").slice(2, -2).join("/");
    const group = grouped[scope];
    if (Array.isArray(group?.[member])) (group[member] as unknown[]).push(item);
    else grouped[scope] = { [member]: [item] } as unknown as JsonObject;
  }
  const path = `projects/${call.env.project}/aggregated/${member}`;
  return { kind, id: path, items: grouped, selfLink: selfLink(path), ...(nextPageToken ? { nextPageToken } : {}) };
}

export function scopesOf(env: Env, scope: Scope): string[] {
  if (scope === "global") return ["global"];
  return scope === "zone"
    ? [...env.places.values()].flat().map((zone) => `zones/${zone}`)
    : [...env.places.keys()].map((r) => `regions/${r}`);
}

function noResults(scope: string): JsonObject {
  return {
    warning: {
      code: "NO_RESULTS_ON_PAGE",
      message: `There are no results for scope '${scope}' on this page.`,
      data: [{ key: "scope", value: scope }],
    },
  };
}

/**
 * insert: `build` checks the body and makes the resource; it runs at the request and again when the operation ends.
 */
export function insertRow<K extends Kind>(
  kind: K,
  build: (call: Call, identity: Identity) => Families[K],
  after?: (env: Env, made: Families[K]) => void,
): Row {
  return row(kind, "insert", "POST", "", (call) =>
    call.env.mutations.run(call, () => {
      const identity = newIdentity(call, kind, FAMILIES[kind]);
      const path = pathOf(identity.selfLink);
      const plan = () => {
        if (call.env.store.at(path)) throw alreadyExists(path);
        checkQuota(call.env, kind, scopeOfCall(call), call.body);
        const resource = build(call, identity);
        return () => {
          call.env.store.of(kind).put(resource);
          after?.(call.env, resource);
        };
      };
      return { type: "insert", path, targetId: identity.id, plan };
    }),
  );
}

function newIdentity(call: Call, kind: Kind, family: FamilyInfo): Identity {
  const { env, body, params } = call;
  const name = checkedName(body.name);
  return {
    kind: `compute#${family.kind}`,
    id: env.ids.numeric(),
    name,
    creationTimestamp: timestamp(env.now()),
    selfLink: selfLink(`${scopeOfCall(call)}/${kind}/${name}`),
    ...(params.region === undefined ? {} : { region: selfLink(`projects/${env.project}/regions/${params.region}`) }),
    ...(params.zone === undefined ? {} : { zone: selfLink(`projects/${env.project}/zones/${params.zone}`) }),
  };
}

function checkedName(name: unknown): string {
  if (name === undefined || name === "") throw required("resource.name");
  if (typeof name !== "string" || !NAME.test(name)) {
    throw invalid("resource.name", name, `Must be a match of regex '${NAME.source}'.`);
  }
  return name;
}

/** delete: `guard` refuses while the resource is used. */
export function deleteRow<K extends Kind>(
  kind: K,
  guard: (env: Env, resource: Families[K]) => void,
  after?: (env: Env, path: string) => void,
): Row {
  return row(kind, "delete", "DELETE", `/{${FAMILIES[kind].parameter}}`, (call) =>
    changing(call, kind, "delete", undefined, (resource) => {
      guard(call.env, resource);
      const path = pathOf(resource.selfLink);
      return () => {
        call.env.store.of(kind).delete(path);
        after?.(call.env, path);
      };
    }),
  );
}

/** A mutation of an existing resource; `plan` sees it as it is at that moment. */
export function changing<K extends Kind>(
  call: Call,
  kind: K,
  type: string,
  parameter: string | undefined,
  plan: (resource: Families[K]) => () => void,
): object {
  return call.env.mutations.run(call, () => {
    const before = existing(call, kind, parameter);
    return { type, path: pathOf(before.selfLink), targetId: before.id, plan: () => plan(existing(call, kind, parameter)) };
  });
}

/** Replaces an existing resource by what `next` makes of it. */
export function updateRow<K extends Kind>(
  kind: K,
  method: { name: string; verb: Row["verb"]; type: string; suffix?: string },
  next: (call: Call, before: Families[K]) => Families[K],
): Row {
  const parameter = FAMILIES[kind].parameter;
  return row(kind, method.name, method.verb, `/{${parameter}}${method.suffix ?? ""}`, (call) =>
    changing(call, kind, method.type, undefined, (before) => {
      const after = next(call, before);
      return () => void call.env.store.of(kind).put(after);
    }),
  );
}

export function setLabelsRow(kind: "addresses" | "forwardingRules"): Row {
  return row(kind, "setLabels", "POST", "/{resource}/setLabels", (call) =>
    changing(call, kind, "setLabels", "resource", (before) => {
      const sent = call.body.labelFingerprint;
      if (typeof sent === "string" && !sameFingerprint(sent, before.labelFingerprint ?? "")) throw stale("Labels");
      const labels = checkedLabels(call.body.labels);
      return () => void call.env.store.of(kind).put({ ...before, ...labels });
    }),
  );
}

/** `labels` (left out when empty) and their fingerprint. @throws ApiError `invalid` naming the label */
export function checkedLabels(value: unknown): { labels: Record<string, string> | undefined; labelFingerprint: string } {
  const labels = (value ?? {}) as Record<string, string>;
  for (const [key, text] of Object.entries(labels)) {
    if (!LABEL_KEY.test(key))
      throw invalid("resource.labels", key, "A label key is 1 to 63 of a-z, 0-9, _ and -, a letter first.");
    if (typeof text !== "string" || !LABEL_VALUE.test(text)) {
      throw invalid(`resource.labels.${key}`, text, "A label value is up to 63 of a-z, 0-9, _ and -.");
    }
  }
  return { labels: Object.keys(labels).length > 0 ? labels : undefined, labelFingerprint: labelFingerprint(labels) };
}

/** The 412 that Google gives for a fingerprint that is not the current one. */
export function stale(what: string): ApiError {
  return new ApiError("conditionNotMet", `${what} fingerprint either invalid or resource ${what.toLowerCase()} have changed`);
}

/** Copies the named fields of a body that are present. */
export function copied(body: JsonObject, fields: readonly string[]): JsonObject {
  return Object.fromEntries(fields.flatMap((field) => (body[field] === undefined ? [] : [[field, body[field]]])));
}

/** @throws ApiError `invalid` naming the field unless the value is one of `allowed` */
export function oneOf<T extends string>(field: string, value: unknown, allowed: readonly T[], fallback: T): T {
  if (value === undefined) return fallback;
  if (!allowed.includes(value as T)) throw oneOfError(field, value, allowed);
  return value as T;
}

/** What `testIamPermissions` answers here: everything that was asked for. */
export function testPermissionsRow(kind: Kind): Row {
  return row(kind, "testIamPermissions", "POST", "/{resource}/testIamPermissions", (call) => ({
    permissions: call.body.permissions ?? [],
  }));
}
