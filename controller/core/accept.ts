// SPDX-License-Identifier: Apache-2.0
// accept(route): an ordered chain of small checks; the first failure wins (DESIGN 4.1, api.md 7).
// Order: parentRefs, Gateway, its acceptance, a listener, the addresses, the selectors, the network, and last the claims of older routes.
import {
  addressFindings,
  canonicalAddresses,
  errorsOf,
  parentRefFindings,
  selectorFindings,
  specOf,
  type Finding,
  type GKEIPRoute,
  type Scope,
} from "../api";
import { gatewayKey, gatewayRefs, parentsOf, type Parent } from "./parents";
import { refusal, type Refusal } from "./refusal";
import { networkOf, type RouteNetwork } from "./route-network";
import { byAge, keyOf, type World } from "./world";

export interface AcceptedAddress {
  address: string;
  scope: Scope;
  gateway: string;
}
export type Acceptance = { accepted: true; addresses: AcceptedAddress[]; network: RouteNetwork } | Refusal;
const said = (f: Finding): string => `${f.path}: ${f.message}`;

/** @param failure why another Gateway of the route is not attached: it may be the one that has the address */
function placeAddresses(
  addresses: readonly string[],
  parents: readonly Parent[],
  failure: Refusal | undefined,
): AcceptedAddress[] | Refusal {
  const placed: AcceptedAddress[] = [];
  for (const address of addresses) {
    const holders = parents.filter((p) => p.verdict.addresses.includes(address));
    const holder = holders.find((p) => !p.verdict.refused.has(address));
    if (holder) placed.push({ address, scope: holder.verdict.scope ?? "External", gateway: holder.key });
    else if (holders[0]) return refusal("InvalidAddresses", `${holders[0].verdict.refused.get(address)}`);
    else
      return refusal(
        "InvalidAddresses",
        `${address} is not an address of Gateway ${parents.map((p) => p.key).join(", ")}; add it to the Gateway's spec.addresses${failure ? `. Besides, ${failure.message}` : ""}`,
      );
  }
  if (placed.length === 0)
    return refusal("InvalidAddresses", "spec.addresses: is empty; list addresses of the Gateway, such as 34.123.10.1/32");
  return placed;
}

const noParent = (route: GKEIPRoute): Refusal => {
  const keys = gatewayRefs(route).map((ref) => gatewayKey(ref, route.metadata.namespace ?? "default"));
  return refusal(
    "GatewayNotFound",
    `Gateway ${keys.join(", ")} is of a class of another controller; name a Gateway of a class of this one in spec.parentRefs`,
  );
};

/** The chain without the claims of other routes: what the route is worth by itself. */
export function acceptAlone(world: World, route: GKEIPRoute): Acceptance {
  const spec = specOf(route);
  const [badParent] = errorsOf(parentRefFindings(spec.parentRefs));
  if (badParent) return refusal("MissingParentRefs", said(badParent));
  const { attached, failure } = parentsOf(world, route);
  if (attached.length === 0) return failure ?? noParent(route);
  const [badAddress] = errorsOf(addressFindings(spec.addresses));
  if (badAddress) return refusal("InvalidAddresses", said(badAddress));
  const addresses = placeAddresses(canonicalAddresses(spec.addresses), attached, failure);
  if (!Array.isArray(addresses)) return addresses;
  const [badSelector] = errorsOf([
    ...selectorFindings(spec.podSelector),
    ...selectorFindings(spec.nodeSelector, "spec.nodeSelector", true),
  ]);
  if (badSelector) return refusal("InvalidLabels", said(badSelector));
  const network = networkOf(world, route);
  return "reason" in network ? network : { accepted: true, addresses, network };
}

type Accepted = Extract<Acceptance, { accepted: true }>;

/** Internal addresses of two VPCs may be equal and still be two addresses (DESIGN 3). */
const sharesAddressSpace = (scope: Scope, theirs: RouteNetwork, mine: RouteNetwork): boolean =>
  scope === "External" || theirs.vpc === mine.vpc;

interface Claim {
  route: GKEIPRoute;
  accepted: Accepted;
  address: string;
}
function olderHolder(
  world: World,
  { route, accepted: mine, address }: Claim,
  memo: Map<string, Acceptance>,
): GKEIPRoute | undefined {
  const older = world.routesClaiming(address).filter((r) => keyOf(r) !== keyOf(route) && byAge(r, route) < 0);
  return [...older].sort(byAge).find((r) => {
    const other = accepts(world, r, memo);
    return (
      other.accepted &&
      other.addresses.some((a) => a.address === address && sharesAddressSpace(a.scope, other.network, mine.network))
    );
  });
}

function afterClaims(world: World, route: GKEIPRoute, mine: Accepted, memo: Map<string, Acceptance>): Acceptance {
  for (const { address } of mine.addresses) {
    const winner = olderHolder(world, { route, accepted: mine, address }, memo);
    if (winner)
      return refusal(
        "InvalidAddresses",
        `${address} is held by the older GKEIPRoute ${keyOf(winner)}; it becomes free when that route is deleted or gives it up`,
      );
  }
  return mine;
}

/**
 * Decides routes that want one address: oldest first, all or nothing. A route that fails by itself claims nothing, so it blocks nobody.
 * Recursion goes to strictly older routes only, so it ends.
 */
function accepts(world: World, route: GKEIPRoute, memo: Map<string, Acceptance>): Acceptance {
  const known = memo.get(keyOf(route));
  if (known) return known;
  const alone = route.metadata.deletionTimestamp
    ? refusal("Unattachable", `GKEIPRoute ${keyOf(route)} is being deleted; it claims nothing any more`)
    : acceptAlone(world, route);
  const result = alone.accepted ? afterClaims(world, route, alone, memo) : alone;
  memo.set(keyOf(route), result);
  return result;
}

/**
 * Whether a route's settings are right (condition Accepted, SEED-95), and why not. E23, E24, E27..E30, E36..E41, E44..E46.
 * @param memo share one over several routes of the same world to save work
 */
export const accept = (world: World, route: GKEIPRoute, memo: Map<string, Acceptance> = new Map()): Acceptance =>
  accepts(world, route, memo);
