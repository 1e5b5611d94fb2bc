// SPDX-License-Identifier: Apache-2.0
// Rules of Gateways: which addresses are offered, and to whom.
import { error, warning, type Finding } from "./findings";
import type { Gateway, GatewayAddress, Listener } from "./kinds";
import { CIDR_ADDRESS_TYPE, GATEWAY_GROUP, GKE_NETWORKING_GROUP, IP_ADDRESS_TYPE, MAX_ADDRESSES, scopeOfClass } from "./names";
import { addressFindings } from "./rules-route";
import { parseSelector } from "./selector";

/** The only kind of route that our listeners take. */
export const SUPPORTED_KIND = { group: GKE_NETWORKING_GROUP, kind: "GKEIPRoute" } as const;
export const isSupportedKind = (k: { group?: string; kind: string }): boolean =>
  (k.group ?? GATEWAY_GROUP) === SUPPORTED_KIND.group && k.kind === SUPPORTED_KIND.kind;
export const supportsAddressType = (type: string | undefined): boolean =>
  [CIDR_ADDRESS_TYPE, IP_ADDRESS_TYPE].includes(type ?? IP_ADDRESS_TYPE);

export function listenerFindings(l: Listener, path: string): Finding[] {
  const namespaces = l.allowedRoutes?.namespaces;
  const found: Finding[] = [];
  if (namespaces?.from === "Selector") {
    const parsed = parseSelector(namespaces.selector, true);
    if (!namespaces.selector)
      found.push(
        error(
          "ListenerSelectorMissing",
          `${path}.allowedRoutes.namespaces.selector`,
          "is missing although from is Selector; name the labels of the namespaces, or use from: All",
        ),
      );
    else if (!parsed.ok)
      found.push(
        ...parsed.problems.map((p) => error("InvalidSelector", `${path}.allowedRoutes.namespaces.selector.${p.path}`, p.message)),
      );
  }
  const kinds = l.allowedRoutes?.kinds ?? [];
  if (kinds.length > 0 && !kinds.some(isSupportedKind))
    found.push(
      error(
        "ListenerKindUnsupported",
        `${path}.allowedRoutes.kinds`,
        `does not name ${SUPPORTED_KIND.group}/${SUPPORTED_KIND.kind}, the only kind that these listeners take`,
      ),
    );
  return found;
}

/** The Gateway API takes no prefix with the type IPAddress (api.md 6.3); GKEIPRoute does. */
const literalFindings = (addresses: readonly GatewayAddress[], path: string): Finding[] =>
  addresses.flatMap(({ type, value }, i) =>
    (type ?? IP_ADDRESS_TYPE) === IP_ADDRESS_TYPE && /\/\d+$/.test(value ?? "")
      ? [
          error(
            "InvalidAddress",
            `${path}[${i}].value`,
            `${JSON.stringify(value)} has a prefix, which the type ${IP_ADDRESS_TYPE} does not take; write type ${CIDR_ADDRESS_TYPE}`,
          ),
        ]
      : [],
  );

/** Everything that can be said of a Gateway by itself (SEED-43..SEED-50, api.md 6.2). An empty address value is for the controller to judge. */
export function gatewayFindings(spec: Gateway["spec"], path = "spec"): Finding[] {
  const found: Finding[] = [];
  if (!scopeOfClass(spec.gatewayClassName))
    found.push(
      warning(
        "UnknownClass",
        `${path}.gatewayClassName`,
        `${JSON.stringify(spec.gatewayClassName)} is not a class of this project; nothing here will act on the Gateway`,
      ),
    );
  const given = (spec.addresses ?? []).filter((a): a is GatewayAddress & { value: string } => (a.value ?? "") !== "");
  if (given.length === 0)
    found.push(error("Required", `${path}.addresses`, "is empty; list the reserved addresses that routes may claim"));
  found.push(...addressFindings(given, `${path}.addresses`), ...literalFindings(given, `${path}.addresses`));
  if ((spec.addresses ?? []).length > MAX_ADDRESSES && !found.some((f) => f.code === "TooManyAddresses"))
    found.push(
      error(
        "TooManyAddresses",
        `${path}.addresses`,
        `has ${spec.addresses?.length} entries; a Gateway takes at most ${MAX_ADDRESSES}`,
      ),
    );
  if (spec.listeners.length === 0)
    found.push(error("Required", `${path}.listeners`, "is empty; without a listener no namespace may attach"));
  spec.listeners.forEach((l, i) => found.push(...listenerFindings(l, `${path}.listeners[${i}]`)));
  return found;
}
