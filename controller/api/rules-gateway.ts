// SPDX-License-Identifier: Apache-2.0
// Rules of Gateways and of a whole plan: which addresses are offered, to whom, and that nobody claims one twice.
import { error, warning, type Finding } from "./findings";
import type { Gateway, GatewayAddress, Listener } from "./kinds";
import { CIDR_ADDRESS_TYPE, GATEWAY_GROUP, GKE_NETWORKING_GROUP, IP_ADDRESS_TYPE, MAX_ADDRESSES, scopeOfClass } from "./names";
import { addressFindings, canonicalAddresses, routeFindings } from "./rules-route";
import type { GKEIPRouteSpecInput } from "./gkeiproute";
import { parseSelector } from "./selector";

/** The only kind of route that our listeners take. */
export const SUPPORTED_KIND = { group: GKE_NETWORKING_GROUP, kind: "GKEIPRoute" } as const;
export const isSupportedKind = (k: { group?: string; kind: string }): boolean =>
  (k.group ?? GATEWAY_GROUP) === SUPPORTED_KIND.group && k.kind === SUPPORTED_KIND.kind;
export const supportsAddressType = (type: string | undefined): boolean =>
  [CIDR_ADDRESS_TYPE, IP_ADDRESS_TYPE].includes(type ?? IP_ADDRESS_TYPE);

export function listenerFindings(l: Listener, path: string): Finding[] {
  const namespaces = l.allowedRoutes?.namespaces;
  const found: Finding[] = [];
  if (namespaces?.from === "Selector") {
    const parsed = parseSelector(namespaces.selector, true);
    if (!namespaces.selector)
      found.push(
        error(
          "ListenerSelectorMissing",
          `${path}.allowedRoutes.namespaces.selector`,
          "is missing although from is Selector; name the labels of the namespaces, or use from: All",
        ),
      );
    else if (!parsed.ok)
      found.push(
        ...parsed.problems.map((p) => error("InvalidSelector", `${path}.allowedRoutes.namespaces.selector.${p.path}`, p.message)),
      );
  }
  const kinds = l.allowedRoutes?.kinds ?? [];
  if (kinds.length > 0 && !kinds.some(isSupportedKind))
    found.push(
      error(
        "ListenerKindUnsupported",
        `${path}.allowedRoutes.kinds`,
        `does not name ${SUPPORTED_KIND.group}/${SUPPORTED_KIND.kind}, the only kind that these listeners take`,
      ),
    );
  return found;
}

/** Everything that can be said of a Gateway by itself (SEED-43..SEED-50, api.md 6.2). An empty address value is for the controller to judge. */
export function gatewayFindings(spec: Gateway["spec"], path = "spec"): Finding[] {
  const found: Finding[] = [];
  if (!scopeOfClass(spec.gatewayClassName))
    found.push(
      warning(
        "UnknownClass",
        `${path}.gatewayClassName`,
        `${JSON.stringify(spec.gatewayClassName)} is not a class of this project; nothing here will act on the Gateway`,
      ),
    );
  const given = (spec.addresses ?? []).filter((a): a is GatewayAddress & { value: string } => (a.value ?? "") !== "");
  if (given.length === 0)
    found.push(error("Required", `${path}.addresses`, "is empty; list the reserved addresses that routes may claim"));
  found.push(...addressFindings(given, `${path}.addresses`));
  if (spec.listeners.length === 0)
    found.push(error("Required", `${path}.listeners`, "is empty; without a listener no namespace may attach"));
  spec.listeners.forEach((l, i) => found.push(...listenerFindings(l, `${path}.listeners[${i}]`)));
  return found;
}

export interface PlannedRoute {
  /** `namespace/name`, and the path under which findings are reported. */
  key: string;
  path: string;
  spec: GKEIPRouteSpecInput;
}
export interface PlannedGateway {
  key: string;
  path: string;
  addresses: readonly string[];
}

/** Findings that need the whole plan: addresses that no Gateway offers, and addresses that two routes claim (E23, E24, E27). */
export function planFindings(routes: readonly PlannedRoute[], gateways: readonly PlannedGateway[]): Finding[] {
  const found = routes.flatMap((r) => routeFindings(r.spec, r.path));
  const owner = new Map<string, string>();
  const offered = new Map(gateways.map((g) => [g.key, new Set(canonicalAddresses(g.addresses.map((value) => ({ value }))))]));
  for (const g of gateways)
    if (g.addresses.length > MAX_ADDRESSES)
      found.push(
        error("TooManyAddresses", g.path, `has ${g.addresses.length} addresses; a Gateway holds at most ${MAX_ADDRESSES}`),
      );
  for (const r of routes) {
    const parents = (r.spec.parentRefs ?? []).map((p) => `${p.namespace ?? r.key.split("/")[0]}/${p.name}`);
    for (const address of canonicalAddresses(r.spec.addresses)) {
      const first = owner.get(address);
      if (first !== undefined && first !== r.key)
        found.push(
          error(
            "AddressClaimedTwice",
            `${r.path}.addresses`,
            `${address} is claimed by ${first} too; an address belongs to one route at a time`,
          ),
        );
      else owner.set(address, r.key);
      const known = parents.filter((p) => offered.has(p));
      if (known.length > 0 && known.length === parents.length && !known.some((p) => offered.get(p)!.has(address)))
        found.push(
          error(
            "AddressNotInGateway",
            `${r.path}.addresses`,
            `${address} is not an address of ${known.join(", ")}; add it there, or name the Gateway that has it`,
          ),
        );
    }
  }
  return found;
}
