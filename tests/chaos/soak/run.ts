// SPDX-License-Identifier: Apache-2.0
// One soak from start to end: churn and faults, at each checkpoint silence and a judgement, at the end a stop and the last questions.
import { setTimeout as sleep } from "node:timers/promises";
import { KINDS } from "../../../controller/api";
import { resourcePath } from "../../../controller/kubernetes";
import { seededRandom } from "../../../controller/kubernetes/testing";
import type { Tools } from "../../../sandbox/tools";
import { sumCounts, type Counts } from "../faults";
import { Child } from "./child";
import { Churn } from "./churn";
import { differences, freshLists, grown, leaked, wrongRoutes } from "./judge";
import type { Heap, Stopped } from "./protocol";
import { startSoakWorld, type SoakWorld } from "./world";

export interface SoakOptions {
  tools: Tools;
  faults: number;
  seed: number;
  /** Drops one event of a watch without a trace, which must be found: a check of the check. */
  dropOne?: boolean;
  say: (line: string) => void;
}
export interface SoakReport {
  ok: boolean;
  problems: string[];
  faults: { asked: number; injected: number; byKind: Counts; realGone: number };
  seed: number;
  seconds: number;
  churnWrites: number;
  checkpoints: { faults: number; objects: number; convergedMs: number; heapMB: number; rssMB: number }[];
  unhandled: number;
  open: Pick<Stopped, "before" | "after">;
  /** Warnings and errors of the process under test, by text. */
  said: Record<string, number>;
}

/** Durations of the subject pass this much faster: a back-off, and a request's timeout, of 30 s is 5 s. */
const FACTOR = 6;
const CHECKPOINTS = 4;
/** Generous: on a busy machine the fast clock's timeouts are short, and how fast it converges is no question of correctness. */
const CONVERGED_WITHIN_MS = 120_000;
const ROUTES_WITHIN_MS = 60_000;
const OUTAGE_EVERY_MS = 8_000;
const OUTAGE_MS = 2_500;
/** Faults come at 30 a second and more; at a tenth of that something hangs. */
const leastRate = 3;

export async function soak(o: SoakOptions): Promise<SoakReport> {
  const began = Date.now();
  const world = await startSoakWorld(o.tools, o.seed);
  const run = new Run(world, o);
  try {
    return await run.all(began);
  } finally {
    await run.end();
    await world.stop();
  }
}

class Run {
  private readonly problems: string[] = [];
  private readonly checkpoints: SoakReport["checkpoints"] = [];
  private readonly heaps: Heap[] = [];
  private readonly churn: Churn;
  private readonly child: Child;

  constructor(
    private readonly world: SoakWorld,
    private readonly o: SoakOptions,
  ) {
    const { lab, nodes, routes, scene, proxies, tokenFile } = world;
    const random = seededRandom(o.seed + 100);
    const { namespace } = scene;
    this.churn = new Churn({ client: lab.admin, random, namespace, nodes, routes, pods: 120, rate: 80 });
    this.child = new Child({
      ...{ mirrorServer: proxies.mirror.url, leaderServer: proxies.leader.url, computeUrl: `${proxies.compute.url}/` },
      ...{ tokenFile, factor: FACTOR, seed: o.seed },
    });
  }

  async all(began: number): Promise<SoakReport> {
    await this.churn.fill();
    this.churn.start();
    const secondsOf = (): string => ((Date.now() - began) / 1000).toFixed(0).padStart(4);
    for (let i = 1; i <= CHECKPOINTS; i++) {
      await this.storm(Math.ceil((this.o.faults * i) / CHECKPOINTS));
      await this.checkpoint(i === CHECKPOINTS);
      const at = this.checkpoints.at(-1)!;
      const { faults, objects, convergedMs, heapMB } = at;
      this.o.say(
        `[${secondsOf()} s] ${faults} faults: ${objects} objects in each store's kind set, equal after ${convergedMs} ms, heap ${heapMB} MB`,
      );
      if (this.problems.length > 0) break;
    }
    await this.churn.stop();
    if (this.problems.length === 0) await this.routesSettle();
    const stopped = await this.child.stop();
    return this.report(began, stopped);
  }

  private plans(): SoakWorld["proxies"][keyof SoakWorld["proxies"]][] {
    return Object.values(this.world.proxies);
  }
  private injected(): number {
    return this.plans().reduce((sum, p) => sum + p.plan.total + p.realGone, 0);
  }

  /** Faults and churn until so many faults were injected. @throws Error where they come too slowly: something hangs */
  private async storm(target: number): Promise<void> {
    const { mirror, leader, compute } = this.world.proxies;
    const start = this.injected();
    const since = Date.now();
    mirror.plan.chance = { requests: 0.25, lines: 0.25, longestMs: 250 };
    // The leader has work to do: its watches are broken less often, its writes more.
    leader.plan.chance = { requests: 0.25, lines: 0.06, longestMs: 250 };
    for (const kind of ["conflict", "lost"] as const)
      for (const { plan } of [leader, compute]) plan.add({ kind, times: 1, match: (seen) => seen.method !== "GET" });
    compute.plan.chance = { requests: 0.2, lines: 0, longestMs: 250 };
    this.churn.resume();
    // One freeze is longer than the watchdog's patience.
    mirror.plan.add({ kind: "freeze", on: "line", times: 1, ms: 30_000, match: (s) => !s.query.has("sendInitialEvents") });
    let outageAt = Date.now() + 2_000;
    while (this.injected() < target) {
      await sleep(100);
      if (Date.now() > outageAt) {
        outageAt = Date.now() + OUTAGE_EVERY_MS;
        void this.outage();
      }
      const seconds = (Date.now() - since) / 1000;
      if (seconds > 60 && (this.injected() - start) / seconds < leastRate)
        throw new Error(`only ${this.injected() - start} faults in ${seconds.toFixed(0)} s`);
    }
  }

  /** Pods cannot be watched for longer than etcd keeps what happened: the server itself says 410 then. */
  private async outage(): Promise<void> {
    const { mirror, leader } = this.world.proxies;
    const path = resourcePath(KINDS.pod);
    const rules = [mirror, leader].map((p) => p.plan.add({ kind: "reset", match: (seen) => seen.path === path }));
    [mirror, leader].forEach((p) => p.cut());
    await sleep(OUTAGE_MS);
    rules.forEach((rule) => rule.remove());
  }

  private async checkpoint(last: boolean): Promise<void> {
    this.churn.pause();
    await sleep(300);
    if (last) await this.churn.settle();
    for (const { plan } of this.plans()) plan.chance = undefined;
    const began = Date.now();
    let wrong: string[] = [];
    let objects = 0;
    do {
      await sleep(200);
      const [lists, dump] = [await freshLists(this.world), await this.child.dump()];
      wrong = differences(dump, lists);
      objects = Object.values(lists).reduce((sum, list) => sum + list.length, 0);
    } while (wrong.length > 0 && Date.now() - began < CONVERGED_WITHIN_MS);
    this.problems.push(...wrong);
    if (last && this.o.dropOne) this.problems.push(...(await this.missed()));
    const heap = await this.child.heap();
    this.heaps.push(heap);
    this.checkpoints.push({
      ...{ faults: this.injected(), objects, convergedMs: Date.now() - began },
      ...{ heapMB: Math.round(heap.heap / 1e5) / 10, rssMB: Math.round(heap.rss / 1e6) },
    });
  }

  /**
   * One event vanishes between the server and the mirror, when everything was equal. Answers what differs then; the reflector's watchdog heals it
   * later, since a watch that says nothing for long is begun anew.
   */
  private async missed(): Promise<string[]> {
    const { mirror } = this.world.proxies;
    let dropped = false;
    mirror.onLine = (line) => {
      if (dropped || !line.includes('"kind":"Namespace"')) return true;
      dropped = true;
      return false;
    };
    const body = { metadata: { labels: { dropped: "yes" } } };
    // A later event of another object takes the watch past the lost one; without it the next watch would begin before it.
    for (const name of ["default", "kube-public"]) {
      await this.world.lab.admin.request("PATCH", resourcePath(KINDS.namespace, undefined, name), { body });
      await sleep(500);
    }
    mirror.onLine = undefined;
    await sleep(1_500);
    return differences(await this.child.dump(), await freshLists(this.world));
  }

  private async routesSettle(): Promise<void> {
    const until = Date.now() + ROUTES_WITHIN_MS;
    let wrong = await wrongRoutes(this.world);
    while (wrong.length > 0 && Date.now() < until) {
      await sleep(500);
      wrong = await wrongRoutes(this.world);
    }
    this.problems.push(...wrong);
  }

  private report(began: number, stopped: Stopped): SoakReport {
    const { unhandled, before, after, said } = stopped;
    const byKind = sumCounts(this.plans().map((p) => p.plan.counts));
    this.problems.push(
      ...grown(this.heaps),
      ...leaked(before, after),
      ...unhandled.map((text) => `unhandled: ${text}`),
      ...this.churn.failures.slice(0, 5).map((text) => `churn: ${text}`),
    );
    const missing = Object.entries(byKind).filter(([, count]) => count === 0);
    this.problems.push(...missing.map(([kind]) => `no fault of kind ${kind} was injected`));
    const realGone = this.plans().reduce((sum, p) => sum + p.realGone, 0);
    if (realGone === 0) this.problems.push("the real API server never said 410");
    return {
      ok: this.problems.length === 0,
      problems: this.problems,
      faults: { asked: this.o.faults, injected: this.injected(), byKind, realGone },
      seed: this.o.seed,
      seconds: Math.round((Date.now() - began) / 1000),
      churnWrites: this.churn.writes,
      checkpoints: this.checkpoints,
      unhandled: unhandled.length,
      open: { before, after },
      said,
    };
  }

  async end(): Promise<void> {
    await this.churn.stop();
    await this.child.end();
  }
}
