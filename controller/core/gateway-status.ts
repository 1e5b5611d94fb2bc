// SPDX-License-Identifier: Apache-2.0
// Status of a Gateway and its listeners: only what is true of it now (api.md 6.2).
import {
  CIDR_ADDRESS_TYPE,
  isGatewayRef,
  isSupportedKind,
  SUPPORTED_KIND,
  errorsOf,
  listenerFindings,
  type Condition,
  type Gateway,
} from "../api";
import { accept, type Acceptance } from "./accept";
import { judgeGateway, listenersFor, type GatewayVerdict } from "./gateway";
import { keyOf, type World } from "./world";

export type Said = Omit<Condition, "lastTransitionTime">;
export interface GatewayStatusWanted {
  addresses: { type: string; value: string }[];
  conditions: Said[];
  listeners: { name: string; supportedKinds: { group: string; kind: string }[]; attachedRoutes: number; conditions: Said[] }[];
}

function programmed(
  world: World,
  gateway: Gateway,
  verdict: GatewayVerdict,
): { status: "True" | "False" | "Unknown"; reason: string; message: string; usable: string[] } {
  if (!verdict.accepted) return { status: "False", reason: "Invalid", message: verdict.message, usable: [] };
  const facts = verdict.addresses.map((address) => ({
    address,
    refused: verdict.refused.get(address),
    fact: world.addressFact(address, verdict.scope ?? "External"),
  }));
  const usable = facts.filter((f) => !f.refused && f.fact?.usable === true).map((f) => f.address);
  const bad = facts.flatMap((f) => (f.refused ? [f.refused] : f.fact?.usable === false ? [f.fact.message] : []));
  if (bad.length > 0) return { status: "False", reason: "AddressNotUsable", message: bad.join("; "), usable };
  if (verdict.unfilled)
    return {
      status: "False",
      reason: "AddressNotAssigned",
      message: "spec.addresses has an empty value; this controller fills in none, so write a reserved address",
      usable,
    };
  if (usable.length < facts.length)
    return { status: "Unknown", reason: "Pending", message: "looking the addresses up in Google Cloud", usable };
  return { status: "True", reason: "Programmed", message: "", usable };
}

function attachedRoutes(world: World, gateway: Gateway, memo: Map<string, Acceptance>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const route of world.routesOf(keyOf(gateway))) {
    if (!accept(world, route, memo).accepted) continue;
    const names = new Set<string>();
    const namespace = route.metadata.namespace ?? "default";
    for (const ref of (route.spec.parentRefs ?? []).filter(isGatewayRef))
      if (`${ref.namespace ?? namespace}/${ref.name}` === keyOf(gateway))
        for (const l of listenersFor(world, gateway, ref, namespace).allow) names.add(l.name);
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** What the status of a Gateway of ours must say; undefined where the Gateway is not ours (its status is left alone). */
export function gatewayStatus(world: World, gateway: Gateway): GatewayStatusWanted | undefined {
  const verdict = judgeGateway(world, gateway);
  if (!verdict.ours) return undefined;
  const observedGeneration = gateway.metadata.generation ?? 0;
  const p = programmed(world, gateway, verdict);
  const counts = attachedRoutes(world, gateway, new Map());
  return {
    addresses: p.usable.map((address) => ({ type: CIDR_ADDRESS_TYPE, value: `${address}/32` })),
    conditions: [
      {
        type: "Accepted",
        status: verdict.accepted ? "True" : "False",
        reason: verdict.reason,
        message: verdict.message,
        observedGeneration,
      },
      { type: "Programmed", status: p.status, reason: p.reason, message: p.message, observedGeneration },
    ],
    listeners: gateway.spec.listeners.map((l, i) => {
      const [wrong] = errorsOf(listenerFindings(l, `spec.listeners[${i}]`));
      const kinds = l.allowedRoutes?.kinds ?? [];
      const unknownKind = kinds.some((k) => !isSupportedKind(k));
      const supported = kinds.length === 0 || kinds.some(isSupportedKind);
      const said = (type: string, good: boolean, reasons: [string, string], message = ""): Said => ({
        type,
        status: good ? "True" : "False",
        reason: reasons[good ? 0 : 1],
        message: good ? "" : message,
        observedGeneration,
      });
      return {
        name: l.name,
        supportedKinds: supported ? [{ ...SUPPORTED_KIND }] : [],
        attachedRoutes: counts.get(l.name) ?? 0,
        conditions: [
          said("Accepted", !wrong, ["Accepted", "UnsupportedValue"], wrong && `${wrong.path}: ${wrong.message}`),
          said("Programmed", !wrong && verdict.accepted, ["Programmed", "Invalid"], wrong?.message ?? verdict.message),
          said(
            "ResolvedRefs",
            !unknownKind,
            ["ResolvedRefs", "InvalidRouteKinds"],
            `only ${SUPPORTED_KIND.group}/${SUPPORTED_KIND.kind} is supported`,
          ),
          { type: "Conflicted", status: "False", reason: "NoConflicts", message: "", observedGeneration },
        ],
      };
    }),
  };
}
