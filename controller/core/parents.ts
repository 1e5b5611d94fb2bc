// SPDX-License-Identifier: Apache-2.0
// The Gateways that a route names: which of them are ours and let it in, and whether the route is ours to answer at all (E36..E41, api.md 6.4).
import { isGatewayRef, specOf, type Gateway, type GKEIPRoute, type Listener, type ParentRef } from "../api";
import { isOurs, judgeGateway, type GatewayVerdict } from "./gateway";
import { kindAllowed, listenersFor } from "./listeners";
import { refusal, type Refusal } from "./refusal";
import type { World } from "./world";

export interface Parent {
  /** `namespace/name` of the Gateway. */
  key: string;
  verdict: GatewayVerdict;
}
const namespaceOf = (route: GKEIPRoute): string => route.metadata.namespace ?? "default";
export const gatewayKey = (ref: ParentRef, namespace: string): string => `${ref.namespace ?? namespace}/${ref.name}`;
export const gatewayRefs = (route: GKEIPRoute): ParentRef[] => (specOf(route).parentRefs ?? []).filter(isGatewayRef);

function unattachable(key: string, ref: ParentRef, namespace: string, meant: readonly Listener[]): Refusal {
  const names = meant.map((l) => l.name).join(", ");
  if (meant.length === 0) {
    const wanted = [
      ...(ref.sectionName === undefined ? [] : [`sectionName ${JSON.stringify(ref.sectionName)}`]),
      ...(ref.port === undefined ? [] : [`port ${ref.port}`]),
    ].join(" and ");
    return refusal("Unattachable", `Gateway ${key} has no listener with ${wanted}; correct spec.parentRefs`);
  }
  if (!meant.some(kindAllowed))
    return refusal(
      "Unattachable",
      `no listener of Gateway ${key} (${names}) takes GKEIPRoutes; name networking.gke.io/GKEIPRoute in the listener's allowedRoutes.kinds`,
    );
  return refusal(
    "Unattachable",
    `no listener of Gateway ${key} (${names}) takes GKEIPRoutes of namespace ${namespace}; allow it in the listener's allowedRoutes.namespaces`,
  );
}

/** One parentRef: the Gateway that lets the route in, why it does not, or undefined where it is none of our business. */
function attach(world: World, ref: ParentRef, namespace: string): Parent | Refusal | undefined {
  const key = gatewayKey(ref, namespace);
  const gateway = world.gateway(key);
  if (!gateway) return refusal("GatewayNotFound", `Gateway ${key} does not exist; create it, or correct spec.parentRefs`);
  if (!isOurs(world, gateway)) return undefined;
  if (gateway.metadata.deletionTimestamp)
    return refusal("GatewayNotFound", `Gateway ${key} is being deleted; create it again, or correct spec.parentRefs`);
  const verdict = judgeGateway(world, gateway);
  if (!verdict.accepted)
    return refusal("GatewayNotAccepted", `Gateway ${key} is not accepted (${verdict.reason}): ${verdict.message}`);
  const { meant, allow } = listenersFor(world, gateway, ref, namespace);
  return allow.length > 0 ? { key, verdict } : unattachable(key, ref, namespace, meant);
}

/** Every Gateway that lets the route in, each once, and the first reason why another does not. */
export function parentsOf(world: World, route: GKEIPRoute): { attached: Parent[]; failure?: Refusal } {
  const answers = gatewayRefs(route).flatMap((ref) => attach(world, ref, namespaceOf(route)) ?? []);
  const attached = new Map<string, Parent>();
  for (const a of answers) if (!("reason" in a) && !attached.has(a.key)) attached.set(a.key, a);
  const failure = answers.find((a): a is Refusal => "reason" in a);
  return { attached: [...attached.values()], ...(failure ? { failure } : {}) };
}

const gatewaysOf = (world: World, route: GKEIPRoute): (Gateway | undefined)[] =>
  gatewayRefs(route).map((ref) => world.gateway(gatewayKey(ref, namespaceOf(route))));

/** True where the route is ours to answer: it has a Gateway of ours, or it names one that nobody has yet and nobody else would answer. */
export const isOurRoute = (world: World, route: GKEIPRoute): boolean => dutyOf(world, route, false) === "answer";

/** `answer`: decide it and write its status. `release`: give back what we hold for it and write nothing. `leave`: not ours, never was. */
export type Duty = "answer" | "release" | "leave";

/**
 * What we owe a route. A Gateway that is gone leaves its routes with us for as long as we hold something for them (E37), one that was given to
 * another controller takes them along (E38).
 * @param held true while an AddressBinding names the route
 */
export function dutyOf(world: World, route: GKEIPRoute, held: boolean): Duty {
  const gateways = gatewaysOf(world, route);
  if (gateways.some((g) => g && isOurs(world, g))) return "answer";
  const foreign = gateways.some((g) => g !== undefined);
  const orphan = gateways.length > 0 || (specOf(route).parentRefs ?? []).length === 0;
  if (!foreign && orphan && (held || world.settings.alone)) return "answer";
  return held ? "release" : "leave";
}
