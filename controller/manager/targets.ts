// SPDX-License-Identifier: Apache-2.0
// Target instances: one per (VM, VPC), made ahead of need for every node that has a candidate Pod, so that a move is one setTarget (DESIGN 5).
import { ownerPrefix, targetInstanceName } from "../api";
import type { Fabric, Fence, ObservedTarget } from "../compute";
import type { Logger } from "../kubernetes";
import type { CloudView } from "./cloud";
import { allEnded, isRefusal } from "./errors";

export interface TargetKey {
  zone: string;
  instance: string;
  node: string;
  vpc?: string;
}
export interface TargetsOptions {
  fabric: Fabric;
  fence: Fence;
  cloud: CloudView;
  clusterUid: string;
  logger: Logger;
}

export class Targets {
  /** Which routes want a target instance, by its name. */
  private readonly wanted = new Map<string, { key: TargetKey; routes: Set<string> }>();
  private readonly making = new Map<string, Promise<ObservedTarget>>();
  private readonly removing = new Map<string, Promise<void>>();
  /** Routes that were there when we began to lead and have not said yet what they want. */
  private readonly silent = new Set<string>();
  private sweeping: Promise<void> = Promise.resolve();

  constructor(private readonly o: TargetsOptions) {}

  nameOf(key: TargetKey): string {
    return targetInstanceName(this.o.clusterUid, key.zone, key.instance, key.vpc);
  }

  /** Nothing is swept before each of these routes was looked at once: what they want is not known yet. */
  expect(routes: Iterable<string>): void {
    for (const route of routes) this.silent.add(route);
  }
  heard(route: string): void {
    this.silent.delete(route);
  }

  /** Says which nodes a route may need, instead of what it said before; makes what is missing in the background. */
  want(route: string, keys: readonly TargetKey[]): void {
    const names = new Set(keys.map((k) => this.nameOf(k)));
    for (const [name, entry] of this.wanted) {
      if (names.has(name) || !entry.routes.delete(route)) continue;
      if (entry.routes.size === 0) this.wanted.delete(name);
    }
    this.keep(route, keys);
  }
  /** Like `want`, besides what the route said before. */
  keep(route: string, keys: readonly TargetKey[]): void {
    for (const key of keys) {
      const name = this.nameOf(key);
      const entry = this.wanted.get(name) ?? { key, routes: new Set<string>() };
      entry.routes.add(route);
      this.wanted.set(name, entry);
      if (this.missing(name)) this.inBackground(name, key);
    }
  }
  /** Makes again what is wanted and was deleted by somebody else. */
  restore(): void {
    for (const [name, { key }] of this.wanted) if (this.missing(name)) this.inBackground(name, key);
  }
  private missing(name: string): boolean {
    return this.removing.has(name) || !this.o.cloud.target(name);
  }
  private inBackground(name: string, key: TargetKey): void {
    this.ensure(key).catch((error: unknown) =>
      this.o.logger.warn(
        { target: name, node: key.node, error: error instanceof Error ? error.message : String(error) },
        "target instance not made yet",
      ),
    );
  }

  /** The target instance of a node, made where it is missing. @throws ComputeError */
  ensure(key: TargetKey): Promise<ObservedTarget> {
    const name = this.nameOf(key);
    const running = this.making.get(name);
    if (running) return running;
    const going = this.removing.get(name);
    const known = this.o.cloud.target(name);
    if (!going && known && !known.vmReplaced) return Promise.resolve(known);
    // What is being removed is waited for: a rule must not be pointed at something that is about to go.
    const clear = going ? going.catch(() => undefined) : Promise.resolve();
    const made = clear.then(() => this.make(name, key)).finally(() => this.making.delete(name));
    this.making.set(name, made);
    return made;
  }
  private async make(name: string, key: TargetKey): Promise<ObservedTarget> {
    const description = `${ownerPrefix(this.o.clusterUid)} node=${key.node}`;
    const made = await this.o.fabric.ensureTarget(
      { name, zone: key.zone, instance: key.instance, description, ...(key.vpc ? { vpc: key.vpc } : {}) },
      this.o.fence,
    );
    this.o.cloud.rememberTarget(made);
    return made;
  }

  /**
   * Removes those of ours that no route wants. One that a rule still uses, or that cannot be removed now, stays until the next time: what is
   * wrong with one must not hold up a route. @throws ComputeError Fenced
   */
  sweep(): Promise<void> {
    const pass = (): Promise<void> => this.pass();
    this.sweeping = this.sweeping.then(pass, pass);
    return this.sweeping;
  }
  private async pass(): Promise<void> {
    if (this.silent.size > 0) return;
    const spare = this.o.cloud.ownTargets().filter((t) => !this.wanted.has(t.name) && !this.making.has(t.name));
    await allEnded(spare.map((t) => this.remove(t)));
  }
  private remove(target: ObservedTarget): Promise<void> {
    const removed = this.delete(target).finally(() => this.removing.delete(target.name));
    this.removing.set(target.name, removed);
    return removed;
  }
  private async delete(target: ObservedTarget): Promise<void> {
    const { cloud, fabric, fence, logger } = this.o;
    const about = { target: target.name, zone: target.zone };
    try {
      await fabric.deleteTarget(target, fence);
      cloud.forgetTarget(target.name);
      logger.info(about, "target instance removed");
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (error.code !== "InUse")
        logger.warn({ ...about, code: error.code, error: error.message }, "target instance not removed");
    }
  }
}
