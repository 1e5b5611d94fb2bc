// SPDX-License-Identifier: Apache-2.0
// VMs: read by API, put and removed by the sandbox. Only alias ranges of an interface can be changed by API.
import { stale } from "../checks";
import { aggregatedRow, changing, existing, getRow, listRow, row } from "../crud";
import type { Call, Env, Row } from "../env";
import { regionOfZone } from "../env";
import { invalid, required } from "../errors";
import { fingerprint, labelFingerprint, sameFingerprint, timestamp } from "../ids";
import { contains, formatIp, overlaps, parseCidr, parseIp, type Cidr } from "../ipv4";
import { pathOf, projectOf, selfLink } from "../links";
import { ipKey } from "../store";
import type { AliasIpRange, Instance, NetworkInterface, Subnetwork } from "../types";
import { freeInternal, holder, rangeOf } from "./addressing";

export const INSTANCE_ROWS: readonly Row[] = [
  aggregatedRow("instances"),
  getRow("instances"),
  listRow("instances"),
  row("instances", "PATCH updateNetworkInterface", "/{instance}/updateNetworkInterface", updateNetworkInterface),
];

/** One interface of a VM to put; names may be plain, partial or full URLs. */
export interface InterfaceSpec {
  /** Default `nic0`, `nic1`, ... in order. */
  name?: string;
  /** Default: the subnetwork's network, else `default`. */
  network?: string;
  /** Default: the network's only subnetwork in the region. */
  subnetwork?: string;
  /** Default: the next free address of the subnetwork. */
  networkIP?: string;
  /** External IPv4 address, if the interface has one. */
  natIP?: string;
  aliasIpRanges?: AliasIpRange[];
}

export interface InstanceSpec {
  name: string;
  zone: string;
  /** Default: one interface on the `default` network. */
  networkInterfaces?: InterfaceSpec[];
  labels?: Record<string, string>;
  tags?: string[];
  machineType?: string;
  status?: string;
  canIpForward?: boolean;
  /** Keep the id of an earlier VM; a new VM of the same name gets a new one otherwise. */
  id?: string;
}

/**
 * Puts a VM into the store. A VM of the same name is replaced, with a new id.
 * @throws RangeError naming the zone, network, subnetwork or address that cannot be
 */
export function putInstance(env: Env, spec: InstanceSpec): Instance {
  const region = regionOfZone(env, spec.zone);
  if (region === undefined) throw new RangeError(`instance ${spec.name}: zone ${spec.zone} is none of this emulator's zones`);
  const path = `projects/${env.project}/zones/${spec.zone}/instances/${spec.name}`;
  env.store.of("instances").delete(path);
  const at = timestamp(env.now());
  return env.store.of("instances").put({
    kind: "compute#instance",
    id: spec.id ?? env.ids.numeric(),
    name: spec.name,
    creationTimestamp: at,
    lastStartTimestamp: at,
    selfLink: selfLink(path),
    zone: selfLink(`projects/${env.project}/zones/${spec.zone}`),
    machineType: selfLink(`projects/${env.project}/zones/${spec.zone}/machineTypes/${spec.machineType ?? "e2-standard-4"}`),
    status: spec.status ?? "RUNNING",
    canIpForward: spec.canIpForward ?? true,
    tags: { ...(spec.tags ? { items: spec.tags } : {}), fingerprint: fingerprint(spec.tags ?? []) },
    ...(spec.labels ? { labels: spec.labels } : {}),
    labelFingerprint: labelFingerprint(spec.labels),
    fingerprint: fingerprint([path, at]),
    networkInterfaces: interfaces(env, spec, region),
  });
}

function interfaces(env: Env, spec: InstanceSpec, region: string): NetworkInterface[] {
  const taken = new Set<string>();
  return (spec.networkInterfaces ?? [{}]).map((nic, index) => {
    const subnetwork = subnetworkOf(env, spec.name, nic, region);
    const made = withFingerprint({
      kind: "compute#networkInterface",
      name: nic.name ?? `nic${index}`,
      network: subnetwork.network,
      subnetwork: subnetwork.selfLink,
      networkIP: nic.networkIP ?? freeInternal(env, subnetwork),
      stackType: "IPV4_ONLY",
      fingerprint: "",
      ...(nic.aliasIpRanges ? { aliasIpRanges: nic.aliasIpRanges } : {}),
      ...(nic.natIP ? { accessConfigs: [accessConfig(nic.natIP)] } : {}),
    });
    if (taken.has(made.network)) throw new RangeError(`instance ${spec.name}: two interfaces in network ${pathOf(made.network)}`);
    taken.add(made.network);
    checkIp(env, spec.name, made, subnetwork);
    return made;
  });
}

function accessConfig(natIP: string) {
  return { kind: "compute#accessConfig", name: "external-nat", type: "ONE_TO_ONE_NAT", natIP, networkTier: "PREMIUM" };
}

function withFingerprint(nic: NetworkInterface): NetworkInterface {
  return { ...nic, fingerprint: fingerprint([nic.name, nic.network, nic.subnetwork, nic.networkIP, nic.aliasIpRanges]) };
}

function lastPart(url: string): string {
  return url.split("/").at(-1) ?? url;
}

function subnetworkOf(env: Env, name: string, nic: InterfaceSpec, region: string): Subnetwork {
  const { store } = env;
  const project = projectOf(nic.subnetwork ?? nic.network) ?? env.project;
  if (nic.subnetwork !== undefined) {
    const found = store.of("subnetworks").get(`projects/${project}/regions/${region}/subnetworks/${lastPart(nic.subnetwork)}`);
    if (!found) throw new RangeError(`instance ${name}: subnetwork ${nic.subnetwork} is not in region ${region}`);
    return found;
  }
  const network = lastPart(nic.network ?? "default");
  const inRegion = store
    .of("subnetworks")
    .by("network", `projects/${project}/global/networks/${network}`)
    .filter((s) => s.region?.endsWith(`/regions/${region}`));
  if (inRegion.length !== 1 || !inRegion[0])
    throw new RangeError(`instance ${name}: network ${network} has ${inRegion.length} subnetworks in ${region}, name one`);
  return inRegion[0];
}

function checkIp(env: Env, name: string, nic: NetworkInterface, subnetwork: Subnetwork): void {
  const ip = parseIp(nic.networkIP);
  if (ip === undefined || !contains(rangeOf(subnetwork.ipCidrRange), ip)) {
    throw new RangeError(
      `instance ${name}: networkIP ${nic.networkIP} is not in ${subnetwork.ipCidrRange} of subnetwork ${subnetwork.name}`,
    );
  }
  const held = holder(env, ipKey(nic.networkIP, nic.network));
  if (held) throw new RangeError(`instance ${name}: networkIP ${nic.networkIP} is taken by ${pathOf(held.selfLink)}`);
}

function updateNetworkInterface(call: Call): object {
  return changing(call, { kind: "instances", type: "updateNetworkInterface" }, (instance) => {
    const wanted = call.query.networkInterface;
    if (wanted === undefined) throw required("networkInterface");
    const nic = instance.networkInterfaces.find((candidate) => candidate.name === wanted);
    if (!nic)
      throw invalid("networkInterface", wanted, `The instance has: ${instance.networkInterfaces.map((n) => n.name).join(", ")}.`);
    if (typeof call.body.fingerprint !== "string") throw required("resource.fingerprint");
    if (!sameFingerprint(call.body.fingerprint, nic.fingerprint)) throw stale("Resource");
    const aliasIpRanges = aliases(call, nic);
    return () => {
      const now = existing(call, "instances");
      const next = now.networkInterfaces.map((n) => (n.name === nic.name ? withFingerprint({ ...n, aliasIpRanges }) : n));
      call.env.store.of("instances").put({ ...now, networkInterfaces: next });
    };
  });
}

/** The whole new list; `/28` takes the next free block, as with the real one. */
function aliases(call: Call, nic: NetworkInterface): AliasIpRange[] {
  const wanted = (call.body.aliasIpRanges ?? []) as unknown as AliasIpRange[];
  const subnetwork = call.env.store.of("subnetworks").get(pathOf(nic.subnetwork ?? ""));
  if (!subnetwork) throw required("resource.subnetwork");
  const used = usedBlocks(call, subnetwork);
  return wanted.map((alias) => {
    const range = block(alias.ipCidrRange, outerRange(subnetwork, alias), used);
    used.push(range);
    return { ...alias, ipCidrRange: `${formatIp(range.base)}/${range.prefix}` };
  });
}

function outerRange(subnetwork: Subnetwork, { subnetworkRangeName: name }: AliasIpRange): Cidr {
  const text = name
    ? subnetwork.secondaryIpRanges?.find((range) => range.rangeName === name)?.ipCidrRange
    : subnetwork.ipCidrRange;
  if (text === undefined) throw invalid("resource.aliasIpRanges.subnetworkRangeName", name, "The subnetwork has no such range.");
  return rangeOf(text);
}

/** Alias blocks of the subnetwork's other VMs. */
function usedBlocks(call: Call, subnetwork: Subnetwork): Cidr[] {
  const own = existing(call, "instances").selfLink;
  const others = call.env.store.of("instances").by("subnetwork", pathOf(subnetwork.selfLink));
  const blocks = others
    .filter((vm) => vm.selfLink !== own)
    .flatMap((vm) => vm.networkInterfaces.flatMap((n) => n.aliasIpRanges ?? []));
  return blocks.map((alias) => rangeOf(alias.ipCidrRange));
}

/** `wanted` is a range, an address, or `/n` for the next free block of that size within `outer`. */
function block(wanted: string, outer: Cidr, used: readonly Cidr[]): Cidr {
  const text = wanted.includes("/") ? wanted : `${wanted}/32`;
  const prefix = Number(text.split("/")[1]);
  const size = 2 ** (32 - prefix);
  const exact = text.startsWith("/") ? undefined : parseCidr(text);
  const free = (range: Cidr) =>
    range.base >= outer.base && range.last <= outer.last && !used.some((other) => overlaps(range, other));
  for (let base = outer.base; !exact && prefix >= outer.prefix && base + size - 1 <= outer.last; base += size) {
    const range = { base, prefix, last: base + size - 1 };
    if (free(range)) return range;
  }
  if (exact && free(exact)) return exact;
  throw invalid(
    "resource.aliasIpRanges.ipCidrRange",
    wanted,
    `It must be free and within ${formatIp(outer.base)}/${outer.prefix}.`,
  );
}
