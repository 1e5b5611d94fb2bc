// SPDX-License-Identifier: Apache-2.0
// The pack for "pulumi preview --policy-pack": what the rules find, given to the engine. docs/policy.md has the list.
import { PolicyPack, type PolicyResource, type ResourceValidationArgs, type StackValidationPolicy } from "@pulumi/policy";
import * as rules from "./rules";
import type { Finding, Planned } from "./rules";

const planned = (r: ResourceValidationArgs | PolicyResource): Planned => ({
  type: r.type,
  urn: r.urn,
  name: r.name,
  props: r.props as Record<string, unknown>,
  protect: r.opts.protect,
});

const ofStack = (
  name: string,
  description: string,
  rule: (stack: readonly Planned[]) => Finding[],
  enforcementLevel: "mandatory" | "advisory" = "mandatory",
): StackValidationPolicy => ({
  name,
  description,
  enforcementLevel,
  validateStack: (args, report) => {
    for (const f of rule(args.resources.map(planned))) report(f.message, f.urn);
  },
});

new PolicyPack("gke-persistent-ip", {
  policies: [
    {
      name: "reserved-address-protected",
      description: "Reserved addresses of the package's components are protected against deletion and replacement.",
      enforcementLevel: "mandatory",
      validateResource: (args, report) => rules.reservedAddressProtected(planned(args)).forEach((m) => report(m)),
    },
    {
      name: "no-empty-selector",
      description: "A route says which Pods may hold its addresses.",
      enforcementLevel: "mandatory",
      validateResource: (args, report) => rules.noEmptySelector(planned(args)).forEach((m) => report(m)),
    },
    {
      name: "no-plain-text-secrets",
      description: "No private key, token or key file lies open in a property.",
      enforcementLevel: "mandatory",
      validateResource: (args, report) => rules.noPlainSecrets(planned(args)).forEach((m) => report(m)),
    },
    ofStack("one-route-per-address", "No two routes of a stack want one address.", rules.oneRoutePerAddress),
    ofStack("addresses-in-region-of-cluster", "Addresses are in the cluster's region.", rules.addressesInRegionOfCluster),
    ofStack("one-tier-per-gateway", "Addresses of a Gateway are of one network tier.", rules.oneTierPerGateway, "advisory"),
  ],
});
