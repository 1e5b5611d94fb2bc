// SPDX-License-Identifier: Apache-2.0
// What can be wrong with a Pod network and its firewall rules. Pure.
import { parseRange } from "../controller/api";
import type { IngressArgs, NetworkArgs, PodNetworksArgs } from "./argsCloud";
import {
  at,
  cloudNameProblems,
  enumProblems,
  known,
  kubeNameProblems,
  numberProblems,
  overlapProblems,
  rangeProblems,
  regionProblems,
  show,
} from "./checks";
import { DeviceMode, NetworkMode, OnDestroy } from "./enums";
import { unlockedProblems } from "./fixed";
import { isPlain, type Problem, when } from "./problems";

const WITH_PORTS = ["tcp", "udp", "sctp"];
const PROTOCOLS = [...WITH_PORTS, "icmp", "esp", "ah", "ipip"];
const isProtocol = (p: string): boolean => PROTOCOLS.includes(p) || (/^\d{1,3}$/.test(p) && Number(p) <= 255);
const isPorts = (text: string): boolean => {
  const m = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!m) return false;
  const [first, last] = [Number(m[1]), Number(m[2] ?? m[1])];
  return first <= last && last <= 65535;
};

function portsProblems(protocol: string, ports: readonly string[], path: string): Problem[] {
  const has = WITH_PORTS.includes(protocol);
  return [
    ...when(
      has && ports.length === 0,
      "Required",
      path,
      `is empty; ${protocol} needs ports, such as "443", or "0-65535" for all`,
    ),
    ...when(!has && ports.length > 0, "Exclusive", path, `is set, but ${show(protocol)} has no ports; leave it out`),
    ...ports.flatMap((p, i) =>
      when(!isPorts(p), "Bounds", `${path}[${i}]`, `${show(p)} is not a port or a range such as "5060-5080"`),
    ),
  ];
}

/** A firewall rule says who, what and where; nothing is open by leaving something out. */
function ingressProblems(rule: IngressArgs, path: string): Problem[] {
  const protocol = rule.protocol ?? "";
  const sources = rule.sources ?? [];
  const destinations = (rule.destinations ?? []).flatMap((d, i) =>
    when(
      isPlain(d) && !parseRange(d),
      "Pattern",
      `${path}.destinations[${i}]`,
      `${show(d)} is not an address or a range with its host bits zero`,
    ),
  );
  return [
    ...when(
      !isProtocol(protocol),
      "Enum",
      at(path, "protocol"),
      `${show(protocol)} is not one of ${PROTOCOLS.join(", ")} or a number from 0 to 255`,
    ),
    ...when(
      sources.length === 0,
      "Required",
      at(path, "sources"),
      `is empty; name the ranges that may connect, or "0.0.0.0/0" for the whole Internet`,
    ),
    ...sources.flatMap((s, i) => rangeProblems(s, `${path}.sources[${i}]`)),
    ...portsProblems(protocol, rule.ports ?? [], at(path, "ports")),
    ...destinations,
  ];
}

/** A network that is only named: its Network object is in the cluster, and nothing of it is made or needed here. */
export const onlyNamed = (n: NetworkArgs): boolean =>
  n.existingObject === true && n.cidr === undefined && n.existingNetwork === undefined && n.existingSubnetwork === undefined;

const isDevice = (n: NetworkArgs): boolean => n.mode === NetworkMode.Device;
const NO_RANGE = "is missing; an L3 network takes its Pods' addresses from a secondary range";

/** A subnet that is there already. */
function adoptedProblems(n: NetworkArgs, path: string): Problem[] {
  const missing = (field: "existingNetwork" | "existingSubnetwork", other: string): Problem[] =>
    when(n[field] === undefined, "Required", at(path, field), `is missing beside ${other}`);
  return [
    ...missing("existingNetwork", "existingSubnetwork"),
    ...missing("existingSubnetwork", "existingNetwork"),
    ...when(!isDevice(n) && n.existingPodRange === undefined, "Required", at(path, "existingPodRange"), NO_RANGE),
    ...when(
      n.podCidr !== undefined,
      "Exclusive",
      at(path, "podCidr"),
      "is set, but the subnet is an existing one; name its range in existingPodRange",
    ),
  ];
}

/** A subnet that is to be made. */
function madeProblems(n: NetworkArgs, path: string): Problem[] {
  return [
    ...when(
      n.cidr === undefined,
      "Required",
      at(path, "cidr"),
      "is missing; give the subnet's range, or name existingNetwork and existingSubnetwork",
    ),
    ...when(!isDevice(n) && n.podCidr === undefined, "Required", at(path, "podCidr"), NO_RANGE),
    ...when(
      n.existingPodRange !== undefined,
      "Exclusive",
      at(path, "existingPodRange"),
      "is set, but the subnet is a new one; give podCidr",
    ),
  ];
}

function subnetProblems(n: NetworkArgs, path: string): Problem[] {
  if (onlyNamed(n))
    return when(
      Object.keys(n.ingress ?? {}).length > 0,
      "Required",
      at(path, "existingNetwork"),
      "is missing; ingress rules need the VPC network that they belong to",
    );
  const adopted = n.existingNetwork !== undefined || n.existingSubnetwork !== undefined;
  return adopted ? adoptedProblems(n, path) : madeProblems(n, path);
}

/** Addresses that GKE sets aside for a node: the next power of two from twice its Pods. */
export const podsBlock = (maxPodsPerNode: number): number => 2 ** Math.ceil(Math.log2(2 * maxPodsPerNode));

function podRangeProblems(n: NetworkArgs, path: string): Problem[] {
  if (n.podCidr === undefined || isDevice(n)) return [];
  const max = n.maxPodsPerNode ?? 32;
  const range = parseRange(n.podCidr);
  const short = range !== undefined && range.last - range.first + 1 < podsBlock(max);
  const message = `${n.podCidr} has fewer than the ${podsBlock(max)} addresses that one node with ${max} Pods sets aside`;
  return [...rangeProblems(n.podCidr, path, 4, 29), ...when(short, "Bounds", path, message)];
}

function modeProblems(n: NetworkArgs, path: string): Problem[] {
  const surplus = (["podCidr", "existingPodRange", "maxPodsPerNode"] as const).filter((f) => isDevice(n) && n[f] !== undefined);
  return [
    ...enumProblems(n.mode, NetworkMode, at(path, "mode")),
    ...enumProblems(n.deviceMode, DeviceMode, at(path, "deviceMode")),
    ...numberProblems(n.maxPodsPerNode, at(path, "maxPodsPerNode"), 1, 256),
    ...when(
      n.deviceMode !== undefined && !isDevice(n),
      "Exclusive",
      at(path, "deviceMode"),
      `is set, but mode is ${n.mode ?? NetworkMode.L3}; it belongs to Device networks`,
    ),
    ...surplus.flatMap((f) =>
      when(true, "Exclusive", at(path, f), "is set, but a Device network has one Pod a card and no range for Pods"),
    ),
  ];
}

/** Names in Google Cloud are the component's name and the key. */
const madeOf = (prefix: string, key: string, n: NetworkArgs, path: string): Problem[] =>
  n.existingNetwork === undefined && !onlyNamed(n) ? cloudNameProblems(`${prefix}-${key}`, path) : [];

function networkProblems(key: string, n: NetworkArgs, path: string): Problem[] {
  const ingress = Object.entries(n.ingress ?? {}).flatMap(([name, rule]) => {
    const here = at(at(path, "ingress"), name);
    return [...kubeNameProblems(name, here), ...ingressProblems(rule, here)];
  });
  return [
    // GKE's limit for the names of Device networks (api.md 5.4).
    ...kubeNameProblems(key, path, isDevice(n) ? 41 : 63),
    ...when(
      ["default", "pod-network"].includes(key),
      "Unsupported",
      path,
      "is the name of the Pods' primary network, which every cluster has; give it another name, such as blue-network (SEED-6)",
    ),
    ...modeProblems(n, path),
    ...subnetProblems(n, path),
    ...(n.cidr === undefined ? [] : rangeProblems(n.cidr, at(path, "cidr"), 4, 29)),
    ...podRangeProblems(n, at(path, "podCidr")),
    ...ingress,
  ];
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
    ...networksProblems(name, args.networks ?? {}),
    ...unlockedProblems(args.unlocked, ["networks"]),
    ...(args.holding ?? []).flatMap((n, i) =>
      when(
        !Object.keys(args.networks ?? {}).includes(n),
        "UnknownReference",
        `holding[${i}]`,
        `${show(n)} is not one of the networks: ${known(Object.keys(args.networks ?? {}))}`,
      ),
    ),
  ];
}
