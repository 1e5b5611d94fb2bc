// SPDX-License-Identifier: Apache-2.0
// What can be wrong with Gateways and routes. The rules are the contract's (controller/api); here the arguments become the specs they judge. Pure.
import {
  addressFindings,
  CIDR_ADDRESS_TYPE,
  gatewayFindings,
  GKE_CLASSES,
  type GKEIPRouteSpecInput,
  type Listener,
  listenerFindings,
  MAX_ADDRESSES,
  OWN_CLASSES,
  routeFindings,
} from "../controller/api";
import type { GatewayRefArgs, LabelSelectorArgs, ListenerArgs, PodIpGatewayArgs, PodIpRouteArgs, RouteArgs } from "./argsPods";
import { at, enumProblems, known, kubeNameProblems, numberProblems, show } from "./checks";
import { AddressScope, ControllerKind, NamespacesFrom, ReactionMode } from "./enums";
import { problem, type Problem, when } from "./problems";
import { stabilityProblems } from "./stability";
import { asArgument, standIn } from "./standIns";

/** Port and protocol of SEED-48; they tell listeners apart and mean nothing for traffic (api.md 2.3). */
const FIRST_PORT = 443;
const PROTOCOL = "none";

/** The class that makes our controller, or Google's, act on a Gateway (SEED-41, SEED-42). */
export const classFor = (scope: AddressScope, kind: ControllerKind | undefined, className?: string): string =>
  className ?? ((kind ?? ControllerKind.Bundled) === ControllerKind.Bundled ? OWN_CLASSES : GKE_CLASSES)[scope];

/** In the order of their names, so that neither list nor ports depend on how a program was written. */
const sortedListeners = (listeners: { [name: string]: ListenerArgs }): [string, ListenerArgs][] =>
  Object.entries(listeners).sort(([a], [b]) => (a < b ? -1 : 1));

/** Listeners as the Gateway has them. Ports differ, since (port, protocol) must be unique. */
export function listenersOf(listeners: { [name: string]: ListenerArgs } | undefined): Listener[] {
  return sortedListeners(listeners ?? { default: {} }).map(([name, l], i) => ({
    name,
    port: l.port ?? FIRST_PORT + i,
    protocol: PROTOCOL,
    allowedRoutes: {
      namespaces: {
        from: l.from ?? NamespacesFrom.Same,
        ...(l.selector === undefined ? {} : { selector: l.selector }),
      },
    },
  }));
}

export function listenersProblems(listeners: { [name: string]: ListenerArgs } | undefined, path: string): Problem[] {
  const entries = sortedListeners(listeners ?? {});
  const specs = listenersOf(listeners);
  const ports = new Map<number, string>();
  if (listeners && entries.length === 0)
    return [problem("Required", path, "is empty; without a listener no namespace may attach")];
  return entries.flatMap(([name, l], i) => {
    const here = at(path, name);
    const spec = specs[i]!;
    const found: Problem[] = [
      ...kubeNameProblems(name, here),
      ...enumProblems(l.from, NamespacesFrom, at(here, "from")),
      ...numberProblems(l.port, at(here, "port"), 1, 65535),
      ...listenerFindings(spec, here).map((f) => ({ ...f, path: f.path.replace(".allowedRoutes.namespaces", "") })),
    ];
    if (l.selector !== undefined && l.from !== NamespacesFrom.Selector)
      found.push(
        problem("Exclusive", at(here, "selector"), `is set, but from is ${l.from ?? NamespacesFrom.Same}; write from: Selector`),
      );
    const other = ports.get(spec.port);
    if (other !== undefined)
      found.push(
        problem("Exclusive", at(here, "port"), `${spec.port} is the port of listener ${show(other)} too; each needs its own`),
      );
    ports.set(spec.port, other ?? name);
    return found;
  });
}

export interface RouteFacts {
  namespace: string;
  gateway: GatewayRefArgs;
  network?: string;
  podSelector: LabelSelectorArgs;
  reactionMode?: ReactionMode;
  allowGlobalAccess?: boolean;
}

/** The spec of a route, with addresses as they are known (`T` is a string, or an Input). */
export function routeSpecOf<T>(r: RouteFacts, addresses: readonly T[]) {
  return {
    parentRefs: [{ name: r.gateway.name, namespace: r.gateway.namespace ?? r.namespace }],
    addresses: addresses.map((value) => ({ type: CIDR_ADDRESS_TYPE, value })),
    ...(r.network === undefined ? {} : { network: r.network }),
    podSelector: r.podSelector,
    reactionMode: r.reactionMode ?? ReactionMode.ReadyCondition,
    ...(r.allowGlobalAccess === undefined ? {} : { allowGlobalAccess: r.allowGlobalAccess }),
  };
}
export const routeSpec = (r: RouteFacts, addresses: readonly string[]): GKEIPRouteSpecInput => routeSpecOf(r, addresses);

/** The addresses as far as they are known, with stand-ins for the others. */
const asKnown = (addresses: readonly unknown[]): string[] => addresses.map((a, i) => (typeof a === "string" ? a : standIn(i)));

export function podIpRouteProblems(name: string, args: PodIpRouteArgs): Problem[] {
  const gateway = args.gateway ?? { name: "" };
  const facts = { ...args, namespace: args.namespace ?? "default", gateway: { ...gateway, name: gateway.name || "missing" } };
  return [
    ...kubeNameProblems(args.routeName ?? name, args.routeName === undefined ? "name" : "routeName"),
    ...kubeNameProblems(facts.namespace, "namespace"),
    ...when(!gateway.name, "Required", "gateway.name", "is missing; name the Gateway that offers the addresses"),
    ...stabilityProblems(args.stability, "stability"),
    ...routeFindings(routeSpec(facts, asKnown(args.addresses ?? [])), "").map((f) => asArgument(f)),
  ];
}

/** Findings of one address, under a path of its own. Unknown ones pass. */
export const addressValueProblems = (value: unknown, path: string): Problem[] =>
  typeof value === "string" ? addressFindings([{ value, type: CIDR_ADDRESS_TYPE }]).map((f) => ({ ...f, path })) : [];

function togetherProblems(together: readonly string[][] | undefined, keys: readonly string[]): Problem[] {
  return (together ?? []).flatMap((set, i) => [
    ...when(
      set.length > MAX_ADDRESSES,
      "TooManyAddresses",
      `together[${i}]`,
      `has ${set.length} addresses; a Gateway holds at most ${MAX_ADDRESSES}`,
    ),
    ...set.flatMap((key, j) =>
      when(
        !keys.includes(key),
        "UnknownReference",
        `together[${i}][${j}]`,
        `${show(key)} is not one of the addresses: ${known(keys)}`,
      ),
    ),
  ]);
}

/** A class that nothing here acts on is worth a word; the contract has it. */
export function classProblems(className: string | undefined, path: string): Problem[] {
  if (className === undefined) return [];
  const spec = { gatewayClassName: className, listeners: listenersOf(undefined), addresses: [{ value: standIn(0) }] };
  return gatewayFindings(spec, "")
    .filter((f) => f.code === "UnknownClass")
    .map((f) => ({ ...f, path }));
}

export function podIpGatewayProblems(name: string, args: PodIpGatewayArgs): Problem[] {
  const addresses = Object.entries(args.addresses ?? {});
  const keys = addresses.map(([key]) => key);
  return [
    // Room for the number of a split.
    ...kubeNameProblems(args.gatewayName ?? name, args.gatewayName === undefined ? "name" : "gatewayName", 60),
    ...kubeNameProblems(args.namespace ?? "default", "namespace"),
    ...enumProblems(args.scope, AddressScope, "scope"),
    ...when(args.scope === undefined, "Required", "scope", "is missing; say External or Internal"),
    ...enumProblems(args.controller, ControllerKind, "controller"),
    ...classProblems(args.className, "className"),
    ...listenersProblems(args.listeners, "listeners"),
    ...when(keys.length === 0, "Required", "addresses", "is empty; list the reserved addresses that routes may claim"),
    ...addresses.flatMap(([key, value]) => addressValueProblems(value, at("addresses", key))),
    ...stabilityProblems(args.stability, "stability"),
    ...togetherProblems(args.together, keys),
  ];
}

/** Rules of one route of the all-in-one that need no other route: its fields, and whether what it names exists. */
export function routeReferenceProblems(
  r: RouteArgs,
  path: string,
  names: { addresses: readonly string[]; networks: readonly string[] },
): Problem[] {
  const found: Problem[] = [];
  if (r.namespace !== undefined) found.push(...kubeNameProblems(r.namespace, at(path, "namespace")));
  if (r.network !== undefined && r.network !== "default" && !names.networks.includes(r.network))
    found.push(
      problem("UnknownReference", at(path, "network"), `${show(r.network)} is not one of the networks: ${known(names.networks)}`),
    );
  (r.addresses ?? []).forEach((a, i) => {
    if (!names.addresses.includes(a))
      found.push(
        problem(
          "UnknownReference",
          `${path}.addresses[${i}]`,
          `${show(a)} is not one of the addresses: ${known(names.addresses)}`,
        ),
      );
  });
  return found;
}
