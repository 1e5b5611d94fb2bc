// SPDX-License-Identifier: Apache-2.0
// From a change to the keys that it may concern, by index: never a walk over all Pods or all routes.
import { parseSelector, type Gateway, type GKEIPRoute, type Labels, type Matcher } from "../api";
import type { Priority, StoreEvent } from "../kubernetes";
import type { Caches, Kinds, Listener } from "./caches";
import { anyOf, labelKeys } from "./caches-kinds";
import { addressesOf, gatewaysOf, keyOf, sameView } from "./views";

export type Enqueue = (key: string, priority: Priority) => void;
export const routeKey = (key: string): string => `route/${key}`;
export const gatewayKey = (key: string): string => `gateway/${key}`;
export const classKey = (name: string): string => `class/${name}`;
export const bindingKey = (name: string): string => `binding/${name}`;

/** What triggers read of the caches. */
export type Lookup = Pick<Caches, "all" | "byIndex">;

export function triggers(caches: Lookup, enqueue: Enqueue): Listener {
  const selectors = new WeakMap<GKEIPRoute, Matcher | undefined>();
  const matcher = (route: GKEIPRoute): Matcher | undefined => {
    if (!selectors.has(route)) {
      const parsed = parseSelector(route.spec.podSelector);
      selectors.set(route, parsed.ok ? parsed.matches : undefined);
    }
    return selectors.get(route);
  };
  const routes = (list: readonly GKEIPRoute[], p: Priority): void => list.forEach((r) => enqueue(routeKey(keyOf(r)), p));
  const gateways = (list: readonly Gateway[], p: Priority): void => list.forEach((g) => enqueue(gatewayKey(keyOf(g)), p));
  const priority = (e: { initial: boolean }): Priority => (e.initial ? "background" : "live");

  /** Routes of the namespace whose selector matches the Pod as it is or as it was (E11). */
  const routesOfPod = (namespace: string, labels: readonly (Labels | undefined)[], p: Priority): void => {
    const keys = new Set([anyOf(namespace), ...labels.flatMap((l) => (l ? labelKeys(namespace, l) : []))]);
    for (const key of keys)
      for (const route of caches.byIndex("route", "selects", key)) {
        const matches = matcher(route);
        if (matches && labels.some((l) => l !== undefined && matches(l))) enqueue(routeKey(keyOf(route)), p);
      }
  };
  const rivals = (route: GKEIPRoute, p: Priority): void => {
    for (const address of addressesOf(route)) routes(caches.byIndex("route", "address", address), p);
    for (const gateway of gatewaysOf(route)) enqueue(gatewayKey(gateway), p);
  };
  const around = (gateway: Gateway, p: Priority): void => {
    routes(caches.byIndex("route", "gateway", keyOf(gateway)), p);
    for (const address of addressesOf(gateway)) {
      const others = caches.byIndex("gateway", "address", address).filter((g) => keyOf(g) !== keyOf(gateway));
      gateways(others, p);
      for (const g of others) routes(caches.byIndex("route", "gateway", keyOf(g)), p);
    }
  };
  const changed = <T extends Kinds["route" | "gateway"]>(e: StoreEvent<T>): boolean =>
    e.type !== "modified" ||
    e.object.metadata.generation !== e.old?.metadata.generation ||
    e.object.metadata.deletionTimestamp !== e.old?.metadata.deletionTimestamp ||
    // Defaults of stability are annotations, which no generation counts.
    !sameView(e.object.metadata.annotations, e.old?.metadata.annotations);
  const networkRoutes = (name: string, p: Priority): void => routes(caches.byIndex("route", "network", name), p);

  return {
    route: (e) => {
      enqueue(routeKey(keyOf(e.object)), priority(e));
      if (changed(e)) for (const o of [e.object, e.old]) if (o) rivals(o, priority(e));
      const accepted = (r: GKEIPRoute | undefined): string | undefined =>
        r?.status?.conditions?.find((c) => c.type === "Accepted")?.status;
      if (accepted(e.object) !== accepted(e.old)) for (const g of gatewaysOf(e.object)) enqueue(gatewayKey(g), priority(e));
      // Without our finalizer, as after a forced deletion, the route's key alone would not say what it leaves behind.
      if (e.type === "deleted")
        for (const b of caches.byIndex("binding", "route", e.object.metadata.uid ?? ""))
          enqueue(bindingKey(b.metadata.name), "live");
    },
    gateway: (e) => {
      enqueue(gatewayKey(keyOf(e.object)), priority(e));
      const classes = new Set([e.object, e.type === "added" ? undefined : e.old].flatMap((g) => g?.spec.gatewayClassName ?? []));
      // Whether a class is in use decides about its finalizer.
      if (e.type !== "modified" || classes.size > 1) for (const name of classes) enqueue(classKey(name), priority(e));
      if (changed(e)) for (const g of [e.object, e.old]) if (g) around(g, priority(e));
    },
    gatewayClass: (e) => {
      enqueue(classKey(e.object.metadata.name), priority(e));
      for (const g of caches.byIndex("gateway", "class", e.object.metadata.name)) {
        enqueue(gatewayKey(keyOf(g)), priority(e));
        around(g, priority(e));
      }
      // Whether we are alone decides about routes whose Gateway is missing.
      if (!e.initial && e.type !== "modified") routes(caches.all("route"), "background");
    },
    network: (e) => networkRoutes(e.object.metadata.name, priority(e)),
    paramSet: (e) => {
      for (const n of caches.byIndex("network", "params", e.object.metadata.name)) networkRoutes(n.metadata.name, priority(e));
    },
    networkInterface: (e) => routes(caches.byIndex("route", "namespace", e.object.metadata.namespace ?? ""), priority(e)),
    namespace: (e) => {
      if (e.type === "modified" && sameView(e.object.metadata.labels, e.old?.metadata.labels)) return;
      const own = caches.byIndex("route", "namespace", e.object.metadata.name);
      routes(own, priority(e));
      for (const r of own) for (const g of gatewaysOf(r)) enqueue(gatewayKey(g), priority(e));
    },
    node: (e) => {
      if (e.type === "modified" && sameView(e.object.view, e.old?.view)) return;
      for (const pod of caches.byIndex("pod", "node", e.object.metadata.name))
        routesOfPod(pod.view.namespace, [pod.view.labels], priority(e));
    },
    pod: (e) => {
      if (e.type === "modified" && sameView(e.object.view, e.old?.view)) return;
      routesOfPod(e.object.view.namespace, [e.object.view.labels, e.old?.view.labels], priority(e));
    },
    binding: (e) => {
      if (e.type === "deleted") return routes(caches.byIndex("route", "address", e.object.spec.address), priority(e));
      const { namespace, name } = e.object.spec.route;
      enqueue(routeKey(`${namespace}/${name}`), priority(e));
      if (e.type === "added") enqueue(bindingKey(e.object.metadata.name), "background");
    },
  };
}
