// SPDX-License-Identifier: Apache-2.0
// One simulated world: API server, cloud, cluster, and two controllers that are started again when they end. No check is made here; whoever
// watches is told everything.
import { CONTROLLER_NAME, GKE_CLASSES, KINDS, OWN_CLASSES, type AddressBinding } from "../../../controller/api";
import { resourcePath, type KubeObject } from "../../../controller/kubernetes";
import { Chance } from "../engine/chance";
import { EPOCH, goodRoad, Process, type Overseer, type Road, type RoadName } from "../engine/process";
import { PROJECT, REGION, Replica } from "../engine/replica";
import { OTHER_CONTROLLER } from "../checks/known";
import { openStreams, type Heard } from "../engine/roads";
import { Scheduler } from "../engine/scheduler";
import { ApiModel, type Write } from "../models/api";
import { CloudModel, type CloudChange } from "../models/cloud";
import { Cluster } from "./cluster";
import {
  addressesSpec,
  classManifest,
  collectionOf,
  gatewayManifest,
  NETWORK,
  networkManifest,
  networkStatus,
  paramSetManifest,
  routeManifest,
  VPC,
  ZONES,
} from "./objects";
import type { Shape } from "./shape";

export interface Slot {
  readonly index: number;
  readonly roads: Record<RoadName, Road>;
  skewMs: number;
  readonly rate: number;
  process: Process;
  replica: Replica;
  incarnation: number;
  frozenUntil: number;
}
/** Everything that a checker wants to hear. */
export interface Witness extends Overseer, Heard {
  wrote(write: Write): void;
  cloudChanged(change: CloudChange): void;
  programmed(routeUid: string, pod: { pod: string; podUid: string }, version: number): void;
  warned(who: string, text: string): void;
}
export interface CloudWeather {
  slowMs: number;
  failing: number;
}

export class SimWorld {
  readonly scheduler = new Scheduler();
  readonly chance: Chance;
  readonly api: ApiModel;
  readonly cloud: CloudModel;
  readonly cluster: Cluster;
  readonly weather: CloudWeather = { slowMs: 0, failing: 0 };
  readonly slots: Slot[] = [];
  readonly told = new Map<string, number>();
  /** Called once, when a controller has written this step of a hand-over; before the answer is on its way. */
  trap: { step: "Preparing" | "Reset" | "Switching"; spring(who: string): void } | undefined;
  /** After this nothing new goes wrong. */
  calm = false;

  constructor(
    readonly shape: Shape,
    private readonly witness: Witness,
    private readonly verbose: boolean,
  ) {
    const { scheduler } = this;
    this.chance = new Chance(shape.seed ^ 0xfa7e);
    const now = (): number => EPOCH + scheduler.now;
    this.api = new ApiModel(now);
    this.cloud = new CloudModel({
      project: PROJECT,
      region: REGION,
      zones: ZONES,
      now,
      later: (ms, fn) => void scheduler.in(ms, fn),
      fate: () => this.fate(),
    });
    this.cluster = new Cluster({
      api: this.api,
      cloud: this.cloud,
      scheduler,
      chance: this.chance,
      agents: shape.datapath === "dataplane-v2",
      programmed: (...said) => witness.programmed(...said),
    });
    this.api.onWrite = (write) => {
      witness.wrote(write);
      this.cluster.onWrite(write);
      const { trap } = this;
      if (!trap || stepOf(write) !== trap.step) return;
      this.trap = undefined;
      trap.spring(write.who);
    };
    this.cloud.onChange = (change) => witness.cloudChanged(change);
    this.furnish();
    for (let index = 0; index < shape.slots; index++) this.slots.push(this.open(index));
  }
  private fate(): { ms: number; fails: boolean } {
    const ms = 100 + this.chance.next() * 900 + this.chance.next() * this.weather.slowMs;
    return { ms, fails: this.chance.hit(this.weather.failing) };
  }

  private furnish(): void {
    const { api, cluster, shape, cloud } = this;
    for (const name of ["kube-system", "default"])
      api.handle("user", { method: "POST", path: resourcePath(KINDS.namespace), body: { metadata: { name } } });
    for (const name of [...Object.values(GKE_CLASSES), ...Object.values(OWN_CLASSES)])
      cluster.create("gatewayClass", classManifest(name, CONTROLLER_NAME));
    cluster.create("paramSet", paramSetManifest());
    cluster.create("network", networkManifest(shape));
    cluster.patch("network", NETWORK, networkStatus(true), "/status");
    for (const address of shape.addresses) cloud.reserve(`addr-${address.replaceAll(".", "-")}`, address, this.internalPart());
    for (const node of shape.nodes) cluster.addNode(node);
    cluster.create("gateway", gatewayManifest(shape));
    for (const app of shape.apps)
      for (let i = 0; i < app.pods; i++)
        cluster.newPod(
          app.name,
          this.chance.pick(shape.nodes),
          this.chance.int(0, 4_000),
          app.stateful ? `${app.name}-${i}` : undefined,
        );
    shape.routes.forEach((r, i) => this.scheduler.in(i * 1_500, () => void cluster.create("route", routeManifest(r))));
  }
  private internalPart(): Record<string, unknown> {
    const subnetwork = `https://www.googleapis.com/compute/v1/projects/${PROJECT}/regions/${REGION}/subnetworks/${VPC.replace("-vpc", "-subnet")}`;
    return this.shape.internal ? { addressType: "INTERNAL", purpose: "GCE_ENDPOINT", subnetwork } : {};
  }

  private open(index: number): Slot {
    const { skewMs, rate } = this.shape.skews[index] ?? { skewMs: 0, rate: 1 };
    const roads = { api: goodRoad(), watch: goodRoad(), cloud: goodRoad() };
    const slot = { index, roads, skewMs, rate, incarnation: 0, frozenUntil: 0 } as Slot;
    this.boot(slot);
    return slot;
  }
  private boot(slot: Slot): void {
    const { scheduler, chance, witness } = this;
    const name = `c${slot.index}.${++slot.incarnation}`;
    const process = new Process({
      name,
      scheduler,
      chance,
      overseer: witness,
      roads: slot.roads,
      skewMs: slot.skewMs,
      rate: slot.rate,
    });
    // As a kubelet does: the container is started again after a moment.
    process.onEnd = () => void scheduler.in(500 + chance.next() * 4_000, () => this.boot(slot));
    slot.process = process;
    slot.replica = new Replica({
      process,
      api: this.api,
      cloud: this.cloud,
      chance,
      heard: witness,
      datapath: this.shape.datapath,
      lease: this.shape.lease,
      told: (reason) => void this.told.set(reason, (this.told.get(reason) ?? 0) + 1),
      log: this.verbose ? (line) => witness.trace(name, line) : undefined,
      warned: (text) => witness.warned(name, text),
      onLeading: () => {
        witness.count("leaders");
        witness.trace(name, "leads");
      },
    });
    slot.replica.start();
    witness.trace(name, "starts");
  }
  leader(): Slot | undefined {
    return this.slots.find((s) => s.replica.isLeaderNow());
  }
  resumeWatches(): void {
    for (const slot of this.slots) for (const stream of openStreams(slot.process)) stream.resume();
  }

  /** Nothing goes wrong any more; what is broken is mended. */
  becomeCalm(): void {
    this.calm = true;
    Object.assign(this.weather, { slowMs: 0, failing: 0 });
    this.cluster.agentMs = 400;
    for (const slot of this.slots) {
      for (const road of Object.values(slot.roads)) Object.assign(road, goodRoad());
      slot.process.crash = undefined;
      slot.process.thaw();
    }
    this.resumeWatches();
    this.mend();
  }
  private mend(): void {
    for (const node of [...this.cluster.downNodes]) this.cluster.setNode(node, true);
    for (const node of this.shape.nodes)
      if (!this.cluster.all("node").some((n) => n.metadata.name === node)) this.cluster.addNode(node);
    this.cluster.patch("network", NETWORK, networkStatus(true), "/status");
    for (const route of this.cluster.all("route").filter(decidedByTwo)) this.cluster.clearStatus(route.metadata.name ?? "");
    for (const { name } of this.shape.apps)
      if (this.cluster.pods(name).length === 0 && this.chance.hit(0.7))
        this.cluster.newPod(name, this.chance.pick(this.shape.nodes), 500);
  }
  /** What a Gateway lists when nobody has edited it. */
  allAddresses(): object[] {
    return addressesSpec(this.shape.addresses);
  }
}
const decidedByTwo = ({ metadata }: KubeObject): boolean =>
  (metadata as { managedFields?: { manager: string }[] }).managedFields?.some((m) => m.manager === OTHER_CONTROLLER) ?? false;
/** What step of a hand-over a write of a controller is. */
function stepOf({ who, collection, before, after }: Write): string | undefined {
  if (collection !== collectionOf("binding") || !/^c\d/.test(who)) return undefined;
  const place = (b: KubeObject | undefined): string | undefined => {
    const { phase, routeVersion } = (b as AddressBinding | undefined)?.status ?? {};
    return phase === "Preparing" && routeVersion !== undefined ? "Reset" : phase;
  };
  return place(after) === place(before) ? undefined : place(after);
}
