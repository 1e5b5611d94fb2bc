// SPDX-License-Identifier: Apache-2.0
// Reserved addresses, keyed by name. An Address is immutable as a whole except for its labels, and replacing one gives it back: no descriptions,
// protected, and kept at Google when it leaves the program (pulumi.md 1, points 2 and 7).
import * as pulumi from "@pulumi/pulumi";
import { Address } from "@pulumi/gcp/compute/address";
import { getAddressOutput } from "@pulumi/gcp/compute/getAddress";
import { type Adoption, afterAdoption, beginAdoption, begunBy, foundProblems } from "./adoption";
import type { AddressArgs, AddressSetArgs } from "./argsCloud";
import { at } from "./checks";
import { addressSetProblems, reservedName, scopeOf, valueProblems } from "./checksAddresses";
import { addressOptions, compact, inherited, projectOf, projectProblems, tidyLabels, typeOf } from "./common";
import { AddressScope } from "./enums";
import { expandAddresses } from "./expand";
import { addressesFixed, keeping } from "./fixedFacts";
import { guard } from "./guard";
import { explained } from "./kept";
import { acceptLate, checkedLater, isPlain, refuse, type Where } from "./problems";

const COMPONENT = "AddressSet";

/**
 * Addresses to be given to Pods: Google's, adopted ones, or your own (SEED-3, SEED-27, SEED-38).
 * @throws ArgumentError with every problem of the arguments, before anything is registered
 */
export class AddressSet extends pulumi.ComponentResource {
  /** The addresses, dotted. The keys are known in a preview even where the values are not. */
  public readonly addresses: { [name: string]: pulumi.Output<string> };
  /** Names of the reserved addresses in Google Cloud; literal ones have none. */
  public readonly addressNames: { [name: string]: pulumi.Output<string> };

  constructor(name: string, args: AddressSetArgs, opts?: pulumi.ComponentResourceOptions) {
    refuse({ component: COMPONENT, name }, [...projectProblems(args.project), ...addressSetProblems(name, args)]);
    const { inputs, opts: options } = guard({ component: COMPONENT, name }, opts, {
      fixed: addressesFixed(name, expandAddresses(args.addresses), args.region),
      ...keeping(args),
    });
    super(typeOf(COMPONENT), name, inputs, options);
    const adoption = begunBy(opts?.parent, args) ?? beginAdoption(this, { component: COMPONENT, name }, args);
    const set = Object.entries(expandAddresses(args.addresses)).map(
      ([key, a]) => [key, addressOf(this, name, args, { key, a, adoption, after: inherited(opts) })] as const,
    );
    this.addresses = Object.fromEntries(set.map(([key, v]) => [key, v.address]));
    this.addressNames = Object.fromEntries(set.flatMap(([key, v]) => (v.name === undefined ? [] : [[key, v.name]])));
    this.registerOutputs({ addresses: this.addresses, addressNames: this.addressNames });
  }
}

interface Entry {
  key: string;
  a: AddressArgs;
  adoption: Adoption | undefined;
  /** What the component waits for. */
  after: pulumi.Input<pulumi.Resource>[];
}
interface Made {
  address: pulumi.Output<string>;
  name?: pulumi.Output<string>;
}

function addressOf(parent: AddressSet, name: string, args: AddressSetArgs, entry: Entry): Made {
  const where = { component: COMPONENT, name };
  const path = at("addresses", entry.key);
  const { a } = entry;
  if (a.literal !== undefined) {
    const check = (v: string) => valueProblems(v, scopeOf(a), at(path, "literal"), cidrOf(args, a));
    return { address: pulumi.output(checkedLater(where, a.literal, check)) };
  }
  return a.existing === undefined ? reserve(parent, name, args, entry) : adopt(parent, where, args, entry);
}

const cidrOf = (args: AddressSetArgs, a: AddressArgs): string | undefined =>
  a.network === undefined ? undefined : args.networks?.[a.network]?.cidr;

/** A subnet's URL from its name, so that it is known before it exists; self links pass through. */
function subnetworkUrl(args: AddressSetArgs, subnetwork: pulumi.Input<string>): pulumi.Output<string> {
  const project = args.networkProject ?? projectOf(args.project)!;
  return pulumi
    .all([subnetwork, project])
    .apply(([s, p]) => (s.includes("/") ? s : `projects/${p}/regions/${args.region}/subnetworks/${s}`));
}

function reserve(parent: AddressSet, name: string, args: AddressSetArgs, { key, a, adoption, after }: Entry): Made {
  const where = { component: COMPONENT, name };
  const scope = scopeOf(a);
  const subnetwork = a.subnetwork ?? (a.network === undefined ? undefined : args.networks![a.network]!.subnetwork);
  const check = (v: string) => valueProblems(v, scope, at(at("addresses", key), "address"), cidrOf(args, a));
  const aliases = a.formerly === undefined ? [] : [{ name: `${name}-${a.formerly}` }];
  const address = new Address(
    `${name}-${key}`,
    compact({
      name: reservedName(name, key, a),
      project: projectOf(args.project),
      region: args.region,
      addressType: scope === AddressScope.External ? "EXTERNAL" : "INTERNAL",
      address: a.address === undefined ? undefined : checkedLater(where, a.address, check),
      networkTier: a.tier,
      purpose: a.shared ? "SHARED_LOADBALANCER_VIP" : undefined,
      subnetwork: subnetwork === undefined ? undefined : subnetworkUrl(args, subnetwork),
      ipCollection: a.fromPrefix,
      labels: tidyLabels(args.labels),
    }),
    {
      parent,
      aliases,
      ...whereTaken(name, key, a),
      dependsOn: [...after, ...afterAdoption(adoption)],
      ...addressOptions(args, at("addresses", key)),
    },
  );
  // A plain wish is the result too: so the first preview can show it wherever it is used.
  const value = typeof a.address === "string" ? address.urn.apply(() => a.address as string) : address.address;
  return { address: value, name: address.name };
}

const whereTaken = (name: string, key: string, a: AddressArgs): pulumi.ResourceOptions => {
  const taken = reservedName(name, key, a);
  const remedy = `adopt it with existing: "${taken}", import it with "pulumi import", or release it with gcloud compute addresses delete`;
  return explained({ path: at("addresses", key), name: taken }, remedy);
};

function adopt(parent: AddressSet, where: Where, args: AddressSetArgs, { key, a, adoption }: Entry): Made {
  if (isPlain(a.existing)) {
    const found = pulumi.output(adoption!.then((all) => all.get(key)!));
    return { address: found.address, name: found.name };
  }
  const path = at(at("addresses", key), "existing");
  const found = getAddressOutput({ name: a.existing!, region: args.region, project: projectOf(args.project) }, { parent }).apply(
    (f) => acceptLate(where, foundProblems(f, a, path, cidrOf(args, a)), f),
  );
  return { address: found.address, name: found.name };
}
