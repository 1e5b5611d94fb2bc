// SPDX-License-Identifier: Apache-2.0
// Table rows that are the same for every family: get, list, aggregatedList, insert, delete, setLabels, patch-like changes.
import { checkedLabels, checkFingerprint, newIdentity, type Identity } from "./checks";
import { param, scopeOfCall, type Call, type Env, type Handler, type Row } from "./env";
import { alreadyExists, notFound } from "./errors";
import { FAMILIES, pathOf, type Scope } from "./links";
import { aggregated, listed, scopesOf } from "./lists";
import { checkQuota } from "./quotas";
import type { Families, Kind, Resource } from "./types";
import { view } from "./views";

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

/** The row of one family's method, given as `VERB name`; `suffix` follows the collection's path. */
export function row(kind: Kind, method: `${Row["verb"]} ${string}`, suffix: string, handler: Handler): Row {
  const [verb, name = ""] = method.split(" ");
  return { id: idOf(kind, name), verb: verb as Row["verb"], path: template(kind) + suffix, handler };
}

export function getRow(kind: Kind): Row {
  return row(kind, "GET get", `/{${FAMILIES[kind].parameter}}`, (call) => view(call.env, kind, existing(call, kind)));
}

export function listRow(kind: Kind): Row {
  return row(kind, "GET list", "", (call) => {
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

export function aggregatedRow(kind: Kind): Row {
  const path = `projects/{project}/aggregated/${kind}`;
  return {
    id: idOf(kind, "aggregatedList"),
    verb: "GET",
    path,
    handler: (call) => {
      const own = (r: Resource): boolean => pathOf(r.selfLink).startsWith(`projects/${call.env.project}/`);
      const all = (call.env.store.of(kind).all() as Resource[]).filter(own).map((r) => view(call.env, kind, r));
      const shape = {
        member: kind,
        kind: `compute#${FAMILIES[kind].kind}AggregatedList`,
        scopes: scopesOf(call.env, FAMILIES[kind].scope),
      };
      return aggregated(call, shape, all);
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
  return row(kind, "POST insert", "", (call) =>
    call.env.mutations.run(call, () => {
      const identity = newIdentity(call, kind);
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

/** delete: `guard` refuses while the resource is used. */
export function deleteRow<K extends Kind>(
  kind: K,
  guard: (env: Env, resource: Families[K]) => void,
  after?: (env: Env, path: string) => void,
): Row {
  return row(kind, "DELETE delete", `/{${FAMILIES[kind].parameter}}`, (call) =>
    changing(call, { kind, type: "delete" }, (resource) => {
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
  what: { kind: K; type: string; parameter?: string },
  plan: (resource: Families[K]) => () => void,
): object {
  const { kind, type, parameter } = what;
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
  return row(kind, `${method.verb} ${method.name}`, `/{${parameter}}${method.suffix ?? ""}`, (call) =>
    changing(call, { kind, type: method.type }, (before) => {
      const after = next(call, before);
      return () => void call.env.store.of(kind).put(after);
    }),
  );
}

export function setLabelsRow(kind: "addresses" | "forwardingRules"): Row {
  return row(kind, "POST setLabels", "/{resource}/setLabels", (call) =>
    changing(call, { kind, type: "setLabels", parameter: "resource" }, (before) => {
      checkFingerprint("Labels", call.body.labelFingerprint, before.labelFingerprint);
      const labels = checkedLabels(call.body.labels);
      return () => void call.env.store.of(kind).put({ ...before, ...labels });
    }),
  );
}

/** What `testIamPermissions` answers here: everything that was asked for. */
export function testPermissionsRow(kind: Kind): Row {
  return row(kind, "POST testIamPermissions", "/{resource}/testIamPermissions", (call) => ({
    permissions: call.body.permissions ?? [],
  }));
}
