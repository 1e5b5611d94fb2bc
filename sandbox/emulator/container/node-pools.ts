// SPDX-License-Identifier: Apache-2.0
// projects.locations.clusters.nodePools: a pool's interfaces and Pod ranges are fixed when it is made.
import type { Call, Row } from "../env";
import { param } from "../env";
import { ApiError, invalid } from "../errors";
import { fingerprint } from "../ids";
import type { JsonObject } from "../types";
import { checkName, checkPoolNetworks } from "./checks";
import type { ContainerState } from "./state";
import { clusterPath, link, regionOfLocation } from "./state";
import type { Cluster, NodePool } from "./types";
import { clusterView, nodePoolView, object } from "./types";

const POOLS = "v1/projects/{project}/locations/{location}/clusters/{cluster}/nodePools";

export function nodePoolRows(state: ContainerState): Row[] {
  const id = (name: string) => `container.projects.locations.clusters.nodePools.${name}`;
  const pool = `${POOLS}/{nodePool}`;
  return [
    { id: id("create"), verb: "POST", path: POOLS, handler: (call) => create(state, call) },
    { id: id("list"), verb: "GET", path: POOLS, handler: (call) => ({ nodePools: state.cluster(call).nodePools ?? [] }) },
    { id: id("get"), verb: "GET", path: pool, handler: (call) => state.pool(call) },
    {
      id: id("update"),
      verb: "PUT",
      path: pool,
      handler: (call) => changed(state, call, "UPGRADE_NODES", updateFields(state, call)),
    },
    { id: id("delete"), verb: "DELETE", path: pool, handler: (call) => remove(state, call) },
    { id: id("setSize"), verb: "POST", path: `${pool}:setSize`, handler: (call) => setSize(state, call) },
    {
      id: id("setAutoscaling"),
      verb: "POST",
      path: `${pool}:setAutoscaling`,
      handler: (call) => changed(state, call, "UPDATE_CLUSTER", { autoscaling: object(call.body.autoscaling) }),
    },
    {
      id: id("setManagement"),
      verb: "POST",
      path: `${pool}:setManagement`,
      handler: (call) => changed(state, call, "SET_NODE_POOL_MANAGEMENT", { management: object(call.body.management) }),
    },
  ];
}

/** A new pool of a cluster, checked and completed, in state PROVISIONING. @throws ApiError naming the field */
export function createdPool(call: Call, cluster: Cluster, wanted: JsonObject): NodePool {
  const name = checkName("nodePool.name", wanted.name);
  const count = Number(wanted.initialNodeCount ?? 0);
  if (!Number.isInteger(count) || count < 0)
    throw invalid("nodePool.initialNodeCount", wanted.initialNodeCount, "It must be 0 or more.");
  checkPoolNetworks(call.env, regionOfLocation(call.env, cluster.location), cluster, wanted);
  const path = `projects/${call.env.project}/locations/${cluster.location}/clusters/${cluster.name}/nodePools/${name}`;
  return {
    ...wanted,
    name,
    initialNodeCount: count,
    config: {
      machineType: "e2-medium",
      diskSizeGb: 100,
      diskType: "pd-balanced",
      imageType: "COS_CONTAINERD",
      ...object(wanted.config),
    },
    management: { autoUpgrade: true, autoRepair: true, ...object(wanted.management) },
    locations: Array.isArray(wanted.locations) && wanted.locations.length > 0 ? wanted.locations.map(String) : cluster.locations,
    version: cluster.currentMasterVersion,
    status: "PROVISIONING",
    etag: fingerprint([path, call.env.now()]),
    selfLink: link(call.env, path),
  };
}

function create(state: ContainerState, call: Call): object {
  const cluster = state.cluster(call);
  const pool = createdPool(call, cluster, object(call.body.nodePool));
  const path = clusterPath(call);
  if (cluster.nodePools?.some((other) => other.name === pool.name)) {
    throw new ApiError("alreadyExists", `Already exists: ${path}/nodePools/${pool.name}.`);
  }
  const run = async () => {
    try {
      await state.hooks.nodePoolCreated?.(clusterView(call.env.project, cluster), nodePoolView(pool));
      state.patchPool(path, pool.name, { status: "RUNNING" });
    } catch (error) {
      state.patchPool(path, pool.name, { status: "ERROR", statusMessage: String(error) });
      throw error;
    }
  };
  const operation = state.start(call, { type: "CREATE_NODE_POOL", target: `${path}/nodePools/${pool.name}`, run });
  state.patch(path, { nodePools: [...(cluster.nodePools ?? []), pool] });
  return operation;
}

function targetOf(call: Call): string {
  return `${clusterPath(call)}/nodePools/${param(call, "nodePool")}`;
}

function changed(state: ContainerState, call: Call, type: string, fields: JsonObject): object {
  const { name } = state.pool(call);
  const path = clusterPath(call);
  const run = () => {
    state.patchPool(path, name, { ...fields, etag: fingerprint([path, name, state.env.now()]) });
    return Promise.resolve();
  };
  return state.start(call, { type, target: targetOf(call), run });
}

const CONFIG_FIELDS = [
  "machineType",
  "imageType",
  "diskType",
  "diskSizeGb",
  "workloadMetadataConfig",
  "gcfsConfig",
  "gvnic",
  "kubeletConfig",
  "linuxNodeConfig",
];
/** These come wrapped in an object with a field of their own name. */
const WRAPPED = ["labels", "tags", "taints"];

function updateFields(state: ContainerState, call: Call): JsonObject {
  const { body } = call;
  const before = state.pool(call);
  const network = object(body.nodeNetworkConfig);
  const fixed = ["additionalNodeNetworkConfigs", "additionalPodNetworkConfigs", "podRange", "subnetwork"].find(
    (f) => network[f] !== undefined,
  );
  if (fixed) throw invalid(`nodeNetworkConfig.${fixed}`, network[fixed], "It cannot be changed; make a new node pool.");
  const config = { ...object(before.config) };
  for (const field of CONFIG_FIELDS) if (body[field] !== undefined) config[field] = body[field];
  for (const field of WRAPPED) if (body[field] !== undefined) config[field] = object(body[field])[field];
  return {
    config,
    ...(body.upgradeSettings === undefined ? {} : { upgradeSettings: body.upgradeSettings }),
    ...(body.locations === undefined ? {} : { locations: body.locations }),
    ...(body.nodeVersion === undefined ? {} : { version: body.nodeVersion }),
    ...(body.nodeNetworkConfig === undefined ? {} : { networkConfig: { ...object(before.networkConfig), ...network } }),
  };
}

/** `initialNodeCount` follows the size here, so that a reader of the API alone sees it. */
function setSize(state: ContainerState, call: Call): object {
  const pool = state.pool(call);
  const count = Number(call.body.nodeCount ?? 0);
  if (!Number.isInteger(count) || count < 0) throw invalid("nodeCount", call.body.nodeCount, "It must be 0 or more.");
  const path = clusterPath(call);
  const cluster = state.cluster(call);
  const run = async () => {
    await state.hooks.nodePoolResized?.(clusterView(call.env.project, cluster), nodePoolView(pool), count);
    state.patchPool(path, pool.name, { initialNodeCount: count, status: "RUNNING" });
  };
  return state.start(call, { type: "SET_NODE_POOL_SIZE", target: targetOf(call), run });
}

function remove(state: ContainerState, call: Call): object {
  const pool = state.pool(call);
  const path = clusterPath(call);
  const cluster = state.cluster(call);
  const run = async () => {
    await state.hooks.nodePoolDeleted?.(clusterView(call.env.project, cluster), nodePoolView(pool));
    state.patchPool(path, pool.name, undefined);
  };
  const operation = state.start(call, { type: "DELETE_NODE_POOL", target: targetOf(call), run });
  state.patchPool(path, pool.name, { status: "STOPPING" });
  return operation;
}
