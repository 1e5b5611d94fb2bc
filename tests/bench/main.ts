// SPDX-License-Identifier: Apache-2.0
// `npm run bench`: does the event loop stand still? 10,000 Pods come in (by WatchList, and in pages), then 1,000 changes a second run through caches,
// triggers, accept and select; beside them, in the same run, the naive way: a pass over all Pods for each change. Lines of JSON; the first one says
// on what machine. Exit code 1 where a turn of ours took more processor time than --limit-ms (default 50).
import { fork, type ChildProcess } from "node:child_process";
import * as os from "node:os";
import * as path from "node:path";
import { parseSelector } from "../../controller/api";
import { accept, keyOf, select } from "../../controller/core";
import { SETTINGS } from "../../controller/core/testing";
import { createApiClient, runWorkers, silentLogger, systemClock, WorkQueue } from "../../controller/kubernetes";
import { Caches } from "../../controller/manager/caches";
import { triggers } from "../../controller/manager/triggers";
import type { ClusterSize, News, Order } from "./cluster";
import { Turns, type Turned } from "./turns";

const option = (name: string, fallback: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const SIZE: ClusterSize = {
  pods: option("pods", 10_000),
  namespaces: option("namespaces", 50),
  routes: option("routes", 1_000),
  nodes: 1_000,
};
const CHANGES = option("changes", 5_000);
const LIMIT_MS = option("limit-ms", 50);

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const ask = <K extends string>(child: ChildProcess, order: Order, key: K): Promise<Extract<News, { [k in K]: number }>> =>
  new Promise((resolve) => {
    const heard = (news: News): void => {
      if (!(key in news)) return;
      child.off("message", heard);
      resolve(news as Extract<News, { [k in K]: number }>);
    };
    child.on("message", heard);
    child.send(order);
  });

interface Result extends Turned {
  phase: string;
  seconds: number;
}
async function measured(phase: string, work: () => Promise<object>): Promise<Result> {
  global.gc?.();
  const turns = new Turns();
  const began = performance.now();
  const more = await work();
  const seconds = Math.round((performance.now() - began) / 10) / 100;
  const result = { phase, seconds, ...(await turns.stop()), ...more };
  say({ ...result, rssMb: Math.round(process.memoryUsage().rss / 2 ** 20) });
  return result;
}

interface Running {
  caches: Caches;
  queue: WorkQueue;
  decided(): number;
}
/** Caches, triggers and workers, as the leader has them; they accept and select, and write nothing. */
function controller(port: number): Running & { close(): Promise<void> } {
  const client = createApiClient({ server: `http://127.0.0.1:${port}` });
  const caches = new Caches({
    client,
    clock: systemClock,
    random: Math.random,
    logger: silentLogger,
    settings: SETTINGS,
    addressFact: () => ({ usable: true }),
  });
  const queue = new WorkQueue({ clock: systemClock });
  let count = 0;
  caches.listen(triggers(caches, (key, priority) => queue.add(key, priority)));
  caches.start();
  const reconcile = (key: string): Promise<void> => {
    if (key.startsWith("route/")) count += decide(caches, key.slice(6)) ? 1 : 0;
    return Promise.resolve();
  };
  const working = runWorkers({ queue, workers: 4, reconcile });
  const close = async (): Promise<void> => {
    queue.shutDown();
    await working;
    await caches.stop();
    await client.close();
  };
  return { caches, queue, decided: () => count, close };
}
function decide(caches: Caches, key: string): boolean {
  const route = caches.route(key);
  const verdict = route && accept(caches.world, route);
  return verdict?.accepted === true && select(caches.world, route!, verdict.network).selected !== undefined;
}

/** What a controller without indexes does: every route against every Pod of the cluster. */
function naive(caches: Caches): number {
  let matches = 0;
  const pods = caches.all("pod");
  for (const route of caches.all("route")) {
    const selector = parseSelector(route.spec.podSelector);
    if (!selector.ok) continue;
    for (const pod of pods)
      if (pod.view.namespace === route.metadata.namespace && selector.matches(pod.view.labels) && pod.view.ready) matches += 1;
  }
  return matches;
}

async function run(child: ChildProcess, watchList: boolean): Promise<Result[]> {
  const { port } = await ask(child, { start: SIZE, watchList }, "port");
  const c = controller(port);
  const how = watchList ? "WatchList" : "pages";
  const list = await measured(`list of ${SIZE.pods} Pods, ${how}`, async () => {
    await c.caches.whenReady(new AbortController().signal);
    return { pods: c.caches.all("pod").length };
  });
  const changes = await measured(`${CHANGES} changes at 1,000/s, ${how}`, async () => {
    const before = c.decided();
    await ask(child, { changes: CHANGES, everyMs: 10 }, "done");
    while (c.queue.length > 0) await systemClock.sleep(10);
    return { decided: c.decided() - before };
  });
  const sweep = await measured(`everything again, ${how}`, async () => {
    for (const r of c.caches.all("route")) c.queue.add(`route/${keyOf(r)}`, "background");
    while (c.queue.length > 0) await systemClock.sleep(10);
    return {};
  });
  await measured("naive: one pass over all Pods for all routes, once", () => Promise.resolve({ matches: naive(c.caches) }));
  await c.close();
  return [list, changes, sweep];
}

async function main(): Promise<void> {
  say({ machine: os.cpus()[0]?.model, cores: os.cpus().length, load: os.loadavg()[0], node: process.version, ...SIZE });
  const child = fork(path.join(__dirname, "cluster.ts"), { execArgv: ["-r", "ts-node/register/transpile-only"] });
  try {
    const ours = [...(await run(child, true)), ...(await run(child, false))];
    const worst = ours.reduce((a, b) => (a.cpuMs > b.cpuMs ? a : b));
    say({ longestTurnMs: worst.cpuMs, in: worst.phase, limitMs: LIMIT_MS });
    if (worst.cpuMs > LIMIT_MS) process.exitCode = 1;
  } finally {
    child.send({ stop: true } satisfies Order);
  }
}
void main();
