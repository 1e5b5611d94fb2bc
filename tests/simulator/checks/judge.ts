// SPDX-License-Identifier: Apache-2.0
// Watches a world: every request that leaves a controller, every write that took effect, everything the cloud accepted. It judges from the
// true state alone and shares no rule with the code under test.
import { LEASE, ROUTE_FINALIZER, type AddressBinding, type GKEIPRoute, type Holder } from "../../../controller/api";
import { resourcePath, type KubeObject } from "../../../controller/kubernetes";
import type { Process } from "../engine/process";
import type { ApiModel, Write } from "../models/api";
import type { CloudChange, CloudModel, Json, Rule } from "../models/cloud";
import { collectionOf, GATEWAY, pathOf as pathTo } from "../world/objects";
import { isForeign, pathOf, vmOfUrl } from "../world/reading";
import type { Shape } from "../world/shape";
import type { Witness } from "../world/world";
import { brief } from "./brief";
import { Choices } from "./choices";
import { Conditions } from "./conditions";
import { Heirs } from "./heirs";
import { Journals, type Told } from "./journals";
import { Known } from "./known";
import { Tally } from "./tally";

/** The bound of DESIGN 9.7 and ADR 0011, written down again on purpose. */
const MOST_STALE_MS = 300_000;
const NEEDED = (["route", "gateway", "gatewayClass", "binding", "pod", "node", "namespace"] as const).map(collectionOf);
const BINDINGS = collectionOf("binding");
const ROUTES = collectionOf("route");
const GATEWAYS = collectionOf("gateway");
const LEASES = resourcePath({ group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease", namespaced: true });
const POINTS: readonly string[] = ["forwardingRules.setTarget", "forwardingRules.insert"];
const isController = (who: string): boolean => /^c\d/.test(who);

export interface Truth {
  api: ApiModel;
  cloud: CloudModel;
  now: () => number;
}

export class Judge implements Witness {
  readonly tally = new Tally();
  readonly lines: string[] = [];
  /** Virtual time of the last write of a controller, leases aside. */
  lastWriteAt = 0;
  lastWrite = "";
  private truth!: Truth;
  private journals!: Journals;
  private conditions!: Conditions;
  private choices!: Choices;
  private heirs!: Heirs;
  private known!: Known;
  /** Until when each process may act, by its own clock. */
  private readonly rights = new Map<string, number>();
  /** Clocks of the processes that live. */
  private readonly clocks = new Map<string, Process["clock"]>();
  private readonly leaseSentAt = new Map<string, number>();
  private readonly heardAt = new Map<string, Map<string, number>>();
  private readonly bornAt = new Map<string, number>();
  /** UIDs of the Gateways that bore the name. */
  private readonly gateways = new Set<string>();
  private readonly addressOfRule = new Map<string, string>();
  /** UID of the route that a rule of ours was last made or kept for. */
  private readonly ruleOwner = new Map<string, string>();
  /** Routes that want an address, by UID, and until when they did. */
  private readonly wanting = new Map<string, Map<string, number>>();

  constructor(
    private readonly shape: Shape,
    private readonly tracing: boolean,
  ) {}
  /** @param truth what really is */
  begin(truth: Truth): void {
    this.truth = truth;
    const agents = this.shape.datapath === "dataplane-v2";
    const journals = new Journals(this.tally, truth, agents);
    const common = { tally: this.tally, truth, journals, known: new Known(truth.now), second: agents };
    Object.assign(this, { journals, known: common.known });
    this.heirs = new Heirs(common);
    this.choices = new Choices(common);
    this.conditions = new Conditions({ ...common, datapath: this.shape.datapath });
  }

  trace(who: string, line: string): void {
    if (this.tracing) this.lines.push(`${((this.truth?.now() ?? 0) / 1000).toFixed(3).padStart(8)} ${who.padEnd(6)} ${line}`);
  }
  count(what: string): void {
    this.tally.count(what);
  }
  warned(who: string, text: string): void {
    this.tally.test(
      "0-error",
      this.truth.now(),
      !/TypeError|ReferenceError|Cannot read|is not a function|did not settle|unknown key|RangeError/.test(text),
      () => `${who}: ${text}`,
    );
  }

  ended(process: Process): void {
    this.clocks.delete(process.name);
  }
  leaves(process: Process, what: string, mutates: boolean): void {
    this.clocks.set(process.name, process.clock);
    if (!this.bornAt.has(process.name)) this.bornAt.set(process.name, this.truth.now());
    if (!mutates) return;
    if (what.includes(`/leases`)) return void this.leaseSentAt.set(process.name, process.clock.monotonic());
    const { now } = this.truth;
    const until = this.rights.get(process.name) ?? Number.NEGATIVE_INFINITY;
    this.trace(process.name, `sends ${what}`);
    this.tally.test(
      "7-leader",
      now(),
      process.clock.monotonic() < until,
      () => `${process.name} sends ${what} ${Math.round(process.clock.monotonic() - until)} ms after its right ended`,
    );
    const silent = this.silence(process);
    this.tally.test(
      "7-stale",
      now(),
      silent <= MOST_STALE_MS + 1,
      () => `${process.name} sends ${what} after ${Math.round(silent / 1000)} s of silence`,
    );
    if (silent > 60_000) this.tally.count("writesOnSilentWatches");
  }
  /** Milliseconds, by the process's own clock, since the quietest watch said something. */
  private silence({ name, clock }: Process): number {
    const heard = this.heardAt.get(name);
    const since = Math.min(...NEEDED.map((c) => heard?.get(c) ?? this.bornAt.get(name) ?? 0));
    return (this.truth.now() - since) * clock.rate;
  }
  heard(process: Process, collection: string, line: Buffer): void {
    this.known.heard(process.name, collection, line);
    let of = this.heardAt.get(process.name);
    if (!of) this.heardAt.set(process.name, (of = new Map<string, number>()));
    of.set(collection, this.truth.now());
  }
  learnt(process: Process, method: string, answer: Json, at: number): void {
    if (method === "forwardingRules.get") this.conditions.saw(process.name, answer as Rule, at);
    if (method === "forwardingRules.list")
      for (const r of (answer.items ?? []) as Rule[]) this.conditions.saw(process.name, r, at);
  }

  wrote(write: Write): void {
    const { collection, key, who } = write;
    if (collection === LEASES) return this.lease(write);
    if (isController(who)) {
      this.lastWriteAt = this.truth.now();
      this.lastWrite = `${who} ${write.method} ${collection} ${key}`;
      this.tally.count("apiWrites");
    }
    this.judged(write);
    this.trace(
      who,
      `${write.method} ${collection.split("/").at(-1)} ${key}${write.sub ? `/${write.sub}` : ""} ${this.tracing ? brief(write) : ""}`,
    );
  }
  private judged(write: Write): void {
    const { collection, who } = write;
    if (collection === BINDINGS) {
      this.journals.wrote(write);
      if (isController(who)) for (const check of [this.choices, this.heirs]) check.wrote(write);
      this.owned(write.after as AddressBinding | undefined);
    } else this.heirs.touched(write);
    if (collection === ROUTES) this.wants(write);
    if (collection === GATEWAYS && write.after?.metadata.name === GATEWAY) this.gateways.add(write.after.metadata.uid!);
    if (collection === ROUTES && isController(who)) this.routeWrite(write);
  }
  /** Addresses whose claim was deleted by hand: what that leaves behind is reported, and removed on demand only. */
  robbed(address: string): boolean {
    return this.journals.excused(address);
  }
  private routeWrite(write: Write): void {
    const had = write.before?.metadata.finalizers?.includes(ROUTE_FINALIZER);
    const has = write.after?.metadata.finalizers?.includes(ROUTE_FINALIZER);
    if (had && !has) this.finalizerGone(write.before as GKEIPRoute);
    if (write.sub === "status" && write.after) this.conditions.wrote(write);
  }
  private lease({ who, after }: Write): void {
    const { holderIdentity, renewTime } =
      (after as unknown as { spec: { holderIdentity?: string; renewTime?: string } } | undefined)?.spec ?? {};
    if (!isController(who) || after?.metadata.name !== LEASE || !renewTime) return;
    this.tally.count("leaseWrites");
    const sent = this.leaseSentAt.get(who) ?? 0;
    const other = [...this.clocks].find(
      ([name, clock]) => name !== who && clock.monotonic() < (this.rights.get(name) ?? Number.NEGATIVE_INFINITY),
    );
    this.tally.test(
      "7-leader",
      this.truth.now(),
      holderIdentity !== who || other === undefined,
      () => `${who} takes the lease while ${other?.[0]} may still act`,
    );
    this.rights.set(who, holderIdentity === who ? sent + this.shape.lease.renewDeadlineMs : Number.NEGATIVE_INFINITY);
  }
  private owned(binding: AddressBinding | undefined): void {
    if (!binding) return;
    for (const r of this.truth.cloud.rules.values())
      if (r.IPAddress === binding.spec.address && !isForeign(r)) this.ruleOwner.set(r.name, binding.spec.route.uid);
  }
  /** Another route that wants the address, or wanted it until lately: it inherits, and the claim stays for it. */
  private hasHeir(address: string, owner: string): boolean {
    const since = this.truth.now() - MOST_STALE_MS;
    return [...(this.wanting.get(address) ?? [])].some(([uid, until]) => uid !== owner && until >= since);
  }
  private wants({ before, after }: Write): void {
    if (before) this.wantedBy(before as GKEIPRoute, this.truth.now());
    if (after) this.wantedBy(after as GKEIPRoute, Infinity);
  }
  private wantedBy(route: GKEIPRoute, until: number): void {
    // A malformed route may have no spec.
    const spec = route.spec as GKEIPRoute["spec"] | undefined;
    for (const { value = "" } of spec?.addresses ?? []) {
      const address = value.replace(/\/32$/, "");
      const of = this.wanting.get(address) ?? new Map<string, number>();
      this.wanting.set(address, of.set(route.metadata.uid ?? "", until));
    }
  }
  private finalizerGone(route: GKEIPRoute): void {
    const uid = route.metadata.uid ?? "";
    const { api, cloud, now } = this.truth;
    const claims = api
      .all<KubeObject>(BINDINGS)
      .filter((b) => (b as AddressBinding).spec.route.uid === uid && !this.hasHeir((b as AddressBinding).spec.address, uid));
    const claimed = new Set(api.all<KubeObject>(BINDINGS).map((b) => (b as AddressBinding).spec.address));
    const rules = [...cloud.rules.values()].filter(
      (r) => this.ruleOwner.get(r.name) === uid && !claimed.has(r.IPAddress) && !this.journals.excused(r.IPAddress),
    );
    this.tally.test("7-finalizer", now(), claims.length === 0 && rules.length === 0, () => {
      const left = [...claims.map((c) => c.metadata.name), ...rules.map((r) => r.name)].join(", ");
      return `the finalizer of ${route.metadata.name} was removed while ${left} remain`;
    });
  }

  /** A node agent has programmed a Pod for a route, and said so in this version of it. */
  programmed(routeUid: string, pod: Told, version: number): void {
    const said = this.journals.prepared.get(routeUid) ?? [];
    this.journals.prepared.set(routeUid, [...said.slice(-8), { ...pod, version }]);
  }

  cloudChanged(change: CloudChange): void {
    const { who, method, moment, name } = change;
    this.trace(who, `cloud ${moment} ${method} ${name}${POINTS.includes(method) ? ` -> ${this.vmAsked(change)}` : ""}`);
    if (moment === "effect") this.effect(change);
    if (moment === "accepted") this.acceptedBy(change);
  }
  private acceptedBy(change: CloudChange): void {
    const { who, method, name } = change;
    this.lastWriteAt = this.truth.now();
    this.lastWrite = `${who} ${method} ${name}`;
    this.tally.count("cloudWrites");
    const rule = this.truth.cloud.rules.get(name);
    this.tally.test(
      "2-foreign",
      this.truth.now(),
      !(rule && isForeign(rule)) && method !== "addresses.delete",
      () => `${who} ${method} ${name}`,
    );
    if (method === "forwardingRules.delete" && rule && isController(who)) this.deletes(who, rule);
    if (POINTS.includes(method)) this.pointed(change);
  }
  /** Only what leaves no doubt is judged: one route that has always wanted the address, as it was made, on a Gateway that nobody has touched. */
  private deletes(who: string, rule: Rule): void {
    const { api, now } = this.truth;
    const rivals = this.wanting.get(rule.IPAddress)?.size ?? 0;
    const gateway = api.get(pathTo("gateway", GATEWAY));
    const plain = this.gateways.size === 1 && gateway?.metadata.generation === 1 && rivals === 1;
    const owner = api
      .all<GKEIPRoute & KubeObject>(ROUTES)
      .find((r) => r.metadata.uid === this.ruleOwner.get(rule.name) && r.metadata.generation === 1);
    const wanted = owner !== undefined && owner.metadata.deletionTimestamp === undefined;
    this.tally.test(
      "2-kept",
      now(),
      !(plain && wanted),
      () => `${who} deletes ${rule.name} of ${rule.IPAddress}, which ${owner?.metadata.name} wants`,
    );
  }
  private effect({ method, name }: CloudChange): void {
    const rule = this.truth.cloud.rules.get(name);
    const was = this.addressOfRule.get(name);
    if (rule) this.addressOfRule.set(name, rule.IPAddress);
    else if (was !== undefined) this.journals.pointsAt(was, undefined);
    if (rule && method.startsWith("forwardingRules.")) this.journals.pointsAt(rule.IPAddress, this.vmOf(rule.target));
    if (rule && isForeign(rule)) this.heirs.foreign();
    const binding = rule && this.journals.bindingOf(rule.IPAddress);
    if (binding) this.owned(binding);
  }
  private pointed(change: CloudChange): void {
    const body = change.params.requestBody as Json;
    const address = change.method.endsWith("insert")
      ? this.truth.cloud.addresses.get(String(body.IPAddress).split("/").at(-1)!)?.address
      : this.truth.cloud.rules.get(change.name)?.IPAddress;
    this.journals.pointed(change.who, address ?? "", this.vmOf(String(body.target)));
  }
  private vmOf(target: string): Pick<Holder, "zone" | "instance"> | undefined {
    const found = this.truth.cloud.targets.get(pathOf(target));
    return found && vmOfUrl(found.instance);
  }
  private vmAsked(change: CloudChange): string {
    return this.vmOf(String((change.params.requestBody as Json).target))?.instance ?? "nothing";
  }
}
