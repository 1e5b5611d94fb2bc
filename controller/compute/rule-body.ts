// SPDX-License-Identifier: Apache-2.0
// What a forwarding rule is asked for with. Pure, so that the exact body is easy to see and to compare.
import type { Schema } from "./client";
import { ComputeError } from "./errors";
import { ownedDescription } from "./ownership";
import { networkPath, regionalPath, urlOf } from "./paths";
import type { ComputeConfig, RuleSpec } from "./types";

export type Protocol = "L3_DEFAULT" | "TCP" | "UDP";
type Body = Schema["ForwardingRule"];

/**
 * Body of `forwardingRules.insert`. No labels: the server takes them by setLabels only (GitHub
 * kubernetes-sigs/cluster-api-provider-gcp#1276), so until then the description says whose the rule is.
 * @throws ComputeError `Invalid` for an internal rule without its VPC
 */
export function ruleBody(config: ComputeConfig, spec: RuleSpec, protocol: Protocol): Body {
  return {
    name: spec.name,
    description: ownedDescription(config.clusterUid, spec.description),
    // By name, not by literal: a literal that was released a moment ago would be taken as an ephemeral one and lost later.
    IPAddress: urlOf(regionalPath(config.project, config.region, "addresses", spec.addressName)),
    IPProtocol: protocol,
    allPorts: true,
    target: urlOf(spec.targetPath),
    ...(spec.scope === "Internal" ? internal(config, spec) : external(spec)),
  };
}

const external = ({ tier }: RuleSpec): Body => ({
  loadBalancingScheme: "EXTERNAL",
  ...(tier === undefined ? {} : { networkTier: tier }),
});

function internal({ project, region, networkProject = project }: ComputeConfig, spec: RuleSpec): Body {
  const { vpc, subnetwork, allowGlobalAccess } = spec;
  if (!vpc || !subnetwork) {
    const got = `got vpc ${vpc ?? "none"}, subnetwork ${subnetwork ?? "none"}`;
    const message = `forwarding rule ${spec.name} for internal address ${spec.address} needs vpc and subnetwork; ${got}`;
    throw new ComputeError({ code: "Invalid", method: "forwardingRules.insert", message });
  }
  return {
    loadBalancingScheme: "INTERNAL",
    network: urlOf(networkPath(networkProject, vpc)),
    subnetwork: urlOf(regionalPath(networkProject, region, "subnetworks", subnetwork)),
    ...(allowGlobalAccess === undefined ? {} : { allowGlobalAccess }),
  };
}
