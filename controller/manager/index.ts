// SPDX-License-Identifier: Apache-2.0
// Wiring of the controller: caches on every replica, work on the leader only. A lost lease ends the process; a stop gives the lease back first.
import { randomUUID } from "node:crypto";
import { apiVersionOf, CONTROLLER_NAME, KINDS, LEASE, type GKEIPRoute } from "../api";
import { ComputeError, createFabric, type Fence } from "../compute";
import {
  createApiClient,
  EventRecorder,
  LeaderElector,
  runWorkers,
  systemClock,
  WorkQueue,
  type ClientConfig,
  type Logger,
} from "../kubernetes";
import type { Parts } from "./address";
import { Caches } from "./caches";
import { CloudView } from "./cloud";
import { startHealth } from "./health";
import { Metrics } from "./metrics";
import { Reconciler } from "./reconciler";
import { Targets } from "./targets";
import { triggers } from "./triggers";
import { Writer } from "./writer";

export interface ControllerOptions {
  kubernetes: ClientConfig;
  project: string;
  region: string;
  networkProject?: string;
  namespace: string;
  /** Unique to this process: Pod name and a random part. */
  identity: string;
  instance: string;
  datapath: "dataplane-v2" | "device";
  /** `observe` never leads, so it never writes. */
  kind: "bundled" | "observe";
  computeEndpoint?: string;
  computeAuth: "adc" | "none";
  gkeClasses: "never" | "if-absent";
  defaultNetwork?: boolean;
  healthPort: number;
  metricsPort: number;
  workers: number;
  driftIntervalMs: number;
  logger: Logger;
}
export interface RunningController {
  /** Stops work, gives the lease back, closes everything. */
  stop(): Promise<void>;
  /** Settles when the process should end: undefined after `stop`, the reason after a lost lease. */
  readonly ended: Promise<string | undefined>;
}

// The Lease is renewed on connections of its own, so that it never waits behind a burst of work.
export async function startController(o: ControllerOptions): Promise<RunningController> {
  const clock = systemClock;
  const random = Math.random;
  const { logger } = o;
  const metrics = new Metrics();
  const client = createApiClient(o.kubernetes);
  const leaseClient = createApiClient(o.kubernetes);
  for (const c of [client, leaseClient])
    c.onRequest((r) => metrics.requests.inc({ code: String(r.status), method: r.method, host: new URL(client.server).host }));
  const stopper = new AbortController();
  let end: (why: string | undefined) => void = () => undefined;
  const ended = new Promise<string | undefined>((resolve) => (end = resolve));

  let cloud: CloudView | undefined;
  const version = await client.request<{ major: string; minor: string; gitVersion: string }>("GET", "/version");
  const settings = {
    controllerName: CONTROLLER_NAME,
    project: o.project,
    region: o.region,
    datapath: o.datapath,
    defaultNetwork: o.defaultNetwork ?? Number.parseInt(version.minor, 10) >= 31,
  };
  const caches = new Caches({
    client,
    clock,
    random,
    logger,
    settings,
    addressFact: (address, scope) => cloud?.fact({ address, scope }),
  });
  const queue = new WorkQueue({ clock, maxDelayMs: 60_000, metrics: metrics.queue });
  caches.listen(triggers(caches, (key, priority) => queue.add(key, priority)));
  const events = new EventRecorder({ client, component: "persistent-ip-controller", instance: o.instance, clock, logger });

  const elector: LeaderElector = new LeaderElector({
    client: leaseClient,
    namespace: o.namespace,
    name: LEASE,
    identity: o.identity,
    clock,
    random,
    logger,
    onStartedLeading: () => {
      metrics.leader.set({ name: LEASE }, 1);
      logger.info({ identity: o.identity }, "leading");
      lead().catch((error: unknown) => end(`could not start to lead: ${String(error)}`));
    },
    onStoppedLeading: (why) => {
      metrics.leader.set({ name: LEASE }, 0);
      logger.warn({ identity: o.identity, why }, "not leading any more");
      if (why === "lost") end("the lease was lost");
    },
    onNewLeader: (identity) => logger.info({ leader: identity }, "leader seen"),
  });
  const fence: Fence = {
    check(method) {
      if (elector.isLeaderNow()) return;
      throw new ComputeError({
        code: "Fenced",
        method,
        message: `${method} was not sent: this process does not hold the lease any more`,
      });
    },
  };

  let workers: Promise<void> = Promise.resolve();
  let drift: { cancel(): void } | undefined;
  async function lead(): Promise<void> {
    await caches.whenReady(stopper.signal);
    const uid = (await client.request<{ metadata: { uid: string } }>("GET", "/api/v1/namespaces/kube-system")).metadata.uid;
    const fabric = createFabric(
      {
        project: o.project,
        region: o.region,
        clusterUid: uid,
        auth: o.computeAuth,
        ...(o.computeEndpoint ? { rootUrl: o.computeEndpoint } : {}),
        ...(o.networkProject ? { networkProject: o.networkProject } : {}),
      },
      {
        clock: { now: () => clock.now(), monotonic: () => clock.monotonic(), sleep: (ms) => clock.sleep(ms, stopper.signal) },
        random,
        uuid: randomUUID,
        logger,
        onCall: (c) => {
          metrics.computeCalls.inc({ method: c.method, code: c.code });
          metrics.computeTime.observe({ method: c.method }, c.seconds);
        },
      },
    );
    cloud = new CloudView(fabric, { project: o.project, region: o.region, clusterUid: uid });
    const targets = new Targets({ fabric, fence, cloud, clusterUid: uid, logger });
    const tell: Parts["tell"] = (route, type, reason, message) => events.event(targetOf(route), type, reason, message);
    const parts: Parts = {
      caches,
      cloud,
      fabric,
      fence,
      targets,
      clock,
      logger,
      metrics,
      settings,
      clusterUid: uid,
      tell,
      writer: new Writer({ client, caches, clock, fence }),
    };
    const reconciler = new Reconciler(parts, (key, priority) => queue.add(key, priority));
    if (o.gkeClasses === "if-absent") await reconciler.compatibilityClasses();
    await untilDone("first look at Google Cloud", () => reconciler.drift(true));
    const again = (): void => {
      drift = clock.setTimeout(() => {
        reconciler
          .drift(false)
          .catch((error: unknown) => logger.warn({ error: String(error) }, "drift pass failed"))
          .finally(again);
      }, o.driftIntervalMs);
    };
    again();
    workers = runWorkers({
      queue,
      workers: o.workers,
      signal: stopper.signal,
      reconcile: async (key) => (elector.isLeaderNow() ? reconciler.reconcile(key) : undefined),
      onError: (error, key) =>
        logger.warn({ key, error: error instanceof Error ? error.message : String(error) }, "reconcile failed, will be repeated"),
      onResult: ({ key, outcome, seconds }) => metrics.reconciled(key.slice(0, key.indexOf("/")), outcome, seconds),
    });
  }
  /** The cloud may be away when we start: say so and try again, without giving up the lease. */
  async function untilDone(what: string, work: () => Promise<void>): Promise<void> {
    for (let wait = 1_000; !stopper.signal.aborted; wait = Math.min(wait * 2, 30_000)) {
      try {
        return await work();
      } catch (error) {
        logger.warn({ error: error instanceof Error ? error.message : String(error), retryInMs: wait }, `${what} failed`);
        await clock.sleep(wait, stopper.signal);
      }
    }
  }

  const closeHealth = await startHealth({
    healthPort: o.healthPort,
    metricsPort: o.metricsPort,
    registry: metrics.registry,
    notReady: () => caches.notReady(),
    notAlive: () => (queue.longestRunningSeconds() > 600 ? "a reconcile has been running for over 10 minutes" : undefined),
    beforeScrape: () => {
      metrics.staleness.set(caches.staleness() / 1000);
      metrics.unfinished.set({ name: "persistent-ip" }, queue.unfinishedSeconds());
      metrics.longest.set({ name: "persistent-ip" }, queue.longestRunningSeconds());
    },
  });
  caches.start();
  if (o.kind === "bundled") elector.start();

  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    drift?.cancel();
    queue.shutDown();
    await Promise.race([workers, clock.sleep(20_000)]);
    stopper.abort();
    await events.flush();
    await elector.stop();
    await caches.stop();
    await closeHealth();
    await Promise.all([client.close(), leaseClient.close()]);
    end(undefined);
  };
  return { stop: () => (stopping ??= stop()), ended };
}

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
