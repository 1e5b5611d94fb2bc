// SPDX-License-Identifier: Apache-2.0
// One controller of the simulated world: the wiring of controller/manager/index.ts over simulated roads. Everything it is made of is real:
// reflectors, caches, queue, leader election, fence, `lead` with its reconciler and drift passes, and the whole compute room.
import { CONTROLLER_NAME, LEASE } from "../../../controller/api";
import { createFabric } from "../../../controller/compute";
import {
  newStopper,
  LeaderElector,
  silentLogger,
  WorkQueue,
  type ApiClient,
  type EventRecorder,
  type Logger,
} from "../../../controller/kubernetes";
import { Caches } from "../../../controller/manager/caches";
import type { CloudView } from "../../../controller/manager/cloud";
import { fenceOf } from "../../../controller/manager/index";
import { lead } from "../../../controller/manager/leading";
import { Metrics } from "../../../controller/manager/metrics";
import { triggers, type Enqueue } from "../../../controller/manager/triggers";
import type { ApiModel } from "../models/api";
import type { CloudModel } from "../models/cloud";
import type { Chance } from "./chance";
import type { Process } from "./process";
import { apiClientOf, computeOf, type Heard } from "./roads";

export const PROJECT = "demo";
export const REGION = "us-central1";
export const NAMESPACE = "persistent-ip-system";
export const DRIFT_MS = 15_000;
/** Figures of the leader election; the shares between them are client-go's. */
export interface LeaseTimes {
  leaseDurationMs: number;
  renewDeadlineMs: number;
  retryPeriodMs: number;
}
export interface ReplicaOptions {
  process: Process;
  api: ApiModel;
  cloud: CloudModel;
  chance: Chance;
  heard: Heard;
  datapath: "dataplane-v2" | "device";
  lease: LeaseTimes;
  told(reason: string): void;
  /** Every line of the log; undefined: none is made. */
  log: ((line: string) => void) | undefined;
  /** What a reconcile or a drift pass has failed with. */
  warned(text: string): void;
  onLeading(): void;
}
// Metrics are counted nowhere here; one set for all worlds saves making them ten thousand times.
const METRICS = new Metrics();

export class Replica {
  private readonly client: ApiClient;
  private readonly caches: Caches;
  private readonly elector: LeaderElector;
  private readonly queue: WorkQueue;
  private readonly closing = newStopper();
  private readonly hurrying = newStopper();
  private readonly logger: Logger;
  private cloud: CloudView | undefined;
  private enqueue: Enqueue = () => undefined;
  private working: Promise<void> = Promise.resolve();
  private stopping = false;

  constructor(private readonly o: ReplicaOptions) {
    const { process, chance } = o;
    const { clock } = process;
    const random = (): number => chance.next();
    this.logger = loggerOf(o.log, (text) => o.warned(text));
    this.client = apiClientOf(process, o.api, chance, o.heard);
    const settings = {
      controllerName: CONTROLLER_NAME,
      project: PROJECT,
      region: REGION,
      datapath: o.datapath,
      defaultNetwork: true,
    };
    this.caches = new Caches({
      client: this.client,
      clock,
      random,
      logger: this.logger,
      settings,
      addressFact: (address, scope) => this.cloud?.fact({ address, scope }),
    });
    this.caches.listen(triggers(this.caches, (key, priority) => this.enqueue(key, priority)));
    this.queue = new WorkQueue({ clock, maxDelayMs: 60_000 });
    this.elector = new LeaderElector({
      client: this.client,
      namespace: NAMESPACE,
      name: LEASE,
      identity: process.name,
      clock,
      random,
      ...o.lease,
      onStartedLeading: () => this.begin(settings),
      onStoppedLeading: (why) => {
        if (why === "lost") process.kill("lease lost");
      },
    });
  }
  start(): void {
    this.caches.start();
    this.elector.start();
  }
  /** As on SIGTERM: work under way is ended, the lease is given back. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.queue.shutDown();
    this.closing.abort();
    await Promise.race([this.working, this.o.process.clock.sleep(20_000, this.hurrying.signal)]);
    this.hurrying.abort();
    await this.elector.stop();
    this.o.process.kill("stopped");
  }
  isLeaderNow(): boolean {
    return this.o.process.alive && this.elector.isLeaderNow();
  }

  private begin(settings: Parameters<typeof lead>[0]["settings"]): void {
    const { process, chance, cloud, heard } = this.o;
    const { clock } = process;
    this.o.onLeading();
    const api = computeOf(process, cloud, chance, heard);
    this.working = lead({
      client: this.client,
      caches: this.caches,
      queue: this.queue,
      fence: fenceOf(
        () => this.elector.isLeaderNow(),
        () => this.caches.staleness(),
      ),
      events: { event: (_target, _type, reason) => this.o.told(reason) } as Pick<EventRecorder, "event"> as EventRecorder,
      metrics: METRICS,
      clock,
      random: chance.next,
      logger: this.logger,
      settings,
      gkeClasses: "never",
      workers: 4,
      driftIntervalMs: DRIFT_MS,
      compute: {
        project: PROJECT,
        region: REGION,
        auth: "none",
        rootUrl: "http://simulated/",
        ratesPerMinute: { read: 6000, write: 3000 },
      },
      fabric: (config, deps) => createFabric(config, { ...deps, api, uuid: () => chance.uuid() }),
      signal: this.closing.signal,
      hurry: this.hurrying.signal,
      mayWork: () => !this.stopping && this.elector.isLeaderNow(),
      onReady: (view, add) => {
        this.cloud = view;
        this.enqueue = add;
      },
    }).catch((error: unknown) => {
      if (!this.stopping) process.kill(`could not lead: ${String(error)}`);
    });
  }
}

function loggerOf(log: ((line: string) => void) | undefined, warned: (text: string) => void): Logger {
  const at = (level: string) => (fields: object, message: string) =>
    log?.(`${level} ${message} ${JSON.stringify(fields, plain)}`);
  const warn = (fields: object, message: string): void => {
    const { error } = fields as { error?: unknown };
    if (error !== undefined)
      warned(`${message}: ${error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error)}`);
    if (log) at("warn")(fields, message);
  };
  return log ? { debug: at("debug"), info: at("info"), warn, error: warn } : { ...silentLogger, warn, error: warn };
}
const plain = (_key: string, value: unknown): unknown => (value instanceof Error ? (value.stack ?? value.message) : value);
