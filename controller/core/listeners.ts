// SPDX-License-Identifier: Apache-2.0
// Which listeners of a Gateway let a route in: by sectionName and port, by kind, by namespace (SEED-44..SEED-50, api.md 6.4).
import { isSupportedKind, parseSelector, type Gateway, type LabelSelector, type Listener, type ParentRef } from "../api";
import type { World } from "./world";

function selects(world: World, selector: LabelSelector | undefined, namespace: string): boolean {
  // Selector without a selector allows nobody: refusing is the safe reading (api.md 6.4).
  const parsed = selector ? parseSelector(selector, true) : undefined;
  const labels = world.namespaceLabels(namespace);
  return parsed?.ok === true && labels !== undefined && parsed.matches(labels);
}

function namespaceAllowed(world: World, gateway: Gateway, listener: Listener, namespace: string): boolean {
  const { from = "Same", selector } = listener.allowedRoutes?.namespaces ?? {};
  switch (from) {
    case "All":
      return true;
    case "None":
      return false;
    case "Same":
      return namespace === (gateway.metadata.namespace ?? "default");
    case "Selector":
      return selects(world, selector, namespace);
  }
}

/** No kinds named means all that is supported, which is GKEIPRoute. */
export const kindAllowed = (l: Listener): boolean => {
  const kinds = l.allowedRoutes?.kinds ?? [];
  return kinds.length === 0 || kinds.some(isSupportedKind);
};

/** Listeners of the Gateway that a parentRef means, and those of them that take GKEIPRoutes of the namespace. */
export function listenersFor(
  world: World,
  gateway: Gateway,
  ref: Pick<ParentRef, "sectionName" | "port">,
  namespace: string,
): { allow: Listener[]; meant: Listener[] } {
  const meant = gateway.spec.listeners.filter(
    (l) => (ref.sectionName === undefined || l.name === ref.sectionName) && (ref.port === undefined || l.port === ref.port),
  );
  return { meant, allow: meant.filter((l) => kindAllowed(l) && namespaceAllowed(world, gateway, l, namespace)) };
}
