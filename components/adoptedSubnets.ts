// SPDX-License-Identifier: Apache-2.0
// Ranges of subnets that a program adopts by a plain name, read where they can be: what is wrong with them in view of the rest is said before anything
// is made. A subnet that cannot be read (it comes into being only now, or the reader has no right to) is not judged.
import type * as pulumi from "@pulumi/pulumi";
import { getSubnetwork } from "@pulumi/gcp/compute/getSubnetwork";
import type { AddressArgs, NetworkArgs } from "./argsCloud";
import { at, known, overlapProblems, show } from "./checks";
import { scopeOf, valueProblems } from "./checksAddresses";
import { projectOf } from "./common";
import { acceptLate, apart, isPlain, problem, type Problem, type Where } from "./problems";

/** What Google has under the name of an adopted subnet. */
export interface FoundSubnet {
  cidr: string;
  /** Secondary ranges by their names. */
  ranges: { [name: string]: string };
}
export interface SubnetsWanted {
  project?: pulumi.Input<string> | undefined;
  region: string;
  networks: { [name: string]: NetworkArgs };
  /** Addresses that are to be taken from them. */
  addresses?: { [name: string]: AddressArgs };
}

const missingRange = (n: NetworkArgs, subnet: FoundSubnet, path: string): Problem[] =>
  n.existingPodRange === undefined || subnet.ranges[n.existingPodRange] !== undefined
    ? []
    : [
        problem(
          "UnknownReference",
          at(path, "existingPodRange"),
          `${show(n.existingPodRange)} is not one of the secondary ranges of the subnet: ${known(Object.keys(subnet.ranges))}`,
        ),
      ];

/** Every range that Pods and nodes would have on the networks, made and found, by the path that says it. */
function rangesOf(
  networks: SubnetsWanted["networks"],
  found: ReadonlyMap<string, FoundSubnet>,
): { path: string; text: string }[] {
  const list = (path: string, text: string | undefined) => (text === undefined ? [] : [{ path, text }]);
  return Object.entries(networks).flatMap(([key, n]) => {
    const path = at("networks", key);
    const subnet = found.get(key);
    if (!subnet) return [...list(at(path, "cidr"), n.cidr), ...list(at(path, "podCidr"), n.podCidr)];
    const pods = n.existingPodRange === undefined ? undefined : subnet.ranges[n.existingPodRange];
    return [...list(at(path, "existingSubnetwork"), subnet.cidr), ...list(at(path, "existingPodRange"), pods)];
  });
}

/** What speaks against adopted subnets, as Google has them. Pure. */
export function subnetProblems(
  { networks, addresses = {} }: Pick<SubnetsWanted, "networks" | "addresses">,
  found: ReadonlyMap<string, FoundSubnet>,
): Problem[] {
  const outside = Object.entries(addresses).flatMap(([key, a]) => {
    const subnet = a.network === undefined ? undefined : found.get(a.network);
    if (!subnet || !isPlain(a.address)) return [];
    return valueProblems(a.address, scopeOf(a), at(at("addresses", key), "address"), subnet.cidr);
  });
  const missing = [...found].flatMap(([key, subnet]) => missingRange(networks[key]!, subnet, at("networks", key)));
  return [...missing, ...overlapProblems(rangesOf(networks, found)), ...outside];
}

async function read(parent: pulumi.Resource, args: SubnetsWanted): Promise<ReadonlyMap<string, FoundSubnet>> {
  const project = projectOf(args.project);
  const place = { region: args.region, ...(isPlain(project) ? { project } : {}) };
  const one = async (key: string, subnet: string): Promise<[string, FoundSubnet][]> => {
    const which = subnet.includes("/") ? { selfLink: subnet } : { name: subnet, ...place };
    const got = await getSubnetwork(which, { parent }).catch(() => undefined);
    if (!got?.ipCidrRange) return [];
    const ranges = Object.fromEntries((got.secondaryIpRanges ?? []).map((r) => [r.rangeName, r.ipCidrRange]));
    return [[key, { cidr: got.ipCidrRange, ranges }]];
  };
  const asked = Object.entries(args.networks).flatMap(([key, n]) =>
    isPlain(n.existingSubnetwork) ? [one(key, n.existingSubnetwork)] : [],
  );
  return new Map((await Promise.all(asked)).flat());
}

const begun = new WeakSet<pulumi.Resource>();

/**
 * Reads the subnets that are adopted by plain names.
 * @returns a list for `dependsOn` that nobody gets past where something speaks against them: the program ends with all of it
 */
export function checkSubnets(
  parent: pulumi.Resource,
  where: Where,
  args: SubnetsWanted,
  around?: pulumi.Resource,
): pulumi.Input<pulumi.Resource>[] {
  if (around && begun.has(around)) return [];
  if (!Object.values(args.networks).some((n) => isPlain(n.existingSubnetwork))) return [];
  begun.add(parent);
  const judged = apart(async () => acceptLate(where, subnetProblems(args, await read(parent, args)), []));
  return [judged as unknown as pulumi.Input<pulumi.Resource>];
}
