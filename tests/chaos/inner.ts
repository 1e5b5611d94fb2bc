// SPDX-License-Identifier: Apache-2.0
// The controller's leader inside of this process: the real caches, queue, reconcilers, writer and fabric, put together as manager/index.ts does,
// but with a clock that the test chooses and without an election.
import { CONTROLLER_NAME } from "../../controller/api";
import {
  createApiClient,
  EventRecorder,
  WorkQueue,
  type Clock,
  type ClientConfig,
  type Logger,
} from "../../controller/kubernetes";
import { Caches } from "../../controller/manager/caches";
import type { CloudView } from "../../controller/manager/cloud";
import { fenceOf } from "../../controller/manager/index";
import { lead } from "../../controller/manager/leading";
import { Metrics } from "../../controller/manager/metrics";
import { triggers, type Enqueue } from "../../controller/manager/triggers";
import { PROJECT, REGION } from "./lab";

export interface InnerOptions {
  kubernetes: ClientConfig;
  computeUrl: string;
  clock: Clock;
  random: () => number;
  logger: Logger;
  driftIntervalMs?: number;
  /** Default `dataplane-v2`. */
  datapath?: "dataplane-v2" | "device";
  ratesPerMinute?: { read: number; write: number; wait: number };
}
export interface Inner {
  readonly caches: Caches;
  readonly metrics: Metrics;
  readonly queue: WorkQueue;
  /** Rejects when the leader could not begin; resolves after `stop`. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export function startInner(o: InnerOptions): Inner {
  const { clock, random, logger } = o;
  const metrics = new Metrics();
  const client = createApiClient(o.kubernetes, { clock });
  const settings = {
    ...{ controllerName: CONTROLLER_NAME, project: PROJECT, region: REGION },
    ...{ datapath: o.datapath ?? "dataplane-v2", defaultNetwork: true },
  };
  let cloud: CloudView | undefined;
  let enqueue: Enqueue = () => undefined;
  const caches = new Caches({
    client,
    clock,
    random,
    logger,
    settings,
    addressFact: (address, scope) => cloud?.fact({ address, scope }),
  });
  caches.listen(triggers(caches, (key, priority) => enqueue(key, priority)));
  const queue = new WorkQueue({ clock, maxDelayMs: 60_000, metrics: metrics.queue });
  const events = new EventRecorder({ client, component: "inner", instance: "inner", clock, logger });
  const closing = new AbortController();
  const hurrying = new AbortController();
  const fence = fenceOf(
    () => !closing.signal.aborted,
    () => caches.staleness(),
  );
  caches.start();
  const ended = lead({
    ...{ client, caches, queue, fence, events, metrics, clock, random, logger, settings },
    ...{ gkeClasses: "if-absent" as const, workers: 8, driftIntervalMs: o.driftIntervalMs ?? 60_000 },
    compute: {
      ...{ project: PROJECT, region: REGION, auth: "none" as const, rootUrl: o.computeUrl },
      ...(o.ratesPerMinute ? { ratesPerMinute: o.ratesPerMinute } : {}),
    },
    signal: closing.signal,
    hurry: hurrying.signal,
    mayWork: () => !closing.signal.aborted,
    onReady(view, add) {
      cloud = view;
      enqueue = add;
    },
  });
  ended.catch(() => undefined);
  return {
    ...{ caches, metrics, queue, ended },
    async stop() {
      queue.shutDown();
      closing.abort();
      await Promise.race([ended.catch(() => undefined), clock.sleep(20_000, hurrying.signal)]);
      hurrying.abort();
      await events.flush();
      await caches.stop();
      await client.close();
    },
  };
}
