// SPDX-License-Identifier: Apache-2.0
// The objects of the simulated cloud: what is read of them, and what each mutation checks and changes. When it happens is the affair of the
// operations in cloud.ts.
import { createHash } from "node:crypto";
import {
  CloudRefusal,
  exists,
  found,
  inUseAddress,
  last,
  missing,
  pathOf,
  ROOT,
  type Address,
  type Json,
  type Rule,
  type Target,
} from "./cloud-words";

export interface CloudPlace {
  project: string;
  region: string;
  zones: readonly string[];
  /** True time, milliseconds since the epoch. */
  now(): number;
}
/** A mutation that was asked for. */
export interface Plan {
  method: string;
  path: string;
  /** Checks and answers what changes the state. @throws CloudRefusal */
  plan(): () => void;
  params: Json;
  zone?: string;
}

export class CloudObjects {
  readonly rules = new Map<string, Rule>();
  /** By path. */
  readonly targets = new Map<string, Target>();
  readonly addresses = new Map<string, Address>();
  /** By path. */
  readonly instances = new Map<string, Json>();
  firewalls: Json[] = [];
  private ids = 1000;

  constructor(private readonly o: CloudPlace) {}

  /** Ids of all objects and operations come from one counter. */
  nextId(): string {
    return String(++this.ids);
  }
  reserve(name: string, address: string, more: Json = {}): void {
    const selfLink = this.link(`regions/${this.o.region}/addresses/${name}`);
    const fixed = { id: this.nextId(), name, address, addressType: "EXTERNAL", networkTier: "PREMIUM", selfLink };
    this.addresses.set(name, { ...fixed, region: this.link(`regions/${this.o.region}`), ...more });
  }
  putInstance(zone: string, name: string, networks: readonly string[]): void {
    const networkInterfaces = networks.map((n) => ({ network: this.link(`global/networks/${n}`) }));
    const creationTimestamp = new Date(this.o.now()).toISOString();
    this.instances.set(this.path(`zones/${zone}/instances/${name}`), {
      id: this.nextId(),
      name,
      creationTimestamp,
      networkInterfaces,
    });
  }
  removeInstance(zone: string, name: string): void {
    this.instances.delete(this.path(`zones/${zone}/instances/${name}`));
  }

  readonly reads: Record<string, (p: Json) => unknown> = {
    "forwardingRules.get": (p) => found(this.rules.get(String(p.forwardingRule)), p.forwardingRule),
    "forwardingRules.list": (p) => ({ items: filtered([...this.rules.values()], p.filter) }),
    "targetInstances.get": (p) => found(this.targets.get(this.targetPath(p.zone, p.targetInstance)), p.targetInstance),
    "targetInstances.list": (p) => ({ items: [...this.targets.values()].filter((t) => last(t.zone) === p.zone) }),
    "instances.get": (p) =>
      found(this.instances.get(this.path(`zones/${String(p.zone)}/instances/${String(p.instance)}`)), p.instance),
    "addresses.list": (p) => ({
      items: filtered(
        [...this.addresses.values()].map((a) => this.used(a)),
        p.filter,
      ),
    }),
    "addresses.aggregatedList": () => ({ items: {} }),
    "regions.get": () => ({ zones: this.o.zones.map((z) => this.link(`zones/${z}`)) }),
    "firewalls.list": () => ({ items: this.firewalls }),
    "subnetworks.get": (p) => ({ network: this.link(`global/networks/${String(p.subnetwork).replace(/-subnet$/, "-vpc")}`) }),
    "publicDelegatedPrefixes.list": () => ({ items: [] }),
  };
  readonly mutations: Record<string, (p: Json) => Plan> = {
    "forwardingRules.insert": (p) => this.insertRule(p),
    "forwardingRules.setTarget": (p) =>
      this.changeRule("forwardingRules.setTarget", p, p.forwardingRule, (rule) => this.retargeted(rule, p)),
    "forwardingRules.setLabels": (p) =>
      this.changeRule("forwardingRules.setLabels", p, p.resource, (rule) => relabelled(rule, p)),
    "forwardingRules.delete": (p) => this.deleteRule(p),
    "targetInstances.insert": (p) => this.insertTarget(p),
    "targetInstances.delete": (p) => this.deleteTarget(p),
    "addresses.delete": (p) => this.deleteAddress(p),
  };

  private insertRule(params: Json): Plan {
    const body = params.requestBody as Json;
    const name = String(body.name);
    const id = this.nextId();
    const path = this.path(`regions/${this.o.region}/forwardingRules/${name}`);
    const plan = (): (() => void) => {
      if (this.rules.has(name)) throw exists(path);
      const address = this.addresses.get(last(body.IPAddress));
      if (!address) throw missing(String(body.IPAddress));
      const scheme = (body.loadBalancingScheme as string | undefined) ?? "EXTERNAL";
      if (address.addressType !== scheme) throw new CloudRefusal(400, "invalid", `the address is ${address.addressType}`);
      const target = this.knownTarget(body.target);
      const rival = [...this.rules.values()].find((r) => r.IPAddress === address.address && r.IPProtocol === body.IPProtocol);
      if (rival) throw inUseAddress(address.address, rival.selfLink);
      const rule = {
        ...body,
        name,
        id,
        IPAddress: address.address,
        target: target.selfLink,
        loadBalancingScheme: scheme,
        selfLink: ROOT + path,
      };
      return () => void this.rules.set(name, { ...rule, labelFingerprint: print({}), IPProtocol: String(body.IPProtocol) });
    };
    return { method: "forwardingRules.insert", path, plan, params };
  }
  private changeRule(method: string, params: Json, name: unknown, change: (rule: Rule) => Rule): Plan {
    const before = found(this.rules.get(String(name)), name);
    const plan = (): (() => void) => {
      const next = change(found(this.rules.get(String(name)), name));
      return () => void this.rules.set(next.name, next);
    };
    return { method, path: pathOf(before.selfLink), plan, params };
  }
  private retargeted(rule: Rule, params: Json): Rule {
    return { ...rule, target: this.knownTarget((params.requestBody as Json).target).selfLink };
  }
  private deleteRule(params: Json): Plan {
    const name = String(params.forwardingRule);
    const before = found(this.rules.get(name), name);
    const plan = (): (() => void) => (found(this.rules.get(name), name), () => void this.rules.delete(name));
    return { method: "forwardingRules.delete", path: pathOf(before.selfLink), plan, params };
  }
  private insertTarget(params: Json): Plan {
    const body = params.requestBody as Json;
    const path = this.targetPath(params.zone, body.name);
    const id = this.nextId();
    const zone = String(params.zone);
    const plan = (): (() => void) => {
      if (this.targets.has(path)) throw exists(path);
      const vm = this.instances.get(pathOf(body.instance));
      if (!vm) throw missing(pathOf(body.instance));
      const made = {
        ...body,
        name: String(body.name),
        id,
        instance: ROOT + pathOf(body.instance),
        zone: this.link(`zones/${zone}`),
        selfLink: ROOT + path,
      };
      return () => void this.targets.set(path, { ...made, creationTimestamp: new Date(this.o.now()).toISOString() });
    };
    return { method: "targetInstances.insert", path, plan, params, zone };
  }
  private deleteTarget(params: Json): Plan {
    const path = this.targetPath(params.zone, params.targetInstance);
    found(this.targets.get(path), params.targetInstance);
    const plan = (): (() => void) => {
      found(this.targets.get(path), params.targetInstance);
      const user = [...this.rules.values()].find((r) => pathOf(r.target) === path);
      if (user)
        throw new CloudRefusal(
          400,
          "resourceInUseByAnotherResource",
          `The target_instance resource '${path}' is already being used by '${pathOf(user.selfLink)}'`,
        );
      return () => void this.targets.delete(path);
    };
    return { method: "targetInstances.delete", path, plan, params, zone: String(params.zone) };
  }
  private deleteAddress(params: Json): Plan {
    const name = String(params.address);
    found(this.addresses.get(name), name);
    const path = this.path(`regions/${this.o.region}/addresses/${name}`);
    return { method: "addresses.delete", path, params, plan: () => () => void this.addresses.delete(name) };
  }
  private knownTarget(url: unknown): Target {
    return found(this.targets.get(pathOf(url)), pathOf(url));
  }
  private used(a: Address): Json {
    const users = [...this.rules.values()].filter((r) => r.IPAddress === a.address).map((r) => r.selfLink);
    return { ...a, status: users.length > 0 ? "IN_USE" : "RESERVED", ...(users.length > 0 ? { users } : {}) };
  }
  private targetPath(zone: unknown, name: unknown): string {
    return this.path(`zones/${String(zone)}/targetInstances/${String(name)}`);
  }
  private path(rest: string): string {
    return `projects/${this.o.project}/${rest}`;
  }
  link(rest: string): string {
    return ROOT + this.path(rest);
  }
}

const print = (labels: unknown): string => createHash("sha1").update(JSON.stringify(labels)).digest("base64").slice(0, 12);
function relabelled(rule: Rule, params: Json): Rule {
  const { labels, labelFingerprint } = params.requestBody as { labels: Record<string, string>; labelFingerprint?: string };
  if (labelFingerprint !== rule.labelFingerprint)
    throw new CloudRefusal(412, "conditionNotMet", "Labels fingerprint either invalid or resource labels have changed");
  return { ...rule, labels, labelFingerprint: print(labels) };
}
/** `field = "value"`, the one form of filter that the controller sends. */
function filtered<T extends Json>(items: readonly T[], filter: unknown): T[] {
  const match = /^(\w+) = "([^"]*)"$/.exec(typeof filter === "string" ? filter : "");
  return match ? items.filter((item) => item[match[1]!] === match[2]) : [...items];
}
