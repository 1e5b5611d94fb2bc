// SPDX-License-Identifier: Apache-2.0
// Regional forwarding rules: address, traffic and target are checked in turn; a move is one setTarget.
import { checkedLabels, copied, type Identity, oneOf, checkFingerprint } from "../checks";
import { aggregatedRow, deleteRow, getRow, insertRow, listRow, setLabelsRow, updateRow } from "../crud";
import type { Call, Row } from "../env";
import { hostedLink, param } from "../env";
import { addressInUse, invalid, notFound, required } from "../errors";
import { fingerprint } from "../ids";
import { contains, parseIp } from "../ipv4";
import { pathOf } from "../links";
import { ipKey } from "../store";
import type { Address, ForwardingRule, JsonObject, Subnetwork } from "../types";
import { freeExternal, freeInternal, rangeOf, reservation, user } from "./addressing";
import { collide, traffic } from "./rule-ports";
import { pointing, retargeted } from "./rule-targets";

export const FORWARDING_RULE_ROWS: readonly Row[] = [
  aggregatedRow("forwardingRules"),
  getRow("forwardingRules"),
  listRow("forwardingRules"),
  insertRow("forwardingRules", build),
  deleteRow("forwardingRules", () => undefined),
  updateRow("forwardingRules", { name: "patch", verb: "PATCH", type: "patch" }, patched),
  updateRow("forwardingRules", { name: "setTarget", verb: "POST", type: "SetTarget", suffix: "/setTarget" }, (call, rule) =>
    withFingerprint({ ...rule, ...retargeted(call, rule) }),
  ),
  setLabelsRow("forwardingRules"),
];

type Place = Pick<ForwardingRule, "IPAddress" | "networkTier" | "network" | "subnetwork">;

function build(call: Call, identity: Identity): ForwardingRule {
  const { body } = call;
  const scheme = oneOf("resource.loadBalancingScheme", body.loadBalancingScheme, ["EXTERNAL", "INTERNAL"], "EXTERNAL");
  oneOf("resource.ipVersion", body.ipVersion, ["IPV4"], "IPV4");
  checkGlobalAccess(body, scheme);
  const carried = traffic(call, scheme);
  const place = scheme === "INTERNAL" ? internal(call) : external(call);
  const rule: ForwardingRule = {
    ...identity,
    ...copied(body, ["description", "allowGlobalAccess", "sourceIpRanges", "serviceLabel"]),
    ...checkedLabels(body.labels),
    loadBalancingScheme: scheme,
    ...carried,
    ...place,
    ...pointing(call, { loadBalancingScheme: scheme, IPProtocol: carried.IPProtocol, network: place.network }),
  };
  refuseConflict(call, rule);
  return withFingerprint(rule);
}

function withFingerprint(rule: ForwardingRule): ForwardingRule {
  return { ...rule, fingerprint: fingerprint([rule.target, rule.backendService, rule.networkTier, rule.allowGlobalAccess]) };
}

function refuseConflict(call: Call, rule: ForwardingRule): void {
  const internalRule = rule.loadBalancingScheme === "INTERNAL";
  const key = ipKey(rule.IPAddress, internalRule ? rule.network : undefined);
  const others = call.env.store.of("forwardingRules").by("ip", key);
  const single = internalRule && reservation(call.env, key)?.purpose !== "SHARED_LOADBALANCER_VIP";
  const rival = others.find((other) => single || collide(rule, other));
  if (rival) throw addressInUse("resource.IPAddress", rule.IPAddress, pathOf(rival.selfLink));
}

/** The reserved address that `IPAddress` means, or the literal when it is not reserved. */
function wantedAddress(call: Call, networkUrl: string | undefined): { literal?: string; address?: Address } {
  const value = call.body.IPAddress;
  if (value === undefined || value === "") return {};
  if (typeof value === "string" && parseIp(value) !== undefined) {
    return { literal: value, address: reservation(call.env, ipKey(value, networkUrl)) };
  }
  const path = hostedLink(call, "resource.IPAddress", value, "addresses");
  const address = call.env.store.of("addresses").get(path);
  if (!address) throw notFound(path);
  return { literal: address.address, address };
}

function refuseElsewhere(call: Call, address: Address, type: Address["addressType"]): void {
  const region = address.region?.split("/").at(-1);
  if (address.addressType !== type)
    throw invalid("resource.IPAddress", call.body.IPAddress, `The address is ${address.addressType}, the rule ${type}.`);
  if (region !== param(call, "region"))
    throw invalid("resource.IPAddress", call.body.IPAddress, `The address is in region ${region}.`);
}

function external(call: Call): Place {
  const { body, env } = call;
  for (const field of ["network", "subnetwork"]) {
    if (body[field] !== undefined) throw invalid(`resource.${field}`, body[field], "An EXTERNAL rule has none for IPv4.");
  }
  const tier = oneOf("resource.networkTier", body.networkTier, ["PREMIUM", "STANDARD"], "PREMIUM");
  const { literal, address } = wantedAddress(call, undefined);
  if (literal === undefined) return { IPAddress: freeExternal(env), networkTier: tier };
  if (!address) return { IPAddress: ephemeral(call, literal), networkTier: tier };
  refuseElsewhere(call, address, "EXTERNAL");
  refuseOnVm(call, address.address, undefined);
  if (body.networkTier !== undefined && tier !== address.networkTier) {
    throw invalid("resource.networkTier", tier, `The address has tier ${address.networkTier}.`);
  }
  return { IPAddress: address.address, networkTier: address.networkTier };
}

/** A literal that nobody reserved is right only while another rule of the region has it. */
function ephemeral(call: Call, literal: string): string {
  const region = `/regions/${param(call, "region")}`;
  const others = call.env.store.of("forwardingRules").by("ip", ipKey(literal));
  if (others.some((other) => other.region?.endsWith(region))) return literal;
  throw invalid("resource.IPAddress", literal, "Specified IP address is not reserved in this project and region.");
}

function refuseOnVm(call: Call, ip: string, networkUrl: string | undefined): void {
  const held = user(call.env, ipKey(ip, networkUrl));
  if (held?.kind === "compute#instance") throw addressInUse("resource.IPAddress", ip, pathOf(held.selfLink));
}

function internal(call: Call): Place {
  const { body, env } = call;
  oneOf("resource.networkTier", body.networkTier, ["PREMIUM"], "PREMIUM");
  const { literal, subnetwork } = internalPlace(call);
  refuseOtherNetwork(call, subnetwork);
  const ip = literal ?? freeInternal(env, subnetwork);
  if (!contains(rangeOf(subnetwork.ipCidrRange), parseIp(ip) ?? -1)) {
    throw invalid(
      "resource.IPAddress",
      ip,
      `It must be within the range ${subnetwork.ipCidrRange} of subnetwork '${subnetwork.name}'.`,
    );
  }
  refuseOnVm(call, ip, subnetwork.network);
  return { IPAddress: ip, networkTier: "PREMIUM", network: subnetwork.network, subnetwork: subnetwork.selfLink };
}

/** The subnetwork that is named, or the address's, or the network's only one; and the address asked for. */
function internalPlace(call: Call): { literal?: string; subnetwork: Subnetwork } {
  const { body } = call;
  const named =
    body.subnetwork === undefined
      ? undefined
      : subnetworkAt(call, hostedLink(call, "resource.subnetwork", body.subnetwork, "subnetworks"));
  const networkUrl = named?.network ?? networkUrlOf(call);
  const { literal, address } = wantedAddress(call, networkUrl);
  if (address) refuseElsewhere(call, address, "INTERNAL");
  const own = address?.subnetwork === undefined ? undefined : pathOf(address.subnetwork);
  const subnetwork = named ?? (own === undefined ? onlySubnetwork(call, networkUrl) : subnetworkAt(call, own));
  return { literal, subnetwork };
}

function networkUrlOf(call: Call): string | undefined {
  if (call.body.network === undefined) return undefined;
  const path = hostedLink(call, "resource.network", call.body.network, "networks");
  const network = call.env.store.of("networks").get(path);
  if (!network) throw notFound(path);
  return network.selfLink;
}

function refuseOtherNetwork(call: Call, subnetwork: Subnetwork): void {
  const asked = networkUrlOf(call);
  if (asked !== undefined && asked !== subnetwork.network) {
    throw invalid("resource.subnetwork", call.body.subnetwork, `It is not in the network '${pathOf(asked)}'.`);
  }
}

function subnetworkAt(call: Call, path: string): Subnetwork {
  const subnetwork = call.env.store.of("subnetworks").get(path);
  if (!subnetwork) throw notFound(path);
  if (path.split("/")[3] !== param(call, "region")) {
    throw invalid("resource.subnetwork", path, `It must be in region ${param(call, "region")}.`);
  }
  return subnetwork;
}

/** Without a subnetwork the network's only one in the region is meant; `default` without a network. */
function onlySubnetwork(call: Call, networkUrl: string | undefined): Subnetwork {
  const path = networkUrl === undefined ? `projects/${call.env.project}/global/networks/default` : pathOf(networkUrl);
  const region = `/regions/${param(call, "region")}`;
  const choices = call.env.store
    .of("subnetworks")
    .by("network", path)
    .filter((s) => s.region?.endsWith(region));
  if (choices.length !== 1 || !choices[0]) throw required("resource.subnetwork");
  return choices[0];
}

const PATCHABLE = ["networkTier", "allowGlobalAccess", "fingerprint", "name"];

/** What Google lets be patched: the tier, and global access of an internal rule. */
function patched(call: Call, rule: ForwardingRule): ForwardingRule {
  const { body } = call;
  checkFingerprint("Resource", body.fingerprint, rule.fingerprint);
  const fixed = Object.keys(body).find((field) => !PATCHABLE.includes(field) && !equal(body[field], rule[field]));
  if (fixed !== undefined) throw invalid(`resource.${fixed}`, body[fixed], "It cannot be changed by patch.");
  checkGlobalAccess(body, rule.loadBalancingScheme);
  const networkTier = oneOf<string>("resource.networkTier", body.networkTier, ["PREMIUM", "STANDARD"], rule.networkTier);
  const address = rule.loadBalancingScheme === "EXTERNAL" ? reservation(call.env, ipKey(rule.IPAddress)) : undefined;
  if (address && address.networkTier !== networkTier) {
    throw invalid("resource.networkTier", networkTier, `The address has tier ${address.networkTier}.`);
  }
  const access = body.allowGlobalAccess === undefined ? {} : { allowGlobalAccess: body.allowGlobalAccess === true };
  return withFingerprint({ ...rule, networkTier, ...access });
}

function checkGlobalAccess(body: JsonObject, scheme: string): void {
  if (body.allowGlobalAccess === true && scheme !== "INTERNAL") {
    throw invalid("resource.allowGlobalAccess", true, "Only an INTERNAL rule can have it.");
  }
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
