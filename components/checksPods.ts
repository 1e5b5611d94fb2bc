// SPDX-License-Identifier: Apache-2.0
// What can be wrong with Gateways and routes. The rules are the contract's (controller/api); here the arguments become the specs they judge. Pure.
import {
  addressFindings,
  CIDR_ADDRESS_TYPE,
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
import { isPlain, problem, type Problem } from "./problems";

/** Port and protocol of SEED-48; they tell listeners apart and mean nothing for traffic (api.md 2.3). */
const FIRST_PORT = 443;
const PROTOCOL = "none";

/** The class that makes our controller, or Google's, act on a Gateway (SEED-41, SEED-42). */
export const classFor = (scope: AddressScope, kind: ControllerKind | undefined, className?: string): string =>
  className ?? ((kind ?? ControllerKind.Bundled) === ControllerKind.Bundled ? OWN_CLASSES : GKE_CLASSES)[scope];

/** Listeners as the Gateway has them. Ports differ, since (port, protocol) must be unique. */
export function listenersOf(listeners: { [name: string]: ListenerArgs } | undefined): Listener[] {
  return Object.entries(listeners ?? { default: {} }).map(([name, l], i) => ({
    name,
    port: l.port ?? FIRST_PORT + i,
    protocol: PROTOCOL,
    allowedRoutes: {
      namespaces: {
        from: l.from ?? NamespacesFrom.Same,
        ...(l.selector === undefined
          ? {}
          : { selector: l.selector as NonNullable<Listener["allowedRoutes"]>["namespaces"] & object }),
      },
    },
  })) as Listener[];
}

export function listenersProblems(listeners: { [name: string]: ListenerArgs } | undefined, path: string): Problem[] {
  const entries = Object.entries(listeners ?? {});
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
export const routeSpec = (r: RouteFacts, addresses: readonly string[]): GKEIPRouteSpecInput =>
  routeSpecOf(r, addresses) as GKEIPRouteSpecInput;

/** An address that stands for one that is not known yet, so that every other rule can be applied. */
const STAND_IN = "198.18.0.1";

export function podIpRouteProblems(name: string, args: PodIpRouteArgs): Problem[] {
  const found: Problem[] = [
    ...kubeNameProblems(args.routeName ?? name, args.routeName === undefined ? "name" : "routeName"),
    ...enumProblems(args.reactionMode, ReactionMode, "reactionMode"),
  ];
  if (args.namespace !== undefined) found.push(...kubeNameProblems(args.namespace, "namespace"));
  if (!args.gateway?.name)
    return [...found, problem("Required", "gateway.name", "is missing; name the Gateway that offers the addresses")];
  const facts = { ...args, namespace: args.namespace ?? "default" };
  const plain = (args.addresses ?? []).filter((a): a is string => isPlain(a));
  // Rules of the whole spec with stand-ins for what is unknown; then those of the known addresses under their own index.
  const spec = routeSpec(facts, (args.addresses ?? []).length === 0 ? [] : [STAND_IN]);
  found.push(...routeFindings(spec, "").map((f) => ({ ...f, path: f.path.replace(/^\./, "") })));
  found.push(...knownAddressProblems(args.addresses ?? []));
  if (plain.length < (args.addresses ?? []).length && (args.addresses ?? []).length > MAX_ADDRESSES)
    found.push(
      ...addressFindings(
        args.addresses.map((_a, i) => ({ value: `198.18.1.${i % 256}` })),
        "addresses",
      ),
    );
  return found;
}

/** Findings of the plain addresses in a list of Inputs, each under its own index. */
export function knownAddressProblems(addresses: readonly unknown[], path = "addresses"): Problem[] {
  const plain = addresses.flatMap((a, i) => (typeof a === "string" ? [{ value: a, i }] : []));
  const own = (p: string): string =>
    p.replace(/\[(\d+)\]/g, (_m, n: string) => `[${plain[Number(n)]!.i}]`).replace(/\.value$/, "");
  return addressFindings(
    plain.map(({ value }) => ({ value, type: CIDR_ADDRESS_TYPE })),
    path,
  ).map((f) => ({
    ...f,
    path: own(f.path),
    message: own(f.message),
  }));
}

export function podIpGatewayProblems(name: string, args: PodIpGatewayArgs): Problem[] {
  const keys = Object.keys(args.addresses ?? {});
  const found: Problem[] = [
    // Room for the number of a split.
    ...kubeNameProblems(args.gatewayName ?? name, args.gatewayName === undefined ? "name" : "gatewayName", 60),
    ...enumProblems(args.scope, AddressScope, "scope"),
    ...enumProblems(args.controller, ControllerKind, "controller"),
    ...listenersProblems(args.listeners, "listeners"),
  ];
  if (args.namespace !== undefined) found.push(...kubeNameProblems(args.namespace, "namespace"));
  if (keys.length === 0)
    found.push(problem("Required", "addresses", "is empty; list the reserved addresses that routes may claim"));
  for (const [i, set] of (args.together ?? []).entries()) {
    if (set.length > MAX_ADDRESSES)
      found.push(
        problem("TooManyAddresses", `together[${i}]`, `has ${set.length} addresses; a Gateway holds at most ${MAX_ADDRESSES}`),
      );
    for (const [j, key] of set.entries())
      if (!keys.includes(key))
        found.push(
          problem("UnknownReference", `together[${i}][${j}]`, `${show(key)} is not one of the addresses: ${known(keys)}`),
        );
  }
  for (const [key, value] of Object.entries(args.addresses ?? {}))
    found.push(...knownAddressProblems([value], "x").map((f) => ({ ...f, path: at("addresses", key) })));
  return found;
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
