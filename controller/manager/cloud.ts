// SPDX-License-Identifier: Apache-2.0
// What is known of Google Cloud: complete lists at start and on a timer (drift), kept true in between by the results of our own calls.
import { bindingName, forwardingRuleName, type Scope } from "../api";
import { judgeAddress, type AddressFact, type RuleFact } from "../core";
import {
  ingressAllowed,
  type CloudSnapshot,
  type Fabric,
  type ObservedAddress,
  type ObservedFirewall,
  type ObservedRule,
  type ObservedTarget,
} from "../compute";

export interface AddressKey {
  address: string;
  scope: Scope;
  vpc?: string;
}
export const nameOf = (k: AddressKey): string => bindingName(k.address, k.scope, k.vpc);

export class CloudView {
  private addresses = new Map<string, ObservedAddress[]>();
  private rules = new Map<string, ObservedRule>();
  private firewalls: ObservedFirewall[] = [];
  readonly targets = new Map<string, ObservedTarget>();
  private loaded = false;

  constructor(
    private readonly fabric: Fabric,
    private readonly place: { project: string; region: string; clusterUid: string },
  ) {}

  /** Reads everything anew. Answers the addresses whose rule or reservation is not what was known: drift, or first sight. */
  async refresh(): Promise<Set<string>> {
    const before = this.fingerprint();
    const snapshot = await this.fabric.snapshot();
    this.load(snapshot);
    const after = this.fingerprint();
    return new Set([...before.keys(), ...after.keys()].filter((a) => before.get(a) !== after.get(a)));
  }
  private load(s: CloudSnapshot): void {
    this.addresses = groupBy(s.addresses, (a) => a.address);
    this.rules = new Map(s.rules.map((r) => [r.name, r]));
    this.firewalls = s.firewalls;
    this.targets.clear();
    for (const t of s.targets) if (t.ours) this.targets.set(t.name, t);
    this.loaded = true;
  }
  private fingerprint(): Map<string, string> {
    const said = new Map<string, string>();
    const add = (address: string, text: string): void => void said.set(address, `${said.get(address) ?? ""}${text};`);
    for (const list of this.addresses.values()) for (const a of list) add(a.address, `${a.name},${a.type},${a.region ?? ""}`);
    for (const r of this.rules.values()) add(r.address, `${r.name}>${r.target ?? ""}`);
    return said;
  }

  /** Looks one address up now: its reservation, and every rule that sits on it. */
  async look(k: AddressKey): Promise<void> {
    const [found, rules] = await Promise.all([
      this.fabric.findAddress(k.address, k.scope, k.vpc),
      this.fabric.rulesOn(k.address, k.vpc),
    ]);
    const others = (this.addresses.get(k.address) ?? []).filter((a) => !matches(a, k));
    this.addresses.set(k.address, found ? [...others, found] : others);
    for (const [name, r] of this.rules) if (r.address === k.address && this.concerns(r, k)) this.rules.delete(name);
    for (const r of rules) this.rules.set(r.name, r);
  }
  found(k: AddressKey): ObservedAddress | undefined {
    return this.addresses.get(k.address)?.find((a) => matches(a, k)) ?? this.addresses.get(k.address)?.[0];
  }
  /** Undefined while nothing has been read. */
  fact(k: AddressKey): AddressFact | undefined {
    if (!this.loaded) return undefined;
    const ours = (user: string): boolean => this.rules.get(/\/forwardingRules\/([^/]+)$/.exec(user)?.[1] ?? "")?.ours === true;
    return judgeAddress(this.found(k), { ...k, region: this.place.region, project: this.place.project, ours });
  }
  /** Our rule on the address; two (TCP and UDP) where the scheme refused one for all protocols (E52). */
  rulesOf(k: AddressKey): ObservedRule[] {
    const base = forwardingRuleName(this.place.clusterUid, nameOf(k));
    return ["", "-tcp", "-udp"].flatMap((suffix) => this.rules.get(base + suffix) ?? []);
  }
  ruleFact(k: AddressKey): RuleFact {
    if (!this.loaded) return { state: "unknown" };
    const named = this.rulesOf(k);
    const impostor = named.find((r) => !r.ours);
    if (impostor)
      return {
        state: "foreign",
        message: `forwarding rule ${impostor.name} has our name but not our labels; it is left alone: delete or rename it`,
      };
    const foreign = [...this.rules.values()].find((r) => r.address === k.address && !named.includes(r) && this.concerns(r, k));
    if (foreign)
      return {
        state: "foreign",
        message: `forwarding rule ${foreign.name} sits on ${k.address} and is not ours; it is left alone: delete it to free the address`,
      };
    const targets = new Set(named.map((r) => r.target ?? ""));
    if (named.length === 0) return { state: "absent" };
    return { state: "ours", target: targets.size === 1 ? [...targets][0]! : "" };
  }
  remember(rule: ObservedRule): void {
    this.rules.set(rule.name, rule);
  }
  forget(name: string): void {
    this.rules.delete(name);
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
  private concerns(r: ObservedRule, k: AddressKey): boolean {
    return k.scope === "External" || r.network === undefined || k.vpc === undefined || r.network === k.vpc;
  }
}

const matches = (a: ObservedAddress, k: AddressKey): boolean =>
  a.type === k.scope && (k.scope === "External" || k.vpc === undefined || a.network === undefined || a.network === k.vpc);

function groupBy<T>(list: readonly T[], key: (t: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
