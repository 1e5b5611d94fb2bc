// SPDX-License-Identifier: Apache-2.0
// client-go's work queue as laws: who gets which key, and when again; how it ends; what it tells.
import { expect } from "chai";
import { settle } from "./testing";
import { next, queueOn } from "./testing-queue";

describe("work queue", () => {
  it("hands out keys in the order they came", async () => {
    const { queue } = queueOn();
    ["a", "b", "c"].forEach((key) => queue.add(key));
    expect([await next(queue), await next(queue), await next(queue)]).to.deep.equal(["a", "b", "c"]);
  });

  it("holds a key once, however often it is added before it is taken", async () => {
    const { queue } = queueOn();
    for (let i = 0; i < 5; i++) queue.add("a");
    expect(queue.length).to.equal(1);
    expect(await next(queue)).to.equal("a");
    queue.done("a");
    expect(queue.length).to.equal(0);
  });

  it("never gives a key to two workers at a time", async () => {
    const { queue } = queueOn();
    queue.add("a");
    await next(queue);
    queue.add("a");
    expect(await next(queue)).to.equal("(nothing)");
  });

  it("runs a key once more when it was added, even many times, while being worked on", async () => {
    const { queue } = queueOn();
    queue.add("a");
    await next(queue);
    queue.add("a");
    queue.add("a");
    expect(queue.length).to.equal(0);
    queue.done("a");
    expect(queue.length).to.equal(1);
    expect(await next(queue)).to.equal("a");
    queue.done("a");
    expect(queue.length).to.equal(0);
  });

  it("does not take a key by the place it left behind when its priority was raised", async () => {
    const { queue } = queueOn();
    queue.add("a", "background");
    queue.add("a", "live");
    expect(await next(queue)).to.equal("a");
    queue.add("a", "background");
    expect(await next(queue)).to.equal("(nothing)");
  });

  it("ignores a done for a key that nobody works on", () => {
    const { queue } = queueOn();
    queue.done("a");
    expect(queue.length).to.equal(0);
  });

  it("wakes waiting workers in the order they came", async () => {
    const { queue } = queueOn();
    const got: string[] = [];
    const workers = ["first", "second"].map(async (worker) => {
      const item = await queue.get();
      got.push(`${worker}:${item.shutdown ? "" : item.key}`);
    });
    queue.add("a");
    queue.add("b");
    await Promise.all(workers);
    expect(got).to.deep.equal(["first:a", "second:b"]);
  });

  it("puts live keys before background ones", async () => {
    const { queue } = queueOn();
    queue.add("old1", "background");
    queue.add("old2", "background");
    queue.add("new", "live");
    expect([await next(queue), await next(queue), await next(queue)]).to.deep.equal(["new", "old1", "old2"]);
  });

  it("raises a waiting background key when it changes live, and never lowers one", async () => {
    const { queue } = queueOn();
    ["a", "b", "c"].forEach((key) => queue.add(key, "background"));
    queue.add("c", "live");
    queue.add("c", "background");
    expect([await next(queue), await next(queue), await next(queue), await next(queue)]).to.deep.equal([
      "c",
      "a",
      "b",
      "(nothing)",
    ]);
  });

  it("keeps the highest priority of a key that is added while being worked on", async () => {
    const { queue } = queueOn();
    queue.add("a");
    await next(queue);
    queue.add("a", "background");
    queue.add("a", "live");
    queue.add("b", "background");
    queue.done("a");
    expect([await next(queue), await next(queue)]).to.deep.equal(["a", "b"]);
  });

  it("does not starve background keys under a storm of live ones", async () => {
    const { queue } = queueOn();
    queue.add("patient", "background");
    for (let i = 0; i < 100; i++) {
      queue.add(`live${i}`);
      const key = await next(queue);
      queue.done(key);
      if (key === "patient") return expect(i).to.be.lessThan(70);
    }
    throw new Error("the background key never ran");
  });

  it("takes nothing more after shut down, hands out what waits, then says shutdown to everybody", async () => {
    const { queue, clock } = queueOn();
    queue.add("a");
    queue.addAfter("later", 10);
    queue.shutDown();
    queue.add("b");
    queue.addAfter("c", 1);
    queue.addRateLimited("d");
    await clock.advance(100);
    expect([await next(queue), await next(queue), await next(queue)]).to.deep.equal(["a", "(shutdown)", "(shutdown)"]);
    expect(clock.timers).to.equal(0);
  });

  it("wakes idle workers on shut down", async () => {
    const { queue } = queueOn();
    const idle = queue.get();
    queue.shutDown();
    expect(await idle).to.deep.equal({ shutdown: true });
  });

  it("drains: resolves only when the last key is done, a key made dirty before the shut down included", async () => {
    const { queue } = queueOn();
    queue.add("a");
    await next(queue);
    queue.add("a");
    let drained = false;
    void queue.shutDownWithDrain().then(() => (drained = true));
    await settle();
    expect(drained).to.equal(false);
    queue.done("a");
    expect(await next(queue)).to.equal("a");
    await settle();
    expect(drained).to.equal(false);
    queue.done("a");
    await settle();
    expect(drained).to.equal(true);
    expect(await next(queue)).to.equal("(shutdown)");
  });

  it("drains: waits for work under way although nothing waits any more", async () => {
    const { queue } = queueOn();
    queue.add("a");
    await next(queue);
    let drained = false;
    const drain = queue.shutDownWithDrain().then(() => (drained = true));
    await settle();
    expect(drained).to.equal(false);
    queue.done("a");
    await drain;
  });

  it("drains an empty queue at once", async () => {
    await queueOn().queue.shutDownWithDrain();
  });

  it("reports depth, adds, retries, durations, unfinished and longest running work", async () => {
    const seen: Record<string, number[]> = { depth: [], queue: [], work: [] };
    let adds = 0;
    let retries = 0;
    const metrics = {
      depth: (n: number) => void seen["depth"]?.push(n),
      added: () => void adds++,
      retried: () => void retries++,
      queueDuration: (s: number) => void seen["queue"]?.push(s),
      workDuration: (s: number) => void seen["work"]?.push(s),
    };
    const { queue, clock } = queueOn(undefined, { metrics });
    queue.add("a");
    queue.add("a");
    queue.add("b");
    await clock.advance(2000);
    await next(queue);
    await clock.advance(1000);
    await next(queue);
    await clock.advance(3000);
    expect(queue.unfinishedSeconds()).to.equal(7);
    expect(queue.longestRunningSeconds()).to.equal(4);
    queue.done("a");
    queue.addRateLimited("a");
    expect(seen).to.deep.equal({ depth: [1, 2, 1, 0], queue: [2, 3], work: [4] });
    expect([adds, retries]).to.deep.equal([2, 1]);
  });

  it("hands out 200,000 keys in linear time", async () => {
    const { queue } = queueOn();
    for (let i = 0; i < 200_000; i++) queue.add(`k${i}`, i % 2 === 0 ? "live" : "background");
    let count = 0;
    for (; queue.length > 0; count++) {
      const item = await queue.get();
      if (!item.shutdown) queue.done(item.key);
    }
    expect(count).to.equal(200_000);
  });
});
