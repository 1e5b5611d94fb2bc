// SPDX-License-Identifier: Apache-2.0
// accept(route): an ordered chain of small checks; the first failure wins (DESIGN 4.1, api.md 7).
// Order: parentRefs, Gateway, its acceptance, a listener, the addresses, the selector, the network, and last the claims of older routes.
import {
  addressFindings,
  canonicalAddresses,
  errorsOf,
  isDefaultNetwork,
  isGatewayRef,
  parentRefFindings,
  selectorFindings,
  type AcceptReason,
  type Finding,
  type GKEIPRoute,
  type Scope,
} from "../api";
import { judgeGateway, listenersFor, type GatewayVerdict } from "./gateway";
import { byAge, keyOf, type World } from "./world";

export interface RouteNetwork {
  /** Kubernetes Network name. */
  name: string;
  type: "L3" | "Device" | "Default";
  /** VPC network and subnet behind it; undefined for the primary one. */
  vpc?: string;
  subnet?: string;
}
export interface AcceptedAddress {
  address: string;
  scope: Scope;
  gateway: string;
}
export type Acceptance =
  | { accepted: true; addresses: AcceptedAddress[]; network: RouteNetwork }
  | { accepted: false; reason: Exclude<AcceptReason, "Accepted">; message: string };
type Failure = Extract<Acceptance, { accepted: false }>;
const fail = (reason: Failure["reason"], message: string): Failure => ({ accepted: false, reason, message });
const said = (f: Finding): string => `${f.path}: ${f.message}`;

interface Parent {
  key: string;
  verdict: GatewayVerdict;
}

function parentsOf(world: World, route: GKEIPRoute): { attached: Parent[]; failure?: Failure } {
  const namespace = route.metadata.namespace ?? "default";
  const attached: Parent[] = [];
  let failure: Failure | undefined;
  for (const ref of (route.spec.parentRefs ?? []).filter(isGatewayRef)) {
    const key = `${ref.namespace ?? namespace}/${ref.name}`;
    const gateway = world.gateway(key);
    if (!gateway) {
      failure ??= fail("GatewayNotFound", `Gateway ${key} does not exist; create it, or correct spec.parentRefs`);
      continue;
    }
    const verdict = judgeGateway(world, gateway);
    if (!verdict.ours) continue;
    if (!verdict.accepted) {
      failure ??= fail("GatewayNotAccepted", `Gateway ${key} is not accepted (${verdict.reason}): ${verdict.message}`);
      continue;
    }
    const { meant, allow } = listenersFor(world, gateway, ref, namespace);
    if (allow.length > 0) attached.push({ key, verdict });
    else
      failure ??= fail(
        "Unattachable",
        refusal(
          key,
          namespace,
          meant.map((l) => l.name),
          ref.sectionName ?? ref.port,
        ),
      );
  }
  return { attached, failure };
}
function refusal(gateway: string, namespace: string, meant: string[], wanted: string | number | undefined): string {
  if (meant.length === 0)
    return `Gateway ${gateway} has no listener ${JSON.stringify(wanted ?? "")}; correct sectionName or port in spec.parentRefs`;
  return `no listener of Gateway ${gateway} (${meant.join(", ")}) takes GKEIPRoutes of namespace ${namespace}; allow it in the listener's allowedRoutes.namespaces`;
}

function placeAddresses(addresses: readonly string[], parents: readonly Parent[]): AcceptedAddress[] | Failure {
  const placed: AcceptedAddress[] = [];
  for (const address of addresses) {
    const holders = parents.filter((p) => p.verdict.addresses.includes(address));
    const holder = holders.find((p) => !p.verdict.refused.has(address));
    if (holder) placed.push({ address, scope: holder.verdict.scope ?? "External", gateway: holder.key });
    else if (holders[0]) return fail("InvalidAddresses", `${holders[0].verdict.refused.get(address)}`);
    else
      return fail(
        "InvalidAddresses",
        `${address} is not an address of Gateway ${parents.map((p) => p.key).join(", ")}; add it to the Gateway's spec.addresses`,
      );
  }
  return placed;
}

function networkOf(world: World, route: GKEIPRoute): RouteNetwork | Failure {
  const name = route.spec.network;
  if (isDefaultNetwork(name)) {
    if (world.settings.defaultNetwork) return { name, type: "Default" };
    return fail(
      "NetworkNotReady",
      `network ${JSON.stringify(name)} is the Pods' primary network, which carries persistent addresses only on GKE 1.31 or later; name a Network of type L3 or Device`,
    );
  }
  const network = world.network(name);
  if (!network) return fail("NetworkNotFound", `Network ${name} does not exist; create it, or correct spec.network`);
  const { type, parametersRef } = network.spec;
  if (type === "L2")
    return fail("NetworkNotReady", `Network ${name} is of type L2; only L3 and Device networks carry persistent addresses`);
  const ready = network.status?.conditions?.find((c) => c.type === "Ready");
  if (ready?.status !== "True")
    return fail("NetworkNotReady", `Network ${name} is not Ready${ready ? ` (${ready.reason}): ${ready.message}` : " yet"}`);
  const params = parametersRef ? world.paramSet(parametersRef.name) : undefined;
  if (!params)
    return fail(
      "NetworkNotReady",
      `Network ${name} has no GKENetworkParamSet ${parametersRef?.name ?? "(spec.parametersRef is unset)"}, so its VPC is not known`,
    );
  return {
    name,
    type,
    ...(params.spec.vpc ? { vpc: params.spec.vpc } : {}),
    ...(params.spec.vpcSubnet ? { subnet: params.spec.vpcSubnet } : {}),
  };
}

/** True where the route is ours to answer: it has a Gateway of ours, or it names one that nobody has yet and nobody else would answer. */
export function isOurRoute(world: World, route: GKEIPRoute): boolean {
  const refs = (route.spec.parentRefs ?? []).filter(isGatewayRef);
  const gateways = refs.map((r) => world.gateway(`${r.namespace ?? route.metadata.namespace ?? "default"}/${r.name}`));
  if (gateways.some((g) => g && judgeGateway(world, g).ours)) return true;
  if (gateways.some((g) => g !== undefined)) return false;
  return world.settings.alone && ((route.spec.parentRefs ?? []).length === 0 || refs.length > 0);
}

/** The chain without the claims of other routes: what the route is worth by itself. */
export function acceptAlone(world: World, route: GKEIPRoute): Acceptance {
  const [noParent] = errorsOf(parentRefFindings(route.spec.parentRefs));
  if (noParent) return fail("MissingParentRefs", said(noParent));
  const { attached, failure } = parentsOf(world, route);
  if (attached.length === 0)
    return failure ?? fail("GatewayNotFound", "none of spec.parentRefs is a Gateway of a class of this controller");
  const [badAddress] = errorsOf(addressFindings(route.spec.addresses));
  if (badAddress) return fail("InvalidAddresses", said(badAddress));
  const addresses = placeAddresses(canonicalAddresses(route.spec.addresses), attached);
  if (!Array.isArray(addresses)) return addresses;
  const [badSelector] = errorsOf(selectorFindings(route.spec.podSelector));
  if (badSelector) return fail("InvalidLabels", said(badSelector));
  const network = networkOf(world, route);
  return "reason" in network ? network : { accepted: true, addresses, network };
}

/**
 * Decides routes that want one address: oldest first, all or nothing. A route that fails by itself claims nothing, so it blocks nobody.
 * Recursion goes to strictly older routes only, so it ends.
 */
function accepts(world: World, route: GKEIPRoute, memo: Map<string, Acceptance>): Acceptance {
  const known = memo.get(keyOf(route));
  if (known) return known;
  const alone = route.metadata.deletionTimestamp ? fail("Unattachable", "the route is being deleted") : acceptAlone(world, route);
  let result: Acceptance = alone;
  if (alone.accepted) {
    for (const { address } of alone.addresses) {
      const older = [...world.routesClaiming(address)]
        .filter((r) => keyOf(r) !== keyOf(route) && byAge(r, route) < 0)
        .sort(byAge);
      const winner = older.find((r) => {
        const other = accepts(world, r, memo);
        return (
          other.accepted &&
          other.addresses.some((a) => a.address === address && sharesAddressSpace(a.scope, other.network, alone))
        );
      });
      if (!winner) continue;
      result = fail(
        "InvalidAddresses",
        `${address} is held by the older GKEIPRoute ${keyOf(winner)}; it becomes free when that route is deleted or gives it up`,
      );
      break;
    }
  }
  memo.set(keyOf(route), result);
  return result;
}
/** Internal addresses of two VPCs may be equal and still be two addresses (DESIGN 3). */
function sharesAddressSpace(scope: Scope, network: RouteNetwork, mine: Extract<Acceptance, { accepted: true }>): boolean {
  return scope === "External" || network.vpc === mine.network.vpc;
}

/**
 * Whether a route's settings are right (condition Accepted, SEED-95), and why not. E23, E24, E27..E30, E36..E41, E44..E46.
 * @param memo share one over several routes of the same world to save work
 */
export const accept = (world: World, route: GKEIPRoute, memo: Map<string, Acceptance> = new Map()): Acceptance =>
  accepts(world, route, memo);
