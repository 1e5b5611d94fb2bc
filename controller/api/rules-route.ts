// SPDX-License-Identifier: Apache-2.0
// Rules of one GKEIPRoute that its schema cannot say. The controller's accept chain, the components and the CLI all call these.
import { error, warning, type Finding } from "./findings";
import { gkeIpRouteSchema, IMMUTABLE_ROUTE_FIELDS, type GKEIPRouteSpecInput, type ParentRef } from "./gkeiproute";
import { parseAddress } from "./ipv4";
import { CIDR_ADDRESS_TYPE, GATEWAY_GROUP, IP_ADDRESS_TYPE, isDefaultNetwork, MAX_ADDRESSES } from "./names";
import { schemaFindings } from "./schema-validate";
import { parseSelector, type LabelSelector } from "./selector";

type Address = { type?: string | undefined; value?: string | undefined };

/** True for a reference to a Gateway; others are none of our business (api.md 6.4). */
export const isGatewayRef = (ref: Partial<ParentRef>): boolean =>
  (ref.kind ?? "Gateway") === "Gateway" && (ref.group ?? GATEWAY_GROUP) === GATEWAY_GROUP;

export function parentRefFindings(refs: readonly Partial<ParentRef>[] | undefined, path = "spec.parentRefs"): Finding[] {
  if (!refs || refs.length === 0)
    return [
      error(
        "MissingParentRef",
        path,
        "is empty; name the Gateway that holds the addresses, for example [{ name: allowed-pod-ips }]",
      ),
    ];
  if (refs.some(isGatewayRef)) return [];
  const kinds = refs.map((r) => `${r.group ?? GATEWAY_GROUP}/${r.kind ?? "Gateway"}`).join(", ");
  return [error("ForeignParentKind", path, `names only ${kinds}; at least one must be a ${GATEWAY_GROUP}/Gateway`)];
}

/** Format, family, prefix, number (SEED-12, SEED-58, E26, E28, E30). Duplicates are a warning: they collapse. */
export function addressFindings(addresses: readonly Address[], path = "spec.addresses"): Finding[] {
  const found: Finding[] = [];
  const seen = new Map<string, number>();
  addresses.forEach((a, i) => {
    const at = `${path}[${i}]`;
    const type = a.type ?? IP_ADDRESS_TYPE;
    if (type !== CIDR_ADDRESS_TYPE && type !== IP_ADDRESS_TYPE)
      return void found.push(
        error(
          "UnsupportedAddressType",
          `${at}.type`,
          `${JSON.stringify(type)} is not one of ${CIDR_ADDRESS_TYPE}, ${IP_ADDRESS_TYPE}`,
        ),
      );
    const parsed = parseAddress(a.value ?? "");
    if (!parsed.ok) return void found.push(error("InvalidAddress", `${at}.value`, parsed.message));
    const first = seen.get(parsed.address);
    if (first !== undefined)
      found.push(warning("DuplicateAddress", `${at}.value`, `${parsed.address} is already at ${path}[${first}]; it counts once`));
    else seen.set(parsed.address, i);
  });
  if (seen.size > MAX_ADDRESSES)
    found.push(
      error(
        "TooManyAddresses",
        path,
        `has ${seen.size} addresses; at most ${MAX_ADDRESSES} are allowed in one object, so split them over several`,
      ),
    );
  return found;
}

/** Canonical addresses in order, each once; those that do not parse are left out. */
export function canonicalAddresses(addresses: readonly Address[] | undefined): string[] {
  return [...new Set((addresses ?? []).flatMap((a) => ((p) => (p.ok ? [p.address] : []))(parseAddress(a.value ?? ""))))];
}

/** @param allowEmpty true for selectors of nodes, where empty means all */
export function selectorFindings(selector: LabelSelector | undefined, path = "spec.podSelector", allowEmpty = false): Finding[] {
  const parsed = parseSelector(selector, allowEmpty);
  if (parsed.ok) return [];
  return parsed.problems.map((p) =>
    error(p.path === "" ? "EmptySelector" : "InvalidSelector", p.path === "" ? path : `${path}.${p.path}`, p.message),
  );
}

/** Everything that can be said of a route by itself, schema included. Findings of severity error mean it would not be accepted. */
export function routeFindings(spec: GKEIPRouteSpecInput, path = "spec"): Finding[] {
  const shape = schemaFindings(gkeIpRouteSchema.properties.spec, spec, path);
  if (shape.length > 0) return shape;
  const found = [
    ...parentRefFindings(spec.parentRefs, `${path}.parentRefs`),
    ...addressFindings(spec.addresses, `${path}.addresses`),
    ...selectorFindings(spec.podSelector, `${path}.podSelector`),
    ...selectorFindings(spec.nodeSelector, `${path}.nodeSelector`, true),
  ];
  if (isDefaultNetwork(spec.network ?? "default"))
    found.push(
      warning(
        "DefaultNetwork",
        `${path}.network`,
        "is the Pods' primary network, which carries persistent addresses only on GKE 1.31 or later; name a Network of type L3 or Device",
      ),
    );
  return found;
}

const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);
/** Same text for same content, whatever the order of keys. By keys only: a value such as `{ toString: "x" }`, a label, cannot be made a text of. */
const canonicalText = (v: unknown): string =>
  JSON.stringify(v, (_key, x: unknown) =>
    x && typeof x === "object" && !Array.isArray(x) ? Object.fromEntries(Object.entries(x).sort(byKey)) : x,
  ) ?? "unset";

/** A default left out and a default written out are one value. */
const withDefaults = (spec: GKEIPRouteSpecInput): GKEIPRouteSpecInput => ({
  ...spec,
  network: spec.network ?? gkeIpRouteSchema.properties.spec.properties.network.default,
  reactionMode: spec.reactionMode ?? gkeIpRouteSchema.properties.spec.properties.reactionMode.default,
  haPolicy: spec.haPolicy ?? false,
  parentRefs: (spec.parentRefs ?? []).map((r) => ({ ...r, group: r.group ?? GATEWAY_GROUP, kind: r.kind ?? "Gateway" })),
});

/** Immutable fields that an edit changes (SEED-56, SEED-64, SEED-65, E44). */
export function immutableFindings(before: GKEIPRouteSpecInput, after: GKEIPRouteSpecInput, path = "spec"): Finding[] {
  const [old, now] = [withDefaults(before), withDefaults(after)];
  return IMMUTABLE_ROUTE_FIELDS.filter((f) => canonicalText(old[f]) !== canonicalText(now[f])).map((f) =>
    error(
      "Immutable",
      `${path}.${f}`,
      `cannot be changed from ${canonicalText(before[f])} to ${canonicalText(after[f])}; delete the route and create it again, which interrupts its addresses`,
    ),
  );
}
