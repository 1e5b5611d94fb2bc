// SPDX-License-Identifier: Apache-2.0
// What a Gateway is worth: accepted or not, which addresses it may give, which namespaces may attach (SEED-40..SEED-50, api.md 2.3, 6).
import {
  canonicalAddresses,
  errorsOf,
  addressFindings,
  CIDR_ADDRESS_TYPE,
  GKE_CLASSES,
  listenerFindings,
  OWN_CLASSES,
  parseAddress,
  scopeOfClass,
  supportsAddressType,
  type Gateway,
  type GatewayAddress,
  type GatewayReason,
  type Scope,
} from "../api";
import { byAge, keyOf, type World } from "./world";

export interface GatewayVerdict {
  /** False: not of our class; its status is not ours to write (api.md 6.1). */
  ours: boolean;
  accepted: boolean;
  reason: GatewayReason;
  message: string;
  scope?: Scope;
  /** Addresses this Gateway may give. */
  addresses: readonly string[];
  /** Addresses it lists and may not give (as they are written, where they do not parse), with the reason a route is told. */
  refused: ReadonlyMap<string, string>;
  /** True where a listed address is left for the controller to fill in, which it never does (A5). */
  unfilled: boolean;
}

const foreign: GatewayVerdict = {
  ours: false,
  accepted: false,
  reason: "Pending",
  message: "",
  addresses: [],
  refused: new Map(),
  unfilled: false,
};

export function isOurs(world: World, gateway: Gateway): boolean {
  return world.gatewayClass(gateway.spec.gatewayClassName)?.spec.controllerName === world.settings.controllerName;
}

/** What is wrong with a Gateway of ours by itself; `fatal` where it can give nothing at all. */
interface Fault {
  fatal: boolean;
  reason: GatewayReason;
  message: string;
}

function classFault(gateway: Gateway): Fault | undefined {
  const name = gateway.spec.gatewayClassName;
  if (scopeOfClass(name)) return undefined;
  const known = [...Object.values(OWN_CLASSES), ...Object.values(GKE_CLASSES)].join(", ");
  const message = `spec.gatewayClassName ${JSON.stringify(name)} does not say whether the addresses are external or internal; use one of ${known}`;
  return { fatal: true, reason: "Invalid", message };
}

/** A mistake in one address stops that address only; a Gateway without any good one is not accepted. */
function addressFault(gateway: Gateway): Fault | undefined {
  const all = gateway.spec.addresses ?? [];
  const type = all.find((a) => !supportsAddressType(a.type));
  if (type)
    return {
      fatal: true,
      reason: "UnsupportedAddress",
      message: `spec.addresses has the type ${JSON.stringify(type.type)}; use ${CIDR_ADDRESS_TYPE}`,
    };
  const [wrong] = errorsOf(addressFindings(filled(gateway)));
  const fatal = wrong !== undefined && (canonicalAddresses(filled(gateway)).length === 0 || wrong.code === "TooManyAddresses");
  return wrong && fatal ? { fatal, reason: "Invalid", message: `${wrong.path}: ${wrong.message}` } : undefined;
}

/** Listeners that are wrong let nobody in; the others go on (api.md 6.2). */
function listenerFault({ spec }: Gateway): Fault | undefined {
  const found = spec.listeners.map((l, i) => errorsOf(listenerFindings(l, `spec.listeners[${i}]`)));
  const first = found.find((f) => f.length > 0)?.[0];
  if (!first) return undefined;
  return {
    fatal: found.every((f) => f.length > 0),
    reason: "ListenersNotValid",
    message: `${first.path}: ${first.message}`,
  };
}

const faultOf = (gateway: Gateway): Fault | undefined => classFault(gateway) ?? addressFault(gateway) ?? listenerFault(gateway);

const filled = (gateway: Gateway): GatewayAddress[] => (gateway.spec.addresses ?? []).filter((a) => (a.value ?? "") !== "");

/** The oldest Gateway has the address (E24). One that is not accepted or on its way out can give nothing, so it blocks nobody. */
function ownerOf(world: World, gateway: Gateway, address: string): Gateway | undefined {
  return world
    .gatewaysListing(address)
    .filter((g) => keyOf(g) !== keyOf(gateway) && byAge(g, gateway) < 0 && isOurs(world, g))
    .filter((g) => !g.metadata.deletionTimestamp && !faultOf(g)?.fatal)
    .sort(byAge)[0];
}

function refusedAddresses(world: World, gateway: Gateway): Map<string, string> {
  const refused = new Map<string, string>();
  for (const address of canonicalAddresses(filled(gateway))) {
    const first = ownerOf(world, gateway, address);
    if (first)
      refused.set(address, `${address} belongs to the older Gateway ${keyOf(first)}; remove it there, or use another address`);
  }
  for (const a of filled(gateway)) {
    const parsed = parseAddress(a.value ?? "");
    if (!parsed.ok) refused.set(a.value ?? "", parsed.message);
  }
  return refused;
}

/** Judges a Gateway by its class and spec; never by its own status. */
export function judgeGateway(world: World, gateway: Gateway): GatewayVerdict {
  if (!isOurs(world, gateway)) return foreign;
  const fault = faultOf(gateway);
  const scope = scopeOfClass(gateway.spec.gatewayClassName);
  return {
    ours: true,
    accepted: !fault?.fatal,
    reason: fault?.reason ?? "Accepted",
    message: fault?.message ?? "",
    ...(scope ? { scope } : {}),
    addresses: canonicalAddresses(filled(gateway)),
    refused: refusedAddresses(world, gateway),
    unfilled: filled(gateway).length < (gateway.spec.addresses ?? []).length,
  };
}
