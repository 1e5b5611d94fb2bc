// SPDX-License-Identifier: Apache-2.0
// Drives one address through its hand-over: asks the core for the next step, does it, looks again. One address is never driven twice at once.
import type { AddressBinding, AddressBindingStatus, Condition, GKEIPRoute, Holder } from "../api";
import {
  moveCause,
  nextStep,
  nodeProven,
  type AcceptedAddress,
  type AddressProgress,
  type HandoverInput,
  type RouteNetwork,
  type Settings,
  type Step,
} from "../core";
import type { Fabric, Fence } from "../compute";
import type { Clock, Logger } from "../kubernetes";
import type { Caches } from "./caches";
import { nameOf, type AddressKey, type CloudView } from "./cloud";
import { Deeds, type Job } from "./deeds";
import { isRefusal, Pauses, RETRY_MS, type Refusal } from "./errors";
import type { Metrics } from "./metrics";
import type { News } from "./news";
import { targetKeyOf } from "./plan";
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
  /** What may hold everything still; made by whoever needs it where it is not given. */
  news?: News;
  /** Tells the user of a finished move or of a failure. */
  tell(route: GKEIPRoute, type: "Normal" | "Warning", reason: string, message: string): void;
}
export interface Wish {
  route: GKEIPRoute;
  address: AcceptedAddress;
  network: RouteNetwork;
  wanted?: Holder;
  /** Who is to be prepared ahead; left out: whoever is. */
  standby?: readonly Holder[];
  noPods: string;
  /** Whether this is still what is wanted, by what is known now. */
  stands: () => boolean;
}
/**
 * `reset`: the route's DPV2Ready has to be put back before the address can go on. `retryMs`: look again after so many milliseconds.
 * `outdated`: nothing was done, because it is not wanted any more.
 */
export type Outcome = AddressProgress & { binding?: AddressBinding; reset: boolean; retryMs?: number; outdated?: true };

/** Steps that decide something, or have the cloud do it; the others only find out, or write down what is so. */
const DECISIVE: readonly Step["do"][] = ["claim", "transfer", "unserve", "begin", "switch", "program"];
// Far more than a hand-over has steps; a bug must not spin.
const MOST_STEPS = 20;

export const addressKey = (address: AcceptedAddress, network: RouteNetwork): AddressKey => ({
  address: address.address,
  scope: address.scope,
  ...(network.vpc ? { vpc: network.vpc } : {}),
});

export class AddressDriver {
  private readonly busy = new Map<string, Promise<unknown>>();
  private readonly deeds: Deeds;
  private readonly pauses: Pauses;

  constructor(private readonly parts: Parts) {
    this.deeds = new Deeds(parts);
    this.pauses = new Pauses(parts.clock);
  }

  /**
   * Runs `work` when nobody else works on the address any more.
   * @param name of the AddressBinding
   */
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

  /**
   * Like `exclusively`, for work that asks something of the cloud: a refusal is answered, not thrown, and while the cloud has told us to wait
   * nothing is asked. @throws ApiError, ComputeError Fenced
   */
  attempt<T>(name: string, work: () => Promise<T>): Promise<{ done: T } | { refused: Refusal }> {
    return this.exclusively(name, async () => {
      const pause = this.pauses.of(name);
      if (pause) return { refused: pause };
      try {
        return { done: await work() };
      } catch (error) {
        if (!isRefusal(error)) throw error;
        const { code, reason, method, message } = error;
        this.parts.logger.warn({ binding: name, code, reason, method, error: message }, "cloud refused");
        return { refused: this.pauses.refused(name, error) };
      }
    });
  }

  /** Takes an address as far as it goes now. A refusal of the cloud is an outcome. @throws ApiError, ComputeError Fenced */
  async drive(wish: Wish): Promise<Outcome> {
    const key = addressKey(wish.address, wish.network);
    const name = nameOf(key);
    const end = await this.attempt(name, () => this.steps(wish, key));
    if ("done" in end) return end.done;
    const binding = this.parts.caches.binding(name);
    return { address: key.address, state: "failed", ...end.refused, reset: false, ...(binding ? { binding } : {}) };
  }

  private async steps(wish: Wish, key: AddressKey): Promise<Outcome> {
    try {
      return await this.stepOn(wish, key);
    } catch (error) {
      // What was believed of the cloud may be why it refused.
      if (isRefusal(error)) await this.parts.cloud.look(key).catch(() => undefined);
      throw error;
    }
  }
  private async stepOn(wish: Wish, key: AddressKey): Promise<Outcome> {
    let looked = false;
    for (let i = 0; i < MOST_STEPS; i++) {
      const binding = this.parts.caches.binding(nameOf(key));
      const job: Job = { wish, key, ...(binding ? { binding } : {}) };
      const step = nextStep(this.input(job));
      // What stands in the way may have gone since the last look; and where the rule seems to point there already, only a look can prove it:
      // at the rule, and at the VM behind its target (E20).
      if (!looked && (step.do === "blocked" || step.do === "commit")) {
        looked = true;
        if (step.do === "commit") await this.parts.targets.ensure(targetKeyOf(wish.wanted!, wish.network.vpc));
        await this.parts.cloud.look(key);
        continue;
      }
      // Programming ends with a look of its own.
      if (step.do === "program") looked = true;
      const done = outcomeOf(step, job) ?? outdated(step, job);
      if (done) return done;
      const { namespace, name } = wish.route.metadata;
      this.parts.logger.debug({ address: key.address, route: `${namespace}/${name}`, step: step.do }, "hand-over step");
      await this.deeds.perform(step, job);
    }
    throw new Error(`hand-over of ${key.address} did not settle in ${MOST_STEPS} steps`);
  }

  private input({ wish, key, binding }: Job): HandoverInput {
    const { route, wanted, network, standby } = wish;
    const status = binding?.status;
    return {
      ...(binding ? { binding } : {}),
      routeUid: route.metadata.uid ?? "",
      ...(wanted ? { wanted, wantedTarget: this.deeds.targetOf(wanted, network) } : {}),
      ...(standby ? { standby } : {}),
      cause: moveCause(this.parts.caches.world, route, lastHolder(status), wanted),
      rule: this.ruleFact(key, globalAccess(route, key)),
      prepared: wanted !== undefined && this.prepared(wish, wanted, status),
    };
  }
  /** The rule, unless the reservation itself forbids one: then nothing may be built on it (E25, E31). */
  private ruleFact(key: AddressKey, access: boolean | undefined): HandoverInput["rule"] {
    const rule = this.parts.cloud.ruleFact(key, access);
    const fact = this.parts.cloud.fact(key);
    return rule.state !== "unknown" && fact && !fact.usable ? { state: "foreign", message: fact.message } : rule;
  }
  private prepared({ route, network }: Wish, wanted: Holder, status: AddressBindingStatus | undefined): boolean {
    const now = this.parts.caches.route(`${route.metadata.namespace}/${route.metadata.name}`);
    return nodePrepared(datapathFor(this.parts.settings, network), now, wanted, status);
  }
}

const lastHolder = (status: AddressBindingStatus | undefined): Holder | undefined => status?.holder ?? status?.lastMove?.to;

/** Whether clients of other regions are to reach the address; a question of internal ones only. */
export const globalAccess = (route: GKEIPRoute, { scope }: AddressKey): boolean | undefined =>
  scope === "Internal" ? (route.spec.allowGlobalAccess ?? false) : undefined;

/** Where a step is an answer: how the address stands. */
function outcomeOf(step: Step, { key, binding }: Job): Outcome | undefined {
  const at = { address: key.address, reset: false, ...(binding ? { binding } : {}) };
  switch (step.do) {
    case "nothing":
      return { ...at, state: binding?.status?.phase === "Held" ? "held" : "unserved" };
    case "reset":
      return { ...at, state: "moving", reset: true };
    case "await-datapath":
      return { ...at, state: "moving" };
    case "blocked":
      return { ...at, state: "failed", message: step.message, retryMs: RETRY_MS };
    default:
      return undefined;
  }
}

/** The pass may have waited for another one, or for an operation, and its wish be minutes old. */
function outdated(step: Step, { wish, key, binding }: Job): Outcome | undefined {
  if (!DECISIVE.includes(step.do) || wish.stands()) return undefined;
  return { address: key.address, state: "moving", reset: false, outdated: true, ...(binding ? { binding } : {}) };
}

/**
 * Which part programs the node for a network. That of a Device network belongs to the Pod, whatever else is here; on any other network of such a
 * cluster nothing reaches the Pod before GKE's agent has said so.
 */
export const datapathFor = (
  { datapath }: Pick<Settings, "datapath">,
  { type }: Pick<RouteNetwork, "type">,
): Settings["datapath"] => (datapath === "device" && type !== "Device" ? "dataplane-v2" : datapath);

/**
 * Whether the node is proven programmed for a Pod. `linux`: by the journal's own answers. Otherwise by DPV2Ready, and only in a version of the route
 * that is not older than the reset for this hand-over (E60). A device is the Pod's own.
 */
export function nodePrepared(
  datapath: Settings["datapath"],
  route: GKEIPRoute | undefined,
  wanted: Holder,
  status: AddressBindingStatus | undefined,
): boolean {
  if (datapath === "device") return true;
  if (datapath === "linux") return nodeProven(status, wanted);
  return datapathOf(route, wanted.pod)?.status === "True" && atLeast(route?.metadata.resourceVersion, status?.routeVersion);
}

/** What the node agent says for this very Pod at the route's present generation; undefined where it speaks of something else. */
export function datapathOf(route: GKEIPRoute | undefined, pod: string | undefined): Condition | undefined {
  if (!route || pod === undefined || route.status?.pods?.length !== 1 || route.status.pods[0] !== pod) return undefined;
  const said = route.status.conditions?.find((c) => c.type === "DPV2Ready");
  return said?.observedGeneration === route.metadata.generation ? said : undefined;
}
