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
  /** Changes when the node is another one under the same name; then the VM is looked at again (E20). */
  incarnation?: string;
}
export interface TargetsOptions {
  fabric: Fabric;
  fence: Fence;
  cloud: CloudView;
  clusterUid: string;
  logger: Logger;
}

/** A target instance cannot be changed, nor deleted while a rule points at it: its successor has the other of two names (E20). */
const TWIN = "-b";
const baseOf = (name: string): string => (name.endsWith(TWIN) ? name.slice(0, -TWIN.length) : name);
const twinOf = (name: string): string => (name.endsWith(TWIN) ? baseOf(name) : name + TWIN);
/** Reads of the cloud that one look after replaced VMs may cost, in target instances. */
const LOOKS = 20;

export class Targets {
  /** Told of the routes whose target instance was made anew. */
  onRemade: (routes: readonly string[]) => void = () => undefined;
  /** When each was last compared with its VM, in looks. */
  private readonly verified = new Map<string, number>();
  private looks = 0;
  /** Those that this leader has compared with the VM that is there now, as far as the Node objects tell. */
  private readonly sure = new Set<string>();
  /** Which routes want a target instance, by its name. */
  private readonly wanted = new Map<string, { key: TargetKey; routes: Set<string> }>();
  /** The same the other way round: names that a route wants. */
  private readonly namesOf = new Map<string, Set<string>>();
  private readonly making = new Map<string, Promise<ObservedTarget>>();
  private readonly removing = new Map<string, Promise<void>>();
  /** Routes that were there when we began to lead and have not said yet what they want. */
  private readonly silent = new Set<string>();
  private sweeping: Promise<void> = Promise.resolve();

  constructor(private readonly o: TargetsOptions) {}

  nameOf(key: TargetKey): string {
    return targetInstanceName(this.o.clusterUid, key.zone, key.instance, key.vpc);
  }

  /** The one of the two names that is in use for a VM. */
  currentName(key: TargetKey): string {
    return this.current(this.nameOf(key));
  }
  private current(name: string): string {
    const [a, b] = [this.o.cloud.target(name), this.o.cloud.target(twinOf(name))];
    if (!b) return name;
    if (!a || a.vmReplaced !== b.vmReplaced) return !a || a.vmReplaced ? twinOf(name) : name;
    // Both are there after a crash between making the second and removing the first: the younger one knows the VM that is there now.
    return Date.parse(b.created ?? "") > Date.parse(a.created ?? "") ? twinOf(name) : name;
  }
  /** Sentence for a rule that has to follow its target instance to the other name; undefined where it does not. @param path of the target */
  whyRemade(path: string): string | undefined {
    const old = this.o.cloud.target(twinOf(path.split("/").at(-1) ?? ""));
    return old?.vmReplaced ? `VM ${old.instance} was made anew under the same name, and its target instance with it` : undefined;
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
    const before = this.namesOf.get(route) ?? new Set();
    for (const name of before) {
      if (names.has(name)) continue;
      before.delete(name);
      const entry = this.wanted.get(name);
      entry?.routes.delete(route);
      if (entry?.routes.size !== 0) continue;
      this.wanted.delete(name);
      // Until somebody wants it again, its VM may be made anew.
      this.sure.delete(name);
    }
    if (before.size === 0) this.namesOf.delete(route);
    this.keep(route, keys);
  }
  /** Like `want`, besides what the route said before. */
  keep(route: string, keys: readonly TargetKey[]): void {
    for (const key of keys) {
      const name = this.nameOf(key);
      const entry = this.wanted.get(name) ?? { key, routes: new Set<string>() };
      const another =
        key.incarnation !== undefined && entry.key.incarnation !== undefined && key.incarnation !== entry.key.incarnation;
      entry.routes.add(route);
      this.namesOf.set(route, (this.namesOf.get(route) ?? new Set()).add(name));
      this.wanted.set(name, { ...entry, key: key.incarnation === undefined ? entry.key : key });
      if (another) this.sure.delete(name);
      if (this.missing(name)) this.inBackground(name, key);
      else if (another) void this.compare(name, key);
    }
  }
  /** Makes again what is wanted and was deleted by somebody else. */
  restore(): void {
    for (const [name, { key }] of this.wanted) if (this.missing(name)) this.inBackground(name, key);
  }
  private missing(name: string): boolean {
    return this.removing.has(this.current(name)) || !this.o.cloud.target(this.current(name));
  }
  /**
   * Compares target instances in use with their VMs, so many at a time, those first that were not for longest. Makes anew what belongs to a VM
   * that is not there any more (E20).
   * @param used names of target instances that rules point at
   */
  async verify(used: ReadonlySet<string>): Promise<void> {
    this.looks += 1;
    const due = [...this.wanted]
      .filter(([name]) => used.has(name) || used.has(twinOf(name)))
      .sort(([a], [b]) => (this.verified.get(a) ?? 0) - (this.verified.get(b) ?? 0))
      .slice(0, LOOKS);
    await allEnded(due.map(([name, { key }]) => this.compare(name, key)));
    for (const name of [...this.verified.keys()]) if (!this.wanted.has(name)) this.verified.delete(name);
  }
  private async compare(name: string, key: TargetKey): Promise<void> {
    this.verified.set(name, this.looks);
    const before = this.current(name);
    try {
      await this.makeOnce(name, key);
      if (this.current(name) !== before) this.onRemade([...(this.wanted.get(name)?.routes ?? [])]);
    } catch (error) {
      this.notMade(name, key, error);
    }
  }
  private inBackground(name: string, key: TargetKey): void {
    this.ensure(key).catch((error: unknown) => this.notMade(name, key, error));
  }
  private notMade(name: string, key: TargetKey, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.o.logger.warn({ target: name, node: key.node, error: text }, "target instance not made yet");
  }

  /** The target instance of a node, made where it is missing, and compared with its VM where that was not done yet (E20). @throws ComputeError */
  ensure(key: TargetKey): Promise<ObservedTarget> {
    const name = this.nameOf(key);
    const running = this.making.get(name);
    if (running) return running;
    const known = this.o.cloud.target(this.current(name));
    const going = this.removing.has(this.current(name));
    return !going && known && !known.vmReplaced && this.sure.has(name) ? Promise.resolve(known) : this.makeOnce(name, key);
  }
  private makeOnce(name: string, key: TargetKey): Promise<ObservedTarget> {
    const running = this.making.get(name);
    if (running) return running;
    // What is being removed is waited for: a rule must not be pointed at something that is about to go.
    const going = [name, twinOf(name)].flatMap((n) => this.removing.get(n) ?? []);
    const clear = allEnded(going.map((g) => g.catch(() => undefined)));
    const made = clear.then(() => this.make(name, key)).finally(() => this.making.delete(name));
    this.making.set(name, made);
    return made;
  }
  private async make(name: string, key: TargetKey): Promise<ObservedTarget> {
    const first = this.current(name);
    const made = await this.put(first, key);
    this.sure.add(name);
    return made.vmReplaced ? this.remake(twinOf(first), key) : made;
  }
  /** The VM is another one under the same name: what stands under the other name is made new, and the rule moves over to it. */
  private async remake(name: string, key: TargetKey): Promise<ObservedTarget> {
    const { fabric, fence, cloud, logger } = this.o;
    const made = await this.put(name, key);
    if (!made.vmReplaced) return this.remade(made, key);
    await fabric.deleteTarget(made, fence);
    cloud.forgetTarget(name);
    logger.info({ target: name, zone: key.zone }, "target instance of a replaced VM removed");
    return this.remade(await this.put(name, key), key);
  }
  private remade(made: ObservedTarget, { node, instance }: TargetKey): ObservedTarget {
    this.o.logger.info({ target: made.name, node, instance }, "VM was made anew under the same name, its target instance too");
    return made;
  }
  private async put(name: string, key: TargetKey): Promise<ObservedTarget> {
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
    const kept = (t: ObservedTarget): boolean => this.wanted.has(baseOf(t.name)) && this.current(baseOf(t.name)) === t.name;
    const spare = this.o.cloud.ownTargets().filter((t) => !kept(t) && !this.making.has(baseOf(t.name)));
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
