// SPDX-License-Identifier: Apache-2.0
// What can be wrong with a cluster, a Pod network, a firewall rule. Pure.
import { parseRange } from "../controller/api";
import type {
  ClusterArgs,
  IngressArgs,
  MultiNetworkClusterArgs,
  NetworkArgs,
  NewClusterArgs,
  PodNetworksArgs,
  PoolArgs,
} from "./argsCloud";
import {
  at,
  cloudNameProblems,
  enumProblems,
  exactlyOne,
  known,
  kubeNameProblems,
  labelProblems,
  locationProblems,
  numberProblems,
  overlapProblems,
  rangeProblems,
  regionProblems,
  show,
} from "./checks";
import { DeviceMode, NetworkMode, OnDestroy, ReleaseChannel } from "./enums";
import { isPlain, problem, type Problem } from "./problems";

/** Length limit of GKE cluster and pool names. */
const CLUSTER_NAME_MAX = 40;

function poolProblems(p: PoolArgs, path: string, region: string, networks: readonly string[]): Problem[] {
  const found = [
    ...numberProblems(p.nodes, at(path, "nodes"), 0, 1000),
    ...numberProblems(p.min, at(path, "min"), 0, 1000),
    ...numberProblems(p.max, at(path, "max"), 1, 1000),
  ];
  if (p.nodes !== undefined && p.max !== undefined)
    found.push(problem("Exclusive", path, "nodes and max are both set; nodes is a fixed size, max turns autoscaling on"));
  if (p.min !== undefined && (p.max === undefined || p.min > p.max))
    found.push(problem("Bounds", at(path, "min"), `${p.min} needs a max that is not smaller; max is ${p.max ?? "not set"}`));
  for (const [i, zone] of (p.zones ?? []).entries())
    if (zone === region || locationProblems(zone, region, "").length > 0)
      found.push(problem("Location", `${path}.zones[${i}]`, `${show(zone)} is not a zone of ${show(region)}`));
  for (const [i, n] of (p.networks ?? []).entries())
    if (!networks.includes(n))
      found.push(
        problem("UnknownReference", `${path}.networks[${i}]`, `${show(n)} is not one of the networks: ${known(networks)}`),
      );
  return found;
}

function newClusterProblems(
  c: NewClusterArgs,
  path: string,
  name: string,
  region: string,
  networks: readonly string[],
): Problem[] {
  const found = [
    ...(c.name === undefined ? [] : cloudNameProblems(c.name, at(path, "name"), CLUSTER_NAME_MAX)),
    ...(c.location === undefined ? [] : locationProblems(c.location, region, at(path, "location"))),
    ...enumProblems(c.releaseChannel, ReleaseChannel, at(path, "releaseChannel")),
  ];
  if (c.name === undefined && name.length > CLUSTER_NAME_MAX)
    found.push(
      problem(
        "Length",
        at(path, "name"),
        `the component's name ${show(name)} is longer than ${CLUSTER_NAME_MAX} characters; set one`,
      ),
    );
  for (const field of ["network", "subnetwork", "podRange", "serviceRange"] as const)
    if (c[field] === undefined || c[field] === "") found.push(problem("Required", at(path, field), "is missing"));
  for (const [key, range] of Object.entries(c.authorizedNetworks ?? {}))
    found.push(...rangeProblems(range, at(at(path, "authorizedNetworks"), key)));
  for (const [key, pool] of Object.entries(c.pools ?? {})) {
    const here = at(at(path, "pools"), key);
    found.push(...cloudNameProblems(key, here, CLUSTER_NAME_MAX), ...poolProblems(pool, here, region, networks));
  }
  return found;
}

/** Problems of `create` or `existing`, whichever is set. */
export function clusterProblems(
  c: ClusterArgs,
  path: string,
  context: { name: string; region: string; networks: readonly string[] },
): Problem[] {
  const found = exactlyOne({ create: c.create, existing: c.existing }, path === "" ? "create" : path);
  if (c.create) found.push(...newClusterProblems(c.create, at(path, "create"), context.name, context.region, context.networks));
  if (c.existing) {
    const here = at(path, "existing");
    if (!c.existing.name) found.push(problem("Required", at(here, "name"), "is missing"));
    if (!c.existing.location) found.push(problem("Required", at(here, "location"), "is missing"));
    else if (isPlain(c.existing.location))
      found.push(...locationProblems(c.existing.location, context.region, at(here, "location")));
  }
  return found;
}

const WITH_PORTS = ["tcp", "udp", "sctp"];
const PROTOCOLS = [...WITH_PORTS, "icmp", "esp", "ah", "ipip"];
const portFits = (text: string): boolean => {
  const m = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const [first, last] = m ? [Number(m[1]), Number(m[2] ?? m[1])] : [1, 0];
  return first <= last && last <= 65535;
};

/** A firewall rule says who, what and where; nothing is open by leaving something out. */
function ingressProblems(rule: IngressArgs, path: string): Problem[] {
  const found: Problem[] = [];
  const protocol = rule.protocol ?? "";
  const number = /^\d{1,3}$/.test(protocol) && Number(protocol) <= 255;
  if (!number && !PROTOCOLS.includes(protocol))
    found.push(
      problem("Enum", at(path, "protocol"), `${show(protocol)} is not one of ${PROTOCOLS.join(", ")} or a number from 0 to 255`),
    );
  if ((rule.sources ?? []).length === 0)
    found.push(
      problem(
        "Required",
        at(path, "sources"),
        `is empty; name the ranges that may connect, or "0.0.0.0/0" for the whole Internet`,
      ),
    );
  (rule.sources ?? []).forEach((s, i) => found.push(...rangeProblems(s, `${path}.sources[${i}]`)));
  const ports = rule.ports ?? [];
  if (WITH_PORTS.includes(protocol) && ports.length === 0)
    found.push(problem("Required", at(path, "ports"), `is empty; ${protocol} needs ports, such as "443", or "0-65535" for all`));
  if (ports.length > 0 && !WITH_PORTS.includes(protocol))
    found.push(problem("Exclusive", at(path, "ports"), `is set, but ${show(protocol)} has no ports; leave it out`));
  ports.forEach((p, i) => {
    if (!portFits(p))
      found.push(problem("Bounds", `${path}.ports[${i}]`, `${show(p)} is not a port or a range such as "5060-5080"`));
  });
  (rule.destinations ?? []).forEach((d, i) => {
    if (isPlain(d) && !parseRange(d))
      found.push(problem("Pattern", `${path}.destinations[${i}]`, `${show(d)} is not an address or a range`));
  });
  return found;
}

/** Addresses that GKE sets aside for a node: the next power of two above twice its Pods. */
export const podsBlock = (maxPodsPerNode: number): number => 2 ** Math.ceil(Math.log2(2 * maxPodsPerNode));

/** A network that is only named: its Network object is in the cluster, and nothing of it is made or needed here. */
export const onlyNamed = (n: NetworkArgs): boolean =>
  n.existingObject === true && n.cidr === undefined && n.existingNetwork === undefined && n.existingSubnetwork === undefined;

function rangesOfNetwork(n: NetworkArgs, path: string): Problem[] {
  const device = n.mode === NetworkMode.Device;
  if (onlyNamed(n)) {
    return Object.keys(n.ingress ?? {}).length === 0
      ? []
      : [problem("Required", at(path, "existingNetwork"), "is missing; ingress rules need the VPC network that they belong to")];
  }
  const adopted = n.existingNetwork !== undefined || n.existingSubnetwork !== undefined;
  const found: Problem[] = [];
  if (adopted) {
    if (n.existingNetwork === undefined)
      found.push(problem("Required", at(path, "existingNetwork"), "is missing beside existingSubnetwork"));
    if (n.existingSubnetwork === undefined)
      found.push(problem("Required", at(path, "existingSubnetwork"), "is missing beside existingNetwork"));
    if (!device && n.existingPodRange === undefined)
      found.push(
        problem(
          "Required",
          at(path, "existingPodRange"),
          "is missing; an L3 network takes its Pods' addresses from a secondary range",
        ),
      );
    if (n.podCidr !== undefined)
      found.push(
        problem(
          "Exclusive",
          at(path, "podCidr"),
          "is set, but the subnet is an existing one; name its range in existingPodRange",
        ),
      );
  } else {
    if (n.cidr === undefined)
      found.push(
        problem(
          "Required",
          at(path, "cidr"),
          "is missing; give the subnet's range, or name existingNetwork and existingSubnetwork",
        ),
      );
    if (!device && n.podCidr === undefined)
      found.push(
        problem("Required", at(path, "podCidr"), "is missing; an L3 network takes its Pods' addresses from a secondary range"),
      );
    if (n.existingPodRange !== undefined)
      found.push(problem("Exclusive", at(path, "existingPodRange"), "is set, but the subnet is a new one; give podCidr"));
  }
  if (device)
    for (const field of ["podCidr", "existingPodRange", "maxPodsPerNode"] as const)
      if (n[field] !== undefined)
        found.push(
          problem("Exclusive", at(path, field), "is set, but a Device network has one Pod a card and no range for Pods"),
        );
  if (n.cidr !== undefined) found.push(...rangeProblems(n.cidr, at(path, "cidr"), 4, 29));
  if (n.podCidr !== undefined) found.push(...rangeProblems(n.podCidr, at(path, "podCidr"), 4, 29));
  return found;
}

/** Names in Google Cloud are the component's name and the key. */
const madeOf = (prefix: string, key: string, n: NetworkArgs, path: string): Problem[] =>
  n.existingNetwork === undefined && !onlyNamed(n) ? cloudNameProblems(`${prefix}-${key}`, path) : [];

function networkProblems(key: string, n: NetworkArgs, path: string): Problem[] {
  const device = n.mode === NetworkMode.Device;
  const max = n.maxPodsPerNode ?? 32;
  // GKE's limit for the names of Device networks (api.md 5.4).
  const found = [...kubeNameProblems(key, path, device ? 41 : 63), ...enumProblems(n.mode, NetworkMode, at(path, "mode"))];
  if (key === "default" || key === "pod-network")
    found.push(
      problem("Unsupported", path, "is the name of the Pods' primary network, which cannot carry persistent addresses (SEED-6)"),
    );
  found.push(
    ...enumProblems(n.deviceMode, DeviceMode, at(path, "deviceMode")),
    ...numberProblems(n.maxPodsPerNode, at(path, "maxPodsPerNode"), 1, 256),
  );
  if (n.deviceMode !== undefined && !device)
    found.push(
      problem(
        "Exclusive",
        at(path, "deviceMode"),
        `is set, but mode is ${n.mode ?? NetworkMode.L3}; it belongs to Device networks`,
      ),
    );
  found.push(...rangesOfNetwork(n, path));
  const pods = n.podCidr === undefined ? undefined : parseRange(n.podCidr);
  if (pods && !device && pods.last - pods.first + 1 < podsBlock(max))
    found.push(
      problem(
        "Bounds",
        at(path, "podCidr"),
        `${n.podCidr} has fewer than the ${podsBlock(max)} addresses that one node with ${max} Pods sets aside`,
      ),
    );
  for (const [name, rule] of Object.entries(n.ingress ?? {})) {
    const here = at(at(path, "ingress"), name);
    found.push(...kubeNameProblems(name, here), ...ingressProblems(rule, here));
  }
  return found;
}

/** Problems of a set of Pod networks, overlaps among them included. */
export function networksProblems(prefix: string, networks: { [name: string]: NetworkArgs }, path = "networks"): Problem[] {
  const entries = Object.entries(networks);
  const ranges = entries.flatMap(([key, n]) =>
    (["cidr", "podCidr"] as const).flatMap((f) => (n[f] === undefined ? [] : [{ path: at(at(path, key), f), text: n[f] }])),
  );
  return [
    ...entries.flatMap(([key, n]) => [...madeOf(prefix, key, n, at(path, key)), ...networkProblems(key, n, at(path, key))]),
    ...overlapProblems(ranges),
  ];
}

export function podNetworksProblems(name: string, args: PodNetworksArgs): Problem[] {
  return [
    ...cloudNameProblems(name, "name", 40),
    ...regionProblems(args.region),
    ...enumProblems(args.onDestroy, OnDestroy, "onDestroy"),
    ...networksProblems(name, args.networks),
  ];
}

export function multiNetworkClusterProblems(name: string, args: MultiNetworkClusterArgs): Problem[] {
  return [
    ...cloudNameProblems(name, "name"),
    ...regionProblems(args.region),
    ...enumProblems(args.onDestroy, OnDestroy, "onDestroy"),
    ...labelProblems(args.labels),
    ...clusterProblems(args, "", { name, region: args.region, networks: Object.keys(args.networks ?? {}) }),
  ];
}
