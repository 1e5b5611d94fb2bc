// SPDX-License-Identifier: Apache-2.0
// What GKE refuses and users of multi-networking can get wrong (api.md 5.4, pulumi.md 4.1).
import { asText } from "../text";
import type { Env } from "../env";
import { ApiError, invalid, required } from "../errors";
import type { JsonObject, Subnetwork } from "../types";
import { pathOf, projectOf } from "../links";
import type { Cluster } from "./types";
import { object, objects, plain } from "./types";

const CLUSTER_NAME = /^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/;
/** Interfaces of a VM beside nic0. */
const MAX_ADDITIONAL = 7;

export function checkName(field: string, value: unknown): string {
  if (value === undefined || value === "") throw required(field);
  if (typeof value !== "string" || !CLUSTER_NAME.test(value))
    throw invalid(field, value, `It must match ${CLUSTER_NAME.source}.`);
  return value;
}

function refuse(message: string): never {
  throw new ApiError("invalid", message);
}

/** Rules within a cluster; used for a new one and after an update. */
export function checkCluster(cluster: JsonObject): void {
  const network = object(cluster.networkConfig);
  const policy = object(cluster.ipAllocationPolicy);
  if (object(network.gatewayApiConfig).channel === "CHANNEL_EXPERIMENTAL") {
    refuse(
      "networkConfig.gatewayApiConfig.channel: CHANNEL_EXPERIMENTAL is not supported; use CHANNEL_STANDARD or CHANNEL_DISABLED.",
    );
  }
  if (network.enableMultiNetworking !== true) return;
  if (network.datapathProvider !== "ADVANCED_DATAPATH") {
    refuse(
      "networkConfig.enableMultiNetworking: multi-networking needs networkConfig.datapathProvider ADVANCED_DATAPATH (Dataplane V2).",
    );
  }
  if (policy.useIpAliases === false)
    refuse("networkConfig.enableMultiNetworking: multi-networking needs a VPC-native cluster (ipAllocationPolicy.useIpAliases).");
  if (policy.stackType === "IPV4_IPV6")
    refuse("networkConfig.enableMultiNetworking: multi-networking is not supported on dual-stack clusters.");
}

/** The subnetwork of that name in the region and, where given, in the network. */
export function subnetwork(
  env: Env,
  field: string,
  region: string,
  names: { network?: unknown; subnetwork: unknown },
): Subnetwork {
  // A Shared VPC is named by path; GKE takes a bare name for one of the cluster's own project.
  const project = projectOf(asText(names.subnetwork)) ?? projectOf(asText(names.network)) ?? env.project;
  const path = `projects/${project}/regions/${region}/subnetworks/${plain(names.subnetwork)}`;
  const found = env.store.of("subnetworks").get(path);
  if (!found) throw new ApiError("notFound", `${field}: subnetwork '${path}' does not exist.`);
  if (names.network !== undefined && plain(pathOf(found.network)) !== plain(names.network)) {
    refuse(`${field}: subnetwork '${found.name}' is in network '${plain(found.network)}', not in '${plain(names.network)}'.`);
  }
  return found;
}

export function checkRange(field: string, where: Subnetwork, range: unknown): void {
  if (range === undefined) return;
  const names = (where.secondaryIpRanges ?? []).map((r) => r.rangeName);
  if (!names.includes(asText(range))) {
    refuse(
      `${field}: subnetwork '${where.name}' has no secondary range '${asText(range)}'; it has: ${names.join(", ") || "none"}.`,
    );
  }
}

/** Rules of a node pool's further networks. */
export function checkPoolNetworks(env: Env, region: string, cluster: Cluster, pool: JsonObject): void {
  const config = object(pool.networkConfig);
  const nics = objects(config.additionalNodeNetworkConfigs);
  const pods = objects(config.additionalPodNetworkConfigs);
  if (nics.length + pods.length === 0) return;
  if (object(cluster.networkConfig).enableMultiNetworking !== true) {
    refuse("networkConfig.additionalNodeNetworkConfigs: the cluster was not made with enableMultiNetworking.");
  }
  if (nics.length > MAX_ADDITIONAL)
    refuse(`networkConfig.additionalNodeNetworkConfigs: ${nics.length} networks, at most ${MAX_ADDITIONAL} are allowed.`);
  checkNics(env, region, cluster, nics);
  checkPodNetworks(env, region, nics, pods);
}

function checkNics(env: Env, region: string, cluster: Cluster, nics: readonly JsonObject[]): void {
  const seen = new Set([plain(cluster.network)]);
  for (const nic of nics) {
    if (nic.network === undefined) throw required("networkConfig.additionalNodeNetworkConfigs.network");
    if (nic.subnetwork === undefined) throw required("networkConfig.additionalNodeNetworkConfigs.subnetwork");
    if (seen.has(plain(nic.network)))
      refuse(
        `networkConfig.additionalNodeNetworkConfigs.network: '${plain(nic.network)}' is used by another interface of the node.`,
      );
    seen.add(plain(nic.network));
    subnetwork(env, "networkConfig.additionalNodeNetworkConfigs.subnetwork", region, {
      network: nic.network,
      subnetwork: nic.subnetwork,
    });
  }
}

function checkPodNetworks(env: Env, region: string, nics: readonly JsonObject[], pods: readonly JsonObject[]): void {
  for (const pod of pods) {
    const field = "networkConfig.additionalPodNetworkConfigs";
    if (!nics.some((nic) => plain(nic.subnetwork) === plain(pod.subnetwork))) {
      refuse(`${field}.subnetwork: '${plain(pod.subnetwork)}' is none of the additionalNodeNetworkConfigs.`);
    }
    if (pod.secondaryPodRange === undefined) throw required(`${field}.secondaryPodRange`);
    checkRange(
      `${field}.secondaryPodRange`,
      subnetwork(env, `${field}.subnetwork`, region, { subnetwork: pod.subnetwork }),
      pod.secondaryPodRange,
    );
    const max = Number(object(pod.maxPodsPerNode).maxPodsPerNode ?? 110);
    if (!(max >= 1 && max <= 256)) throw invalid(`${field}.maxPodsPerNode`, max, "It must be between 1 and 256.");
  }
}
