// SPDX-License-Identifier: Apache-2.0
// Rules of a whole plan: every claimed address is offered by a Gateway, and nobody claims or offers one twice.
import { error, warning, type Finding } from "./findings";
import { gkeIpRouteSchema, type GKEIPRouteSpecInput } from "./gkeiproute";
import { isPrivate } from "./ipv4";
import { MAX_ADDRESSES } from "./names";
import { canonicalAddresses, isGatewayRef, routeFindings } from "./rules-route";
import { schemaFindings } from "./schema-validate";

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

/** E24, E30. */
function offerFindings(gateways: readonly PlannedGateway[], offered: ReadonlyMap<string, ReadonlySet<string>>): Finding[] {
  const found: Finding[] = [];
  const first = new Map<string, string>();
  for (const g of gateways) {
    if (g.addresses.length > MAX_ADDRESSES)
      found.push(
        error("TooManyAddresses", g.path, `has ${g.addresses.length} addresses; a Gateway holds at most ${MAX_ADDRESSES}`),
      );
    for (const address of offered.get(g.key)!) {
      const other = first.get(address);
      if (other === undefined) first.set(address, g.key);
      else
        found.push(
          error(
            "AddressClaimedTwice",
            `${g.path}.addresses`,
            `${address} is in Gateway ${other} too, and only the older one may give it; list it in one of them`,
          ),
        );
    }
  }
  return found;
}

/** E23. Two VPCs may hold one private address, which only the controller can tell; so that is no more than a warning. */
function claimFinding(r: PlannedRoute, first: PlannedRoute, address: string): Finding {
  const [mine, theirs] = [r.spec.network ?? "default", first.spec.network ?? "default"];
  if (isPrivate(address) && mine !== theirs)
    return warning(
      "AddressClaimedTwice",
      `${r.path}.addresses`,
      `${address} is claimed by ${first.key} too, there on network ${theirs} and here on ${mine}; right only if these are of two VPCs`,
    );
  return error(
    "AddressClaimedTwice",
    `${r.path}.addresses`,
    `${address} is claimed by ${first.key} too; an address belongs to one route at a time`,
  );
}

/** E27. Says nothing where a Gateway of the route is not in the plan. */
function placeFindings(r: PlannedRoute, address: string, offered: ReadonlyMap<string, ReadonlySet<string>>): Finding[] {
  const refs = (r.spec.parentRefs ?? []).filter(isGatewayRef);
  const parents = [...new Set(refs.map((p) => `${p.namespace ?? r.key.split("/")[0]}/${p.name}`))];
  const unknown = parents.length === 0 || parents.some((p) => !offered.has(p));
  if (unknown || parents.some((p) => offered.get(p)!.has(address))) return [];
  return [
    error(
      "AddressNotInGateway",
      `${r.path}.addresses`,
      `${address} is not an address of ${parents.join(", ")}; add it there, or name the Gateway that has it`,
    ),
  ];
}

/** Findings that need the whole plan: addresses that no Gateway offers, and addresses offered or claimed twice (E23, E24, E27). */
export function planFindings(routes: readonly PlannedRoute[], gateways: readonly PlannedGateway[]): Finding[] {
  const offered = new Map(gateways.map((g) => [g.key, new Set(canonicalAddresses(g.addresses.map((value) => ({ value }))))]));
  const found = [...routes.flatMap((r) => routeFindings(r.spec, r.path)), ...offerFindings(gateways, offered)];
  const owner = new Map<string, PlannedRoute>();
  for (const r of routes) {
    // What has not even the shape of a route claims nothing that could be compared.
    if (schemaFindings(gkeIpRouteSchema.properties.spec, r.spec).length > 0) continue;
    for (const address of canonicalAddresses(r.spec.addresses)) {
      const first = owner.get(address);
      if (first !== undefined && first.key !== r.key) found.push(claimFinding(r, first, address));
      else owner.set(address, r);
      found.push(...placeFindings(r, address, offered));
    }
  }
  return found;
}
