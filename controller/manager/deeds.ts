// SPDX-License-Identifier: Apache-2.0
// What each step of a hand-over does to the world: journal first, cloud second, journal again. The order of steps is the core's affair.
import {
  forwardingRuleName,
  ownerPrefix,
  ruleLabels,
  type AddressBinding,
  type AddressBindingSpec,
  type AddressBindingStatus,
  type Holder,
} from "../api";
import { begun, committed, sameHolder, standingBy, switching, unserved, type RouteNetwork, type Step } from "../core";
import { targetPath, type Fabric, type ObservedRule } from "../compute";
import { globalAccess, type Parts, type Wish } from "./address";
import { nameOf, type AddressKey } from "./cloud";

/** One address under way: what is wanted, under which key, and the claim as it is now. */
export interface Job {
  wish: Wish;
  key: AddressKey;
  binding?: AddressBinding;
}
type Deed<K extends Step["do"]> = (job: Job, step: Extract<Step, { do: K }>) => Promise<unknown>;

const CHANGED = "it had been changed or deleted by somebody else";

export class Deeds {
  /** Steps that are not here are answers: the driver stops at them. */
  private readonly table: { [K in Step["do"]]?: Deed<K> } = {
    claim: (job) => this.claim(job),
    transfer: (job) => this.parts.writer.transfer(job.binding!, claimOf(job.wish)),
    observe: ({ key }) => this.parts.cloud.look(key),
    unserve: (job) => this.journal(job, unserved(job.binding?.status, job.wish.noPods, this.now())),
    begin: (job, step) => this.journal(job, begun(job.binding?.status, step, this.now())),
    switch: (job) => this.journal(job, switching(job.binding?.status ?? {}, this.now())),
    program: (job, step) => this.program(job, step.repair),
    commit: (job) => this.commit(job),
    "stand-by": (job, step) => this.journal(job, standingBy(job.binding?.status ?? {}, step.standby, this.now())),
  };

  constructor(private readonly parts: Parts) {}

  /** Does a step. @throws ApiError, ComputeError */
  async perform(step: Step, job: Job): Promise<void> {
    await (this.table[step.do] as Deed<Step["do"]> | undefined)?.(job, step);
  }

  targetOf(holder: Holder, network: RouteNetwork): string {
    const { zone, instance, node } = holder;
    const name = this.parts.targets.currentName({ zone, instance, node, ...(network.vpc ? { vpc: network.vpc } : {}) });
    return targetPath(this.parts.settings.project, zone, name);
  }

  private now(): string {
    return new Date(this.parts.clock.now()).toISOString();
  }
  private journal({ binding }: Job, next: AddressBindingStatus): Promise<AddressBinding> {
    return this.parts.writer.journal(binding!, next);
  }
  private async claim({ wish, key }: Job): Promise<void> {
    await this.parts.writer.claim(nameOf(key), { address: key.address, scope: key.scope, ...claimOf(wish) });
    await this.parts.cloud.look(key);
  }

  /** Makes the cloud say what the journal wants: target instance first, then one setTarget, or the rule where there is none yet. */
  private async program(job: Job, repair: boolean): Promise<void> {
    const { wanted, network, stands } = job.wish;
    const { zone, instance, node } = wanted!;
    await this.parts.targets.ensure({ zone, instance, node, ...(network.vpc ? { vpc: network.vpc } : {}) });
    // That may have taken minutes; where the wish is not right any more, the driver sees it too and ends the pass.
    if (stands()) await this.point(job, repair);
  }
  private async point({ wish, key }: Job, repair: boolean): Promise<void> {
    const { fabric, fence, cloud, targets } = this.parts;
    const target = this.targetOf(wish.wanted!, wish.network);
    const rules = cloud.rulesOf(key);
    const why = rules.some((r) => r.target !== target) ? (targets.whyRemade(target) ?? CHANGED) : cloud.missingPart(key);
    for (const rule of rules) cloud.remember(await fabric.setTarget(rule, target, fence));
    if (rules.length === 0 || cloud.missingPart(key))
      for (const made of await this.create(wish, key, target)) cloud.remember(made);
    const access = await this.allowAccess(wish, key);
    if (repair) this.repaired(wish, key, rules.length === 0 ? CHANGED : why, access);
  }
  /** Global access may be turned on and off in place. Answers what was done; undefined: nothing. */
  private async allowAccess({ route }: Wish, key: AddressKey): Promise<string | undefined> {
    const { fabric, fence, cloud } = this.parts;
    const wanted = globalAccess(route, key);
    if (wanted === undefined) return undefined;
    const other = cloud.rulesOf(key).filter((r) => (r.allowGlobalAccess ?? false) !== wanted);
    for (const rule of other) cloud.remember(await fabric.setGlobalAccess(rule, wanted, fence));
    return other.length > 0 ? `global access of ${key.address} is ${wanted ? "on" : "off"} now` : undefined;
  }
  private async create(wish: Wish, key: AddressKey, target: string): Promise<ObservedRule[]> {
    const { rules, notCarried } = await this.parts.fabric.createRules(this.ruleSpec(wish, key, target), this.parts.fence);
    this.parts.cloud.rememberRefused(
      key,
      notCarried.map((n) => n.protocol),
    );
    if (notCarried.length > 0) {
      const list = notCarried.map((n) => `${n.protocol} (${n.why})`).join("; ");
      this.parts.tell(wish.route, "Warning", "ProtocolsNotCarried", `${key.address} does not carry ${list}`);
    }
    return rules;
  }
  private ruleSpec(wish: Wish, key: AddressKey, target: string): Parameters<Fabric["createRules"]>[0] {
    const { namespace, name } = wish.route.metadata;
    return {
      name: this.ruleName(key),
      address: key.address,
      addressName: this.addressName(key),
      scope: key.scope,
      targetPath: target,
      ...(key.scope === "Internal" ? this.internal(wish, key) : this.external(key)),
      labels: ruleLabels(this.parts.clusterUid, key.address),
      description: `${ownerPrefix(this.parts.clusterUid)} route=${namespace}/${name}`,
    };
  }
  /** With Shared VPC a reservation may lie in the host project: its path says where. */
  private addressName(key: AddressKey): string {
    const found = this.parts.cloud.found(key);
    if (!found?.region) return found?.name ?? "";
    return `projects/${found.project}/regions/${found.region}/addresses/${found.name}`;
  }
  private internal({ route }: Wish, key: AddressKey): { vpc?: string; subnetwork?: string; allowGlobalAccess?: boolean } {
    const { subnetwork, network } = this.parts.cloud.found(key) ?? {};
    // A claim on the cluster's own network names no VPC: the reservation knows it.
    const vpc = key.vpc ?? network;
    return {
      ...(vpc ? { vpc } : {}),
      ...(subnetwork ? { subnetwork } : {}),
      ...(route.spec.allowGlobalAccess ? { allowGlobalAccess: true } : {}),
    };
  }
  private external(key: AddressKey): { tier?: string } {
    const tier = this.parts.cloud.found(key)?.tier;
    return tier ? { tier } : {};
  }
  private ruleName(key: AddressKey): string {
    return forwardingRuleName(this.parts.clusterUid, nameOf(key));
  }
  /** @param why what was wrong with the rules; undefined where only the route's wish had changed @param access what was done about that */
  private repaired({ route, wanted }: Wish, { address }: AddressKey, why: string | undefined, access: string | undefined): void {
    if (access) this.parts.tell(route, "Normal", "RuleUpdated", access);
    if (!why) return;
    this.parts.metrics.repairs.inc();
    const message = `forwarding rule of ${address}: ${why}; it points at ${wanted!.node} again`;
    this.parts.tell(route, "Warning", "DriftRepaired", message);
  }

  private async commit(job: Job): Promise<void> {
    const status = { ...job.binding?.status, forwardingRule: this.ruleName(job.key) };
    const { spec, status: written } = await this.journal(job, committed(status, this.now()));
    const move = written?.lastMove;
    if (!move) return;
    const { cause, durations, from, to, generation } = move;
    this.parts.metrics.moved(cause, durations);
    this.parts.logger.info({ address: spec.address, cause, from, to, durations, generation }, "address moved");
    const whence = from && !sameHolder(from, to) ? ` from ${from.pod} (${from.node})` : "";
    const message = `${spec.address} moved${whence} to ${to?.pod} (${to?.node}): ${cause}, ${durations.total} ms`;
    this.parts.tell(job.wish.route, "Normal", "AddressMoved", message);
  }
}

/** What a claim says of its owner. */
function claimOf({ route, network }: Wish): Omit<AddressBindingSpec, "address" | "scope"> {
  const { namespace = "default", name, uid = "" } = route.metadata;
  return { network: network.name, ...(network.vpc ? { vpc: network.vpc } : {}), route: { namespace, name, uid } };
}
