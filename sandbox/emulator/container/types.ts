// SPDX-License-Identifier: Apache-2.0
// Clusters and node pools as Container v1 shows them, and what the sandbox's hooks are told.
import { asText } from "../text";
import type { JsonObject } from "../types";

export interface NodePool extends JsonObject {
  name: string;
  initialNodeCount: number;
  status: string;
  locations: string[];
  selfLink: string;
}

export interface Cluster extends JsonObject {
  name: string;
  location: string;
  locations: string[];
  network: string;
  subnetwork: string;
  status: string;
  selfLink: string;
  nodePools?: NodePool[];
}

/** A cluster as a hook sees it. */
export interface ClusterView {
  readonly name: string;
  readonly location: string;
  readonly project: string;
  /** Zones of its nodes. */
  readonly zones: readonly string[];
  readonly multiNetworking: boolean;
  /** The whole Container v1 object. */
  readonly resource: Readonly<JsonObject>;
}

/** A node pool as a hook sees it. */
export interface NodePoolView {
  readonly name: string;
  /** Nodes in each of the zones. */
  readonly nodeCount: number;
  readonly zones: readonly string[];
  readonly machineType: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  /** Further interfaces of each node in order (nic1, nic2, ...), as given: names, or paths where they lie in a host project. */
  readonly networks: readonly { network: string; subnetwork: string }[];
  /** Pod ranges on those interfaces (L3 networks). */
  readonly podNetworks: readonly { subnetwork: string; secondaryPodRange: string; maxPodsPerNode: number }[];
  /** The whole Container v1 object. */
  readonly resource: Readonly<JsonObject>;
}

/**
 * The sandbox plays GKE behind the API: an operation stays RUNNING until the promise settles, and a rejection becomes the
 * operation's error.
 */
export interface ContainerHooks {
  clusterCreated?(cluster: ClusterView): Promise<{ endpoint: string; caCertificateBase64: string }>;
  clusterDeleted?(cluster: ClusterView): Promise<void>;
  nodePoolCreated?(cluster: ClusterView, pool: NodePoolView): Promise<void>;
  /** `count` is the new number of nodes in each zone. */
  nodePoolResized?(cluster: ClusterView, pool: NodePoolView, count: number): Promise<void>;
  nodePoolDeleted?(cluster: ClusterView, pool: NodePoolView): Promise<void>;
}

export function object(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

export function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(object) : [];
}

/** The plain name in a name or URL. */
export function plain(value: unknown): string {
  return asText(value).split("/").at(-1) ?? "";
}

export function clusterView(project: string, cluster: Cluster): ClusterView {
  return {
    name: cluster.name,
    location: cluster.location,
    project,
    zones: cluster.locations,
    multiNetworking: object(cluster.networkConfig).enableMultiNetworking === true,
    resource: cluster,
  };
}

export function nodePoolView(pool: NodePool): NodePoolView {
  const config = object(pool.config);
  const network = object(pool.networkConfig);
  return {
    name: pool.name,
    nodeCount: pool.initialNodeCount,
    zones: pool.locations,
    machineType: asText(config.machineType ?? "e2-medium"),
    labels: object(config.labels) as Record<string, string>,
    tags: Array.isArray(config.tags) ? config.tags.map(String) : [],
    networks: objects(network.additionalNodeNetworkConfigs).map((n) => ({
      network: asText(n.network),
      subnetwork: asText(n.subnetwork),
    })),
    podNetworks: objects(network.additionalPodNetworkConfigs).map((n) => ({
      subnetwork: asText(n.subnetwork),
      secondaryPodRange: asText(n.secondaryPodRange),
      maxPodsPerNode: Number(object(n.maxPodsPerNode).maxPodsPerNode ?? 110),
    })),
    resource: pool,
  };
}
