// SPDX-License-Identifier: Apache-2.0
// One declaration for many: counted addresses and the replicas of a StatefulSet become single addresses and single routes, before anything looks
// at them. Names end in the ordinal, so scaling adds or takes away at the end and never renames. Pure.
import type { AddressArgs } from "./argsCloud";
import type { GatewayArgs, PersistentPodIpsArgs, RouteArgs } from "./argsPods";
import { at, numberProblems } from "./checks";
import { problem, type Problem, when } from "./problems";

/** Label that Kubernetes gives to each Pod of a StatefulSet (SEED-68). */
const POD_NAME = "statefulset.kubernetes.io/pod-name";
/** Most addresses in one declaration: sixteen Gateways of sixteen. */
const MOST = 256;

type Addresses = { [name: string]: AddressArgs };
type Routes = { [name: string]: RouteArgs };

const usable = (count: number | undefined): count is number => count !== undefined && Number.isInteger(count) && count >= 1;
const amount = (a: AddressArgs): number | undefined => (usable(a.count) ? Math.min(a.count, MOST) : undefined);
const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** The addresses one by one. The same object where nothing is counted. */
export function expandAddresses(addresses: Addresses): Addresses {
  if (!Object.values(addresses).some((a) => a.count !== undefined)) return addresses;
  return Object.fromEntries(
    Object.entries(addresses).flatMap(([key, { count, ...one }]) => {
      const n = amount({ count });
      if (n === undefined) return [[key, one] as const];
      return numbers(n).map(
        (i) => [`${key}-${i}`, one.name === undefined ? { ...one } : { ...one, name: `${one.name}-${i}` }] as const,
      );
    }),
  );
}

/** Names of addresses, with those of counted ones in place of their declaration. */
const spelledOut = (names: readonly string[], addresses: Addresses): string[] =>
  names.flatMap((name) => {
    const n = addresses[name] === undefined ? undefined : amount(addresses[name]);
    return n === undefined ? [name] : numbers(n).map((i) => `${name}-${i}`);
  });

function expandRoute(key: string, r: RouteArgs, addresses: Addresses): [string, RouteArgs][] {
  const names = spelledOut(r.addresses ?? [], addresses);
  const { statefulSet: set, ...rest } = r;
  if (!set) return [[key, { ...r, addresses: names }]];
  return names.map((name, i) => {
    const ordinal = (set.start ?? 0) + i;
    const named = r.name === undefined ? {} : { name: `${r.name}-${ordinal}` };
    const podSelector = { matchLabels: { [POD_NAME]: `${set.name}-${ordinal}` } };
    return [`${key}-${ordinal}`, { ...rest, ...named, podSelector, addresses: [name] }];
  });
}

const counted = (args: PersistentPodIpsArgs): boolean =>
  Object.values(args.addresses ?? {}).some((a) => a.count !== undefined) ||
  Object.values(args.routes ?? {}).some((r) => r.statefulSet !== undefined);

/** The arguments without any counted address or StatefulSet. The same object where there is none. */
export function expand(args: PersistentPodIpsArgs): PersistentPodIpsArgs {
  if (!counted(args)) return args;
  const addresses = args.addresses ?? {};
  const routes: Routes = Object.fromEntries(
    Object.entries(args.routes ?? {}).flatMap(([key, r]) => expandRoute(key, r, addresses)),
  );
  const gateways = Object.entries(args.gateways ?? {}).map(([key, g]): [string, GatewayArgs] => [
    key,
    g.addresses === undefined ? g : { ...g, addresses: spelledOut(g.addresses, addresses) },
  ]);
  return {
    ...args,
    addresses: expandAddresses(addresses),
    ...(args.routes === undefined ? {} : { routes }),
    ...(args.gateways === undefined ? {} : { gateways: Object.fromEntries(gateways) }),
  };
}

/** What is wrong with the declarations themselves. */
export function countProblems(addresses: Addresses, path = "addresses"): Problem[] {
  return Object.entries(addresses).flatMap(([key, a]) => {
    if (a.count === undefined) return [];
    const here = at(path, key);
    const single = (["address", "existing", "literal", "formerly"] as const).filter((f) => a[f] !== undefined);
    return [
      ...numberProblems(a.count, at(here, "count"), 1, MOST),
      ...single.map((f) =>
        problem("Exclusive", at(here, f), "is set beside count; it is about one address, so write each down by itself"),
      ),
      ...numbers(amount(a) ?? 0).flatMap((i) =>
        when(
          addresses[`${key}-${i}`] !== undefined,
          "Exclusive",
          at(path, `${key}-${i}`),
          `is one of the ${a.count} addresses of ${here} already; choose another name`,
        ),
      ),
    ];
  });
}

/** A route finds its Pods in one way. */
export function replicaProblems(routes: Routes): Problem[] {
  return Object.entries(routes).flatMap(([key, r]) => {
    const here = at("routes", key);
    const set = r.statefulSet;
    const both = set !== undefined && r.podSelector !== undefined;
    const neither = set === undefined && r.podSelector === undefined;
    const start = numberProblems(set?.start, at(at(here, "statefulSet"), "start"), 0, 100_000);
    return [
      ...when(both, "Exclusive", here, "exactly one of podSelector, statefulSet must be set; podSelector and statefulSet are"),
      ...when(neither, "Required", at(here, "podSelector"), "is missing; name labels of the Pods, or a statefulSet"),
      ...when(set !== undefined && !set.name, "Required", at(at(here, "statefulSet"), "name"), "is missing"),
      ...start,
    ];
  });
}

/** Problems in the words of the arguments as they were written: paths of single ones become those of their declaration, each problem once. */
export function inWrittenPaths(problems: readonly Problem[], args: PersistentPodIpsArgs): Problem[] {
  const written = (group: string, keys: readonly string[], path: string): string => {
    const key = keys.find((k) => new RegExp(`^${group}\\.${k}-\\d+(?=$|[.[])`).test(path));
    return key === undefined ? path : path.replace(new RegExp(`^${group}\\.${key}-\\d+`), `${group}.${key}`);
  };
  const addresses = Object.entries(args.addresses ?? {}).flatMap(([k, a]) => (a.count === undefined ? [] : [k]));
  const routes = Object.entries(args.routes ?? {}).flatMap(([k, r]) => (r.statefulSet === undefined ? [] : [k]));
  const seen = new Set<string>();
  return problems
    .map((p) => ({ ...p, path: written("routes", routes, written("addresses", addresses, p.path)) }))
    .filter((p) => {
      const id = `${p.path} ${p.code} ${p.message}`;
      return seen.has(id) ? false : seen.add(id) !== undefined;
    });
}
