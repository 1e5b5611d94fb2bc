// SPDX-License-Identifier: Apache-2.0
// What can be wrong with addresses: where they come from, and whether a fixed one fits its scope and subnet. Pure.
import { parseAddress, parseRange, rangeContains } from "../controller/api";
import type { AddressArgs, AddressNetworkArgs, AddressSetArgs } from "./argsCloud";
import { at, cloudNameProblems, enumProblems, known, labelProblems, regionProblems, show } from "./checks";
import { AddressScope, NetworkTier, OnDestroy } from "./enums";
import { countProblems, expandAddresses } from "./expand";
import { unlockedProblems } from "./fixed";
import { isPlain, problem, type Problem } from "./problems";

/** Scope of an address: as said, or internal where a network or subnet is named. */
export const scopeOf = (a: AddressArgs): AddressScope =>
  a.scope ?? (a.network !== undefined || a.subnetwork !== undefined ? AddressScope.Internal : AddressScope.External);

/** Name of a reservation in Google Cloud; one that is renamed in the program keeps it. */
export const reservedName = (prefix: string, key: string, a: AddressArgs): string => a.name ?? `${prefix}-${a.formerly ?? key}`;

/** Ranges that are never reachable from the Internet (RFC 1918). */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map((r) => parseRange(r)!);

/** A fixed or adopted address against its scope (E32) and, where known, its subnet (SEED-36). */
export function valueProblems(text: string, scope: AddressScope, path: string, cidr?: string): Problem[] {
  const parsed = parseAddress(text);
  if (!parsed.ok) return [problem("InvalidAddress", path, parsed.message)];
  if (scope === AddressScope.External && PRIVATE.some((r) => rangeContains(r, parsed.value)))
    return [problem("ScopeMismatch", path, `${parsed.address} is a private address, but the scope is External`)];
  const range = cidr === undefined ? undefined : parseRange(cidr);
  if (!range || scope === AddressScope.External) return [];
  if (!rangeContains(range, parsed.value))
    return [problem("OutsideRange", path, `${parsed.address} is not in the subnet's range ${cidr}`)];
  // Google Cloud keeps the first two and the last two addresses of a subnet to itself.
  return parsed.value < range.first + 2 || parsed.value > range.last - 2
    ? [
        problem(
          "OutsideRange",
          path,
          `${parsed.address} is one of the four addresses of ${cidr} that Google Cloud keeps to itself`,
        ),
      ]
    : [];
}

type Networks = { [name: string]: AddressNetworkArgs };
const MAKING = ["address", "network", "subnetwork", "shared", "tier", "fromPrefix", "name", "formerly"] as const;

function adoptionProblems(a: AddressArgs, path: string): Problem[] {
  const [how] = (["existing", "literal"] as const).filter((f) => a[f] !== undefined);
  const found: Problem[] = [];
  if (a.existing !== undefined && a.literal !== undefined)
    found.push(problem("Exclusive", path, "existing and literal are both set; an address comes from one place"));
  for (const field of MAKING)
    if (a[field] !== undefined && !(how === "existing" && field === "network"))
      found.push(
        problem("Exclusive", at(path, field), `is set beside ${how}; it only makes sense for an address that is reserved here`),
      );
  return found;
}

function internalProblems(a: AddressArgs, path: string, networks: Networks): Problem[] {
  const found: Problem[] = [];
  if (a.tier !== undefined)
    found.push(problem("Exclusive", at(path, "tier"), "is set on an internal address, which has no network tier; leave it out"));
  if (a.fromPrefix !== undefined)
    found.push(problem("Exclusive", at(path, "fromPrefix"), "is set on an internal address; prefixes of your own are external"));
  if (a.network === undefined && a.subnetwork === undefined)
    found.push(
      problem(
        "Required",
        at(path, "network"),
        `is missing; an internal address is in a subnet, so name one of the networks (${known(Object.keys(networks))}) or a subnetwork`,
      ),
    );
  if (a.network !== undefined && a.subnetwork !== undefined)
    found.push(problem("Exclusive", at(path, "subnetwork"), "is set beside network, which says the subnet already"));
  return found;
}

function externalProblems(a: AddressArgs, path: string): Problem[] {
  return (["network", "subnetwork", "shared"] as const)
    .filter((f) => a[f] !== undefined)
    .map((f) => problem("Exclusive", at(path, f), "is set on an external address; it belongs to internal ones"));
}

function addressProblems(a: AddressArgs, path: string, networks: Networks): Problem[] {
  const scope = scopeOf(a);
  const adopted = a.existing !== undefined || a.literal !== undefined;
  const found = [
    ...enumProblems(a.scope, AddressScope, at(path, "scope")),
    ...enumProblems(a.tier, NetworkTier, at(path, "tier")),
  ];
  if (a.network !== undefined && !networks[a.network])
    found.push(
      problem(
        "UnknownReference",
        at(path, "network"),
        `${show(a.network)} is not one of the networks: ${known(Object.keys(networks))}`,
      ),
    );
  if (adopted) found.push(...adoptionProblems(a, path));
  else found.push(...(scope === AddressScope.Internal ? internalProblems(a, path, networks) : externalProblems(a, path)));
  const cidr = a.network === undefined ? undefined : networks[a.network]?.cidr;
  for (const field of ["address", "literal"] as const) {
    const value = a[field];
    if (isPlain(value)) found.push(...valueProblems(value, scope, at(path, field), cidr));
  }
  return found;
}

/** What two keys may not share, and how a message calls it. */
type Shared = (key: string, a: AddressArgs) => { id: string; called: string } | undefined;
function sharedProblems(addresses: { [name: string]: AddressArgs }, path: string, of: Shared): Problem[] {
  const first = new Map<string, string>();
  return Object.entries(addresses).flatMap(([key, a]) => {
    const shared = of(key, a);
    if (!shared) return [];
    const other = first.get(shared.id);
    first.set(shared.id, other ?? key);
    return other === undefined ? [] : [problem("DuplicateAddress", at(path, key), `${shared.called} ${at(path, other)} already`)];
  });
}
/** One fixed address of a network. */
const fixedAddress: Shared = (_key, a) => {
  const fixed = a.address ?? a.literal;
  const parsed = isPlain(fixed) ? parseAddress(fixed) : undefined;
  return parsed?.ok ? { id: `${parsed.address} ${a.network ?? ""}`, called: `${parsed.address} is` } : undefined;
};
/** One reservation, be it made or adopted. */
const reservation =
  (prefix: string): Shared =>
  (key, a) => {
    const name = a.existing ?? reservedName(prefix, key, a);
    return a.literal === undefined && isPlain(name) ? { id: name, called: `${show(name)} is the reservation of` } : undefined;
  };

/** A former name must be free: two addresses cannot come from one. */
function formerProblems(addresses: { [name: string]: AddressArgs }, path: string): Problem[] {
  return Object.entries(addresses).flatMap(([key, { formerly }]) => {
    const others = Object.entries(addresses).filter(([k, a]) => k !== key && (k === formerly || a.formerly === formerly));
    if (formerly === undefined || others.length === 0) return [];
    const other = at(path, others[0]![0]);
    return [
      problem("Exclusive", at(at(path, key), "formerly"), `${show(formerly)} is ${other} too; an address has one successor`),
    ];
  });
}

/** Problems of a set of addresses. `prefix` is the component's name, of which physical names are made. */
export function addressesProblems(
  prefix: string,
  addresses: { [name: string]: AddressArgs },
  networks: Networks,
  path = "addresses",
): Problem[] {
  const each = Object.entries(addresses).flatMap(([key, a]) => {
    const here = at(path, key);
    const adopted = a.existing !== undefined || a.literal !== undefined;
    const named = a.name === undefined ? here : at(here, "name");
    return [...(adopted ? [] : cloudNameProblems(reservedName(prefix, key, a), named)), ...addressProblems(a, here, networks)];
  });
  const formers = formerProblems(addresses, path);
  // Two with one former name have one reservation, which is said already.
  const same = formers.length > 0 ? [] : sharedProblems(addresses, path, reservation(prefix));
  return [...each, ...formers, ...same, ...sharedProblems(addresses, path, fixedAddress)];
}

export function addressSetProblems(name: string, args: AddressSetArgs): Problem[] {
  return [
    ...cloudNameProblems(name, "name"),
    ...regionProblems(args.region),
    ...enumProblems(args.onDestroy, OnDestroy, "onDestroy"),
    ...labelProblems(args.labels),
    ...countProblems(args.addresses),
    ...unlockedProblems(args.unlocked, ["addresses"]),
    ...addressesProblems(name, expandAddresses(args.addresses), args.networks ?? {}),
  ];
}
