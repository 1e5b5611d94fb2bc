// SPDX-License-Identifier: Apache-2.0
// The pack for "pulumi preview --policy-pack": what the rules find, given to the engine. docs/policy.md has the list. JavaScript, because
// @pulumi/policy is the pack's own dependency and not the repository's.
"use strict";
const { PolicyPack } = require("@pulumi/policy");
const rules = require("./rules");

/** Inputs of resources by URN: in the first preview of a cluster its Kubernetes objects have no outputs, and a stack is judged by outputs. */
const inputs = new Map();

/** A copy without what is unknown yet, which throws when it is read. */
function known(props) {
  const copy = {};
  for (const key of Object.keys(props))
    try {
      if (props[key] !== undefined) copy[key] = JSON.parse(JSON.stringify(props[key]));
    } catch {
      // unknown
    }
  return copy;
}

/** @param r a resource as the engine hands it to policies; @returns {import("./rules").Planned} */
const planned = (r, props) => ({ type: r.type, urn: r.urn, name: r.name, props, protect: r.opts.protect === true });
const planOf = (r) => planned(r, { ...inputs.get(r.urn), ...known(r.props) });

const ofResource = (name, description, rule) => ({
  name,
  description,
  enforcementLevel: "mandatory",
  validateResource: (args, report) => {
    inputs.set(args.urn, known(args.props));
    rule(planned(args, inputs.get(args.urn))).forEach((message) => report(message));
  },
});
const ofStack = (name, description, rule, enforcementLevel = "mandatory") => ({
  name,
  description,
  enforcementLevel,
  validateStack: (args, report) => rule(args.resources.map(planOf)).forEach((f) => report(f.message, f.urn)),
});

new PolicyPack("gke-persistent-ip", {
  policies: [
    ofResource(
      "reserved-address-protected",
      "Reserved addresses of the package's components are protected against deletion and replacement.",
      rules.reservedAddressProtected,
    ),
    ofResource("no-empty-selector", "A route says which Pods may hold its addresses.", rules.noEmptySelector),
    ofResource("no-plain-text-secrets", "No private key, token or key file lies open in a property.", rules.noPlainSecrets),
    ofStack("one-route-per-address", "No two routes of a stack want one address.", rules.oneRoutePerAddress),
    ofStack("addresses-in-region-of-cluster", "Addresses are in the cluster's region.", rules.addressesInRegionOfCluster),
    ofStack("one-tier-per-gateway", "Addresses of a Gateway are of one network tier.", rules.oneTierPerGateway, "advisory"),
  ],
});
