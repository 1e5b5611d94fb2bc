// SPDX-License-Identifier: Apache-2.0
// From the arguments of the all-in-one to what will be built: which Gateway offers which address, which Gateway and network a route uses. Pure, so
// that the checks and the construction can never see it differently.
import type { GatewayArgs, ListenerArgs, PersistentPodIpsArgs, RouteArgs } from "./argsPods";
import { scopeOf } from "./checksAddresses";
import { AddressScope, LabelOperator, NamespacesFrom } from "./enums";
import { inOrder, splitAddresses, splitName } from "./gatewaySplit";

export interface PlannedGatewaySet {
  key: string;
  /** True where no Gateway was asked for and this one was derived. */
  derived: boolean;
  args: GatewayArgs;
  scope: AddressScope;
  /** Name of the first Gateway object. */
  name: string;
  namespace: string;
  /** Addresses of each Gateway object, in order. */
  bins: string[][];
  /** Address sets that routes use together. */
  together: string[][];
  listeners: { [name: string]: ListenerArgs };
}
export interface PlannedPodRoute {
  key: string;
  args: RouteArgs;
  name: string;
  namespace: string;
  network: string | undefined;
  /** Gateway object of the route's first address that has one; undefined where no Gateway offers any. */
  gateway: { set: string; name: string; namespace: string } | undefined;
}
export interface Layout {
  gateways: PlannedGatewaySet[];
  routes: PlannedPodRoute[];
}

const DEFAULT_NAMESPACE = "default";

/** One Gateway for each scope in use, where none is asked for. */
function requested(args: PersistentPodIpsArgs): { key: string; derived: boolean; args: GatewayArgs }[] {
  if (args.gateways) return Object.entries(args.gateways).map(([key, g]) => ({ key, derived: false, args: g }));
  const used = new Set(Object.values(args.addresses ?? {}).map(scopeOf));
  return Object.values(AddressScope)
    .filter((s) => used.has(s))
    .map((scope) => ({ key: scope.toLowerCase(), derived: true, args: { scope } }));
}

/** Scope of a Gateway: as said, or that of its first address. */
export function gatewayScope(g: GatewayArgs, addresses: PersistentPodIpsArgs["addresses"]): AddressScope | undefined {
  const first = (g.addresses ?? []).map((a) => addresses[a]).find((a) => a !== undefined);
  return g.scope ?? (first === undefined ? undefined : scopeOf(first));
}

/** Closed by default: the namespaces that have a route in this program, and no others (SEED-44). */
export function defaultListeners(gatewayNamespace: string, routeNamespaces: readonly string[]): { [name: string]: ListenerArgs } {
  const namespaces = [...new Set(routeNamespaces)].sort();
  if (namespaces.every((n) => n === gatewayNamespace)) return { default: { from: NamespacesFrom.Same } };
  const names = { key: "kubernetes.io/metadata.name", operator: LabelOperator.In, values: namespaces };
  return { default: { from: NamespacesFrom.Selector, selector: { matchExpressions: [names] } } };
}

function gatewaySets(name: string, args: PersistentPodIpsArgs): PlannedGatewaySet[] {
  const keys = inOrder(Object.keys(args.addresses ?? {}));
  const wanted = requested(args);
  const listed = new Set(wanted.flatMap((w) => w.args.addresses ?? []));
  const taken = new Set<string>();
  return wanted.map(({ key, derived, args: g }) => {
    const scope = gatewayScope(g, args.addresses ?? {}) ?? AddressScope.External;
    const own = g.addresses
      ? g.addresses.filter((a) => keys.includes(a))
      : keys.filter((a) => !listed.has(a) && !taken.has(a) && scopeOf(args.addresses[a]!) === scope);
    for (const a of own) taken.add(a);
    const routes = Object.values(args.routes ?? {}).filter((r) => (r.addresses ?? []).some((a) => own.includes(a)));
    const together = routes.map((r) => r.addresses.filter((a) => own.includes(a)));
    const namespace = g.namespace ?? DEFAULT_NAMESPACE;
    return {
      key,
      derived,
      args: g,
      scope,
      name: g.name ?? `${name}-${key}`,
      namespace,
      bins: splitAddresses([...new Set(own)], together),
      together,
      listeners:
        g.listeners ??
        defaultListeners(
          namespace,
          routes.map((r) => r.namespace ?? DEFAULT_NAMESPACE),
        ),
    };
  });
}

/** The Gateway object that offers an address. */
function offering(gateways: readonly PlannedGatewaySet[], address: string): PlannedPodRoute["gateway"] {
  for (const g of gateways)
    for (const [n, bin] of g.bins.entries())
      if (bin.includes(address)) return { set: g.key, name: splitName(g.name, n), namespace: g.namespace };
  return undefined;
}

/** What will be built, as far as the arguments make sense; what does not is left out here and reported by the checks. */
export function layoutOf(name: string, args: PersistentPodIpsArgs): Layout {
  const gateways = gatewaySets(name, args);
  const networks = Object.keys(args.networks ?? {});
  const routes = Object.entries(args.routes ?? {}).map(([key, r]) => ({
    key,
    args: r,
    name: r.name ?? `${name}-${key}`,
    namespace: r.namespace ?? DEFAULT_NAMESPACE,
    network: r.network ?? (networks.length === 1 ? networks[0] : undefined),
    gateway: (r.addresses ?? []).map((a) => offering(gateways, a)).find((g) => g !== undefined),
  }));
  return { gateways, routes };
}
