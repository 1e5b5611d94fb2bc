// SPDX-License-Identifier: Apache-2.0
// Answers to list and aggregatedList: one page, per scope or grouped over all scopes.
import type { Call, Env } from "./env";
import type { Scope } from "./links";
import { pathOf, selfLink } from "./links";
import { page } from "./listing";
import type { JsonObject, Resource } from "./types";

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

/** An aggregated answer: one page over all scopes, grouped; empty scopes carry Google's warning. */
export function aggregated(
  call: Call,
  shape: { member: string; kind: string; scopes: readonly string[] },
  all: readonly Resource[],
): object {
  const { member, kind, scopes } = shape;
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
