// SPDX-License-Identifier: Apache-2.0
// Count quotas: which metrics a new resource counts against, how many there are, and Google's refusal.
import type { Env } from "./env";
import { ApiError } from "./errors";
import { pathOf } from "./links";
import type { JsonObject, Kind } from "./types";

interface Metric {
  name: string;
  kind: Kind;
  /** Narrower than the family, e.g. external rules only. */
  counts?: (resource: Readonly<Record<string, unknown>>) => boolean;
}

const external = (r: Readonly<Record<string, unknown>>) => (r.loadBalancingScheme ?? "EXTERNAL") === "EXTERNAL";

/** Metrics of api.md 4.8 and the few others that the sandbox's objects count against. */
const METRICS: readonly Metric[] = [
  { name: "FORWARDING_RULES", kind: "forwardingRules" },
  { name: "EXTERNAL_PROTOCOL_FORWARDING_RULES", kind: "forwardingRules", counts: (r) => external(r) && r.target !== undefined },
  {
    name: "EXTERNAL_NETWORK_LB_FORWARDING_RULES",
    kind: "forwardingRules",
    counts: (r) => external(r) && r.backendService !== undefined,
  },
  { name: "TARGET_INSTANCES", kind: "targetInstances" },
  {
    name: "STATIC_ADDRESSES",
    kind: "addresses",
    counts: (r) => (r.addressType ?? "EXTERNAL") === "EXTERNAL" && r.ipCollection === undefined,
  },
  { name: "STATIC_BYOIP_ADDRESSES", kind: "addresses", counts: (r) => r.ipCollection !== undefined },
  { name: "BACKEND_SERVICES", kind: "backendServices" },
  { name: "NETWORK_ENDPOINT_GROUPS", kind: "networkEndpointGroups" },
  { name: "HEALTH_CHECKS", kind: "healthChecks" },
  { name: "PUBLIC_DELEGATED_PREFIXES", kind: "publicDelegatedPrefixes" },
  { name: "NETWORKS", kind: "networks" },
  { name: "SUBNETWORKS", kind: "subnetworks" },
  { name: "FIREWALLS", kind: "firewalls" },
];

/** What is reported as the limit where the test set none. */
const UNLIMITED = 1_000_000;

const PROJECT_WIDE: readonly Kind[] = ["networks", "subnetworks", "firewalls"];

/** Zonal families count against their region, some families against the project. */
function quotaScope(env: Env, kindOf: Kind, scope: string): string {
  if (PROJECT_WIDE.includes(kindOf)) return `projects/${env.project}/global`;
  const [, , kind, zone] = scope.split("/");
  if (kind !== "zones") return scope;
  const region = [...env.places].find(([, zones]) => zones.includes(zone ?? ""))?.[0];
  return `projects/${env.project}/regions/${region ?? ""}`;
}

function usage(env: Env, metric: Metric, scope: string): number {
  if (PROJECT_WIDE.includes(metric.kind)) return ownCount(env, metric.kind);
  const region = scope.split("/")[3] ?? "";
  const zones = (env.places.get(region) ?? []).map((zone) => `projects/${env.project}/zones/${zone}`);
  const collection = env.store.of(metric.kind);
  return [scope, ...zones].reduce((sum, place) => {
    if (!metric.counts) return sum + collection.count(place);
    return sum + (collection.inScope(place) as Readonly<Record<string, unknown>>[]).filter(metric.counts).length;
  }, 0);
}

const ownCount = (env: Env, kind: Kind): number =>
  env.store
    .of(kind)
    .all()
    .filter((r) => pathOf(r.selfLink).startsWith(`projects/${env.project}/`)).length;

/** @throws ApiError `quotaExceeded` when one more resource of this kind would pass a limit that the test set */
export function checkQuota(env: Env, kind: Kind, scope: string, body: JsonObject): void {
  const place = quotaScope(env, kind, scope);
  for (const metric of METRICS) {
    const limit = env.faults.limitOf(metric.name);
    if (metric.kind !== kind || limit === undefined || (metric.counts && !metric.counts(body))) continue;
    if (usage(env, metric, place) < limit) continue;
    const where = place.endsWith("/global") ? "globally" : `in region ${place.split("/")[3]}`;
    throw new ApiError("quotaExceeded", `Quota '${metric.name}' exceeded. Limit: ${limit.toFixed(1)} ${where}.`);
  }
}

/** The `quotas` of a region (`projects/P/regions/R`) or of the project (`projects/P/global`). */
export function quotasOf(env: Env, scope: string): { metric: string; limit: number; usage: number }[] {
  const global = scope.endsWith("/global");
  return METRICS.filter((metric) => PROJECT_WIDE.includes(metric.kind) === global).map((metric) => ({
    metric: metric.name,
    limit: env.faults.limitOf(metric.name) ?? UNLIMITED,
    usage: usage(env, metric, scope),
  }));
}
