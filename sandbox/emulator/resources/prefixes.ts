// SPDX-License-Identifier: Apache-2.0
// BYOIP: public advertised prefixes and the delegated prefixes that addresses come from. What takes Google weeks is done at
// once here: an advertised prefix is configured, a delegated one of the older kind (no pdpScope) is announced, one of the
// newer kind waits for `announce`.
import { asText } from "../text";
import { copied, type Identity, oneOf } from "../checks";
import { aggregatedRow, deleteRow, getRow, insertRow, listRow, updateRow } from "../crud";
import type { Call, Env, Row } from "../env";
import { link } from "../env";
import { inUse, invalid, notFound, required } from "../errors";
import { fingerprint } from "../ids";
import type { Cidr } from "../ipv4";
import { contains, overlaps, parseCidr, parseIp } from "../ipv4";
import { pathOf } from "../links";
import type { Prefix } from "../types";
import { rangeOf } from "./addressing";

export const PREFIX_ROWS: readonly Row[] = [
  getRow("publicAdvertisedPrefixes"),
  listRow("publicAdvertisedPrefixes"),
  insertRow("publicAdvertisedPrefixes", advertised),
  deleteRow("publicAdvertisedPrefixes", refuseParent),
  status("publicAdvertisedPrefixes", "announce", "ANNOUNCED_TO_INTERNET"),
  status("publicAdvertisedPrefixes", "withdraw", "READY_TO_ANNOUNCE"),
  aggregatedRow("publicDelegatedPrefixes"),
  getRow("publicDelegatedPrefixes"),
  listRow("publicDelegatedPrefixes"),
  insertRow("publicDelegatedPrefixes", delegated),
  deleteRow("publicDelegatedPrefixes", refuseUsed),
  status("publicDelegatedPrefixes", "announce", "ANNOUNCED_TO_INTERNET"),
  status("publicDelegatedPrefixes", "withdraw", "READY_TO_ANNOUNCE"),
];

function status(kind: "publicAdvertisedPrefixes" | "publicDelegatedPrefixes", name: string, next: string): Row {
  return updateRow(kind, { name, verb: "POST", type: name, suffix: `/${name}` }, (_call, before) => ({
    ...before,
    status: next,
  }));
}

function range(call: Call): { text: string; cidr: Cidr } {
  const text = call.body.ipCidrRange;
  if (text === undefined) throw required("resource.ipCidrRange");
  const cidr = typeof text === "string" ? parseCidr(text) : undefined;
  if (typeof text !== "string" || !cidr)
    throw invalid("resource.ipCidrRange", text, "It must be an IPv4 range with clear host bits.");
  return { text, cidr };
}

function refuseOverlap(others: readonly Prefix[], { text, cidr }: { text: string; cidr: Cidr }): void {
  const rival = others.find((other) => overlaps(rangeOf(other.ipCidrRange), cidr));
  if (rival) throw invalid("resource.ipCidrRange", text, `It overlaps ${rival.ipCidrRange} of '${rival.name}'.`);
}

function advertised(call: Call, identity: Identity): Prefix {
  const { body, env } = call;
  const wanted = range(call);
  if (wanted.cidr.prefix < 16 || wanted.cidr.prefix > 24)
    throw invalid("resource.ipCidrRange", wanted.text, "It must be from /16 to /24.");
  const pdpScope =
    body.pdpScope === undefined
      ? {}
      : { pdpScope: oneOf("resource.pdpScope", body.pdpScope, ["REGIONAL", "GLOBAL"], "REGIONAL") };
  if (body.dnsVerificationIp !== undefined && !contains(wanted.cidr, parseIp(asText(body.dnsVerificationIp)) ?? -1)) {
    throw invalid("resource.dnsVerificationIp", body.dnsVerificationIp, `It must be within ${wanted.text}.`);
  }
  refuseOverlap(env.store.of("publicAdvertisedPrefixes").all(), wanted);
  return {
    ...identity,
    ...copied(body, ["description", "dnsVerificationIp"]),
    ...pdpScope,
    byoipApiVersion: body.pdpScope === undefined ? "V1" : "V2",
    ipCidrRange: wanted.text,
    status: "PREFIX_CONFIGURATION_COMPLETE",
    fingerprint: fingerprint([identity.selfLink, wanted.text]),
  };
}

function delegated(call: Call, identity: Identity): Prefix {
  const { body, env } = call;
  const wanted = range(call);
  if (body.parentPrefix === undefined) throw required("resource.parentPrefix");
  const path = link(call, "resource.parentPrefix", body.parentPrefix, "publicAdvertisedPrefixes", "publicDelegatedPrefixes");
  const parent = env.store.of("publicAdvertisedPrefixes").get(path) ?? env.store.of("publicDelegatedPrefixes").get(path);
  if (!parent) throw notFound(path);
  const outer = rangeOf(parent.ipCidrRange);
  if (wanted.cidr.base < outer.base || wanted.cidr.last > outer.last) {
    throw invalid("resource.ipCidrRange", wanted.text, `It must be within the parent's ${parent.ipCidrRange}.`);
  }
  refuseOverlap(env.store.of("publicDelegatedPrefixes").by("parent", path), wanted);
  const version = parent.byoipApiVersion === "V2" ? "V2" : "V1";
  return {
    ...identity,
    ...copied(body, ["description", "isLiveMigration", "mode"]),
    byoipApiVersion: version,
    allocatablePrefixLength: 32,
    ipCidrRange: wanted.text,
    parentPrefix: parent.selfLink,
    status: version === "V2" || body.isLiveMigration === true ? "READY_TO_ANNOUNCE" : "ANNOUNCED",
    fingerprint: fingerprint([identity.selfLink, wanted.text]),
  };
}

function refuseParent(env: Env, prefix: Prefix): void {
  const path = pathOf(prefix.selfLink);
  const [child] = env.store.of("publicDelegatedPrefixes").by("parent", path);
  if (child) throw inUse("public_advertised_prefix", path, pathOf(child.selfLink));
}

function refuseUsed(env: Env, prefix: Prefix): void {
  refuseParent(env, prefix);
  const outer = rangeOf(prefix.ipCidrRange);
  const used = env.store
    .of("addresses")
    .all()
    .find((a) => a.addressType === "EXTERNAL" && contains(outer, parseIp(a.address) ?? -1));
  if (used) throw inUse("public_delegated_prefix", pathOf(prefix.selfLink), pathOf(used.selfLink));
}
