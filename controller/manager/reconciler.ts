// SPDX-License-Identifier: Apache-2.0
// One queue for all kinds of work; this says who does which key.
import { CONTROLLER_NAME, GKE_CLASSES, ROUTE_FINALIZER, scopeOfClass, type AddressBinding } from "../api";
import { gatewayStatus } from "../core";
import { isApiError, type Priority } from "../kubernetes";
import { AddressDriver, type Parts } from "./address";
import { Classes } from "./classes";
import type { Changes } from "./cloud";
import { allEnded, isRefusal, retryOf } from "./errors";
import { ownerNow } from "./owner";
import { keyOfBinding, releaseBinding } from "./release";
import { RouteReconciler, type Result } from "./route";
import { bindingKey, classKey, gatewayKey, routeKey, type Enqueue } from "./triggers";
import { addressesOf, keyOf } from "./views";

const GATEWAY_WAITS_MS = 30_000;
const ORPHAN_WAITS_MS = 60_000;

/** Every so many drift passes; ten minutes at one a minute, as GKE's agent does (api.md 3.1). */
const RESYNC_PASSES = 10;

export class Reconciler {
  private passes = 0;
  private readonly routes: RouteReconciler;
  private readonly driver: AddressDriver;
  private readonly classes: Classes;

  constructor(
    private readonly parts: Parts,
    private readonly enqueue: Enqueue,
  ) {
    this.driver = new AddressDriver(parts);
    this.classes = new Classes({ ...parts, client: parts.writer.client });
    this.routes = new RouteReconciler(parts, this.driver, (key) => enqueue(routeKey(key), "live"));
    parts.targets.onRemade = (routes) => routes.forEach((key) => enqueue(routeKey(key), "live"));
  }

  /** Works on one key of the queue, such as `route/default/web`. @throws ApiError, ComputeError */
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

  /** Has everything looked at: at the begin of a leadership nothing is known of what was done before. */
  everything(priority: Priority): void {
    const { caches, targets } = this.parts;
    // Only now do events count: a route that went before would never be heard, and nothing would be swept for it.
    targets.expect(caches.all("route").map(keyOf));
    caches.all("gatewayClass").forEach((c) => this.enqueue(classKey(c.metadata.name), priority));
    caches.all("gateway").forEach((g) => this.enqueue(gatewayKey(keyOf(g)), priority));
    caches.all("route").forEach((r) => this.enqueue(routeKey(keyOf(r)), priority));
    caches.all("binding").forEach((b) => this.enqueue(bindingKey(b.metadata.name), priority));
  }

  private async gateway(key: string): Promise<Result> {
    const { caches, cloud, writer } = this.parts;
    const gateway = caches.world.gateway(key);
    if (!gateway || gateway.metadata.deletionTimestamp || gatewayStatus(caches.world, gateway) === undefined) return undefined;
    const scope = scopeOfClass(gateway.spec.gatewayClassName) ?? "External";
    const doubtful = addressesOf(gateway).filter((address) => cloud.fact({ address, scope })?.usable !== true);
    const retryMs = await this.look(doubtful.map((address) => ({ address, scope })));
    const want = gatewayStatus(caches.world, gateway);
    if (want) await writer.gatewayStatus(gateway, want);
    const waits = want?.conditions.some((c) => c.type === "Programmed" && c.status !== "True") ?? false;
    return waits ? { requeueAfterMs: retryMs ?? GATEWAY_WAITS_MS } : undefined;
  }
  /** What cannot be looked up now is judged by what was known. Answers when to try again. */
  private async look(keys: readonly Parameters<Parts["cloud"]["look"]>[0][]): Promise<number | undefined> {
    try {
      await allEnded(keys.map((k) => this.parts.cloud.look(k)));
      return undefined;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.parts.logger.warn({ code: error.code, method: error.method, error: error.message }, "addresses not looked up");
      return retryOf(error);
    }
  }

  private async gatewayClass(name: string): Promise<Result> {
    const found = this.parts.caches.world.gatewayClass(name);
    if (found?.spec.controllerName === this.parts.settings.controllerName) await this.classes.reconcile(found);
    return undefined;
  }

  /** A claim whose route does not exist any more, for example because somebody took its finalizer away. */
  private async orphan(name: string): Promise<Result> {
    const { caches, targets, writer } = this.parts;
    const binding = caches.binding(name);
    if (!binding || this.hasOwner(binding)) return undefined;
    const { uid } = binding.spec.route;
    const owner = await ownerNow(writer.client, binding);
    if (owner) {
      caches.wrote("route", owner);
      return void this.enqueue(routeKey(keyOf(owner)), "live");
    }
    const end = await this.driver.attempt(name, () => releaseBinding(this.parts, name, uid));
    if ("refused" in end) return { requeueAfterMs: end.refused.retryMs };
    if (end.done) {
      this.enqueue(routeKey(end.done), "background");
      return { requeueAfterMs: ORPHAN_WAITS_MS };
    }
    await targets.sweep();
    return undefined;
  }
  private hasOwner({ spec: { route } }: AddressBinding): boolean {
    return this.parts.caches.route(`${route.namespace}/${route.name}`)?.metadata.uid === route.uid;
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

  /** The first look at the cloud. @throws ComputeError */
  async firstLook(): Promise<void> {
    await this.parts.cloud.refresh();
  }
  /** Drift: reads the cloud anew, has what changed looked at, removes target instances that nobody wants, counts orphans. */
  async drift(): Promise<void> {
    const { caches, cloud, targets } = this.parts;
    this.concerned(await cloud.refresh());
    caches
      .all("binding")
      .filter((b) => !this.hasOwner(b))
      .forEach((b) => this.enqueue(bindingKey(b.metadata.name), "background"));
    this.passes += 1;
    if (this.passes % RESYNC_PASSES === 0) this.resync();
    targets.restore();
    await targets.verify(cloud.usedTargets());
    await targets.sweep();
    this.countOrphans();
    this.countRoutes();
  }
  /** Looks at everything again, behind all live changes: what no event told us of heals here (E64). */
  private resync(): void {
    const { caches } = this.parts;
    caches.all("route").forEach((r) => this.enqueue(routeKey(keyOf(r)), "background"));
    caches.all("gateway").forEach((g) => this.enqueue(gatewayKey(keyOf(g)), "background"));
  }
  private concerned({ addresses, firewalls }: Changes): void {
    const { caches } = this.parts;
    for (const address of addresses) {
      caches.byIndex("route", "address", address).forEach((r) => this.enqueue(routeKey(keyOf(r)), "background"));
      caches.byIndex("gateway", "address", address).forEach((g) => this.enqueue(gatewayKey(keyOf(g)), "background"));
    }
    // What a route says of missing firewall rules may not be true any more (E55).
    if (firewalls)
      for (const { spec } of caches.all("binding"))
        this.enqueue(routeKey(`${spec.route.namespace}/${spec.route.name}`), "background");
  }
  private countOrphans(): void {
    const { caches, cloud, metrics, clusterUid, logger } = this.parts;
    const claimed = new Set(caches.all("binding").flatMap((b) => cloud.rulesOf(keyOfBinding(b)).map((r) => r.name)));
    const orphans = cloud.ownRules().filter((r) => !claimed.has(r.name));
    metrics.orphans.set(orphans.length);
    if (orphans.length === 0) return;
    const rules = orphans.map((r) => r.name);
    logger.warn({ clusterUid, rules }, "forwarding rules of ours without a claim; nothing is deleted by itself");
  }
  private countRoutes(): void {
    const { caches, metrics } = this.parts;
    const ours = caches.all("route").filter((r) => r.metadata.finalizers?.includes(ROUTE_FINALIZER));
    const ready = ours.filter((r) => r.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True"));
    metrics.routes.set({ ready: "True" }, ready.length);
    metrics.routes.set({ ready: "False" }, ours.length - ready.length);
  }
}
