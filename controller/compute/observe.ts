// SPDX-License-Identifier: Apache-2.0
// From Google's schemas (everything optional, everything a URL) to this room's plain observations.
import type { Schema } from "./client";
import { ruleIsOurs, targetIsOurs } from "./ownership";
import { baseName, partOf, pathOf } from "./paths";
import type { ObservedAddress, ObservedFirewall, ObservedPrefix, ObservedRule, ObservedTarget } from "./types";

const name = (url: string | null | undefined): string | undefined => (url ? baseName(url) : undefined);
const path = (url: string | null | undefined): string | undefined => (url ? pathOf(url) : undefined);
const list = <T>(items: T[] | null | undefined): T[] => items ?? [];
const text = (value: string | null | undefined): string | undefined => value ?? undefined;

export function toRule(clusterUid: string, rule: Schema["ForwardingRule"]): ObservedRule {
  const labels = rule.labels ?? {};
  const description = text(rule.description);
  return {
    name: rule.name ?? "",
    address: rule.IPAddress ?? "",
    target: path(rule.target),
    scheme: rule.loadBalancingScheme ?? "EXTERNAL",
    protocol: rule.IPProtocol ?? "",
    network: name(rule.network),
    labels,
    labelFingerprint: text(rule.labelFingerprint),
    description,
    ...(rule.allowGlobalAccess ? { allowGlobalAccess: true } : {}),
    ours: ruleIsOurs(clusterUid, { labels, description }),
    id: String(rule.id ?? ""),
  };
}

export function toTarget(clusterUid: string, target: Schema["TargetInstance"]): ObservedTarget {
  const description = text(target.description);
  return {
    name: target.name ?? "",
    zone: name(target.zone) ?? "",
    instance: name(target.instance) ?? "",
    network: name(target.network),
    description,
    ours: targetIsOurs(clusterUid, { description }),
    id: String(target.id ?? ""),
    ...(target.creationTimestamp ? { created: target.creationTimestamp } : {}),
  };
}

export function toAddress(project: string, address: Schema["Address"]): ObservedAddress {
  return {
    name: address.name ?? "",
    address: address.address ?? "",
    type: address.addressType === "INTERNAL" ? "Internal" : "External",
    status: address.status ?? "",
    users: (address.users ?? []).map(pathOf),
    region: name(address.region),
    tier: text(address.networkTier),
    subnetwork: path(address.subnetwork),
    network: name(address.network),
    purpose: text(address.purpose),
    project: (address.selfLink ? partOf(address.selfLink, "projects") : undefined) ?? project,
  };
}

type Part = { IPProtocol?: string | null; ports?: string[] | null };

// A part with ports covers only those, which matters for a deny (firewall.ts): `tcp:22` is not `tcp`.
const protocolOf = ({ IPProtocol, ports }: Part): string =>
  `${IPProtocol ?? ""}${ports?.length ? `:${ports.join(",")}` : ""}`.toLowerCase();

export function toFirewall(rule: Schema["Firewall"]): ObservedFirewall {
  const { denied, allowed, sourceRanges, destinationRanges, targetTags, targetServiceAccounts } = rule;
  const denies = Boolean(denied?.length);
  return {
    name: rule.name ?? "",
    network: name(rule.network) ?? "",
    direction: rule.direction === "EGRESS" ? "EGRESS" : "INGRESS",
    priority: rule.priority ?? 1000,
    disabled: rule.disabled === true,
    action: denies ? "deny" : "allow",
    protocols: list(denies ? denied : allowed).map(protocolOf),
    sourceRanges: list(sourceRanges),
    destinationRanges: list(destinationRanges),
    targeted: list(targetTags).length + list(targetServiceAccounts).length > 0,
  };
}

// Statuses in which packets to the prefix can reach Google (api.md 4.4 and the schema's enum).
const USABLE: ReadonlySet<string> = new Set(["ACTIVE", "ANNOUNCED", "ANNOUNCED_TO_GOOGLE", "ANNOUNCED_TO_INTERNET"]);

export function toPrefix(prefix: Schema["PublicDelegatedPrefix"]): ObservedPrefix {
  const status = prefix.status ?? "";
  return { name: prefix.name ?? "", cidr: prefix.ipCidrRange ?? "", status, usable: USABLE.has(status) };
}
