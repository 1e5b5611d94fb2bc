// SPDX-License-Identifier: Apache-2.0
// How long a turn of the event loop may take, for everybody who works in it, with a clock and turns of the test's own.
import { expect } from "chai";
import { runWorkers } from "./controller";
import { ListBytes } from "./bytes-list";
import { listAll } from "./list";
import { isApiError } from "./errors";
import { Pace, TURN_MS } from "./pace";
import { silentLogger } from "./logger";
import { Store } from "./store";
import { Syncer } from "./sync";
import { FakeClock, settle } from "./testing";
import type { ApiClient } from "./transport";
import { WorkQueue } from "./workqueue";
import type { KubeObject } from "./resources";

/** Turns that end when the test says so, in a time that the test spends. */
class Loop {
  now = 0;
  private waiting: (() => void)[] = [];
  readonly pace = new Pace(
    () => this.now,
    (fn) => void this.waiting.push(fn),
  );
  readonly clock = Object.assign(new FakeClock(), { breathe: () => this.pace.breathe() });

  /** Runs what waits for the next turn, each followed by its promises; answers how long the turn was. */
  async turn(): Promise<number> {
    const began = this.now;
    for (const fn of this.waiting.splice(0)) {
      fn();
      await settle();
    }
    return this.now - began;
  }
  /** Until nobody waits; answers the longest turn. */
  async run(): Promise<number> {
    const began = this.now;
    await settle();
    let longest = this.now - began;
    while (this.waiting.length > 0) longest = Math.max(longest, await this.turn());
    return longest;
  }
}
const WORK_MS = 3;
/** One piece may come before anybody asks, and one may begin right before the budget is spent. */
const BOUND = TURN_MS + 2 * WORK_MS;

describe("a turn of the event loop", () => {
  it("goes on while it is young, and is waited out when it is not", async () => {
    const loop = new Loop();
    expect(loop.pace.breathe()).to.equal(undefined);
    loop.now = TURN_MS - 1;
    expect(loop.pace.breathe()).to.equal(undefined);
    loop.now = TURN_MS;
    let rested = false;
    void loop.pace.breathe()?.then(() => (rested = true));
    await settle();
    expect(rested).to.equal(false);
    await loop.turn();
    expect(rested).to.equal(true);
    expect(loop.pace.breathe()).to.equal(undefined);
  });

  it("is shared: ten loops that work at once have one budget between them, and none of them starves", async () => {
    const loop = new Loop();
    const done = Array.from({ length: 10 }, () => 0);
    const work = async (i: number): Promise<void> => {
      for (; done[i]! < 20; done[i]! += 1) {
        await loop.pace.breathe();
        loop.now += WORK_MS;
      }
    };
    const all = Promise.all(done.map((_, i) => work(i)));
    await settle();
    let spread = 0;
    while (done.some((n) => n < 20)) {
      expect(await loop.turn()).to.be.at.most(BOUND);
      spread = Math.max(spread, Math.max(...done) - Math.min(...done));
    }
    await all;
    expect(spread).to.be.at.most(4);
  });

  it("ends between two reconciles that wait for nothing, however many keys and workers there are", async () => {
    const loop = new Loop();
    const queue = new WorkQueue({ clock: loop.clock });
    for (let i = 0; i < 200; i++) queue.add(`key-${i}`);
    let count = 0;
    const reconcile = (): Promise<void> => {
      count += 1;
      loop.now += WORK_MS;
      return Promise.resolve();
    };
    const working = runWorkers({ queue, workers: 8, clock: loop.clock, reconcile });
    expect(await loop.run()).to.be.at.most(BOUND);
    expect(count).to.equal(200);
    queue.shutDown();
    await working;
  });

  it("ends between two objects of a list, be it a page or the whole", async () => {
    const loop = new Loop();
    const items = Array.from({ length: 100 }, (_, i) => ({ metadata: { name: `a-${i}` } }));
    const bytes = Buffer.from(JSON.stringify({ kind: "PodList", apiVersion: "v1", metadata: { resourceVersion: "7" }, items }));
    const client = { request: () => Promise.resolve(bytes) } as unknown as ApiClient;
    const seen: string[] = [];
    const listing = listAll({ client, path: "/api/v1/pods", clock: loop.clock }, (o) => {
      loop.now += WORK_MS;
      seen.push(o.metadata.name ?? "");
    });
    expect(await loop.run()).to.be.at.most(BOUND);
    expect(await listing).to.equal("7");
    expect(seen).to.have.length(100);
  });

  /** Fifty objects known, of which a list that is complete now shows one. */
  const completing = (
    loop: Loop,
  ): { sync: Syncer<KubeObject>; store: Store<KubeObject>; done: Promise<void>; gone: () => number } => {
    const store = new Store<KubeObject>();
    let gone = 0;
    const sync = new Syncer({
      ...{ store, clock: loop.clock, logger: silentLogger },
      kind: { group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true },
      onEvent: (e) => {
        if (e.type !== "deleted") return;
        gone += 1;
        loop.now += WORK_MS;
      },
    });
    for (let i = 0; i < 50; i++) sync.upsert({ metadata: { name: `p-${i}`, uid: `u-${i}`, resourceVersion: "1" } });
    return { sync, store, done: sync.complete(new Set(["p-7"])), gone: () => gone };
  };

  it("ends between two objects that a complete list has shown to be gone", async () => {
    const loop = new Loop();
    const { sync, store, done, gone } = completing(loop);
    await settle();
    expect(sync.synced).to.equal(false);
    expect(await loop.run()).to.be.at.most(BOUND);
    await done;
    expect([gone(), store.size, sync.synced]).to.deep.equal([49, 1, true]);
  });

  it("may be the last one: a sync that was given up meanwhile never counts as one", async () => {
    const loop = new Loop();
    const { sync, done } = completing(loop);
    const waiting = sync.whenSynced().then(
      () => "synced",
      () => "given up",
    );
    await settle();
    sync.abandon();
    await loop.run();
    await done;
    expect([sync.synced, await waiting]).to.deep.equal([false, "given up"]);
  });
});

describe("the bytes of a list", () => {
  const meta = { resourceVersion: "7", continue: "next" };
  const odd = { metadata: { name: 'a"}],\\', annotations: { x: '{"items":[1]}' } }, items: [{ deep: [[]] }], s: "\\\\" };
  const cut = (text: string): { items: unknown[]; head: unknown; rest: unknown } => {
    const list = new ListBytes(Buffer.from(text));
    const items = [...list.items()].map((b) => JSON.parse(b.toString("utf8")) as unknown);
    return { items, head: list.head, rest: list.rest() };
  };

  it("are cut into its items, with what stands before and after them, in the order of built-in kinds and of custom resources", () => {
    const items = [odd, { metadata: { name: "ü" } }, odd];
    const builtIn = { kind: "PodList", apiVersion: "v1", metadata: meta, items };
    expect(cut(JSON.stringify(builtIn))).to.deep.equal({
      items,
      head: { ...builtIn, items: [] },
      rest: { ...builtIn, items: [] },
    });
    const custom = { apiVersion: "x/v1", items, kind: "ThingList", metadata: meta };
    expect(cut(JSON.stringify(custom))).to.deep.equal({
      items,
      head: { apiVersion: "x/v1", items: [] },
      rest: { ...custom, items: [] },
    });
  });

  it("may hold no items: an empty array, null, or nothing at all", () => {
    for (const items of [[], null, undefined]) {
      const { items: found, rest } = cut(JSON.stringify({ kind: "PodList", metadata: meta, items }));
      expect(found).to.deep.equal([]);
      expect((rest as { metadata: unknown }).metadata).to.deep.equal(meta);
    }
  });

  it("give the items of a list that was printed for people too", () => {
    const items = [odd, odd];
    const { items: found, rest } = cut(JSON.stringify({ kind: "PodList", metadata: meta, items }, null, 2));
    expect(found).to.deep.equal(items);
    expect((rest as { metadata: unknown }).metadata).to.deep.equal(meta);
  });

  for (const body of [
    "null",
    "7",
    "[]",
    '"text"',
    "{}",
    '{"metadata":{}}',
    '{"metadata":{"resourceVersion":"7"},"items":{}}',
    '{"metadata":{"resourceVersion":"7"},"items":[null]}',
  ])
    it(`are refused where a good answer is no list, since an empty list would mean that everything was deleted (C9): ${body}`, async () => {
      const client = { request: () => Promise.resolve(Buffer.from(body)) } as unknown as ApiClient;
      const error = await listAll({ client, path: "/things" }, () => undefined).catch((e: unknown) => e);
      expect(isApiError(error, "Network"), String(error)).to.equal(true);
    });

  it("never pass for a whole list when they end too soon", () => {
    const text = JSON.stringify({ kind: "PodList", metadata: meta, items: [odd, odd] });
    for (let end = 1; end < text.length; end++) expect(() => cut(text.slice(0, end)), text.slice(0, end)).to.throw(SyntaxError);
  });
});
