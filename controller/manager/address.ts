// SPDX-License-Identifier: Apache-2.0
// Drives one address through its hand-over: asks the core for the next step, does it, looks again. One address is never driven twice at once.
import {
  forwardingRuleName,
  ownerPrefix,
  ruleLabels,
  targetInstanceName,
  type AddressBinding,
  type AddressBindingStatus,
  type Condition,
  type GKEIPRoute,
  type Holder,
} from "../api";
import {
  begun,
  committed,
  moveCause,
  nextStep,
  sameHolder,
  switching,
  unserved,
  type AcceptedAddress,
  type AddressProgress,
  type HandoverInput,
  type RouteNetwork,
  type Settings,
  type Step,
} from "../core";
import { isComputeError, targetPath, type Fabric, type Fence } from "../compute";
import { isApiError, type Clock, type Logger } from "../kubernetes";
import type { Caches } from "./caches";
import { nameOf, type AddressKey, type CloudView } from "./cloud";
import type { Metrics } from "./metrics";
import type { Targets } from "./targets";
import { atLeast } from "./views";
import type { Writer } from "./writer";

export interface Parts {
  caches: Caches;
  cloud: CloudView;
  fabric: Fabric;
  fence: Fence;
  writer: Writer;
  targets: Targets;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  settings: Omit<Settings, "alone">;
  clusterUid: string;
  /** Tells the user of a finished move or of a failure. */
  tell(route: GKEIPRoute, type: "Normal" | "Warning", reason: string, message: string): void;
}
export interface Wish {
  route: GKEIPRoute;
  address: AcceptedAddress;
  network: RouteNetwork;
  wanted?: Holder;
  noPods: string;
}
/** `reset`: the route's DPV2Ready has to be put back before the address can go on. */
export type Outcome = AddressProgress & { binding?: AddressBinding; reset: boolean; retry: boolean };

// Far more than a hand-over has steps; a bug must not spin.
const MOST_STEPS = 20;

export const addressKey = (address: AcceptedAddress, network: RouteNetwork): AddressKey => ({
  address: address.address,
  scope: address.scope,
  ...(network.vpc ? { vpc: network.vpc } : {}),
});

export class AddressDriver {
  private readonly busy = new Map<string, Promise<unknown>>();

  constructor(private readonly parts: Parts) {}

  /** Runs `work` when nobody else works on the address any more. */
  async exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.busy.get(name) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.busy.set(name, mine);
    try {
      return await mine;
    } finally {
      if (this.busy.get(name) === mine) this.busy.delete(name);
    }
  }

  drive(wish: Wish): Promise<Outcome> {
    return this.exclusively(nameOf(addressKey(wish.address, wish.network)), () => this.steps(wish));
  }

  private async steps(wish: Wish): Promise<Outcome> {
    const { address } = wish.address;
    const key = addressKey(wish.address, wish.network);
    let lookedAgain = false;
    try {
      for (let i = 0; i < MOST_STEPS; i++) {
        const binding = this.parts.caches.binding(nameOf(key));
        const input = this.input(wish, key, binding);
        const step = nextStep(input);
        if (step.do === "blocked" && !lookedAgain) {
          // What stands in the way may have gone since the last look.
          lookedAgain = true;
          await this.parts.cloud.look(key);
          continue;
        }
        const done = this.outcome(step, address, binding);
        if (done) return done;
        this.parts.logger.debug(
          { address, route: `${wish.route.metadata.namespace}/${wish.route.metadata.name}`, step: step.do },
          "hand-over step",
        );
        await this.perform(step, wish, key, binding);
      }
      throw new Error(`hand-over of ${address} did not settle in ${MOST_STEPS} steps`);
    } catch (error) {
      return this.failed(wish, key, error);
    }
  }

  private input(wish: Wish, key: AddressKey, binding: AddressBinding | undefined): HandoverInput {
    const { route, wanted } = wish;
    return {
      ...(binding ? { binding } : {}),
      routeUid: route.metadata.uid ?? "",
      ...(wanted ? { wanted, wantedTarget: this.targetOf(wanted, wish.network) } : {}),
      cause: moveCause(this.parts.caches.world, route, binding?.status?.holder ?? binding?.status?.lastMove?.to, wanted),
      rule: this.reservationFact(key),
      prepared: wanted !== undefined && this.prepared(route, wanted, binding?.status),
    };
  }
  /** The rule, unless the reservation itself forbids one: then nothing may be built on it (E25, E31). */
  private reservationFact(key: AddressKey): HandoverInput["rule"] {
    const rule = this.parts.cloud.ruleFact(key);
    const fact = this.parts.cloud.fact(key);
    return rule.state !== "unknown" && fact && !fact.usable ? { state: "foreign", message: fact.message } : rule;
  }
  private targetOf(holder: Holder, network: RouteNetwork): string {
    const name = targetInstanceName(this.parts.clusterUid, holder.zone, holder.instance, network.vpc);
    return targetPath(this.parts.settings.project, holder.zone, name);
  }
  /** Believes DPV2Ready only in a version of the route that is not older than the reset for this hand-over (E60). */
  private prepared(route: GKEIPRoute, wanted: Holder, status: AddressBindingStatus | undefined): boolean {
    if (this.parts.settings.datapath === "device") return true;
    const now = this.parts.caches.route(`${route.metadata.namespace}/${route.metadata.name}`);
    const said = datapathOf(now, wanted.pod);
    return said?.status === "True" && atLeast(now?.metadata.resourceVersion, status?.routeVersion);
  }

  private outcome(step: Step, address: string, binding: AddressBinding | undefined): Outcome | undefined {
    const at = { address, reset: false, retry: false, ...(binding ? { binding } : {}) };
    switch (step.do) {
      case "nothing":
        return { ...at, state: binding?.status?.phase === "Held" ? "held" : "unserved" };
      case "reset":
        return { ...at, state: "moving", reset: true };
      case "await-datapath":
        return { ...at, state: "moving" };
      case "blocked":
        return { ...at, state: "failed", message: step.message, retry: true };
      default:
        return undefined;
    }
  }

  private async perform(step: Step, wish: Wish, key: AddressKey, binding: AddressBinding | undefined): Promise<void> {
    const now = new Date(this.parts.clock.now()).toISOString();
    const status = binding?.status ?? {};
    const journal = (next: AddressBindingStatus): Promise<AddressBinding> => this.parts.writer.journal(binding!, next);
    switch (step.do) {
      case "claim":
        return void (await this.claim(wish, key));
      case "transfer":
        return void (await this.parts.writer.transfer(binding!, this.spec(wish)));
      case "observe":
        return this.parts.cloud.look(key);
      case "unserve":
        return void (await journal(unserved(status, wish.noPods, now)));
      case "begin":
        return void (await journal(begun(status, step, now)));
      case "switch":
        return void (await journal(switching(status, now)));
      case "program":
        return this.program(wish, key, step.repair);
      case "commit":
        return this.commit(wish, await journal(committed({ ...status, forwardingRule: this.ruleName(key) }, now)));
      case "nothing":
      case "reset":
      case "await-datapath":
      case "blocked":
        return;
    }
  }

  private spec(wish: Wish): { network: string; vpc?: string; route: { namespace: string; name: string; uid: string } } {
    const { namespace = "default", name, uid = "" } = wish.route.metadata;
    return {
      network: wish.network.name,
      ...(wish.network.vpc ? { vpc: wish.network.vpc } : {}),
      route: { namespace, name, uid },
    };
  }
  private async claim(wish: Wish, key: AddressKey): Promise<void> {
    await this.parts.writer.claim(nameOf(key), { address: key.address, scope: key.scope, ...this.spec(wish) });
    await this.parts.cloud.look(key);
  }
  private ruleName(key: AddressKey): string {
    return forwardingRuleName(this.parts.clusterUid, nameOf(key));
  }

  /** Makes the cloud say what the journal wants: target instance first, then one setTarget, or the rule where there is none yet. */
  private async program(wish: Wish, key: AddressKey, repair: boolean): Promise<void> {
    const { fabric, fence, cloud, targets, metrics } = this.parts;
    const wanted = wish.wanted!;
    const target = this.targetOf(wanted, wish.network);
    await targets.ensure({
      zone: wanted.zone,
      instance: wanted.instance,
      node: wanted.node,
      ...(wish.network.vpc ? { vpc: wish.network.vpc } : {}),
    });
    const rules = cloud.rulesOf(key);
    for (const rule of rules) cloud.remember(await fabric.setTarget(rule, target, fence));
    if (rules.length === 0)
      for (const made of (await fabric.createRules(this.ruleSpec(wish, key, target), fence)).rules) cloud.remember(made);
    if (!repair) return;
    metrics.repairs.inc();
    this.parts.tell(
      wish.route,
      "Warning",
      "DriftRepaired",
      `the forwarding rule of ${key.address} had been changed or deleted by somebody else; it points at ${wanted.node} again`,
    );
  }
  private ruleSpec(wish: Wish, key: AddressKey, target: string): Parameters<Fabric["createRules"]>[0] {
    const found = this.parts.cloud.found(key);
    const { namespace, name } = wish.route.metadata;
    return {
      name: this.ruleName(key),
      address: key.address,
      addressName: found?.name ?? "",
      scope: key.scope,
      targetPath: target,
      ...(key.scope === "Internal" && key.vpc ? { vpc: key.vpc } : {}),
      ...(key.scope === "Internal" && found?.subnetwork ? { subnetwork: found.subnetwork } : {}),
      ...(key.scope === "External" && found?.tier ? { tier: found.tier } : {}),
      ...(key.scope === "Internal" && wish.route.spec.allowGlobalAccess ? { allowGlobalAccess: true } : {}),
      labels: ruleLabels(this.parts.clusterUid, key.address),
      description: `${ownerPrefix(this.parts.clusterUid)} route=${namespace}/${name}`,
    };
  }

  private commit(wish: Wish, binding: AddressBinding): void {
    const move = binding.status?.lastMove;
    if (!move) return;
    const { cause, durations, from, to } = move;
    this.parts.metrics.moved(cause, durations);
    this.parts.logger.info(
      { address: binding.spec.address, cause, from, to, durations, generation: move.generation },
      "address moved",
    );
    const whence = from && !sameHolder(from, to) ? ` from ${from.pod} (${from.node})` : "";
    this.parts.tell(
      wish.route,
      "Normal",
      "AddressMoved",
      `${binding.spec.address} moved${whence} to ${to?.pod} (${to?.node}): ${cause}, ${durations.total} ms`,
    );
  }

  /** A refusal becomes a sentence in the status. A lost lease or a lost race is not the user's affair: the caller starts over. */
  private async failed(wish: Wish, key: AddressKey, error: unknown): Promise<Outcome> {
    const passing = isApiError(error) || isComputeError(error, "Fenced") || !isComputeError(error);
    if (passing) throw error;
    // What was believed of the cloud may be why it refused.
    await this.parts.cloud.look(key).catch(() => undefined);
    this.parts.logger.warn(
      { address: key.address, code: error.code, reason: error.reason, method: error.method, error: error.message },
      "cloud refused",
    );
    const binding = this.parts.caches.binding(nameOf(key));
    return {
      address: key.address,
      state: "failed",
      message: `${error.message} (${error.reason ?? error.code})`,
      reset: false,
      retry: true,
      ...(binding ? { binding } : {}),
    };
  }
}

/** What the node agent says for this very Pod at the route's present generation; undefined where it speaks of something else. */
export function datapathOf(route: GKEIPRoute | undefined, pod: string | undefined): Condition | undefined {
  if (!route || pod === undefined || route.status?.pods?.length !== 1 || route.status.pods[0] !== pod) return undefined;
  const said = route.status.conditions?.find((c) => c.type === "DPV2Ready");
  return said?.observedGeneration === route.metadata.generation ? said : undefined;
}
