// SPDX-License-Identifier: Apache-2.0
// Wiring of the controller: caches on every replica, work on the leader only. A lost lease ends the process; a stop gives the lease back first.
import { CONTROLLER_NAME, LEASE } from "../api";
import { NODE_LOSS_DEFAULTS } from "../core";
import { ComputeError, type Fence } from "../compute";
import {
  newStopper,
  createApiClient,
  EventRecorder,
  isApiError,
  LeaderElector,
  systemClock,
  WorkQueue,
  type ApiClient,
  type Clock,
  type ClientConfig,
  type Logger,
} from "../kubernetes";
import { Caches } from "./caches";
import type { CloudView } from "./cloud";
import { startHealth } from "./health";
import { lead, patiently } from "./leading";
import { Metrics } from "./metrics";
import { MOST_STALE_MS, News } from "./news";
import { triggers, type Enqueue } from "./triggers";

export interface ControllerOptions {
  kubernetes: ClientConfig;
  project: string;
  region: string;
  networkProject?: string;
  namespace: string;
  /** Unique to this process: Pod name and a random part. */
  identity: string;
  instance: string;
  datapath: "dataplane-v2" | "device" | "linux";
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
  /** Nothing moves while more than this share of the nodes was lost at once; 100: off. Default 55. */
  nodeLossHoldPercent?: number;
  /** How long that lasts at most. Default 600. */
  nodeLossHoldSeconds?: number;
  logger: Logger;
}
export interface RunningController {
  /** Stops work, gives the lease back, closes everything. */
  stop(): Promise<void>;
  /** Settles when the process should end: undefined after `stop`, the reason after a lost lease. */
  readonly ended: Promise<string | undefined>;
}

/** Longest that a stop waits for work under way, milliseconds. */
const DRAIN_MS = 20_000;

/** Refuses each mutation that this process has no right to, or no fresh enough knowledge for. */
export function fenceOf(isLeaderNow: () => boolean, staleness: () => number): Fence {
  const refuse = (method: string, why: string): never => {
    throw new ComputeError({ code: "Fenced", method, message: `${method} was not sent: ${why}` });
  };
  return {
    check(method) {
      if (!isLeaderNow()) refuse(method, "this process does not hold the lease any more");
      if (staleness() > MOST_STALE_MS)
        refuse(method, `a watch has been silent for ${Math.round(staleness() / 1000)} s, so what is known may be old`);
    },
  };
}

/**
 * Starts a replica. It serves health and metrics at once, and works when it leads.
 * @throws ApiError where the API server refuses us, Error for a port that is taken
 */
export async function startController(o: ControllerOptions): Promise<RunningController> {
  const clock = systemClock;
  const random = Math.random;
  const { logger } = o;
  const metrics = new Metrics();
  const client = createApiClient(o.kubernetes);
  // The Lease is renewed on connections of its own, so that it never waits behind a burst of work.
  const leaseClient = createApiClient(o.kubernetes);
  countRequests(metrics, client, leaseClient);
  const closing = newStopper();
  const hurrying = newStopper();
  const { signal } = closing;
  let stopping: Promise<void> | undefined;
  let end: (why: string | undefined) => void = () => undefined;
  const ended = new Promise<string | undefined>((resolve) => (end = resolve));

  let cloud: CloudView | undefined;
  // A standby enqueues nothing: when it comes to lead, it has everything looked at.
  let enqueue: Enqueue = () => undefined;
  const minor = await minorVersion(client, { clock, logger, signal });
  const settings = {
    controllerName: CONTROLLER_NAME,
    project: o.project,
    region: o.region,
    datapath: o.datapath,
    defaultNetwork: o.defaultNetwork ?? minor >= 31,
  };
  const addressFact: CacheFact = (address, scope) => cloud?.fact({ address, scope });
  const caches = new Caches({ client, clock, random, logger, settings, addressFact });
  caches.listen(triggers(caches, (key, priority) => enqueue(key, priority)));
  const policy = {
    ...NODE_LOSS_DEFAULTS,
    ...(o.nodeLossHoldPercent === undefined ? {} : { percent: o.nodeLossHoldPercent }),
    ...(o.nodeLossHoldSeconds === undefined ? {} : { timeoutMs: o.nodeLossHoldSeconds * 1000 }),
  };
  const news = new News({ caches, clock, metrics, logger, policy });
  const queue = new WorkQueue({ clock, maxDelayMs: 60_000, metrics: metrics.queue });
  const events = new EventRecorder({ client, component: "persistent-ip-controller", instance: o.instance, clock, logger });

  let working: Promise<void> = Promise.resolve();
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
      working = work();
    },
    onStoppedLeading: (why) => {
      metrics.leader.set({ name: LEASE }, 0);
      logger.warn({ identity: o.identity, why }, "not leading any more");
      if (why === "lost") end("the lease was lost");
    },
    onNewLeader: (identity) => logger.info({ leader: identity }, "leader seen"),
  });
  const fence = fenceOf(
    () => elector.isLeaderNow(),
    () => caches.staleness(),
  );
  async function work(): Promise<void> {
    const parts = { client, caches, queue, fence, events, metrics, clock, random, logger, settings, news };
    const { gkeClasses, workers, driftIntervalMs } = o;
    try {
      await lead({
        ...parts,
        gkeClasses,
        workers,
        driftIntervalMs,
        signal,
        hurry: hurrying.signal,
        compute: computeConfig(o),
        mayWork: () => stopping === undefined && elector.isLeaderNow(),
        onReady(view, add) {
          cloud = view;
          enqueue = add;
        },
      });
    } catch (error) {
      if (stopping === undefined) end(`could not start to lead: ${String(error)}`);
    }
  }

  const closeHealth = await startHealth({
    healthPort: o.healthPort,
    metricsPort: o.metricsPort,
    registry: metrics.registry,
    notReady: () => caches.notReady(),
    holding: () => news.holds().map((h) => `${h.cause}: ${h.message}`),
    notAlive: () => (queue.longestRunningSeconds() > 600 ? "a reconcile has been running for over 10 minutes" : undefined),
    beforeScrape: () => {
      news.holds();
      metrics.staleness.set(caches.staleness() / 1000);
      metrics.unfinished.set({ name: "persistent-ip" }, queue.unfinishedSeconds());
      metrics.longest.set({ name: "persistent-ip" }, queue.longestRunningSeconds());
    },
  });
  caches.start();
  if (o.kind === "bundled") elector.start();

  const stop = async (): Promise<void> => {
    queue.shutDown();
    closing.abort();
    const drained = await endedWithin(working, clock, hurrying.signal);
    hurrying.abort();
    await events.flush();
    // A change that was sent and not answered may still arrive: the next leader must not begin before it has (E62).
    await elector.stop(drained);
    await caches.stop();
    await closeHealth();
    await Promise.all([client.close(), leaseClient.close()]);
    end(undefined);
  };
  return { stop: () => (stopping ??= stop()), ended };
}

type CacheFact = ConstructorParameters<typeof Caches>[0]["addressFact"];

/** True where the work has ended by itself: then nothing of ours is under way any more. */
export const endedWithin = (work: Promise<void>, clock: Pick<Clock, "sleep">, signal: AbortSignal): Promise<boolean> =>
  Promise.race([work.then(() => true), clock.sleep(DRAIN_MS, signal).then(() => false)]);

function countRequests(metrics: Metrics, ...clients: readonly ApiClient[]): void {
  for (const client of clients) {
    const { host } = new URL(client.server);
    client.onRequest((r) => metrics.requests.inc({ code: String(r.status), method: r.method, host }));
  }
}

/** Minor version of the cluster. An API server that is away for now is waited for (C6). */
async function minorVersion(client: ApiClient, waits: Parameters<typeof patiently>[0]): Promise<number> {
  const ask = (): Promise<{ minor: string }> => client.request("GET", "/version");
  const version = await patiently(waits, "first request to the API server", ask, (e) => isApiError(e) && e.retry);
  return Number.parseInt(version?.minor ?? "", 10);
}

const computeConfig = (o: ControllerOptions): Parameters<typeof lead>[0]["compute"] => ({
  project: o.project,
  region: o.region,
  auth: o.computeAuth,
  ...(o.computeEndpoint ? { rootUrl: o.computeEndpoint } : {}),
  ...(o.networkProject ? { networkProject: o.networkProject } : {}),
});
