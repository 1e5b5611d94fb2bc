// SPDX-License-Identifier: Apache-2.0
// Google Compute in memory, at the level of the generated client: forwarding rules, target instances, VMs, addresses, and operations that take
// time, hold their resource, answer a repeated requestId with the same operation, and may fail. behaviour-cloud.ts holds it to the emulator.
import { createHash } from "node:crypto";

export type Json = Record<string, unknown>;
export interface Rule extends Json {
  name: string;
  id: string;
  IPAddress: string;
  IPProtocol: string;
  target: string;
  selfLink: string;
  labels?: Record<string, string>;
  labelFingerprint: string;
  description?: string;
  loadBalancingScheme: string;
}
export interface Target extends Json {
  name: string;
  id: string;
  instance: string;
  zone: string;
  selfLink: string;
}
export interface Address extends Json {
  name: string;
  address: string;
  addressType: string;
}
export interface Operation extends Json {
  name: string;
  status: "RUNNING" | "DONE";
}
/** A refusal with Google's reason; `retryAfter` in seconds. */
export class CloudRefusal extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    readonly retryAfter?: number,
  ) {
    super(message);
  }
  body(): Json {
    return { error: { code: this.status, message: this.message, errors: [{ reason: this.reason, message: this.message }] } };
  }
}
/** A mutation at the moment at which the cloud accepts it, and again when it takes effect. */
export interface CloudChange {
  who: string;
  method: string;
  name: string;
  moment: "accepted" | "effect" | "failed";
  params: Json;
}
export interface CloudOptions {
  project: string;
  region: string;
  zones: readonly string[];
  /** True time, milliseconds since the epoch. */
  now(): number;
  /** Runs something later. */
  later(ms: number, fn: () => void): void;
  /** How long the next operation takes, milliseconds, and whether it fails. */
  fate(method: string): { ms: number; fails: boolean };
}
interface Plan {
  method: string;
  path: string;
  /** Checks and answers what changes the state. @throws CloudRefusal */
  plan(): () => void;
  params: Json;
  zone?: string;
}
const ROOT = "https://www.googleapis.com/compute/v1/";
const OP_CODE: Record<string, string> = {
  notFound: "RESOURCE_NOT_FOUND",
  alreadyExists: "RESOURCE_ALREADY_EXISTS",
  resourceInUseByAnotherResource: "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE",
  invalid: "INVALID_FIELD_VALUE",
  conditionNotMet: "CONDITION_NOT_MET",
  backendError: "INTERNAL_ERROR",
};
const last = (path: unknown): string => String(path).split("/").at(-1) ?? "";
const pathOf = (url: unknown): string => String(url).slice(Math.max(0, String(url).indexOf("projects/")));

export class CloudModel {
  readonly rules = new Map<string, Rule>();
  /** By path. */
  readonly targets = new Map<string, Target>();
  readonly addresses = new Map<string, Address>();
  /** By path. */
  readonly instances = new Map<string, Json>();
  firewalls: Json[] = [];
  onChange: (change: CloudChange) => void = () => undefined;
  private readonly operations = new Map<string, { operation: Operation; waiters: Set<() => void> }>();
  private readonly remembered = new Map<string, { request: string; operation: string }>();
  private readonly busy = new Set<string>();
  private ids = 1000;

  constructor(private readonly o: CloudOptions) {}

  reserve(name: string, address: string, more: Json = {}): void {
    const selfLink = this.link(`regions/${this.o.region}/addresses/${name}`);
    const fixed = { id: String(++this.ids), name, address, addressType: "EXTERNAL", networkTier: "PREMIUM", selfLink };
    this.addresses.set(name, { ...fixed, region: this.link(`regions/${this.o.region}`), ...more });
  }
  putInstance(zone: string, name: string, networks: readonly string[]): void {
    const networkInterfaces = networks.map((n) => ({ network: this.link(`global/networks/${n}`) }));
    const creationTimestamp = new Date(this.o.now()).toISOString();
    this.instances.set(this.path(`zones/${zone}/instances/${name}`), {
      id: String(++this.ids),
      name,
      creationTimestamp,
      networkInterfaces,
    });
  }
  removeInstance(zone: string, name: string): void {
    this.instances.delete(this.path(`zones/${zone}/instances/${name}`));
  }
  /** Somebody with another tool changes a rule, or takes it away. */
  byHand(name: string, rule: Rule | undefined): void {
    if (rule) this.rules.set(name, rule);
    else this.rules.delete(name);
    this.onChange({ who: "user", method: "forwardingRules.byHand", name, moment: "effect", params: {} });
  }
  /** Operations under way. */
  get running(): number {
    return this.busy.size;
  }

  /** A read or a mutation. @throws CloudRefusal */
  handle(who: string, method: string, params: Json): Json {
    const read = this.reads[method];
    if (read) return copy(read(params));
    const prepare = this.mutations[method];
    if (!prepare) throw new CloudRefusal(404, "notFound", `no such method ${method}`);
    const known = this.recall(method, params);
    if (known) return known;
    const plan = prepare(params);
    if (this.busy.has(plan.path)) throw busy(plan);
    plan.plan();
    return copy(this.accept(who, plan));
  }
  /** Answers when the operation is done or the bound is over. @throws CloudRefusal */
  wait(params: Json, boundMs: number, reply: (operation: Json) => void): void {
    const entry = this.operations.get(String(params.operation));
    if (!entry) throw new CloudRefusal(404, "notFound", `operation ${String(params.operation)} not found`);
    if (entry.operation.status === "DONE") return reply(copy(entry.operation));
    let answered = false;
    const answer = (): void => {
      if (answered) return;
      answered = true;
      entry.waiters.delete(answer);
      reply(copy(entry.operation));
    };
    entry.waiters.add(answer);
    this.o.later(boundMs, answer);
  }
  /** Finished operations are forgotten, as Google does after a while. */
  forgetOperations(): void {
    for (const [name, { operation }] of this.operations) if (operation.status === "DONE") this.operations.delete(name);
  }

  private readonly reads: Record<string, (p: Json) => unknown> = {
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
  private readonly mutations: Record<string, (p: Json) => Plan> = {
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

  private accept(who: string, plan: Plan): Operation {
    const { ms, fails } = this.o.fate(plan.method);
    const name = `operation-${++this.ids}`;
    const place = plan.zone ? { zone: this.link(`zones/${plan.zone}`) } : { region: this.link(`regions/${this.o.region}`) };
    const operation: Operation = { name, status: "RUNNING", operationType: plan.method, ...place };
    this.operations.set(name, { operation, waiters: new Set() });
    this.busy.add(plan.path);
    const { requestId } = plan.params;
    if (typeof requestId === "string") this.remembered.set(requestId, { request: plan.method + plan.path, operation: name });
    const change = { who, method: plan.method, name: last(plan.path), params: plan.params };
    this.onChange({ ...change, moment: "accepted" });
    this.o.later(ms, () => this.finish(name, plan, fails, change));
    return operation;
  }
  private finish(name: string, plan: Plan, fails: boolean, change: Omit<CloudChange, "moment">): void {
    const entry = this.operations.get(name)!;
    this.busy.delete(plan.path);
    const error = fails ? new CloudRefusal(503, "backendError", "internal error") : refusalOf(() => plan.plan()());
    const failed = error && {
      error: { errors: [{ code: OP_CODE[error.reason] ?? error.reason, message: error.message }] },
      httpErrorStatusCode: error.status,
    };
    entry.operation = { ...entry.operation, status: "DONE", ...failed };
    this.onChange({ ...change, moment: error ? "failed" : "effect" });
    for (const tell of [...entry.waiters]) tell();
  }
  private recall(method: string, { requestId, ...params }: Json): Json | undefined {
    const known = typeof requestId === "string" ? this.remembered.get(requestId) : undefined;
    if (!known) return undefined;
    if (!known.request.startsWith(method) || !known.request.endsWith(`/${nameIn(params)}`))
      throw new CloudRefusal(400, "invalid", "requestId was used for another request before");
    const entry = this.operations.get(known.operation);
    return entry && copy(entry.operation);
  }

  private insertRule(params: Json): Plan {
    const body = params.requestBody as Json;
    const name = String(body.name);
    const id = String(++this.ids);
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
    const id = String(++this.ids);
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
  private link(rest: string): string {
    return ROOT + this.path(rest);
  }
}

const copy = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;
const print = (labels: unknown): string => createHash("sha1").update(JSON.stringify(labels)).digest("base64").slice(0, 12);
const missing = (what: string): CloudRefusal => new CloudRefusal(404, "notFound", `The resource '${what}' was not found`);
const exists = (path: string): CloudRefusal => new CloudRefusal(409, "alreadyExists", `The resource '${path}' already exists`);
const busy = ({ method, path }: Plan): CloudRefusal =>
  method.endsWith(".insert") ? exists(path) : new CloudRefusal(400, "resourceNotReady", `The resource '${path}' is not ready`);
const inUseAddress = (ip: string, user: string): CloudRefusal =>
  new CloudRefusal(
    400,
    "invalid",
    `'${ip}'. Specified IP address is in-use by '${pathOf(user)}' and would result in a conflict.`,
  );
function found<T>(value: T | undefined, name: unknown): T {
  if (value === undefined) throw missing(String(name));
  return value;
}
function refusalOf(effect: () => void): CloudRefusal | undefined {
  try {
    effect();
    return undefined;
  } catch (error) {
    if (error instanceof CloudRefusal) return error;
    throw error;
  }
}
function relabelled(rule: Rule, params: Json): Rule {
  const { labels, labelFingerprint } = params.requestBody as { labels: Record<string, string>; labelFingerprint?: string };
  if (labelFingerprint !== rule.labelFingerprint)
    throw new CloudRefusal(412, "conditionNotMet", "Labels fingerprint either invalid or resource labels have changed");
  return { ...rule, labels, labelFingerprint: print(labels) };
}
const nameIn = (p: Json): string =>
  [p.forwardingRule, p.resource, p.targetInstance, (p.requestBody as Json | undefined)?.name].find(
    (n) => typeof n === "string",
  ) ?? "";
/** `field = "value"`, the one form of filter that the controller sends. */
function filtered<T extends Json>(items: readonly T[], filter: unknown): T[] {
  const match = /^(\w+) = "([^"]*)"$/.exec(typeof filter === "string" ? filter : "");
  return match ? items.filter((item) => item[match[1]!] === match[2]) : [...items];
}
