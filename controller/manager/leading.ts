// SPDX-License-Identifier: Apache-2.0
// What the leader does and a standby does not: look at the cloud, work the queue off, look again on a timer.
import { randomUUID } from "node:crypto";
import { apiVersionOf, KINDS, type GKEIPRoute, type KubeObject } from "../api";
import { ComputeError, createFabric, type ComputeConfig, type Fabric, type Fence } from "../compute";
import { runWorkers, type ApiClient, type Clock, type EventRecorder, type Logger, type WorkQueue } from "../kubernetes";
import type { Parts } from "./address";
import type { Caches } from "./caches";
import { CloudView } from "./cloud";
import type { Metrics } from "./metrics";
import type { News } from "./news";
import { Reconciler } from "./reconciler";
import { Targets } from "./targets";
import type { Enqueue } from "./triggers";
import { Writer } from "./writer";

export interface LeadingOptions {
  client: ApiClient;
  caches: Caches;
  queue: WorkQueue;
  fence: Fence;
  events: EventRecorder;
  metrics: Metrics;
  clock: Clock;
  random: () => number;
  logger: Logger;
  settings: Parts["settings"];
  news?: News;
  compute: Omit<ComputeConfig, "clusterUid">;
  /** Makes the cloud side; default `createFabric`. The simulator puts a cloud in memory behind it. */
  fabric?: typeof createFabric;
  gkeClasses: "never" | "if-absent";
  workers: number;
  driftIntervalMs: number;
  /** Aborted when a stop begins: whoever waits to begin something gives up. */
  signal: AbortSignal;
  /** Aborted when the work under way has ended, or has had its time. */
  hurry: AbortSignal;
  /** False once no new work may begin. */
  mayWork(): boolean;
  /** Called when the cloud is known and before anything is decided: events count from now on. */
  onReady(cloud: CloudView, enqueue: Enqueue): void;
}

/** Works until the queue is shut down. @throws ApiError, Error where it cannot begin */
export async function lead(o: LeadingOptions): Promise<void> {
  await o.caches.whenReady(o.signal);
  // What fails once at the start may succeed a second later: a process that ended instead would begin its wait for the Lease anew (C6).
  const identity = (): Promise<KubeObject> => o.client.request("GET", "/api/v1/namespaces/kube-system");
  const kubeSystem = await patiently(o, "identity of the cluster", identity);
  if (!kubeSystem) return;
  const parts = makeParts(o, kubeSystem.metadata.uid ?? "");
  const enqueue: Enqueue = (key, priority) => o.queue.add(key, priority);
  const reconciler = new Reconciler(parts, enqueue);
  if (o.gkeClasses === "if-absent") await patiently(o, "GatewayClasses", () => reconciler.compatibilityClasses());
  await patiently(o, "first look at the claims", () => o.caches.readClaims());
  await patiently(o, "first look at Google Cloud", () => reconciler.firstLook());
  if (o.signal.aborted) return;
  o.onReady(parts.cloud, enqueue);
  reconciler.everything("background");
  const stopDrift = everySoOften(o, () => reconciler.drift());
  await runWorkers({
    queue: o.queue,
    workers: o.workers,
    signal: o.hurry,
    clock: o.clock,
    reconcile: async (key) => (o.mayWork() ? reconciler.reconcile(key) : undefined),
    onError: (error, key) => o.logger.warn({ key, error: textOf(error) }, "reconcile failed, will be repeated"),
    onResult: ({ key, outcome, seconds }) => o.metrics.reconciled(key.slice(0, key.indexOf("/")), outcome, seconds),
  });
  stopDrift();
}

function makeParts(o: LeadingOptions, clusterUid: string): Parts {
  const { caches, clock, logger, metrics, settings, fence } = o;
  const fabric = makeFabric(o, clusterUid);
  const { project, region } = o.compute;
  const cloud = new CloudView(fabric, { project, region, clusterUid });
  return {
    caches,
    cloud,
    fabric,
    fence,
    targets: new Targets({ fabric, fence, cloud, clusterUid, logger }),
    clock,
    logger,
    metrics,
    settings,
    clusterUid,
    ...(o.news ? { news: o.news } : {}),
    tell: (route, type, reason, message) => o.events.event(targetOf(route), type, reason, message),
    writer: new Writer({ client: o.client, caches, clock, fence }),
  };
}

function makeFabric(o: LeadingOptions, clusterUid: string): Fabric {
  const { clock, random, logger, metrics, hurry, compute, fabric = createFabric } = o;
  return fabric(
    { ...compute, clusterUid },
    {
      clock: {
        now: () => clock.now(),
        monotonic: () => clock.monotonic(),
        sleep: sleeper(clock, hurry),
        breathe: () => clock.breathe?.(),
      },
      random,
      uuid: randomUUID,
      logger,
      onCall: (c) => {
        metrics.computeCalls.inc({ method: c.method, code: c.code });
        metrics.computeTime.observe({ method: c.method }, c.seconds);
      },
    },
  );
}

/**
 * Sleep for the cloud's calls. Once we hurry it fails: whoever waits in a loop (for a token, for an operation) would otherwise go round it
 * without ever waiting again, and keep the whole process from ending.
 * @throws ComputeError Fenced when `hurry` is aborted
 */
export function sleeper(clock: Pick<Clock, "sleep">, hurry: AbortSignal): (ms: number) => Promise<void> {
  return async (ms) => {
    await clock.sleep(ms, hurry);
    if (hurry.aborted) throw new ComputeError({ code: "Fenced", method: "sleep", message: "this process is ending" });
  };
}

/**
 * Something may be away when we start: say so and try again, without giving up what we have.
 * @throws what `work` throws where trying again is of no use
 */
export async function patiently<T>(
  o: Pick<LeadingOptions, "clock" | "logger" | "signal">,
  what: string,
  work: () => Promise<T>,
  worthwhile: (error: unknown) => boolean = () => true,
): Promise<T | undefined> {
  for (let wait = 1_000; !o.signal.aborted; wait = Math.min(wait * 2, 30_000)) {
    try {
      return await work();
    } catch (error) {
      if (!worthwhile(error)) throw error;
      o.logger.warn({ error: textOf(error), retryInMs: wait }, `${what} failed`);
      await o.clock.sleep(wait, o.signal);
    }
  }
  return undefined;
}

/** Runs `pass` again and again, each time so long after the last one ended. Answers what stops it, for good. */
export function everySoOften(
  o: Pick<LeadingOptions, "clock" | "logger" | "driftIntervalMs" | "signal">,
  pass: () => Promise<void>,
): () => void {
  let stopped = false;
  let timer: { cancel(): void } | undefined;
  const again = (): void => {
    if (stopped || o.signal.aborted) return;
    timer = o.clock.setTimeout(() => void once(), o.driftIntervalMs);
  };
  const once = async (): Promise<void> => {
    await pass().catch((error: unknown) => o.logger.warn({ error: textOf(error) }, "drift pass failed"));
    again();
  };
  again();
  return () => {
    stopped = true;
    timer?.cancel();
  };
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function targetOf(route: GKEIPRoute): { apiVersion: string; kind: string; name: string; namespace?: string; uid?: string } {
  const { name, namespace, uid } = route.metadata;
  return {
    apiVersion: apiVersionOf(KINDS.route),
    kind: "GKEIPRoute",
    name,
    ...(namespace ? { namespace } : {}),
    ...(uid ? { uid } : {}),
  };
}
