// SPDX-License-Identifier: Apache-2.0
// What is simply there: the project, its regions and zones, and the operations of each scope.
import { aggregated, listed, scopesOf } from "../lists";
import type { Call, Env, Row } from "../env";
import { param, RawReply, regionOfZone, scopeOfCall } from "../env";
import { notFound } from "../errors";
import { selfLink } from "../links";
import { quotasOf } from "../quotas";
import type { Resource } from "../types";

const MADE = "2014-05-30T18:35:16.413-07:00";

export const PLACE_ROWS: readonly Row[] = [
  { id: "compute.projects.get", verb: "GET", path: "projects/{project}", handler: project },
  {
    id: "compute.regions.get",
    verb: "GET",
    path: "projects/{project}/regions/{region}",
    handler: (call) => region(call.env, param(call, "region")),
  },
  {
    id: "compute.regions.list",
    verb: "GET",
    path: "projects/{project}/regions",
    handler: (call) =>
      list(
        call,
        "regions",
        [...call.env.places.keys()].map((name) => region(call.env, name)),
      ),
  },
  {
    id: "compute.zones.get",
    verb: "GET",
    path: "projects/{project}/zones/{zone}",
    handler: (call) => zone(call.env, param(call, "zone")),
  },
  {
    id: "compute.zones.list",
    verb: "GET",
    path: "projects/{project}/zones",
    handler: (call) =>
      list(
        call,
        "zones",
        [...call.env.places.values()].flat().map((name) => zone(call.env, name)),
      ),
  },
];

function list(call: Call, member: "regions" | "zones", all: Resource[]): object {
  return { kind: `compute#${member.slice(0, -1)}List`, ...listed(call, `projects/${call.env.project}/${member}`, all) };
}

function project({ env }: Call): object {
  return {
    kind: "compute#project",
    id: env.projectNumber,
    name: env.project,
    creationTimestamp: MADE,
    selfLink: selfLink(`projects/${env.project}`),
    defaultNetworkTier: "PREMIUM",
    defaultServiceAccount: `${env.projectNumber}-compute@developer.gserviceaccount.com`,
    xpnProjectStatus: "UNSPECIFIED_XPN_PROJECT_STATUS",
    commonInstanceMetadata: { kind: "compute#metadata", fingerprint: "AAAAAAAAAAA=" },
    quotas: quotasOf(env, `projects/${env.project}/global`),
  };
}

function region(env: Env, name: string): Resource {
  const zones = env.places.get(name);
  if (!zones) throw notFound(`projects/${env.project}/regions/${name}`);
  return {
    kind: "compute#region",
    id: String(1000 + [...env.places.keys()].indexOf(name)),
    name,
    description: name,
    creationTimestamp: MADE,
    status: "UP",
    selfLink: selfLink(`projects/${env.project}/regions/${name}`),
    zones: zones.map((z) => selfLink(`projects/${env.project}/zones/${z}`)),
    quotas: quotasOf(env, `projects/${env.project}/regions/${name}`),
  };
}

function zone(env: Env, name: string): Resource {
  const place = regionOfZone(env, name);
  if (place === undefined) throw notFound(`projects/${env.project}/zones/${name}`);
  return {
    kind: "compute#zone",
    id: String(2000 + [...env.places.values()].flat().indexOf(name)),
    name,
    description: name,
    creationTimestamp: MADE,
    status: "UP",
    region: selfLink(`projects/${env.project}/regions/${place}`),
    selfLink: selfLink(`projects/${env.project}/zones/${name}`),
  };
}

function operationPath(call: Call): string {
  return `${scopeOfCall(call)}/operations/${param(call, "operation")}`;
}

function operationRows(resource: string, scope: string): Row[] {
  const path = `projects/{project}/${scope}/operations`;
  return [
    {
      id: `compute.${resource}.get`,
      verb: "GET",
      path: `${path}/{operation}`,
      handler: (call) => call.env.operations.get(operationPath(call)),
    },
    {
      id: `compute.${resource}.list`,
      verb: "GET",
      path,
      handler: (call) => {
        const at = scopeOfCall(call);
        return { kind: "compute#operationList", ...listed(call, `${at}/operations`, call.env.operations.inScope(at)) };
      },
    },
    {
      id: `compute.${resource}.wait`,
      verb: "POST",
      path: `${path}/{operation}/wait`,
      handler: (call) => call.env.operations.wait(operationPath(call), call.env.waitBoundMs),
    },
    {
      id: `compute.${resource}.delete`,
      verb: "DELETE",
      path: `${path}/{operation}`,
      handler: (call) => {
        call.env.operations.delete(operationPath(call));
        return new RawReply({ status: 204 });
      },
    },
  ];
}

export const OPERATION_ROWS: readonly Row[] = [
  ...operationRows("regionOperations", "regions/{region}"),
  ...operationRows("zoneOperations", "zones/{zone}"),
  ...operationRows("globalOperations", "global"),
  {
    id: "compute.globalOperations.aggregatedList",
    verb: "GET",
    path: "projects/{project}/aggregated/operations",
    handler: (call) => {
      const { env } = call;
      const scopes = [...scopesOf(env, "global"), ...scopesOf(env, "region"), ...scopesOf(env, "zone")];
      const all = scopes.flatMap((scope) => env.operations.inScope(`projects/${env.project}/${scope}`));
      return aggregated(call, { member: "operations", kind: "compute#operationAggregatedList", scopes }, all);
    },
  },
];
