// SPDX-License-Identifier: Apache-2.0
// Status of a Gateway and its listeners: only what is true of it now (api.md 6.2).
import {
  canonicalAddresses,
  errorsOf,
  IP_ADDRESS_TYPE,
  isSupportedKind,
  listenerFindings,
  SUPPORTED_KIND,
  type Condition,
  type Gateway,
  type GKEIPRoute,
  type Listener,
} from "../api";
import { accept, type Acceptance } from "./accept";
import { judgeGateway, type GatewayVerdict } from "./gateway";
import { kindAllowed, listenersFor } from "./listeners";
import { gatewayKey, gatewayRefs } from "./parents";
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
  const bad = [
    ...verdict.refused.values(),
    ...facts.flatMap((f) => (!f.refused && f.fact?.usable === false ? [f.fact.message] : [])),
  ];
  if (bad.length > 0) return { status: "False", reason: "AddressNotUsable", message: bad.join("; "), usable };
  if (verdict.unfilled || facts.length === 0)
    return {
      status: "False",
      reason: "AddressNotAssigned",
      message: `spec.addresses ${verdict.unfilled ? "has an empty value" : "is empty"}; this controller fills in none, so write a reserved address`,
      usable,
    };
  if (usable.length < facts.length)
    return { status: "Unknown", reason: "Pending", message: "looking the addresses up in Google Cloud", usable };
  return { status: "True", reason: "Programmed", message: "", usable };
}

/** Listeners of the Gateway that let the route in. */
function listenersOf(world: World, gateway: Gateway, route: GKEIPRoute): Set<string> {
  const namespace = route.metadata.namespace ?? "default";
  const refs = gatewayRefs(route).filter((ref) => gatewayKey(ref, namespace) === keyOf(gateway));
  return new Set(refs.flatMap((ref) => listenersFor(world, gateway, ref, namespace).allow.map((l) => l.name)));
}

/** Routes with Accepted=True, by listener. A Gateway that is not accepted has none. */
function attachedRoutes(world: World, gateway: Gateway): Map<string, number> {
  const counts = new Map<string, number>();
  const memo = new Map<string, Acceptance>();
  for (const route of world.routesOf(keyOf(gateway))) {
    if (!accept(world, route, memo).accepted) continue;
    for (const name of listenersOf(world, gateway, route)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** As the spec writes it, so that whoever compares the two lists finds it (api.md 6.2). */
function asWritten(gateway: Gateway, address: string): { type: string; value: string } {
  const found = (gateway.spec.addresses ?? []).find((a) => canonicalAddresses([a])[0] === address);
  return { type: found?.type ?? IP_ADDRESS_TYPE, value: found?.value ?? address };
}

function listenerStatus(verdict: GatewayVerdict, l: Listener, at: ListenerAt): GatewayStatusWanted["listeners"][number] {
  const [wrong] = errorsOf(listenerFindings(l, at.path));
  const kinds = l.allowedRoutes?.kinds ?? [];
  const said = (type: string, good: boolean, reasons: [string, string], message = ""): Said => ({
    type,
    status: good ? "True" : "False",
    reason: reasons[good ? 0 : 1],
    message: good ? "" : message,
    observedGeneration: at.observedGeneration,
  });
  return {
    name: l.name,
    supportedKinds: kindAllowed(l) ? [{ ...SUPPORTED_KIND }] : [],
    attachedRoutes: at.attachedRoutes,
    conditions: [
      said("Accepted", !wrong, ["Accepted", "UnsupportedValue"], wrong && `${wrong.path}: ${wrong.message}`),
      said(
        "Programmed",
        !wrong && verdict.accepted,
        ["Programmed", "Invalid"],
        wrong ? `${wrong.path}: ${wrong.message}` : verdict.message,
      ),
      said(
        "ResolvedRefs",
        kinds.every(isSupportedKind),
        ["ResolvedRefs", "InvalidRouteKinds"],
        `only ${SUPPORTED_KIND.group}/${SUPPORTED_KIND.kind} is supported`,
      ),
      said("Conflicted", false, ["NoConflicts", "NoConflicts"]),
    ],
  };
}
interface ListenerAt {
  path: string;
  attachedRoutes: number;
  observedGeneration: number;
}

/** What the status of a Gateway of ours must say; undefined where the Gateway is not ours (its status is left alone). */
export function gatewayStatus(world: World, gateway: Gateway): GatewayStatusWanted | undefined {
  const verdict = judgeGateway(world, gateway);
  if (!verdict.ours) return undefined;
  const observedGeneration = gateway.metadata.generation ?? 0;
  const p = programmed(world, gateway, verdict);
  const counts = verdict.accepted ? attachedRoutes(world, gateway) : new Map<string, number>();
  return {
    addresses: p.usable.map((address) => asWritten(gateway, address)),
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
    listeners: gateway.spec.listeners.map((l, i) =>
      listenerStatus(verdict, l, {
        path: `spec.listeners[${i}]`,
        attachedRoutes: counts.get(l.name) ?? 0,
        observedGeneration,
      }),
    ),
  };
}
