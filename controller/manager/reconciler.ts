// SPDX-License-Identifier: Apache-2.0
// One queue for all kinds of work; this says who does which key.
import { CONTROLLER_NAME, GKE_CLASSES, ROUTE_FINALIZER, scopeOfClass } from "../api";
import { gatewayStatus } from "../core";
import { isApiError } from "../kubernetes";
import { AddressDriver, type Parts } from "./address";
import { releaseBinding } from "./release";
import { RouteReconciler, type Result } from "./route";
import { bindingKey, gatewayKey, routeKey, type Enqueue } from "./triggers";
import { addressesOf, keyOf } from "./views";

export class Reconciler {
  private readonly routes: RouteReconciler;
  private readonly driver: AddressDriver;

  constructor(
    private readonly parts: Parts,
    private readonly enqueue: Enqueue,
  ) {
    this.driver = new AddressDriver(parts);
    this.routes = new RouteReconciler(parts, this.driver, (key) => enqueue(routeKey(key), "live"));
  }

  /** Works on one key of the queue, such as `route/default/web`. */
  async reconcile(key: string): Promise<Result> {
    const slash = key.indexOf("/");
    const name = key.slice(slash + 1);
    switch (key.slice(0, slash)) {
      case "route":
        return this.routes.reconcile(name);
      case "gateway":
        return this.gateway(name);
      case "class":
        return this.gatewayClass(name);
      case "binding":
        return this.orphan(name);
      default:
        throw new Error(`unknown key ${JSON.stringify(key)}`);
    }
  }

  private async gateway(key: string): Promise<Result> {
    const { caches, cloud, writer } = this.parts;
    const gateway = caches.world.gateway(key);
    if (!gateway || gateway.metadata.deletionTimestamp) return undefined;
    const scope = scopeOfClass(gateway.spec.gatewayClassName) ?? "External";
    const unknown = addressesOf(gateway).filter((address) => cloud.fact({ address, scope })?.usable !== true);
    if (gatewayStatus(caches.world, gateway) === undefined) return undefined;
    for (const address of unknown) await cloud.look({ address, scope });
    const want = gatewayStatus(caches.world, gateway);
    if (want) await writer.gatewayStatus(gateway, want);
    const waits = want?.conditions.some((c) => c.type === "Programmed" && c.status !== "True") ?? false;
    return waits ? { requeueAfterMs: 30_000 } : undefined;
  }

  private async gatewayClass(name: string): Promise<Result> {
    const found = this.parts.caches.world.gatewayClass(name);
    if (found?.spec.controllerName === this.parts.settings.controllerName) await this.parts.writer.classAccepted(found);
    return undefined;
  }

  /** A claim whose route does not exist any more, for example because somebody took its finalizer away. */
  private async orphan(name: string): Promise<Result> {
    const { caches } = this.parts;
    const binding = caches.binding(name);
    if (!binding) return undefined;
    const route = caches.route(`${binding.spec.route.namespace}/${binding.spec.route.name}`);
    if (route?.metadata.uid === binding.spec.route.uid) return undefined;
    const claimants = caches.world.routesClaiming(binding.spec.address);
    claimants.forEach((r) => this.enqueue(routeKey(keyOf(r)), "background"));
    if (claimants.length > 0) return { requeueAfterMs: 60_000 };
    await this.driver.exclusively(name, () => releaseBinding(this.parts, name, binding.spec.route.uid));
    await this.parts.targets.sweep();
    return undefined;
  }

  /** The seed's class names, only where nobody has made them (SEED-41, SEED-42). */
  async compatibilityClasses(): Promise<void> {
    for (const scope of ["External", "Internal"] as const) {
      if (this.parts.caches.world.gatewayClass(GKE_CLASSES[scope])) continue;
      await this.parts.writer
        .createClass(GKE_CLASSES[scope], CONTROLLER_NAME, `${scope.toLowerCase()} persistent IPs; made because none was here`)
        .catch((error: unknown) => {
          if (!isApiError(error, "AlreadyExists")) throw error;
        });
    }
  }

  /** Drift: reads the cloud anew, has what changed looked at, removes target instances that nobody wants, counts orphans. */
  async drift(first: boolean): Promise<void> {
    const { caches, cloud, targets, metrics, clusterUid, logger } = this.parts;
    const changed = await cloud.refresh();
    for (const address of changed) {
      caches.byIndex("route", "address", address).forEach((r) => this.enqueue(routeKey(keyOf(r)), "background"));
      caches.byIndex("gateway", "address", address).forEach((g) => this.enqueue(gatewayKey(keyOf(g)), "background"));
    }
    caches.all("binding").forEach((b) => this.enqueue(bindingKey(b.metadata.name), "background"));
    if (first) return;
    await targets.sweep();
    const claimed = new Set(
      caches
        .all("binding")
        .flatMap((b) =>
          cloud.rulesOf({ address: b.spec.address, scope: b.spec.scope, ...(b.spec.vpc ? { vpc: b.spec.vpc } : {}) }),
        ),
    );
    const orphans = cloud.ownRules().filter((r) => !claimed.has(r));
    metrics.orphans.set(orphans.length);
    if (orphans.length > 0)
      logger.warn(
        { clusterUid, rules: orphans.map((r) => r.name) },
        "forwarding rules of ours without a claim; nothing is deleted by itself",
      );
    const ready = caches.all("route").filter((r) => r.metadata.finalizers?.includes(ROUTE_FINALIZER));
    const isReady = (r: (typeof ready)[number]): boolean =>
      r.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
    metrics.routes.set({ ready: "True" }, ready.filter(isReady).length);
    metrics.routes.set({ ready: "False" }, ready.filter((r) => !isReady(r)).length);
  }
}
