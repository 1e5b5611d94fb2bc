// SPDX-License-Identifier: Apache-2.0
// Node pools of a cluster that is made here, each on the Pod networks it names. A pool's networks cannot change later (api.md 5.4).
import type * as pulumi from "@pulumi/pulumi";
import type { Cluster } from "@pulumi/gcp/container/cluster";
import { NodePool } from "@pulumi/gcp/container/nodePool";
import type { MultiNetworkClusterArgs, NewClusterArgs, NodeNetworkArgs, PoolArgs } from "./argsCloud";
import { at } from "./checks";
import { compact, guarded, projectOf } from "./common";

export interface PoolPlan {
  parent: pulumi.Resource;
  name: string;
  cluster: Cluster;
  args: MultiNetworkClusterArgs;
  create: NewClusterArgs;
}
type PoolInputs = ConstructorParameters<typeof NodePool>[1];

function networkConfig(networks: NodeNetworkArgs[], privateNodes: boolean): PoolInputs["networkConfig"] {
  if (networks.length === 0) return undefined;
  const pods = networks.filter((n) => n.podRange !== undefined);
  return compact({
    // Must be said outright as soon as a pool has networks of its own (pulumi.md 4.2).
    enablePrivateNodes: privateNodes,
    additionalNodeNetworkConfigs: networks.map((n) => ({ network: n.network, subnetwork: n.subnetwork })),
    additionalPodNetworkConfigs:
      pods.length === 0
        ? undefined
        : pods.map((n) => ({
            subnetwork: n.subnetwork,
            secondaryPodRange: n.podRange!,
            maxPodsPerNode: n.maxPodsPerNode ?? 32,
          })),
  });
}

/** A fixed size, or bounds for the autoscaler. */
function size(pool: PoolArgs): Pick<PoolInputs, "nodeCount" | "autoscaling" | "initialNodeCount"> {
  if (pool.max === undefined) return { nodeCount: pool.nodes ?? 1 };
  const least = pool.min ?? 1;
  return { autoscaling: { minNodeCount: least, maxNodeCount: pool.max }, initialNodeCount: least };
}

function poolArgs(plan: PoolPlan, key: string, pool: PoolArgs): PoolInputs {
  const all = plan.args.networks ?? {};
  const chosen = [...(pool.networks ?? Object.keys(all))].sort().map((n) => all[n]!);
  return compact({
    name: key,
    cluster: plan.cluster.name,
    location: plan.create.location ?? plan.args.region,
    project: projectOf(plan.args.project),
    ...size(pool),
    nodeLocations: pool.zones === undefined ? undefined : [...pool.zones].sort(),
    nodeConfig: {
      machineType: pool.machineType ?? "e2-standard-4",
      imageType: "COS_CONTAINERD",
      oauthScopes: ["https://www.googleapis.com/auth/cloud-platform"],
      workloadMetadataConfig: { mode: "GKE_METADATA" },
      shieldedInstanceConfig: { enableSecureBoot: true, enableIntegrityMonitoring: true },
    },
    networkConfig: networkConfig(chosen, plan.create.privateNodes ?? true),
    management: { autoRepair: true, autoUpgrade: true },
    upgradeSettings: { maxSurge: 1, maxUnavailable: 0 },
  });
}

/** Makes the pools; one named `main` where none is asked for. */
export function nodePools(plan: PoolPlan): NodePool[] {
  const pools = Object.entries(plan.create.pools ?? { main: {} });
  return pools.map(
    ([key, pool]) =>
      new NodePool(`${plan.name}-${key}`, poolArgs(plan, key, pool), {
        parent: plan.parent,
        ...guarded(plan.args, at("create.pools", key)),
        // Not nodeCount: a pool that begins to scale by itself would carry its old size along, which Google's provider refuses (engine suite).
        ignoreChanges: ["initialNodeCount"],
      }),
  );
}
