// SPDX-License-Identifier: Apache-2.0
// The measured process of `real.ts`: the controller's leader as it is shipped but for the election, or an informer of @kubernetes/client-node on Pods.
import { readFileSync } from "node:fs";
import { CoreV1Api, KubeConfig, makeInformer } from "@kubernetes/client-node";
import { silentLogger, systemClock } from "../../controller/kubernetes";
import { kubeconfigClient } from "../../controller/kubernetes/config";
import { seededRandom } from "../../controller/kubernetes/testing";
import { startInner, type Inner } from "../chaos/inner";
import { Turns, type Turn, type Turned } from "./turns";

export type Order =
  | { order: "controller"; kubeconfig: string; computeUrl: string }
  | { order: "informer"; kubeconfig: string; pods: number }
  | { order: "synced" | "begin" | "end" | "again" | "drained" }
  | { order: "ready"; routes: number };
export interface Answer extends Turned {
  seconds: number;
  /** Processor time of the whole process, milliseconds. */
  processCpuMs: number;
  reconciles: number;
  rssMb: number;
  heapMb: number;
  longest: Turn[];
}

let inner: Inner | undefined;
let synced: Promise<void> = Promise.resolve();
let span: { turns: Turns; began: number; cpu: NodeJS.CpuUsage; reconciles: number } | undefined;

async function reconciles(): Promise<number> {
  const { values = [] } = (await inner?.metrics.reconciles.get()) ?? {};
  return values.reduce((sum, v) => sum + v.value, 0);
}
async function begin(): Promise<void> {
  global.gc?.();
  span = { turns: new Turns(), began: performance.now(), cpu: process.cpuUsage(), reconciles: await reconciles() };
}
async function end(): Promise<Answer> {
  const { turns, began, cpu, reconciles: before } = span!;
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const turned = await turns.stop();
  const { rss, heapUsed } = process.memoryUsage();
  const memory = { rssMb: Math.round(rss / 2 ** 20), heapMb: Math.round(heapUsed / 2 ** 20) };
  const counts = { processCpuMs: Math.round((user + system) / 1000), reconciles: (await reconciles()) - before };
  return { ...turned, seconds: Math.round(seconds * 100) / 100, ...counts, ...memory, longest: turns.longest.map(rounded) };
}
const rounded = ({ at, clockMs, cpuMs }: Turn): Turn => ({
  at,
  clockMs: Math.round(clockMs),
  cpuMs: Math.round(cpuMs * 10) / 10,
});

function controller(kubeconfig: string, computeUrl: string): void {
  inner = startInner({
    ...{
      kubernetes: kubeconfigClient(readFileSync(kubeconfig, "utf8")),
      computeUrl,
      clock: systemClock,
      random: seededRandom(1),
    },
    ...{ logger: silentLogger, datapath: "device", ratesPerMinute: { read: 1e6, write: 1e6, wait: 1e6 } },
  });
  synced = inner.caches.whenReady(new AbortController().signal);
}
/** What a controller that keeps nothing of its own would use. */
function informer(kubeconfig: string, pods: number): void {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const api = config.makeApiClient(CoreV1Api);
  const watching = makeInformer(config, "/api/v1/pods", () => api.listPodForAllNamespaces());
  let seen = 0;
  synced = new Promise((resolve) =>
    watching.on("add", () => {
      if (++seen === pods) resolve();
    }),
  );
  void watching.start();
}
async function ready(routes: number): Promise<void> {
  const isReady = (): number =>
    inner!.caches.all("route").filter((r) => r.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True")).length;
  while (isReady() < routes) await systemClock.sleep(200);
}
/** Nothing waits and nothing is worked on, for half a second. */
async function drained(): Promise<void> {
  if (inner === undefined) return systemClock.sleep(500);
  for (let calm = 0; calm < 10; await systemClock.sleep(50))
    calm = inner.queue.length > 0 || inner.queue.unfinishedSeconds() > 0 ? 0 : calm + 1;
}
/** What the ten-minute pass does: every route and Gateway once more. */
function again(): void {
  for (const r of inner!.caches.all("route")) inner!.queue.add(`route/${r.metadata.namespace}/${r.metadata.name}`, "background");
  for (const g of inner!.caches.all("gateway"))
    inner!.queue.add(`gateway/${g.metadata.namespace}/${g.metadata.name}`, "background");
}

async function obey(o: Order): Promise<Answer | undefined> {
  switch (o.order) {
    case "controller":
      return void controller(o.kubeconfig, o.computeUrl);
    case "informer":
      return void informer(o.kubeconfig, o.pods);
    case "synced":
      return void (await synced);
    case "ready":
      return void (await ready(o.routes));
    case "drained":
      return void (await drained());
    case "again":
      again();
      return undefined;
    case "begin":
      return void (await begin());
    case "end":
      return end();
  }
}
process
  .on("message", (order: Order) => void obey(order).then((answer) => process.send?.({ answer })))
  .on("disconnect", () => process.exit(0));
