// SPDX-License-Identifier: Apache-2.0
// Resource names in their two spellings: the relative path that is the key inside, and the URL that goes over the wire.
import { ApiError, invalid } from "./errors";
import type { Kind } from "./types";

export const COMPUTE_URL = "https://www.googleapis.com/compute/v1/";

const KNOWN_PREFIXES = [COMPUTE_URL, "https://compute.googleapis.com/compute/v1/"];

/** Project, scope, collection, name. */
const RELATIVE = /^projects\/[^/]+\/(global|regions\/[^/]+|zones\/[^/]+)\/[^/]+\/[^/]+$/;

export type Scope = "global" | "region" | "zone";

export interface FamilyInfo {
  scope: Scope;
  /** `compute#...` */
  kind: string;
  /** Discovery resource name, where it is not the URL's. */
  resource: string;
  /** Path parameter of get and delete. */
  parameter: string;
  /** How error messages call one of them. */
  noun: string;
}

export const FAMILIES: Record<Kind, FamilyInfo> = {
  addresses: { scope: "region", kind: "address", resource: "addresses", parameter: "address", noun: "address" },
  forwardingRules: {
    scope: "region",
    kind: "forwardingRule",
    resource: "forwardingRules",
    parameter: "forwardingRule",
    noun: "forwarding_rule",
  },
  targetInstances: {
    scope: "zone",
    kind: "targetInstance",
    resource: "targetInstances",
    parameter: "targetInstance",
    noun: "target_instance",
  },
  instances: { scope: "zone", kind: "instance", resource: "instances", parameter: "instance", noun: "instance" },
  networks: { scope: "global", kind: "network", resource: "networks", parameter: "network", noun: "network" },
  subnetworks: { scope: "region", kind: "subnetwork", resource: "subnetworks", parameter: "subnetwork", noun: "subnetwork" },
  firewalls: { scope: "global", kind: "firewall", resource: "firewalls", parameter: "firewall", noun: "firewall" },
  publicDelegatedPrefixes: {
    scope: "region",
    kind: "publicDelegatedPrefix",
    resource: "publicDelegatedPrefixes",
    parameter: "publicDelegatedPrefix",
    noun: "public_delegated_prefix",
  },
  publicAdvertisedPrefixes: {
    scope: "global",
    kind: "publicAdvertisedPrefix",
    resource: "publicAdvertisedPrefixes",
    parameter: "publicAdvertisedPrefix",
    noun: "public_advertised_prefix",
  },
  networkEndpointGroups: {
    scope: "zone",
    kind: "networkEndpointGroup",
    resource: "networkEndpointGroups",
    parameter: "networkEndpointGroup",
    noun: "network_endpoint_group",
  },
  backendServices: {
    scope: "region",
    kind: "backendService",
    resource: "regionBackendServices",
    parameter: "backendService",
    noun: "backend_service",
  },
  healthChecks: {
    scope: "region",
    kind: "healthCheck",
    resource: "regionHealthChecks",
    parameter: "healthCheck",
    noun: "health_check",
  },
};

/** `projects/P/regions/R` and the like: the part of a path before the collection. */
export function scopePath(project: string, scope: Scope, place?: string): string {
  return scope === "global" ? `projects/${project}/global` : `projects/${project}/${scope}s/${place ?? ""}`;
}

export function selfLink(path: string): string {
  return COMPUTE_URL + path;
}

/** The key of a stored URL that this emulator wrote itself. */
export function pathOf(url: string): string {
  return url.startsWith(COMPUTE_URL) ? url.slice(COMPUTE_URL.length) : url;
}

/** The project that a URL or path names; undefined for a bare name or a partial one. */
export const projectOf = (reference: string | undefined): string | undefined =>
  /(?:^|\/)projects\/([^/]+)\//.exec(reference ?? "")?.[1];

export interface LinkContext {
  project: string;
  projectNumber: string;
  /** Further projects that the reference may mean. Default: none. */
  shared?: readonly string[];
  /** Own hosts (`127.0.0.1:PORT`, the request's Host header) besides Google's. */
  hosts: readonly string[];
}

/**
 * The relative path meant by a reference: a full URL on a known host, `projects/...`, or a partial URL that begins with
 * its scope.
 * @throws ApiError `invalid` naming the field when it is none of these or means another collection or project.
 */
export function resolveLink(context: LinkContext, field: string, value: unknown, collections: readonly string[]): string {
  if (typeof value !== "string") throw invalid(field, value, "The URL is malformed.");
  const parts = withoutHost(context, value).split("/");
  if (parts[0] !== "projects") parts.unshift("projects", context.project);
  if (parts[1] === context.projectNumber) parts[1] = context.project;
  if (!RELATIVE.test(parts.join("/"))) throw invalid(field, value, "The URL is malformed.");
  const collection = parts.at(-2) ?? "";
  if (!collections.includes(collection)) {
    throw invalid(field, value, `The URL must name one of: ${collections.join(", ")}.`);
  }
  const project = parts[1] ?? "";
  if (![context.project, ...(context.shared ?? [])].includes(project))
    throw new ApiError("forbidden", `No access to project '${project}' named by '${field}'`);
  return parts.join("/");
}

function withoutHost(context: LinkContext, value: string): string {
  const own = context.hosts.flatMap((host) => [`http://${host}/compute/v1/`, `https://${host}/compute/v1/`]);
  const prefix = [...KNOWN_PREFIXES, ...own].find((p) => value.startsWith(p));
  return prefix ? value.slice(prefix.length) : value;
}
