// SPDX-License-Identifier: Apache-2.0
// What can be wrong with a cluster and its node pools. Pure.
import type { ClusterArgs, ExistingClusterArgs, MultiNetworkClusterArgs, NewClusterArgs, PoolArgs } from "./argsCloud";
import {
  at,
  cloudNameProblems,
  enumProblems,
  exactlyOne,
  known,
  labelProblems,
  locationProblems,
  notFound,
  numberProblems,
  rangeProblems,
  regionProblems,
  saidBy,
  show,
} from "./checks";
import { OnDestroy, ReleaseChannel } from "./enums";
import { unlockedProblems } from "./fixed";
import { isPlain, problem, type Problem, when } from "./problems";

/** Length limit of GKE cluster and pool names. */
const CLUSTER_NAME_MAX = 40;

export interface ClusterContext {
  /** The component's name. */
  name: string;
  region: string;
  /** Names of the Pod networks. */
  networks: readonly string[];
}

function poolSizeProblems(p: PoolArgs, path: string): Problem[] {
  const both = p.nodes !== undefined && p.max !== undefined;
  const least = p.min ?? 0;
  return [
    ...numberProblems(p.nodes, at(path, "nodes"), 0, 1000),
    ...numberProblems(p.min, at(path, "min"), 0, 1000),
    ...numberProblems(p.max, at(path, "max"), 1, 1000),
    ...when(both, "Exclusive", path, "nodes and max are both set; nodes is a fixed size, max turns autoscaling on"),
    ...when(
      p.min !== undefined && least > (p.max ?? -1),
      "Bounds",
      at(path, "min"),
      `${least} needs a max that is not smaller; max is ${p.max ?? "not set"}`,
    ),
  ];
}

function poolProblems(p: PoolArgs, path: string, { region, networks }: ClusterContext): Problem[] {
  const zones = (p.zones ?? []).flatMap((zone, i) =>
    when(
      zone === region || locationProblems(zone, region, "").length > 0,
      "Location",
      `${path}.zones[${i}]`,
      `${show(zone)} is not a zone of ${show(region)}`,
    ),
  );
  const unknown = (p.networks ?? []).flatMap((n, i) =>
    when(
      !networks.includes(n),
      "UnknownReference",
      `${path}.networks[${i}]`,
      `${show(n)} is not one of the networks: ${known(networks)}`,
    ),
  );
  return [...poolSizeProblems(p, path), ...zones, ...unknown];
}

function newClusterNames(c: NewClusterArgs, path: string, context: ClusterContext): Problem[] {
  const field = at(path, "name");
  if (c.name !== undefined) return cloudNameProblems(c.name, field, CLUSTER_NAME_MAX);
  const name = show(context.name);
  return when(
    context.name.length > CLUSTER_NAME_MAX,
    "Length",
    field,
    `the component's name ${name} is longer than ${CLUSTER_NAME_MAX} characters; set one`,
  );
}

function newClusterProblems(c: NewClusterArgs, path: string, context: ClusterContext): Problem[] {
  const needed = (["network", "subnetwork", "podRange", "serviceRange"] as const).flatMap((field) =>
    when(!c[field], "Required", at(path, field), "is missing"),
  );
  const ranges = Object.entries(c.authorizedNetworks ?? {}).flatMap(([key, range]) =>
    rangeProblems(range, at(at(path, "authorizedNetworks"), key)),
  );
  const pools = Object.entries(c.pools ?? {}).flatMap(([key, pool]) => {
    const here = at(at(path, "pools"), key);
    return [...cloudNameProblems(key, here, CLUSTER_NAME_MAX), ...poolProblems(pool, here, context)];
  });
  return [
    ...newClusterNames(c, path, context),
    ...locationProblems(c.location ?? context.region, context.region, at(path, "location")),
    ...enumProblems(c.releaseChannel, ReleaseChannel, at(path, "releaseChannel")),
    ...needed,
    ...ranges,
    ...pools,
  ];
}

function existingClusterProblems(c: ExistingClusterArgs, path: string, region: string): Problem[] {
  return [
    ...when(!c.name, "Required", at(path, "name"), "is missing"),
    ...when(!c.location, "Required", at(path, "location"), "is missing"),
    ...(c.location && isPlain(c.location) ? locationProblems(c.location, region, at(path, "location")) : []),
  ];
}

/** Problems of `create` or `existing`, whichever is set. */
export function clusterProblems(c: ClusterArgs, path: string, context: ClusterContext): Problem[] {
  return [
    ...exactlyOne({ create: c.create, existing: c.existing }, path === "" ? "create" : path),
    ...(c.create ? newClusterProblems(c.create, at(path, "create"), context) : []),
    ...(c.existing ? existingClusterProblems(c.existing, at(path, "existing"), context.region) : []),
  ];
}

export function multiNetworkClusterProblems(name: string, args: MultiNetworkClusterArgs): Problem[] {
  return [
    ...cloudNameProblems(name, "name"),
    ...regionProblems(args.region),
    ...enumProblems(args.onDestroy, OnDestroy, "onDestroy"),
    ...labelProblems(args.labels),
    ...unlockedProblems(args.unlocked, ["create", "existing"]),
    ...clusterProblems(args, "", { name, region: args.region, networks: Object.keys(args.networks ?? {}) }),
  ];
}

/** What Google says of a cluster that is to be adopted. */
export interface FoundCluster {
  name: string;
  datapathProvider?: string;
  enableMultiNetworking?: boolean;
}
/** An adopted cluster must have what cannot be turned on later (SEED-5, SEED-6). Older providers do not say; then nothing is known against it. */
export function adoptedClusterProblems(found: FoundCluster): Problem[] {
  const datapath = found.datapathProvider ?? "ADVANCED_DATAPATH";
  const cluster = `cluster ${show(found.name)}`;
  return [
    ...when(
      datapath !== "ADVANCED_DATAPATH",
      "Unsupported",
      "existing",
      `${cluster} has datapath ${datapath || "unset"}; persistent addresses need Dataplane V2 (ADVANCED_DATAPATH), chosen when a cluster is made`,
    ),
    ...when(
      found.enableMultiNetworking === false,
      "Unsupported",
      "existing",
      `${cluster} has no multi-networking; it is chosen when a cluster is made`,
    ),
  ];
}

/** Google's refusal to read a cluster that is to be adopted, in words that say what to do. */
export function unreadableCluster(cause: unknown, name: string, location: string): Problem {
  const said = saidBy(cause);
  return notFound(said)
    ? problem(
        "UnknownReference",
        "existing.name",
        `${show(name)} is not a cluster in ${show(location)}; "gcloud container clusters list" shows names and locations`,
      )
    : problem("UnknownReference", "existing.name", `${show(name)} cannot be read: ${said}`);
}
