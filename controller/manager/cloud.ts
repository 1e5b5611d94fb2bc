// SPDX-License-Identifier: Apache-2.0
// What is known of Google Cloud: complete lists at start and on a timer (drift), kept true in between by the results of our own calls.
import { bindingName, forwardingRuleName, type Scope } from "../api";
import { judgeAddress, type AddressFact, type RuleFact } from "../core";
import {
  ComputeError,
  ingressAllowed,
  type CloudSnapshot,
  type Fabric,
  type ObservedAddress,
  type ObservedFirewall,
  type ObservedPrefix,
  type ObservedRule,
  type ObservedTarget,
} from "../compute";
import { Freshness } from "./freshness";

export interface AddressKey {
  address: string;
  scope: Scope;
  vpc?: string;
}
/** What a new look at everything has shown to be other than was known. */
export interface Changes {
  addresses: Set<string>;
  firewalls: boolean;
}
export const nameOf = (k: AddressKey): string => bindingName(k.address, k.scope, k.vpc);

export class CloudView {
  private readonly addresses = new Map<string, ObservedAddress[]>();
  private readonly rules = new Map<string, ObservedRule>();
  private readonly targets = new Map<string, ObservedTarget>();
  /** Delegated prefixes of addresses that nobody has reserved, as of their last look (E35). */
  private readonly prefixes = new Map<string, ObservedPrefix>();
  private readonly fresh = new Freshness();
  private firewalls: ObservedFirewall[] = [];
  private loaded = false;
  private readonly refused = new Set<string>();

  constructor(
    private readonly fabric: Fabric,
    private readonly place: { project: string; region: string; clusterUid: string },
  ) {}

  /** Reads everything anew. Answers what is not as it was known: drift, or first sight. @throws ComputeError */
  async refresh(): Promise<Changes> {
    const at = this.fresh.now();
    const snapshot = await this.fabric.snapshot();
    const before = this.fingerprint();
    const firewalls = JSON.stringify(this.firewalls);
    this.load(snapshot, at);
    const after = this.fingerprint();
    return {
      addresses: new Set([...before.keys(), ...after.keys()].filter((a) => before.get(a) !== after.get(a))),
      firewalls: firewalls !== JSON.stringify(this.firewalls),
    };
  }
  private load(s: CloudSnapshot, at: number): void {
    this.take("rule", this.rules, s.rules, at);
    // Only a look at the VM tells that it was replaced; a list does not take that back.
    const replaced = (t: ObservedTarget): boolean =>
      this.targets.get(t.name)?.id === t.id && this.targets.get(t.name)?.vmReplaced === true;
    const ours = s.targets.filter((t) => t.ours).map((t) => (replaced(t) ? { ...t, vmReplaced: true } : t));
    this.take("target", this.targets, ours, at);
    this.loadAddresses(
      groupBy(s.addresses, (a) => a.address),
      at,
    );
    this.firewalls = s.firewalls;
    this.fresh.complete(at);
    this.loaded = true;
  }
  /** Makes `known` equal to a complete list, but for what is known from later. */
  private take<T extends { name: string }>(kind: string, known: Map<string, T>, list: readonly T[], at: number): void {
    for (const name of [...known.keys()]) if (this.fresh.admits(`${kind}/${name}`, at)) known.delete(name);
    for (const item of list) if (this.fresh.admits(`${kind}/${item.name}`, at)) known.set(item.name, item);
  }
  private loadAddresses(listed: Map<string, ObservedAddress[]>, at: number): void {
    for (const address of new Set([...this.addresses.keys(), ...listed.keys()])) {
      if (!this.fresh.admits(`address/${address}`, at)) continue;
      // The list has this region only; what a look has found elsewhere stays true until the next look.
      const elsewhere = (this.addresses.get(address) ?? []).filter((a) => a.region !== this.place.region);
      this.reservations(address, [...(listed.get(address) ?? []), ...elsewhere]);
    }
  }
  private reservations(address: string, list: ObservedAddress[]): void {
    if (list.length > 0) this.addresses.set(address, list);
    else this.addresses.delete(address);
  }
  private fingerprint(): Map<string, string> {
    const said = new Map<string, string>();
    const add = (address: string, text: string): void => void said.set(address, `${said.get(address) ?? ""}${text};`);
    for (const a of [...this.addresses.values()].flat().sort(byName)) {
      const strangers = a.users.filter((u) => !this.isOurs(u)).sort();
      add(a.address, [a.name, a.type, a.region, a.network, ...strangers].join(","));
    }
    for (const r of [...this.rules.values()].sort(byName)) add(r.address, `${r.name}>${r.target ?? ""}>${r.ours}`);
    return said;
  }

  /** Looks one address up now: its reservation, and every rule that sits on it. @throws ComputeError */
  async look(k: AddressKey): Promise<void> {
    const at = this.fresh.now();
    const [found, rules] = await Promise.all([
      this.fabric.findAddress(k.address, k.scope, k.vpc),
      this.fabric.rulesOn(k.address, k.vpc),
    ]);
    if (this.fresh.admits(`address/${k.address}`, at)) {
      const others = (this.addresses.get(k.address) ?? []).filter((a) => !matches(a, k) && !sameReservation(a, found));
      this.reservations(k.address, found ? [found, ...others] : others);
      this.fresh.stamp(`address/${k.address}`, at);
    }
    const listed = new Map(rules.map((r) => [r.name, r]));
    const named = this.rulesOf(k);
    for (const r of [...this.rules.values()].filter((each) => each.address === k.address && !listed.has(each.name)))
      if (named.includes(r) || this.concerns(r, k)) this.learnRule(r.name, undefined, at);
    for (const r of rules) this.learnRule(r.name, r, at);
    await this.lookForPrefix(k, found);
  }
  /** Only a hint for a message: where it cannot be had, the message does without. */
  private async lookForPrefix(k: AddressKey, found: ObservedAddress | undefined): Promise<void> {
    const prefix = found || k.scope === "Internal" ? undefined : await this.fabric.findPrefix(k.address).catch(() => undefined);
    if (prefix) this.prefixes.set(k.address, prefix);
    else this.prefixes.delete(k.address);
  }
  private learnRule(name: string, rule: ObservedRule | undefined, at: number): void {
    if (!this.fresh.admits(`rule/${name}`, at)) return;
    if (rule) this.rules.set(name, rule);
    else this.rules.delete(name);
    this.fresh.stamp(`rule/${name}`, at);
  }

  found(k: AddressKey): ObservedAddress | undefined {
    const all = this.addresses.get(k.address) ?? [];
    const here = all.filter((a) => a.region === this.place.region);
    return here.find((a) => matches(a, k)) ?? all.find((a) => matches(a, k)) ?? here[0] ?? all[0];
  }
  /** Undefined while nothing has been read. */
  fact(k: AddressKey): AddressFact | undefined {
    if (!this.loaded) return undefined;
    const { region, project } = this.place;
    const prefix = this.prefixes.get(k.address);
    const need = { ...k, region, project, ours: (user: string) => this.isOurs(user), ...(prefix ? { prefix } : {}) };
    return judgeAddress(this.found(k), need);
  }
  private isOurs(user: string): boolean {
    return this.rules.get(/\/forwardingRules\/([^/]+)$/.exec(user)?.[1] ?? "")?.ours === true;
  }
  /** Our rule on the address; two (TCP and UDP) where the scheme refused one for all protocols (E52). */
  rulesOf(k: AddressKey): ObservedRule[] {
    return this.ruleNames(k).flatMap((name) => this.rules.get(name) ?? []);
  }
  private ruleNames(k: AddressKey): string[] {
    const base = forwardingRuleName(this.place.clusterUid, nameOf(k));
    return ["", "-tcp", "-udp"].map((suffix) => base + suffix);
  }
  /**
   * Looks afresh, and answers with every rule of ours that has to go for the address to be free.
   * @throws ComputeError `Unavailable` while one is being made: whoever has asked for it may be dead, but the rule will be there
   */
  async leftovers(k: AddressKey): Promise<ObservedRule[]> {
    const making = await this.fabric.rulesBeingMade();
    await this.look(k);
    const soon = this.ruleNames(k).find((name) => making.includes(name) && !this.rules.has(name));
    if (soon === undefined) return this.rulesOf(k).filter((r) => r.ours);
    const message = `forwarding rule ${soon} is being made by an operation that still runs; it is deleted when it is there`;
    throw new ComputeError({ code: "Unavailable", method: "regionOperations.list", message });
  }
  /** @param globalAccess what the route wants of an internal rule; undefined: nothing */
  ruleFact(k: AddressKey, globalAccess?: boolean): RuleFact {
    if (!this.loaded) return { state: "unknown" };
    const named = this.rulesOf(k);
    const message = this.obstacle(k, named);
    if (message) return { state: "foreign", message };
    const targets = new Set(named.map((r) => r.target ?? ""));
    if (named.length === 0) return { state: "absent" };
    const incomplete = this.missingPart(k) ?? this.wrongAccess(named, globalAccess);
    return { state: "ours", target: targets.size === 1 ? [...targets][0]! : "", ...(incomplete ? { incomplete } : {}) };
  }
  /** One of a pair is gone; not where Google Cloud had refused it when the pair was made. */
  missingPart(k: AddressKey): string | undefined {
    const base = forwardingRuleName(this.place.clusterUid, nameOf(k));
    const parts = [`${base}-tcp`, `${base}-udp`];
    const missing = parts.filter((name) => !this.rules.has(name));
    if (this.rules.has(base) || missing.length !== 1 || this.refused.has(missing[0]!)) return undefined;
    return `forwarding rule ${missing[0]} of the pair was missing`;
  }
  private wrongAccess(named: readonly ObservedRule[], globalAccess: boolean | undefined): string | undefined {
    const other = named.find((r) => globalAccess !== undefined && (r.allowGlobalAccess ?? false) !== globalAccess);
    return (
      other &&
      `forwarding rule ${other.name} had global access ${globalAccess ? "off" : "on"}, but the route wants it ${globalAccess ? "on" : "off"}`
    );
  }
  /** Remembers which rules of a pair Google Cloud refused, so that they are not asked for at each look. */
  rememberRefused(k: AddressKey, protocols: readonly string[]): void {
    const base = forwardingRuleName(this.place.clusterUid, nameOf(k));
    for (const protocol of protocols) this.refused.add(`${base}-${protocol.toLowerCase()}`);
  }
  private obstacle(k: AddressKey, named: readonly ObservedRule[]): string | undefined {
    const impostor = named.find((r) => !r.ours);
    if (impostor)
      return `forwarding rule ${impostor.name} has our name but not our labels; it is left alone: delete or rename it`;
    const other = [...this.rules.values()].find((r) => r.address === k.address && !named.includes(r) && this.concerns(r, k));
    return (
      other &&
      `forwarding rule ${other.name} sits on ${k.address} and is not ours; it is left alone: delete it to free the address`
    );
  }
  /** What a write of ours has read back. */
  remember(rule: ObservedRule): void {
    this.learnRule(rule.name, rule, this.fresh.now());
  }
  /** A rule that we have deleted. */
  forget(rule: ObservedRule): void {
    const at = this.fresh.now();
    this.learnRule(rule.name, undefined, at);
    const isIt = (user: string): boolean => user.endsWith(`/forwardingRules/${rule.name}`);
    const freed = (this.addresses.get(rule.address) ?? []).map((a) => ({ ...a, users: a.users.filter((u) => !isIt(u)) }));
    this.reservations(rule.address, freed);
    this.fresh.stamp(`address/${rule.address}`, at);
  }
  target(name: string): ObservedTarget | undefined {
    return this.targets.get(name);
  }
  /** Names of target instances that rules of ours point at. */
  usedTargets(): ReadonlySet<string> {
    return new Set(this.ownRules().flatMap((r) => r.target?.split("/").at(-1) ?? []));
  }
  ownTargets(): ObservedTarget[] {
    return [...this.targets.values()];
  }
  rememberTarget(target: ObservedTarget): void {
    this.targets.set(target.name, target);
    this.fresh.stamp(`target/${target.name}`, this.fresh.now());
  }
  forgetTarget(name: string): void {
    this.targets.delete(name);
    this.fresh.stamp(`target/${name}`, this.fresh.now());
  }
  /** Sentence where no firewall rule lets anything in: the address would be silently dead (E55). */
  firewallAdvice(k: AddressKey, vpc: string): string | undefined {
    if (!this.loaded || ingressAllowed(this.firewalls, vpc, k.address)) return undefined;
    return `no firewall rule of VPC ${vpc} lets anything in to ${k.address}; packets are dropped until one does`;
  }
  /** Rules of ours, for the clean-up report. */
  ownRules(): ObservedRule[] {
    return [...this.rules.values()].filter((r) => r.ours);
  }
  /** Rules that stand in the way of this very address: an internal literal of another VPC is another address. */
  private concerns(r: ObservedRule, k: AddressKey): boolean {
    const internal = r.scheme.startsWith("INTERNAL");
    if (internal !== (k.scope === "Internal")) return false;
    if (!internal) return true;
    const sameVpc = r.network === undefined || k.vpc === undefined || r.network === k.vpc;
    // The primary VPC's name is not known here; a rule of ours under another name serves another VPC's address.
    return sameVpc && !(r.ours && k.vpc === undefined);
  }
}

const matches = (a: ObservedAddress, k: AddressKey): boolean =>
  a.type === k.scope && (k.scope === "External" || k.vpc === undefined || a.network === undefined || a.network === k.vpc);
const sameReservation = (a: ObservedAddress, b: ObservedAddress | undefined): boolean =>
  b !== undefined && a.name === b.name && a.region === b.region && a.project === b.project;
const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

function groupBy<T>(list: readonly T[], key: (t: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
