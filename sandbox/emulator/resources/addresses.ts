// SPDX-License-Identifier: Apache-2.0
// Regional addresses: reserve by literal or automatically, external, internal, or from a delegated prefix (BYOIP).
import { checkedLabels, copied, type Identity, oneOf } from "../checks";
import { aggregatedRow, deleteRow, getRow, insertRow, listRow, setLabelsRow, testPermissionsRow } from "../crud";
import { listed } from "../lists";
import type { Call, Env, Row } from "../env";
import { hostedLink, link } from "../env";
import { inUse, invalid, notFound, required } from "../errors";
import { contains, isExternal, parseIp } from "../ipv4";
import { pathOf, selfLink } from "../links";
import { ipKey } from "../store";
import type { Address, JsonObject, Subnetwork } from "../types";
import { addressUsers } from "../views";
import { freeExternal, freeInPrefix, freeInternal, holder, rangeOf, usablePrefix } from "./addressing";

export const ADDRESS_ROWS: readonly Row[] = [
  aggregatedRow("addresses"),
  getRow("addresses"),
  listRow("addresses"),
  insertRow("addresses", build),
  deleteRow("addresses", refuseInUse),
  setLabelsRow("addresses"),
  testPermissionsRow("addresses"),
];

/** Global addresses are no part of this emulator; gcloud lists them all the same. */
export const GLOBAL_ADDRESS_ROWS: readonly Row[] = [
  {
    id: "compute.globalAddresses.list",
    verb: "GET",
    path: "projects/{project}/global/addresses",
    handler: (call) => ({ kind: "compute#addressList", ...listed(call, `projects/${call.env.project}/global/addresses`, []) }),
  },
];

function refuseInUse(env: Env, address: Address): void {
  const [user] = addressUsers(env, address);
  if (user) throw inUse("address", pathOf(address.selfLink), pathOf(user));
}

function build(call: Call, identity: Identity): Address {
  const { body } = call;
  const type = oneOf("resource.addressType", body.addressType, ["EXTERNAL", "INTERNAL"], "EXTERNAL");
  oneOf("resource.ipVersion", body.ipVersion, ["IPV4"], "IPV4");
  const place = type === "INTERNAL" ? internal(call) : external(call);
  return {
    ...identity,
    ...copied(body, ["description", "ipVersion"]),
    ...checkedLabels(body.labels),
    addressType: type,
    status: "RESERVED",
    ...place,
  };
}

type Place = Pick<Address, "address" | "networkTier"> & Partial<Address>;

function internal(call: Call): Place {
  const { body, env } = call;
  if (body.networkTier !== undefined)
    throw invalid("resource.networkTier", body.networkTier, "An internal address has no network tier; leave it out.");
  if (body.subnetwork === undefined) throw required("resource.subnetwork");
  const purpose = oneOf("resource.purpose", body.purpose, ["GCE_ENDPOINT", "SHARED_LOADBALANCER_VIP"], "GCE_ENDPOINT");
  const subnetwork = subnetworkOf(call);
  const address = body.address === undefined ? freeInternal(env, subnetwork) : internalLiteral(call, subnetwork, body.address);
  return { address, purpose, networkTier: "PREMIUM", subnetwork: subnetwork.selfLink, network: subnetwork.network };
}

function subnetworkOf(call: Call): Subnetwork {
  const path = hostedLink(call, "resource.subnetwork", call.body.subnetwork, "subnetworks");
  if (path.split("/")[3] !== call.params.region) {
    throw invalid("resource.subnetwork", call.body.subnetwork, `It must be in the address's region ${call.params.region}.`);
  }
  const subnetwork = call.env.store.of("subnetworks").get(path);
  if (!subnetwork) throw notFound(path);
  return subnetwork;
}

function internalLiteral(call: Call, subnetwork: Subnetwork, value: unknown): string {
  const ip = typeof value === "string" ? parseIp(value) : undefined;
  if (typeof value !== "string" || ip === undefined) throw invalid("resource.address", value, "It must be an IPv4 address.");
  if (!contains(rangeOf(subnetwork.ipCidrRange), ip)) {
    throw invalid(
      "resource.address",
      value,
      `It must be within the range ${subnetwork.ipCidrRange} of subnetwork '${subnetwork.name}'.`,
    );
  }
  return refuseHeld(call.env, value, subnetwork.network);
}

function refuseHeld(env: Env, value: string, networkUrl?: string): string {
  const held = holder(env, ipKey(value, networkUrl));
  // An ephemeral address of a rule may be promoted; a reservation or a VM's own address may not.
  if (held && held.kind !== "compute#forwardingRule") {
    throw invalid("resource.address", value, `Specified IP address is already reserved by '${pathOf(held.selfLink)}'.`);
  }
  return value;
}

function external(call: Call): Place {
  const { body, env } = call;
  for (const field of ["subnetwork", "network"]) {
    if (body[field] !== undefined) throw invalid(`resource.${field}`, body[field], "An external address has none.");
  }
  if (body.purpose !== undefined) throw invalid("resource.purpose", body.purpose, "An external address has no purpose.");
  const networkTier = oneOf("resource.networkTier", body.networkTier, ["PREMIUM", "STANDARD"], "PREMIUM");
  if (body.ipCollection !== undefined) return { ...fromPrefix(call), networkTier };
  if (body.address === undefined) return { address: freeExternal(env), networkTier };
  return { address: externalLiteral(call, body.address), networkTier };
}

function fromPrefix(call: Call): JsonObject & { address: string } {
  const path = link(call, "resource.ipCollection", call.body.ipCollection, "publicDelegatedPrefixes");
  const prefix = call.env.store.of("publicDelegatedPrefixes").get(path);
  if (!prefix) throw notFound(path);
  if (path.split("/")[3] !== call.params.region) {
    throw invalid("resource.ipCollection", call.body.ipCollection, `The prefix must be in region ${call.params.region}.`);
  }
  if (!usablePrefix(prefix))
    throw invalid("resource.ipCollection", call.body.ipCollection, `The prefix is ${prefix.status}, not announced.`);
  const wanted = call.body.address === undefined ? freeInPrefix(call.env, prefix) : externalLiteral(call, call.body.address);
  if (!contains(rangeOf(prefix.ipCidrRange), parseIp(wanted) ?? -1)) {
    throw invalid("resource.address", wanted, `It must be within the prefix ${prefix.ipCidrRange}.`);
  }
  return { address: wanted, ipCollection: selfLink(path) };
}

function externalLiteral(call: Call, value: unknown): string {
  const ip = typeof value === "string" ? parseIp(value) : undefined;
  if (typeof value !== "string" || ip === undefined) throw invalid("resource.address", value, "It must be an IPv4 address.");
  if (!isExternal(ip)) throw invalid("resource.address", value, "It is not an external address.");
  refuseUnannounced(call, value, ip);
  return refuseHeld(call.env, value);
}

/** An address of an advertised prefix can be reserved only where a usable delegated prefix of the region covers it. */
function refuseUnannounced(call: Call, value: string, ip: number): void {
  const { store } = call.env;
  const within = (prefix: { ipCidrRange: string }) => contains(rangeOf(prefix.ipCidrRange), ip);
  const advertised = store.of("publicAdvertisedPrefixes").all().find(within);
  if (!advertised) return;
  const delegated = store
    .of("publicDelegatedPrefixes")
    .inScope(`projects/${call.env.project}/regions/${call.params.region}`)
    .filter(within);
  if (delegated.length === 0) {
    throw invalid(
      "resource.address",
      value,
      `Prefix '${advertised.name}' delegates no range with it to region ${call.params.region}.`,
    );
  }
  if (!delegated.some(usablePrefix))
    throw invalid("resource.address", value, `Its prefix '${delegated[0]?.name}' is ${delegated[0]?.status}.`);
}
