// SPDX-License-Identifier: Apache-2.0
// VPC firewalls deny ingress by default, so an address without a rule is silently dead (E55). A pure reading of the rules answers:
// could any packet from where clients are reach this address? Network firewall policies are not seen here (docs/limits.md).
import { parseAddress, parseRange, rangeContains, type Range } from "../api/ipv4";
import { isPrivate } from "../api/ipv4";
import type { ObservedFirewall } from "./types";

const PRIVATE_SOURCES = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"];

const rangesOf = (texts: readonly string[]): Range[] => texts.flatMap((text) => parseRange(text) ?? []);
const covers = (outer: Range, inner: Range): boolean => outer.first <= inner.first && inner.last <= outer.last;

function reaches(rule: ObservedFirewall, value: number): boolean {
  return rule.destinationRanges.length === 0 || rangesOf(rule.destinationRanges).some((range) => rangeContains(range, value));
}

/** Sources that matter to the address: for a public one, ranges that are not wholly private. A rule by source tags has none. */
function usefulSources(rule: ObservedFirewall, publicAddress: boolean): Range[] {
  const inside = rangesOf(PRIVATE_SOURCES);
  const sources = rangesOf(rule.sourceRanges);
  return publicAddress ? sources.filter((source) => !inside.some((range) => covers(range, source))) : sources;
}

// Deny wins at equal priority. Only a deny that surely hits everything the allow lets in counts as a shadow; a doubtful one does not.
function shadows(deny: ObservedFirewall, allow: ObservedFirewall, source: Range): boolean {
  if (deny.priority > allow.priority || deny.targeted) return false;
  const wholeProtocols =
    deny.protocols.includes("all") || allow.protocols.every((protocol) => coversProtocol(deny.protocols, protocol));
  const ranges = deny.sourceRanges.length === 0 ? [] : rangesOf(deny.sourceRanges);
  return wholeProtocols && ranges.some((range) => covers(range, source));
}

const coversProtocol = (denied: readonly string[], allowed: string): boolean =>
  denied.includes(allowed) || denied.includes(allowed.split(":")[0] ?? allowed);

/**
 * True when at least one enabled ingress rule of the VPC lets some protocol from some useful source reach the address, and no stronger
 * deny takes all of it away. Rules with target tags or service accounts count as allowing, because a node's tags are not known here.
 * @param address IPv4 literal of the persistent address, which is what the fabric matches: protocol forwarding does not translate it
 */
export function ingressAllowed(firewalls: readonly ObservedFirewall[], vpc: string, address: string): boolean {
  const parsed = parseAddress(address);
  if (!parsed.ok) return false;
  const here = firewalls.filter(
    (rule) => rule.network === vpc && rule.direction === "INGRESS" && !rule.disabled && reaches(rule, parsed.value),
  );
  const denies = here.filter((rule) => rule.action === "deny");
  const open = (allow: ObservedFirewall): boolean =>
    usefulSources(allow, !isPrivate(address)).some((source) => !denies.some((deny) => shadows(deny, allow, source)));
  return here.some((rule) => rule.action === "allow" && open(rule));
}

/** Names of the allow rules that `ingressAllowed` counts, for messages and `kubectl persistent-ip check`. */
export function allowingRules(firewalls: readonly ObservedFirewall[], vpc: string, address: string): string[] {
  const denies = firewalls.filter((rule) => rule.action === "deny");
  const allows = firewalls.filter((rule) => rule.action === "allow");
  return allows.filter((rule) => ingressAllowed([rule, ...denies], vpc, address)).map((rule) => rule.name);
}
