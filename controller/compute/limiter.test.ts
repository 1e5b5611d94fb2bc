// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import fc from "fast-check";
import { drain, KeyedLock, newBucket, RateLimiter, Slots, takeToken } from "./limiter";

/** Time that passes only in sleep, and as fast as the sleepers allow. */
function virtualClock() {
  let time = 0;
  const sleepers: { at: number; wake: () => void }[] = [];
  const pump = (): void => {
    sleepers.sort((a, b) => a.at - b.at);
    const first = sleepers.shift();
    if (!first) return;
    time = Math.max(time, first.at);
    first.wake();
  };
  return {
    now: () => time,
    monotonic: () => time,
    sleep: (ms: number) =>
      new Promise<void>((wake) => {
        sleepers.push({ at: time + ms, wake });
        setImmediate(pump);
      }),
  };
}

/** Times at which a greedy client gets its tokens, when it also idles now and then. */
function grants(perMinute: number, idles: readonly number[]): number[] {
  let bucket = newBucket(perMinute, 0);
  let now = 0;
  const times: number[] = [];
  for (const idle of idles) {
    now += idle;
    for (let asked = 0; asked < perMinute; asked++) {
      let taken = takeToken(bucket, now);
      while (taken.waitMs > 0) {
        bucket = taken.bucket;
        now += taken.waitMs;
        taken = takeToken(bucket, now);
      }
      bucket = taken.bucket;
      times.push(now);
    }
  }
  return times;
}

describe("compute rate limiter", () => {
  it("lets at most the quota through in any 60 seconds, whatever the pauses between", () => {
    const pauses = fc.array(fc.nat(90_000), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 200 }), pauses, (perMinute, idles) => {
        const times = grants(perMinute, idles);
        for (let first = 0; first + perMinute < times.length; first++)
          expect(times[first + perMinute]! - times[first]!).to.be.at.least(60_000 - 1);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps a busy client near two thirds of the quota, so that the bucket is not a brake", () => {
    const times = grants(300, [0, 0, 0]);
    const minutes = times.at(-1)! / 60_000;
    expect((times.length - 100) / minutes).to.be.within(195, 201);
  });

  it("says how long to wait, and that wait is enough", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6000 }), fc.nat(1_000_000), (perMinute, now) => {
        const empty = drain(newBucket(perMinute, now), now);
        const { waitMs } = takeToken(empty, now);
        expect(waitMs).to.be.greaterThan(0);
        expect(takeToken(empty, now + waitMs).waitMs).to.equal(0);
        expect(takeToken(empty, now + waitMs * 0.5 - 1).waitMs).to.be.greaterThan(0);
      }),
    );
  });

  it("never goes back in time when the clock does", () => {
    const { bucket } = takeToken(newBucket(60, 1000), 0);
    expect(bucket.at).to.equal(1000);
  });

  it("serves in order, and a penalty for writes does not stop reads", async () => {
    const clock = virtualClock();
    const limiter = new RateLimiter(clock, { read: 60, write: 3 });
    limiter.penalize("write", 5_000);
    const order: string[] = [];
    const note = (name: string) => () => order.push(`${name}@${clock.monotonic() >= 5_000 ? "late" : "early"}`);
    await Promise.all([
      limiter.take("write").then(note("w1")),
      limiter.take("write").then(note("w2")),
      limiter.take("read").then(note("r1")),
    ]);
    expect(order).to.deep.equal(["r1@early", "w1@late", "w2@late"]);
  });

  it("keeps a bucket for each quota group: waiting for operations never starves a look at the cloud, nor the reverse (E50)", async () => {
    const clock = virtualClock();
    const limiter = new RateLimiter(clock, { read: 3, write: 3, wait: 3 });
    limiter.penalize("wait", 60_000);
    await Promise.all([limiter.take("read"), limiter.take("write")]);
    expect(clock.monotonic()).to.be.lessThan(60_000);
    await limiter.take("wait");
    expect(clock.monotonic()).to.be.at.least(60_000);
  });
});

describe("compute slots and locks", () => {
  it("never runs more than its size at once, and loses no turn to a failing task", async () => {
    const slots = new Slots(3);
    let running = 0;
    let most = 0;
    const task = (index: number) => async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      if (index % 2) throw new Error("odd");
      return index;
    };
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => slots.run(task(index))));
    expect(most).to.equal(3);
    expect(results.filter((each) => each.status === "fulfilled")).to.have.length(10);
  });

  it("runs one key in order, other keys beside it, and forgets a key when done", async () => {
    const lock = new KeyedLock();
    const log: string[] = [];
    const step = (name: string, turns: number) => async () => {
      log.push(`${name}+`);
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      log.push(`${name}-`);
      if (name === "a1") throw new Error("a1 fails");
    };
    await Promise.allSettled([lock.run("a", step("a1", 5)), lock.run("a", step("a2", 1)), lock.run("b", step("b1", 1))]);
    expect(log).to.deep.equal(["a1+", "b1+", "b1-", "a1-", "a2+", "a2-"]);
    expect((lock as unknown as { tails: Map<string, unknown> }).tails.size).to.equal(0);
  });
});
