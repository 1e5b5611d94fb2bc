// SPDX-License-Identifier: Apache-2.0
// Reserved addresses that a program adopts by a plain name: read first, all at once, so that a name that does not exist stops the program before
// anything is made. Names that are only known later are read where they are used (addressSet.ts).
import type * as pulumi from "@pulumi/pulumi";
import { getAddress } from "@pulumi/gcp/compute/getAddress";
import type { AddressArgs, AddressSetArgs } from "./argsCloud";
import { at, notFound, saidBy, show } from "./checks";
import { scopeOf, valueProblems } from "./checksAddresses";
import { projectOf } from "./common";
import { AddressScope } from "./enums";
import { acceptLate, apart, isPlain, problem, type Problem, type Where } from "./problems";

export interface FoundAddress {
  name: string;
  address: string;
  addressType: string;
}
/** Adopted addresses as Google has them, by their keys. Not settled where there is a problem: the program ends with all of them. */
export type Adoption = Promise<ReadonlyMap<string, FoundAddress>>;

interface Shared {
  addresses: AddressSetArgs["addresses"];
  region: string;
  adoption: Adoption;
}
const shared = new WeakMap<pulumi.Resource, Shared>();

type Wanted = Pick<AddressSetArgs, "project" | "region" | "addresses"> & { networks?: { [name: string]: { cidr?: string } } };

/** What speaks against an address that was found. */
export function foundProblems(found: FoundAddress, a: AddressArgs, path: string, cidr: string | undefined): Problem[] {
  const scope = found.addressType === "INTERNAL" ? AddressScope.Internal : AddressScope.External;
  if (scope === scopeOf(a)) return valueProblems(found.address, scope, path, cidr);
  const what = `${found.name} (${found.address}) is ${found.addressType}, but the scope here is ${scopeOf(a)}`;
  return [problem("ScopeMismatch", path, what)];
}

/** Google's refusal of a read, in words that say what to do. */
export function unreadable(cause: unknown, name: string, region: string): string {
  const said = saidBy(cause);
  if (!notFound(said)) return `${show(name)} cannot be read: ${said}`;
  return (
    `${show(name)} is not a reserved address of region ${region}; reserve it there ` +
    `("gcloud compute addresses create ${name} --region ${region}"), correct the name, or leave existing out to have one reserved here`
  );
}

async function readAll(parent: pulumi.Resource, where: Where, args: Wanted): Adoption {
  const project = projectOf(args.project);
  const plain = isPlain(project) ? { project } : {};
  const read = async (
    key: string,
    a: AddressArgs,
    name: string,
  ): Promise<{ problems: Problem[]; found?: [string, FoundAddress] }> => {
    const path = at(at("addresses", key), "existing");
    const cidr = a.network === undefined ? undefined : args.networks?.[a.network]?.cidr;
    try {
      const found = await getAddress({ name, region: args.region, ...plain }, { parent });
      return { problems: foundProblems(found, a, path, cidr), found: [key, found] };
    } catch (cause) {
      return { problems: [problem("UnknownReference", path, unreadable(cause, name, args.region))] };
    }
  };
  const all = await Promise.all(
    Object.entries(args.addresses).flatMap(([key, a]) => (isPlain(a.existing) ? [read(key, a, a.existing)] : [])),
  );
  const found = new Map(all.flatMap((r) => (r.found ? [r.found] : [])));
  return acceptLate(
    where,
    all.flatMap((r) => r.problems),
    found,
  );
}

/**
 * Starts to read what is adopted. An AddressSet inside of another component uses what that one has begun to read.
 * @returns undefined where nothing is adopted by a plain name
 */
export function beginAdoption(parent: pulumi.Resource, where: Where, args: Wanted): Adoption | undefined {
  if (!Object.values(args.addresses).some((a) => isPlain(a.existing))) return undefined;
  const adoption = apart(() => readAll(parent, where, args));
  shared.set(parent, { addresses: args.addresses, region: args.region, adoption });
  return adoption;
}

/** What the component around it has begun to read for these very addresses. */
export function begunBy(parent: pulumi.Resource | undefined, args: Wanted): Adoption | undefined {
  const found = parent && shared.get(parent);
  return found?.addresses === args.addresses && found.region === args.region ? found.adoption : undefined;
}

/**
 * A list for `dependsOn` that nobody gets past before everything was found.
 * The SDK waits for promises of lists at any depth; its type tells of the first one only.
 */
export const afterAdoption = (adoption: Adoption | undefined): pulumi.Input<pulumi.Resource>[] =>
  adoption === undefined ? [] : [adoption.then(() => []) as unknown as pulumi.Input<pulumi.Resource>];
