// SPDX-License-Identifier: Apache-2.0
// What a Gateway is worth: accepted or not, which addresses it may give, which namespaces may attach (SEED-40..SEED-50, api.md 2.3, 6).
import {
  canonicalAddresses,
  errorsOf,
  addressFindings,
  isSupportedKind,
  listenerFindings,
  parseSelector,
  scopeOfClass,
  supportsAddressType,
  type Gateway,
  type GatewayReason,
  type Listener,
  type ParentRef,
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
  /** Addresses it lists and may not give, with the reason a route is told. */
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

function refusedAddresses(world: World, gateway: Gateway, addresses: readonly string[]): Map<string, string> {
  const refused = new Map<string, string>();
  for (const address of addresses) {
    const older = world
      .gatewaysListing(address)
      .filter((g) => keyOf(g) !== keyOf(gateway) && isOurs(world, g) && byAge(g, gateway) < 0);
    const first = [...older].sort(byAge)[0];
    if (first)
      refused.set(address, `${address} belongs to the older Gateway ${keyOf(first)}; remove it there, or use another address`);
  }
  return refused;
}

/** Judges a Gateway by its class and spec; never by its own status. */
export function judgeGateway(world: World, gateway: Gateway): GatewayVerdict {
  if (!isOurs(world, gateway)) return foreign;
  const { spec } = gateway;
  const scope = scopeOfClass(spec.gatewayClassName) ?? "External";
  const all = spec.addresses ?? [];
  const given = all.filter((a) => (a.value ?? "") !== "");
  const addresses = canonicalAddresses(given);
  const base = {
    ours: true,
    scope,
    addresses,
    refused: refusedAddresses(world, gateway, addresses),
    unfilled: given.length < all.length,
  };
  const bad = (reason: GatewayReason, message: string): GatewayVerdict => ({ ...base, accepted: false, reason, message });
  const type = all.find((a) => !supportsAddressType(a.type));
  if (type)
    return bad("UnsupportedAddress", `spec.addresses has the type ${JSON.stringify(type.type)}; use gke.networking.io/cidr`);
  const [wrong] = errorsOf(addressFindings(given));
  if (wrong) return bad("Invalid", `${wrong.path}: ${wrong.message}`);
  const listeners = spec.listeners.map((l, i) => errorsOf(listenerFindings(l, `spec.listeners[${i}]`)));
  const first = listeners.find((f) => f.length > 0)?.[0];
  if (first && listeners.every((f) => f.length > 0)) return bad("ListenersNotValid", `${first.path}: ${first.message}`);
  if (first) return { ...base, accepted: true, reason: "ListenersNotValid", message: `${first.path}: ${first.message}` };
  return { ...base, accepted: true, reason: "Accepted", message: "" };
}

function namespaceAllowed(world: World, gateway: Gateway, listener: Listener, namespace: string): boolean {
  const { from = "Same", selector } = listener.allowedRoutes?.namespaces ?? {};
  switch (from) {
    case "All":
      return true;
    case "None":
      return false;
    case "Same":
      return namespace === (gateway.metadata.namespace ?? "default");
    case "Selector": {
      // Selector without a selector allows nobody: refusing is the safe reading (api.md 6.4).
      const parsed = selector ? parseSelector(selector, true) : undefined;
      const labels = world.namespaceLabels(namespace);
      return parsed?.ok === true && labels !== undefined && parsed.matches(labels);
    }
  }
}

const kindAllowed = (l: Listener): boolean => {
  const kinds = l.allowedRoutes?.kinds ?? [];
  return kinds.length === 0 || kinds.some(isSupportedKind);
};

/** Listeners of the Gateway that a parentRef means and that take routes of the namespace. The second list has those that were meant but refuse. */
export function listenersFor(
  world: World,
  gateway: Gateway,
  ref: Pick<ParentRef, "sectionName" | "port">,
  namespace: string,
): { allow: Listener[]; meant: Listener[] } {
  const meant = gateway.spec.listeners.filter(
    (l) => (ref.sectionName === undefined || l.name === ref.sectionName) && (ref.port === undefined || l.port === ref.port),
  );
  return { meant, allow: meant.filter((l) => kindAllowed(l) && namespaceAllowed(world, gateway, l, namespace)) };
}
