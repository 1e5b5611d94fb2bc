// SPDX-License-Identifier: Apache-2.0
// serviceusage's one answer, and a small store of the sandbox's own: any JSON object under a type and an id. The Pulumi
// stand-in keeps there what has no emulated API, such as service accounts, custom roles and IAM members.
import type { Call, Row } from "../env";
import { param, RawReply } from "../env";
import { ApiError, notFound } from "../errors";
import type { JsonObject } from "../types";

const RESOURCES = "sandbox/v1/resources";

/** Objects by `type/id`; an id may contain slashes. */
export type GenericStore = Map<string, JsonObject>;

export function genericRows(store: GenericStore): Row[] {
  const item = `${RESOURCES}/{type}/{id*}`;
  return [
    { id: "sandbox.resources.types", verb: "GET", path: RESOURCES, handler: () => ({ types: typesOf(store) }) },
    {
      id: "sandbox.resources.list",
      verb: "GET",
      path: `${RESOURCES}/{type}`,
      handler: (call) => ({ items: ofType(store, param(call, "type")) }),
    },
    { id: "sandbox.resources.get", verb: "GET", path: item, handler: (call) => found(store, call) },
    { id: "sandbox.resources.put", verb: "PUT", path: item, handler: (call) => put(store, call) },
    { id: "sandbox.resources.delete", verb: "DELETE", path: item, handler: (call) => remove(store, call) },
  ];
}

function keyOf(call: Call): string {
  return `${param(call, "type")}/${param(call, "id")}`;
}

function typesOf(store: GenericStore): string[] {
  return [...new Set([...store.keys()].map((key) => key.split("/")[0] ?? ""))].sort();
}

function ofType(store: GenericStore, type: string): object[] {
  return [...store]
    .filter(([key]) => key.startsWith(`${type}/`))
    .map(([key, value]) => ({ id: key.slice(type.length + 1), value }));
}

function found(store: GenericStore, call: Call): JsonObject {
  const value = store.get(keyOf(call));
  if (!value) throw notFound(`${RESOURCES}/${keyOf(call)}`);
  return value;
}

/** `If-None-Match: *` makes it a create that refuses an existing object. */
function put(store: GenericStore, call: Call): JsonObject {
  const key = keyOf(call);
  if (call.headers["if-none-match"] === "*" && store.has(key))
    throw new ApiError("alreadyExists", `The resource '${RESOURCES}/${key}' already exists`);
  store.set(key, call.body);
  return call.body;
}

function remove(store: GenericStore, call: Call): RawReply {
  found(store, call);
  store.delete(keyOf(call));
  return new RawReply({ status: 204 });
}

export function serviceUsageRows(): Row[] {
  return [
    {
      id: "serviceusage.services.get",
      verb: "GET",
      path: "v1/projects/{project}/services/{service}",
      handler: (call) => {
        const name = param(call, "service");
        return {
          name: `projects/${call.env.projectNumber}/services/${name}`,
          config: { name },
          state: "ENABLED",
          parent: `projects/${call.env.projectNumber}`,
        };
      },
    },
  ];
}
