// SPDX-License-Identifier: Apache-2.0
// client-go's delaying and rate-limiting queue as laws: when a key comes that was to wait, and how failures are spaced.
import { expect } from "chai";
import { settle } from "./testing";
import { next, queueOn } from "./testing-queue";

describe("work queue with delays", () => {
  it("adds a delayed key when its time has come, not before", async () => {
    const { queue, clock } = queueOn();
    queue.addAfter("a", 50);
    await clock.advance(49);
    expect(queue.length).to.equal(0);
    await clock.advance(1);
    expect(queue.length).to.equal(1);
  });

  it("lets the earlier of two delays of one key win, and adds it once", async () => {
    const { queue, clock } = queueOn();
    queue.addAfter("a", 1000);
    queue.addAfter("a", 20);
    queue.addAfter("a", 500);
    expect(clock.timers).to.equal(1);
    await clock.advance(20);
    expect(await next(queue)).to.equal("a");
    queue.done("a");
    await clock.advance(5000);
    expect(queue.length).to.equal(0);
  });

  it("gives delayed keys in the order of their times", async () => {
    const { queue, clock } = queueOn();
    queue.addAfter("late", 30);
    queue.addAfter("early", 10);
    queue.addAfter("now", 0);
    await clock.advance(30);
    expect([await next(queue), await next(queue), await next(queue)]).to.deep.equal(["now", "early", "late"]);
  });

  it("doubles the delay of a failing key from 5 ms to 1000 s", async () => {
    const { queue, clock } = queueOn(undefined, { failureRate: { perSecond: 1e9, burst: 1e9 } });
    const delays: (number | undefined)[] = [];
    for (let i = 0; i < 20; i++) {
      queue.addRateLimited("a");
      delays.push(clock.nextDelay);
      await clock.advance(1_000_000);
      queue.done(await next(queue));
    }
    expect(delays.slice(0, 5)).to.deep.equal([5, 10, 20, 40, 80]);
    expect(delays.slice(-2)).to.deep.equal([1_000_000, 1_000_000]);
    expect(queue.failures("a")).to.equal(20);
  });

  it("starts the delay over after forget, and keeps keys apart", () => {
    const { queue, clock } = queueOn();
    queue.addRateLimited("a");
    queue.addRateLimited("a");
    queue.forget("a");
    expect(queue.failures("a")).to.equal(0);
    queue.addRateLimited("b");
    expect(clock.nextDelay).to.equal(5);
  });

  it("caps the delay where told", async () => {
    const { queue, clock } = queueOn(undefined, { baseDelayMs: 100, maxDelayMs: 300 });
    for (let i = 0; i < 4; i++) {
      queue.addRateLimited("a");
      expect(clock.nextDelay).to.equal([100, 200, 300, 300][i]);
      await clock.advance(300);
      queue.done(await next(queue));
    }
  });

  it("holds all failures together to a burst of 100 and then 10 a second, and leaves plain adds alone", async () => {
    const { queue, clock } = queueOn();
    for (let i = 0; i < 120; i++) queue.addRateLimited(`k${i}`);
    await clock.advance(5);
    expect(queue.length).to.equal(100);
    await clock.advance(995);
    expect(queue.length).to.equal(110);
    queue.add("free");
    expect(queue.length).to.equal(111);
  });

  it("spaces failures beyond the burst by 100 ms", async () => {
    const { queue, clock } = queueOn(undefined, { failureRate: { perSecond: 10, burst: 1 } });
    ["a", "b", "c"].forEach((key) => queue.addRateLimited(key));
    await clock.advance(5);
    expect(queue.length).to.equal(1);
    await clock.advance(95);
    expect(queue.length).to.equal(2);
    await clock.advance(100);
    expect(queue.length).to.equal(3);
  });

  it("adds at once what is to wait for no time, or for less", async () => {
    const { queue, clock } = queueOn();
    queue.addAfter("a", 0);
    queue.addAfter("b", -5);
    expect([await next(queue), await next(queue), clock.timers]).to.deep.equal(["a", "b", 0]);
  });

  it("forgets the failures of a key, not the key: what is already delayed still comes", async () => {
    const { queue, clock } = queueOn();
    queue.addRateLimited("a");
    queue.forget("a");
    expect(queue.failures("a")).to.equal(0);
    await clock.advance(5);
    expect(await next(queue)).to.equal("a");
  });

  it("never gives a key to two workers because its delay ended while it is being worked on", async () => {
    const { queue, clock } = queueOn();
    queue.add("a");
    await next(queue);
    queue.addAfter("a", 10);
    await clock.advance(10);
    expect(await next(queue)).to.equal("(nothing)");
    queue.done("a");
    await settle();
    expect(queue.length).to.equal(0);
  });

  it("drops what is still delayed when it shuts down, and its timers", async () => {
    const { queue, clock } = queueOn();
    queue.addAfter("a", 1_000);
    queue.shutDown();
    queue.addAfter("b", 5);
    expect(clock.timers).to.equal(0);
    await clock.advance(2_000);
    expect(await next(queue)).to.equal("(shutdown)");
  });
});
