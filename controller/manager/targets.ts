// SPDX-License-Identifier: Apache-2.0
// Target instances: one per (VM, VPC), made ahead of need for every node that has a candidate Pod, so that a move is one setTarget (DESIGN 5).
import { ownerPrefix, targetInstanceName } from "../api";
import { isComputeError, type Fabric, type Fence, type ObservedTarget } from "../compute";
import type { Logger } from "../kubernetes";
import type { CloudView } from "./cloud";

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

  constructor(private readonly o: TargetsOptions) {}

  nameOf(key: TargetKey): string {
    return targetInstanceName(this.o.clusterUid, key.zone, key.instance, key.vpc);
  }

  /** Says which nodes a route may need; makes what is missing in the background. Answers the names that nobody wants any more. */
  want(route: string, keys: readonly TargetKey[]): void {
    const names = new Set(keys.map((k) => this.nameOf(k)));
    for (const [name, entry] of this.wanted) {
      if (names.has(name) || !entry.routes.delete(route)) continue;
      if (entry.routes.size === 0) this.wanted.delete(name);
    }
    for (const key of keys) {
      const name = this.nameOf(key);
      const entry = this.wanted.get(name) ?? { key, routes: new Set<string>() };
      entry.routes.add(route);
      this.wanted.set(name, entry);
      if (!this.o.cloud.targets.has(name))
        this.ensure(key).catch((error: unknown) =>
          this.o.logger.warn({ target: name, node: key.node, error: String(error) }, "target instance not made yet"),
        );
    }
  }

  /** The target instance of a node, made where it is missing. @throws ComputeError */
  async ensure(key: TargetKey): Promise<ObservedTarget> {
    const name = this.nameOf(key);
    const known = this.o.cloud.targets.get(name);
    if (known && !known.vmReplaced) return known;
    const running = this.making.get(name);
    if (running) return running;
    const made = this.make(name, key).finally(() => this.making.delete(name));
    this.making.set(name, made);
    return made;
  }
  private async make(name: string, key: TargetKey): Promise<ObservedTarget> {
    const description = `${ownerPrefix(this.o.clusterUid)} node=${key.node}`;
    const made = await this.o.fabric.ensureTarget(
      { name, zone: key.zone, instance: key.instance, description, ...(key.vpc ? { vpc: key.vpc } : {}) },
      this.o.fence,
    );
    this.o.cloud.targets.set(name, made);
    return made;
  }

  /** Removes those of ours that no route wants. One that a rule still uses stays until the next time. */
  async sweep(): Promise<void> {
    for (const target of [...this.o.cloud.targets.values()]) {
      if (this.wanted.has(target.name) || this.making.has(target.name)) continue;
      try {
        await this.o.fabric.deleteTarget(target, this.o.fence);
        this.o.cloud.targets.delete(target.name);
        this.o.logger.info({ target: target.name, zone: target.zone }, "target instance removed");
      } catch (error) {
        if (!isComputeError(error, "InUse")) throw error;
      }
    }
  }
}
