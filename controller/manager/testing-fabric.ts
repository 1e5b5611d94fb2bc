// SPDX-License-Identifier: Apache-2.0
// The cloud in memory, behind the Fabric interface. For tests only. It is strict where Google is: uniqueness, in-use checks, foreign objects.
import {
  ComputeError,
  type CloudSnapshot,
  type CreatedRules,
  type Fabric,
  type Fence,
  type ObservedAddress,
  type ObservedFirewall,
  type ObservedPrefix,
  type ObservedRule,
  type ObservedTarget,
  type RuleSpec,
  type TargetSpec,
} from "../compute";
import type { Fuse } from "./testing-api";

const PROJECT = "demo";
const REGION = "us-central1";

export class MemoryCloud implements Fabric {
  readonly rules = new Map<string, ObservedRule>();
  readonly targets = new Map<string, ObservedTarget>();
  readonly addresses: Omit<ObservedAddress, "users">[] = [];
  firewalls: ObservedFirewall[] = [];
  /** Mutations in order, as `method name`. */
  readonly done: string[] = [];
  /** Errors to throw, by method, each once. */
  readonly failures = new Map<string, ComputeError[]>();
  notCarried: CreatedRules["notCarried"] = [];
  fuse: Fuse = () => undefined;
  /** Waited for before a method answers, after it has read. */
  gate: (method: string) => Promise<void> = () => Promise.resolve();
  reads = 0;
  /** VMs that were made anew: what is older belongs to one that is not there any more. */
  private readonly vms = new Map<string, number>();
  private ids = 0;

  replaceVm(instance: string): void {
    this.vms.set(instance, ++this.ids);
  }
  reserve(address: string, over: Partial<ObservedAddress> = {}): void {
    const name = `addr-${address.replaceAll(".", "-")}-${over.network ?? "x"}`;
    this.addresses.push({ name, address, type: "External", status: "RESERVED", region: REGION, project: PROJECT, ...over });
  }
  addRule(over: Partial<ObservedRule> & { name: string; address: string }): ObservedRule {
    const id = String(++this.ids);
    const rule: ObservedRule = { scheme: "EXTERNAL", protocol: "L3_DEFAULT", labels: {}, ours: false, id, ...over };
    this.rules.set(rule.name, rule);
    return rule;
  }
  private withUsers(a: Omit<ObservedAddress, "users">): ObservedAddress {
    const on = [...this.rules.values()].filter(
      (r) => r.address === a.address && (!r.network || !a.network || r.network === a.network),
    );
    return { ...a, users: on.map((r) => `projects/${PROJECT}/regions/${REGION}/forwardingRules/${r.name}`) };
  }
  private async read<T>(method: string, answer: () => T): Promise<T> {
    this.reads += 1;
    const now = structuredClone(answer());
    await this.gate(method);
    this.fail(method);
    return now;
  }
  private async mutate<T>(method: string, name: string, fence: Fence, effect: () => T): Promise<T> {
    await Promise.resolve();
    fence.check(method);
    this.fuse(`${method} ${name}`, "before");
    this.fail(method);
    const answer = effect();
    this.done.push(`${method} ${name}`);
    this.fuse(`${method} ${name}`, "after");
    await this.gate(method);
    return structuredClone(answer);
  }
  private fail(method: string): void {
    const error = this.failures.get(method)?.shift();
    if (error) throw error;
  }

  findAddress(address: string, scope: string, vpc?: string): Promise<ObservedAddress | undefined> {
    return this.read("findAddress", () => {
      const all = this.addresses.filter((a) => a.address === address);
      const fits = (a: (typeof all)[number]): boolean => a.type === scope && (!vpc || !a.network || a.network === vpc);
      const found = all.find((a) => fits(a) && a.region === REGION) ?? all.find(fits) ?? all[0];
      return found && this.withUsers(found);
    });
  }
  /** The delegated prefix of every address, if any. */
  prefix: ObservedPrefix | undefined;
  findPrefix(): Promise<ObservedPrefix | undefined> {
    return this.read("findPrefix", () => this.prefix);
  }
  rulesOn(address: string, vpc?: string): Promise<ObservedRule[]> {
    const here = (r: ObservedRule): boolean => r.address === address && (!vpc || !r.network || r.network === vpc);
    return this.read("rulesOn", () => [...this.rules.values()].filter(here));
  }
  /** Names of rules that somebody has asked for and that are not there yet. */
  readonly making = new Set<string>();
  rulesBeingMade(): Promise<string[]> {
    return this.read("rulesBeingMade", () => [...this.making]);
  }
  getRule(name: string): Promise<ObservedRule | undefined> {
    return this.read("getRule", () => this.rules.get(name));
  }
  snapshot(): Promise<CloudSnapshot> {
    return this.read("snapshot", () => ({
      addresses: this.addresses.filter((a) => a.region === REGION).map((a) => this.withUsers(a)),
      rules: [...this.rules.values()],
      targets: [...this.targets.values()],
      firewalls: this.firewalls,
    }));
  }
  ensureTarget(spec: TargetSpec, fence: Fence): Promise<ObservedTarget> {
    const found = this.targets.get(spec.name);
    const vmReplaced = found && Number(found.id) < (this.vms.get(spec.instance) ?? 0);
    if (found) return this.read("ensureTarget", () => (vmReplaced ? { ...found, vmReplaced } : found));
    return this.mutate("targetInstances.insert", spec.name, fence, () => {
      const { name, zone, instance, description } = spec;
      const made = {
        name,
        zone,
        instance,
        description,
        ours: true,
        id: String(++this.ids),
        created: new Date(this.ids * 1000).toISOString(),
        ...(spec.vpc ? { network: spec.vpc } : {}),
      };
      this.targets.set(name, made);
      return made;
    });
  }
  deleteTarget(target: ObservedTarget, fence: Fence): Promise<void> {
    return this.mutate("targetInstances.delete", target.name, fence, () => {
      if ([...this.rules.values()].some((r) => r.target?.endsWith(`/${target.name}`)))
        throw new ComputeError({ code: "InUse", method: "targetInstances.delete", message: `${target.name} is in use` });
      this.targets.delete(target.name);
    });
  }
  createRule(spec: RuleSpec, fence: Fence): Promise<ObservedRule> {
    return this.mutate("forwardingRules.insert", spec.name, fence, () => {
      this.mustExist(spec.targetPath);
      const foreign = [...this.rules.values()].find((r) => r.address === spec.address && !r.ours);
      if (foreign) throw conflict("forwardingRules.insert", `${spec.address} is held by ${foreign.name}`);
      const { name, address, labels, description, targetPath: target } = spec;
      const scheme = spec.scope === "Internal" ? "INTERNAL" : "EXTERNAL";
      const network = spec.scope === "Internal" && spec.vpc ? { network: spec.vpc } : {};
      const access = spec.allowGlobalAccess ? { allowGlobalAccess: true } : {};
      return this.addRule({ name, address, labels, description, target, scheme, ...network, ...access, ours: true });
    });
  }
  setGlobalAccess(rule: ObservedRule, allow: boolean, fence: Fence): Promise<ObservedRule> {
    return this.mutate("forwardingRules.patch", rule.name, fence, () => {
      const changed = { ...this.rules.get(rule.name)!, allowGlobalAccess: allow };
      this.rules.set(rule.name, changed);
      return changed;
    });
  }
  /** One rule; the missing one of a pair where there is a pair already. */
  async createRules(spec: RuleSpec, fence: Fence): Promise<CreatedRules> {
    const parts = ["-tcp", "-udp"].map((suffix) => spec.name + suffix);
    const missing = parts.filter((name) => !this.rules.has(name));
    const refused = this.notCarried.map((n) => `${spec.name}-${n.protocol.toLowerCase()}`);
    if (missing.length < 2) {
      const wanted = missing.filter((name) => !refused.includes(name));
      const rules = await Promise.all(wanted.map((name) => this.createRule({ ...spec, name }, fence)));
      return { rules, carried: ["TCP", "UDP"], notCarried: this.notCarried };
    }
    return { rules: [await this.createRule(spec, fence)], carried: ["L3_DEFAULT"], notCarried: this.notCarried };
  }
  setTarget(rule: ObservedRule, target: string, fence: Fence): Promise<ObservedRule> {
    if (rule.target === target) return Promise.resolve(rule);
    return this.mutate("forwardingRules.setTarget", rule.name, fence, () => {
      this.mustExist(target);
      const now = this.rules.get(rule.name);
      if (!now)
        throw new ComputeError({ code: "NotFound", method: "forwardingRules.setTarget", message: `${rule.name} not found` });
      if (!now.ours) throw conflict("forwardingRules.setTarget", `${rule.name} is not ours`);
      const moved = { ...now, target };
      this.rules.set(rule.name, moved);
      return moved;
    });
  }
  deleteRule(rule: ObservedRule, fence: Fence): Promise<void> {
    return this.mutate("forwardingRules.delete", rule.name, fence, () => {
      if (this.rules.get(rule.name)?.ours === false) throw conflict("forwardingRules.delete", `${rule.name} is not ours`);
      this.rules.delete(rule.name);
    });
  }
  setLabels(rule: ObservedRule): Promise<ObservedRule> {
    return Promise.resolve(rule);
  }
  private mustExist(path: string): void {
    if (!this.targets.has(path.split("/").at(-1)!))
      throw new ComputeError({ code: "NotFound", method: "forwardingRules", message: `target ${path} not found` });
  }
}

const conflict = (method: string, message: string): ComputeError => new ComputeError({ code: "Conflict", method, message });
