// SPDX-License-Identifier: Apache-2.0
// Regional subnetworks: no range of one VPC may overlap another; a primary range only grows.
import { copied, type Identity, stale } from "../checks";
import { aggregatedRow, deleteRow, getRow, insertRow, listRow, testPermissionsRow, updateRow } from "../crud";
import type { Call, Env, Row } from "../env";
import { link } from "../env";
import { inUse, invalid, notFound, required } from "../errors";
import { fingerprint, sameFingerprint } from "../ids";
import type { Cidr } from "../ipv4";
import { formatIp, overlaps, parseCidr } from "../ipv4";
import { pathOf } from "../links";
import type { Json, SecondaryRange, Subnetwork } from "../types";
import { rangeOf } from "./addressing";

export const SUBNETWORK_ROWS: readonly Row[] = [
  aggregatedRow("subnetworks"),
  getRow("subnetworks"),
  listRow("subnetworks"),
  insertRow("subnetworks", build),
  deleteRow("subnetworks", refuseInUse),
  updateRow("subnetworks", { name: "patch", verb: "PATCH", type: "patch" }, patched),
  updateRow(
    "subnetworks",
    { name: "expandIpCidrRange", verb: "POST", type: "expandIpCidrRange", suffix: "/expandIpCidrRange" },
    expanded,
  ),
  updateRow(
    "subnetworks",
    { name: "setPrivateIpGoogleAccess", verb: "POST", type: "setPrivateIpGoogleAccess", suffix: "/setPrivateIpGoogleAccess" },
    (call, before) => completed({ ...before, privateIpGoogleAccess: call.body.privateIpGoogleAccess === true }),
  ),
  testPermissionsRow("subnetworks"),
];

function build(call: Call, identity: Identity): Subnetwork {
  const { body, env } = call;
  if (body.network === undefined) throw required("resource.network");
  const path = link(call, "resource.network", body.network, "networks");
  const network = env.store.of("networks").get(path);
  if (!network) throw notFound(path);
  if (body.ipCidrRange === undefined) throw required("resource.ipCidrRange");
  const primary = range("resource.ipCidrRange", body.ipCidrRange, 29);
  const subnetwork = completed({
    ...identity,
    ...copied(body, ["description", "enableFlowLogs", "logConfig", "role"]),
    purpose: body.purpose ?? "PRIVATE",
    stackType: body.stackType ?? "IPV4_ONLY",
    privateIpGoogleAccess: body.privateIpGoogleAccess === true,
    network: network.selfLink,
    ipCidrRange: primary.text,
    ...secondary(body.secondaryIpRanges),
  });
  refuseOverlap(env, subnetwork);
  return subnetwork;
}

/** Fills what Google derives: gateway, defaults and the fingerprint. */
export function completed(subnetwork: Subnetwork): Subnetwork {
  const filled: Subnetwork = {
    privateIpGoogleAccess: false,
    privateIpv6GoogleAccess: "DISABLE_GOOGLE_ACCESS",
    purpose: "PRIVATE",
    stackType: "IPV4_ONLY",
    ...subnetwork,
    gatewayAddress: formatIp(rangeOf(subnetwork.ipCidrRange).base + 1),
  };
  return {
    ...filled,
    fingerprint: fingerprint([filled.ipCidrRange, filled.secondaryIpRanges, filled.privateIpGoogleAccess, filled.logConfig]),
  };
}

function range(field: string, value: unknown, longest: number): { text: string; cidr: Cidr } {
  const cidr = typeof value === "string" ? parseCidr(value) : undefined;
  if (typeof value !== "string" || !cidr || cidr.prefix < 4 || cidr.prefix > longest) {
    throw invalid(field, value, `It must be an IPv4 range from /4 to /${longest} with clear host bits.`);
  }
  return { text: value, cidr };
}

function secondary(value: Json): { secondaryIpRanges?: SecondaryRange[] } {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return {};
  const list = (Array.isArray(value) ? value : []) as unknown as SecondaryRange[];
  const names = new Set<string>();
  for (const { rangeName, ipCidrRange } of list) {
    if (!rangeName) throw required("resource.secondaryIpRanges.rangeName");
    if (names.has(rangeName)) throw invalid("resource.secondaryIpRanges.rangeName", rangeName, "Each range needs its own name.");
    names.add(rangeName);
    range(`resource.secondaryIpRanges[${rangeName}].ipCidrRange`, ipCidrRange, 29);
  }
  return { secondaryIpRanges: list.map(({ rangeName, ipCidrRange }) => ({ rangeName, ipCidrRange })) };
}

function rangesOf(subnetwork: Subnetwork): string[] {
  return [subnetwork.ipCidrRange, ...(subnetwork.secondaryIpRanges ?? []).map((r) => r.ipCidrRange)];
}

function refuseOverlap(env: Env, subnetwork: Subnetwork): void {
  const own = rangesOf(subnetwork);
  const others = env.store
    .of("subnetworks")
    .by("network", pathOf(subnetwork.network))
    .filter((other) => other.selfLink !== subnetwork.selfLink)
    .flatMap((other) => rangesOf(other).map((text) => ({ text, owner: `subnetwork '${other.name}'` })));
  own.forEach((text, index) => {
    const rivals = [...others, ...own.slice(0, index).map((earlier) => ({ text: earlier, owner: "this subnetwork" }))];
    const rival = rivals.find((other) => overlaps(rangeOf(text), rangeOf(other.text)));
    const field = index === 0 ? "resource.ipCidrRange" : `resource.secondaryIpRanges[${index - 1}].ipCidrRange`;
    if (rival) throw invalid(field, text, `It overlaps range ${rival.text} of ${rival.owner} in the same network.`);
  });
}

function patched(call: Call, before: Subnetwork): Subnetwork {
  const { body, env } = call;
  if (typeof body.fingerprint !== "string") throw required("resource.fingerprint");
  if (!sameFingerprint(body.fingerprint, before.fingerprint ?? "")) throw stale("Resource");
  const { secondaryIpRanges: old, ...rest } = before;
  const after = completed({
    ...rest,
    ...copied(body, ["enableFlowLogs", "logConfig", "privateIpGoogleAccess", "stackType"]),
    ...(body.secondaryIpRanges === undefined ? { secondaryIpRanges: old } : secondary(body.secondaryIpRanges)),
  });
  refuseOverlap(env, after);
  return after;
}

function expanded(call: Call, before: Subnetwork): Subnetwork {
  const wanted = range("resource.ipCidrRange", call.body.ipCidrRange, 29);
  const old = rangeOf(before.ipCidrRange);
  const covers = wanted.cidr.base <= old.base && wanted.cidr.last >= old.last && wanted.cidr.prefix < old.prefix;
  if (!covers) throw invalid("resource.ipCidrRange", wanted.text, `It must be larger than ${before.ipCidrRange} and contain it.`);
  const after = completed({ ...before, ipCidrRange: wanted.text });
  refuseOverlap(call.env, after);
  return after;
}

function refuseInUse(env: Env, subnetwork: Subnetwork): void {
  const path = pathOf(subnetwork.selfLink);
  const { store } = env;
  const users = [
    ...store.of("instances").by("subnetwork", path),
    ...store.of("addresses").by("subnetwork", path),
    ...store.of("forwardingRules").by("subnetwork", path),
  ];
  if (users[0]) throw inUse("subnetwork", path, pathOf(users[0].selfLink));
}
