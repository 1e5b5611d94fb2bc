// SPDX-License-Identifier: Apache-2.0
// projects.locations.clusters and .operations: create, read, update, delete.
import type { Call, Row } from "../env";
import { param } from "../env";
import { ApiError } from "../errors";
import { fingerprint } from "../ids";
import { pathOf } from "../links";
import type { JsonObject } from "../types";
import { checkCluster, checkName, checkRange, subnetwork } from "./checks";
import { createdPool } from "./node-pools";
import type { ContainerState } from "./state";
import { clusterPath, link, regionOfLocation, rfc3339, zonesOf } from "./state";
import type { Cluster } from "./types";
import { clusterView, nodePoolView, object, objects, plain } from "./types";

const CLUSTERS = "v1/projects/{project}/locations/{location}/clusters";
const VERSION = "1.34.4-gke.1000000";
/** Shown for a cluster that no hook boots: an address of RFC 5737, and no certificate. */
const NO_CLUSTER = { endpoint: "192.0.2.1", caCertificateBase64: "" };

export function clusterRows(state: ContainerState): Row[] {
  const id = (name: string) => `container.projects.locations.clusters.${name}`;
  return [
    { id: id("create"), verb: "POST", path: CLUSTERS, handler: (call) => create(state, call) },
    { id: id("list"), verb: "GET", path: CLUSTERS, handler: (call) => ({ clusters: inLocation(call, state.clusters) }) },
    { id: id("get"), verb: "GET", path: `${CLUSTERS}/{cluster}`, handler: (call) => state.cluster(call) },
    { id: id("update"), verb: "PUT", path: `${CLUSTERS}/{cluster}`, handler: (call) => update(state, call) },
    { id: id("delete"), verb: "DELETE", path: `${CLUSTERS}/{cluster}`, handler: (call) => remove(state, call) },
    {
      id: id("setResourceLabels"),
      verb: "POST",
      path: `${CLUSTERS}/{cluster}:setResourceLabels`,
      handler: (call) => setLabels(state, call),
    },
    {
      id: "container.projects.locations.operations.list",
      verb: "GET",
      path: "v1/projects/{project}/locations/{location}/operations",
      handler: (call) => ({ operations: inLocation(call, state.operations) }),
    },
    {
      id: "container.projects.locations.operations.get",
      verb: "GET",
      path: "v1/projects/{project}/locations/{location}/operations/{operation}",
      handler: (call) => {
        const path = `projects/${call.env.project}/locations/${param(call, "location")}/operations/${param(call, "operation")}`;
        const found = state.operations.get(path);
        if (!found) throw new ApiError("notFound", `Not found: ${path}.`);
        return found;
      },
    },
  ];
}

function inLocation<T extends JsonObject>(call: Call, all: ReadonlyMap<string, T>): T[] {
  const location = param(call, "location");
  const own = [...all].flatMap(([path, one]) => (path.startsWith(`projects/${call.env.project}/`) ? [one] : []));
  return own.filter((one) => location === "-" || one.location === location);
}

function create(state: ContainerState, call: Call): object {
  const cluster = built(state, call);
  const path = `projects/${call.env.project}/locations/${cluster.location}/clusters/${cluster.name}`;
  if (state.clusters.has(path)) throw new ApiError("alreadyExists", `Already exists: ${path}.`);
  const pools = poolsOf(object(call.body.cluster)).map((pool) => createdPool(call, cluster, pool));
  const operation = state.start(call, { type: "CREATE_CLUSTER", target: path, run: () => boot(state, path, call.env.project) });
  state.clusters.set(path, cluster);
  state.patch(path, { nodePools: pools });
  return operation;
}

function poolsOf(wanted: JsonObject): JsonObject[] {
  if (object(wanted.autopilot).enabled === true) return [];
  const pools = objects(wanted.nodePools);
  if (pools.length > 0) return pools;
  return [{ name: "default-pool", initialNodeCount: wanted.initialNodeCount ?? 3, config: wanted.nodeConfig }];
}

async function boot(state: ContainerState, path: string, project: string): Promise<void> {
  try {
    const begun = state.clusters.get(path);
    if (!begun) return;
    const view = clusterView(project, begun);
    const { endpoint, caCertificateBase64 } = (await state.hooks.clusterCreated?.(view)) ?? NO_CLUSTER;
    const endpoints = {
      ...object(begun.controlPlaneEndpointsConfig),
      ipEndpointsConfig: { enabled: true, publicEndpoint: endpoint },
    };
    state.patch(path, {
      endpoint,
      masterAuth: { clusterCaCertificate: caCertificateBase64 },
      controlPlaneEndpointsConfig: endpoints,
    });
    for (const pool of state.clusters.get(path)?.nodePools ?? []) {
      await state.hooks.nodePoolCreated?.(clusterView(project, state.clusters.get(path) ?? begun), nodePoolView(pool));
      state.patchPool(path, pool.name, { status: "RUNNING" });
    }
    state.patch(path, { status: "RUNNING" });
  } catch (error) {
    state.patch(path, { status: "ERROR", statusMessage: String(error) });
    throw error;
  }
}

function built(state: ContainerState, call: Call): Cluster {
  const { env } = call;
  const wanted = object(call.body.cluster);
  const location = param(call, "location");
  const name = checkName("cluster.name", wanted.name);
  const zones = zonesOf(env, location);
  checkCluster(wanted);
  const network = plain(wanted.network ?? "default");
  const where = subnetwork(env, "cluster.subnetwork", regionOfLocation(env, location), {
    network: wanted.network ?? "default",
    subnetwork: wanted.subnetwork ?? network,
  });
  const policy = object(wanted.ipAllocationPolicy);
  checkRange("cluster.ipAllocationPolicy.clusterSecondaryRangeName", where, policy.clusterSecondaryRangeName);
  checkRange("cluster.ipAllocationPolicy.servicesSecondaryRangeName", where, policy.servicesSecondaryRangeName);
  const { nodePools: _pools, initialNodeCount: _count, nodeConfig: _config, ...rest } = wanted;
  return {
    ...rest,
    name,
    id: env.ids.numeric(),
    location,
    zone: location,
    locations: Array.isArray(wanted.locations) && wanted.locations.length > 0 ? wanted.locations.map(String) : zones,
    network,
    subnetwork: where.name,
    networkConfig: {
      ...object(wanted.networkConfig),
      network: pathOf(where.network),
      subnetwork: pathOf(where.selfLink),
    },
    status: "PROVISIONING",
    createTime: rfc3339(env.now()),
    currentMasterVersion: VERSION,
    currentNodeVersion: VERSION,
    initialClusterVersion: VERSION,
    labelFingerprint: labelsFingerprint(wanted.resourceLabels),
    etag: fingerprint([name, env.now()]),
    selfLink: link(env, `projects/${env.project}/locations/${location}/clusters/${name}`),
  };
}

function labelsFingerprint(labels: unknown): string {
  return fingerprint(object(labels)).slice(0, 8);
}

/** Fields of the update request that do not become the field of the same name. */
const PLACED: Record<string, readonly string[]> = {
  desiredGatewayApiConfig: ["networkConfig", "gatewayApiConfig"],
  desiredEnableMultiNetworking: ["networkConfig", "enableMultiNetworking"],
  desiredMasterVersion: ["currentMasterVersion"],
  desiredIntraNodeVisibilityConfig: ["networkConfig", "intraNodeVisibilityConfig"],
  desiredDnsConfig: ["networkConfig", "dnsConfig"],
};
const FIXED = ["desiredDatapathProvider"];

function update(state: ContainerState, call: Call): object {
  const before = state.cluster(call);
  const wanted = object(call.body.update);
  const fields = Object.keys(wanted).filter((field) => field.startsWith("desired"));
  if (fields.length === 0) throw new ApiError("invalid", "update: give at least one desired... field.");
  const fixed = fields.find((field) => FIXED.includes(field));
  if (fixed) throw new ApiError("invalid", `update.${fixed}: it cannot be changed; make a new cluster.`);
  const next = fields.reduce(
    (at, field) => placed(at, PLACED[field] ?? [lowerFirst(field.slice("desired".length))], wanted[field]),
    { ...before } as JsonObject,
  );
  checkCluster(next);
  const path = clusterPath(call);
  const operation = state.start(call, { type: "UPDATE_CLUSTER", target: path, run: () => settled(state, path, next) });
  state.patch(path, { status: "RECONCILING" });
  return operation;
}

function placed(at: JsonObject, path: readonly string[], value: JsonObject[string]): JsonObject {
  const [head = "", ...rest] = path;
  return { ...at, [head]: rest.length === 0 ? value : placed(object(at[head]), rest, value) };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function settled(state: ContainerState, path: string, fields: JsonObject): Promise<void> {
  const { nodePools: _pools, ...rest } = fields;
  state.patch(path, { ...rest, status: "RUNNING", etag: fingerprint([path, state.env.now()]) });
  return Promise.resolve();
}

function setLabels(state: ContainerState, call: Call): object {
  const before = state.cluster(call);
  const sent = call.body.labelFingerprint;
  if (typeof sent === "string" && sent !== before.labelFingerprint) {
    throw new ApiError("conditionNotMet", "Labels could not be set due to fingerprint mismatch.");
  }
  const resourceLabels = object(call.body.resourceLabels);
  const path = clusterPath(call);
  const fields = { resourceLabels, labelFingerprint: labelsFingerprint(resourceLabels) };
  return state.start(call, { type: "UPDATE_CLUSTER", target: path, run: () => settled(state, path, fields) });
}

function remove(state: ContainerState, call: Call): object {
  const path = clusterPath(call);
  const cluster = state.cluster(call);
  const run = async () => {
    await state.hooks.clusterDeleted?.(clusterView(call.env.project, cluster));
    state.clusters.delete(path);
  };
  const operation = state.start(call, { type: "DELETE_CLUSTER", target: path, run });
  state.patch(path, { status: "STOPPING" });
  return operation;
}
