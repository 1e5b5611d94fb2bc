// SPDX-License-Identifier: Apache-2.0
// GKE clusters and node pools: Terraform's names on one side, Container v1 on the other. Each changed setting goes as an update of
// its own, as the real provider does it.
import { ProviderError } from "../provider";
import { compact, isRecord, same, textAt, type Json, type Props } from "../value";
import { field, fields, fromRest, int64, parseId, shortName, text, toRest, type Field, type Kind } from "./kind";
import { isGone, type Cloud } from "./rest";

const placeOf = (p: Props): string => `projects/${text(p, "project")}/locations/${shortName(p.location)}`;

const networkUrl: Field = {
  input: "network",
  rest: "network",
  write: (v) => (typeof v === "string" && v.includes("/") ? shortPath(v) : v),
};
const subnetworkUrl: Field = { ...networkUrl, input: "subnetwork", rest: "subnetwork" };
const shortPath = (v: string): string => v.replace(/^https?:\/\/[^/]+\/compute\/v1\//, "");

interface Desired {
  input: string;
  desired: string;
  wrap?: (v: Json) => Json;
}
// Settings that change in place, with their member of ClusterUpdate (container-v1 schema).
const DESIRED: readonly Desired[] = [
  { input: "releaseChannel", desired: "desiredReleaseChannel" },
  { input: "gatewayApiConfig", desired: "desiredGatewayApiConfig" },
  { input: "enableMultiNetworking", desired: "desiredEnableMultiNetworking" },
  { input: "workloadIdentityConfig", desired: "desiredWorkloadIdentityConfig" },
  { input: "controlPlaneEndpointsConfig", desired: "desiredControlPlaneEndpointsConfig", wrap: cleanEndpoints },
  { input: "fleet", desired: "desiredFleet", wrap: onlyProject },
  { input: "nodeLocations", desired: "desiredLocations" },
  { input: "minMasterVersion", desired: "desiredMasterVersion" },
  { input: "loggingService", desired: "desiredLoggingService" },
  { input: "monitoringService", desired: "desiredMonitoringService" },
  { input: "enableL4IlbSubsetting", desired: "desiredL4ilbSubsettingConfig", wrap: (v) => ({ enabled: v }) },
  { input: "enableIntranodeVisibility", desired: "desiredIntraNodeVisibilityConfig", wrap: (v) => ({ enabled: v }) },
  { input: "verticalPodAutoscaling", desired: "desiredVerticalPodAutoscaling" },
  {
    input: "masterAuthorizedNetworksConfig",
    desired: "desiredMasterAuthorizedNetworksConfig",
    wrap: (v) => ({ enabled: true, ...(isRecord(v) ? v : {}) }),
  },
];

const CLUSTER_FIELDS: readonly Field[] = [
  ...fields(
    "description initialNodeCount clusterIpv4Cidr loggingService monitoringService releaseChannel workloadIdentityConfig",
  ),
  ...fields("verticalPodAutoscaling privateClusterConfig"),
  networkUrl,
  subnetworkUrl,
  field("nodeLocations", "locations"),
  field("minMasterVersion", "initialClusterVersion"),
  field("datapathProvider", "networkConfig.datapathProvider"),
  field("enableMultiNetworking", "networkConfig.enableMultiNetworking"),
  field("gatewayApiConfig", "networkConfig.gatewayApiConfig"),
  field("enableIntranodeVisibility", "networkConfig.enableIntraNodeVisibility"),
  field("enableL4IlbSubsetting", "networkConfig.enableL4ilbSubsetting"),
  field("enableAutopilot", "autopilot.enabled"),
  int64("defaultMaxPodsPerNode", "defaultMaxPodsConstraint.maxPodsPerNode"),
  {
    input: "ipAllocationPolicy",
    rest: "ipAllocationPolicy",
    write: (v) => ({ useIpAliases: true, ...record(v) }),
    read: ipPolicy,
  },
  { input: "controlPlaneEndpointsConfig", rest: "controlPlaneEndpointsConfig", write: cleanEndpoints },
  { input: "fleet", rest: "fleet", write: onlyProject },
  { input: "nodeConfig", rest: "nodeConfig" },
];
const CLUSTER_OUTPUTS: readonly Field[] = [
  ...fields("endpoint selfLink labelFingerprint location"),
  field("network", "networkConfig.network"),
  field("subnetwork", "networkConfig.subnetwork"),
  field("masterVersion", "currentMasterVersion"),
  field("nodeVersion", "currentNodeVersion"),
  field("servicesIpv4Cidr", "servicesIpv4Cidr"),
  { input: "masterAuth", rest: "masterAuth", read: (v) => ({ clientCertificate: "", clientKey: "", ...record(v) }) },
  { input: "effectiveLabels", rest: "resourceLabels" },
];

const record = (v: Json): Props => (isRecord(v) ? v : {});

function onlyProject(v: Json): Json {
  return compact({ project: record(v).project, membershipType: record(v).membershipType });
}

// The endpoint itself is the cloud's to fill in.
function cleanEndpoints(v: Json): Json {
  const { dnsEndpointConfig, ...rest } = record(v);
  if (!isRecord(dnsEndpointConfig)) return rest;
  const { endpoint: _endpoint, ...dns } = dnsEndpointConfig;
  return { ...rest, dnsEndpointConfig: dns };
}

function ipPolicy(v: Json): Json {
  const { useIpAliases: _useIpAliases, ...rest } = record(v);
  return rest;
}

export const CLUSTER: Kind = {
  label: "Cluster",
  named: true,
  defaults: ["project", "location"],
  references: ["network", "subnetwork"],
  sticky: ["initialNodeCount", "minMasterVersion", "enableL4IlbSubsetting", "enableIntranodeVisibility"],
  labels: "resourceLabels",
  id: (p) => `${placeOf(p)}/clusters/${text(p, "name")}`,
  fromId: (id) =>
    parseId(["projects/{project}/locations/{location}/clusters/{name}", "{project}/{location}/{name}", "{location}/{name}"], id),
  async create(cloud, p) {
    const cluster = { name: text(p, "name"), resourceLabels: record(p.effectiveLabels ?? {}), ...toRest(CLUSTER_FIELDS, p) };
    await cloud.container("POST", placeOf(p), "clusters", { cluster });
    if (p.removeDefaultNodePool === true) await dropDefaultPool(cloud, p);
  },
  async read(cloud, p) {
    const body = await cloud.find(`v1/${placeOf(p)}/clusters/${text(p, "name")}`);
    if (body === undefined) return undefined;
    return {
      ...compact({ name: body.name, networkingMode: "VPC_NATIVE" }),
      ...fromRest([...CLUSTER_FIELDS, ...CLUSTER_OUTPUTS], body),
    };
  },
  async update(cloud, olds, news) {
    const path = `clusters/${text(news, "name")}`;
    for (const d of DESIRED) {
      const value = news[d.input];
      if (same(olds[d.input], value) || value === undefined) continue;
      await cloud.container("PUT", placeOf(news), path, {
        update: { [d.desired]: d.wrap === undefined ? value : d.wrap(value) },
      });
    }
    if (same(olds.effectiveLabels, news.effectiveLabels)) return;
    const live = await cloud.request("GET", `v1/${placeOf(news)}/${path}`);
    const body = { resourceLabels: record(news.effectiveLabels ?? {}), ...compact({ labelFingerprint: live.labelFingerprint }) };
    await cloud.container("POST", placeOf(news), `${path}:setResourceLabels`, body);
  },
  async delete(cloud, state) {
    if (state.deletionProtection !== false) throw protectedCluster(text(state, "name"));
    await cloud.container("DELETE", placeOf(state), `clusters/${text(state, "name")}`);
  },
};

function protectedCluster(name: string): ProviderError {
  const how = "Set it to false to proceed with cluster deletion (and run an update before the destroy)";
  return new ProviderError("Refused", `Cannot destroy cluster "${name}" because deletion_protection is set to true. ${how}.`);
}

async function dropDefaultPool(cloud: Cloud, p: Props): Promise<void> {
  try {
    await cloud.container("DELETE", placeOf(p), `clusters/${text(p, "name")}/nodePools/default-pool`);
  } catch (error) {
    if (!isGone(error)) throw error; // a cluster that never had one is what was asked for
  }
}

const POOL_FIELDS: readonly Field[] = [
  ...fields("management upgradeSettings version placementPolicy queuedProvisioning"),
  field("nodeConfig", "config"),
  field("initialNodeCount"),
  field("nodeLocations", "locations"),
  int64("maxPodsPerNode", "maxPodsConstraint.maxPodsPerNode"),
  { input: "autoscaling", rest: "autoscaling", write: (v) => ({ enabled: true, ...record(v) }), read: autoscaling },
  { input: "networkConfig", rest: "networkConfig", write: poolNetwork, read: poolNetworkBack },
];
const POOL_OUTPUTS: readonly Field[] = [field("instanceGroupUrls"), field("managedInstanceGroupUrls", "instanceGroupUrls")];

function autoscaling(v: Json): Json {
  const { enabled: _enabled, ...rest } = record(v);
  return rest;
}

function poolNetwork(v: Json): Json {
  return podNetworks(v, (n) => ({
    ...n,
    ...(n.maxPodsPerNode !== undefined && { maxPodsPerNode: { maxPodsPerNode: JSON.stringify(n.maxPodsPerNode) } }),
  }));
}
function poolNetworkBack(v: Json): Json {
  return podNetworks(v, (n) =>
    isRecord(n.maxPodsPerNode) ? { ...n, maxPodsPerNode: Number(n.maxPodsPerNode.maxPodsPerNode) } : n,
  );
}
function podNetworks(v: Json, f: (n: Props) => Props): Json {
  const config = record(v);
  const list = config.additionalPodNetworkConfigs;
  if (!Array.isArray(list)) return config;
  return { ...config, additionalPodNetworkConfigs: list.map((n) => (isRecord(n) ? f(n) : n)) };
}

const clusterPath = (p: Props): string => `clusters/${shortName(p.cluster)}`;
const poolPlace = (p: Props): string => {
  const named = parseId(["projects/{project}/locations/{location}/clusters/{cluster}"], text(p, "cluster"));
  return placeOf({ ...p, ...named });
};

export const NODE_POOL: Kind = {
  label: "NodePool",
  named: true,
  defaults: ["project", "location"],
  references: ["cluster"],
  sticky: ["initialNodeCount"],
  id: (p) => `${poolPlace(p)}/${clusterPath(p)}/nodePools/${text(p, "name")}`,
  fromId: (id) =>
    parseId(
      [
        "projects/{project}/locations/{location}/clusters/{cluster}/nodePools/{name}",
        "{project}/{location}/{cluster}/{name}",
        "{location}/{cluster}/{name}",
      ],
      id,
    ),
  async create(cloud, p) {
    const body = toRest(POOL_FIELDS, p);
    const size = p.nodeCount ?? p.initialNodeCount ?? (isRecord(p.autoscaling) ? (p.autoscaling.minNodeCount ?? 0) : 0);
    await cloud.container("POST", poolPlace(p), `${clusterPath(p)}/nodePools`, {
      nodePool: { ...body, name: text(p, "name"), initialNodeCount: size },
    });
  },
  async read(cloud, p) {
    const body = await cloud.find(`v1/${poolPlace(p)}/${clusterPath(p)}/nodePools/${text(p, "name")}`);
    if (body === undefined) return undefined;
    const props = fromRest([...POOL_FIELDS, ...POOL_OUTPUTS], body);
    return {
      ...compact({ name: body.name, nodeCount: body.initialNodeCount, location: shortName(p.location) || undefined }),
      ...props,
    };
  },
  async update(cloud, olds, news) {
    const path = `${clusterPath(news)}/nodePools/${text(news, "name")}`;
    const changed = (key: string): boolean => !same(olds[key], news[key]) && news[key] !== undefined;
    const post = (verb: string, body: Props): Promise<void> => cloud.container("POST", poolPlace(news), `${path}:${verb}`, body);
    if (changed("nodeCount") && news.ignoreNodeCountChanges !== true) await post("setSize", { nodeCount: news.nodeCount ?? 0 });
    if (changed("autoscaling"))
      await post("setAutoscaling", { autoscaling: { enabled: true, ...record(news.autoscaling ?? {}) } });
    if (changed("management")) await post("setManagement", { management: record(news.management ?? {}) });
    for (const body of poolUpdates(news, changed)) await cloud.container("PUT", poolPlace(news), path, body);
  },
  delete: (cloud, state) => cloud.container("DELETE", poolPlace(state), `${clusterPath(state)}/nodePools/${text(state, "name")}`),
};

function poolUpdates(news: Props, changed: (key: string) => boolean): Props[] {
  const updates: Props[] = [];
  if (changed("upgradeSettings")) updates.push({ upgradeSettings: record(news.upgradeSettings ?? {}) });
  if (changed("nodeLocations")) updates.push(compact({ locations: news.nodeLocations }));
  if (changed("version")) updates.push({ nodeVersion: textAt(news, "version") ?? "" });
  if (changed("nodeConfig")) updates.push(nodeConfigUpdate(record(news.nodeConfig ?? {})));
  if (changed("networkConfig")) updates.push({ nodeNetworkConfig: poolNetwork(news.networkConfig ?? {}) });
  return updates;
}

function nodeConfigUpdate(c: Props): Props {
  const wrapped = (v: Json | undefined, key: string): Json | undefined => (v === undefined ? undefined : { [key]: v });
  return compact({
    machineType: c.machineType,
    diskType: c.diskType,
    diskSizeGb: c.diskSizeGb,
    labels: wrapped(c.labels, "labels"),
    tags: wrapped(c.tags, "tags"),
    taints: wrapped(c.taints, "taints"),
    resourceLabels: wrapped(c.resourceLabels, "labels"),
    workloadMetadataConfig: c.workloadMetadataConfig,
  });
}
