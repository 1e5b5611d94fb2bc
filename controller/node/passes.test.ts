// SPDX-License-Identifier: Apache-2.0
// When passes run: one at a time, hints together, a failure again, never after the end. Time moves only when told to.
import { expect } from "chai";
import { Passes } from "./passes";
import type { Clock } from "./ports";

class HandClock implements Clock {
  private time = 0;
  private timers: { at: number; fn: () => void }[] = [];
  now = (): number => this.time;
  monotonic = (): number => this.time;
  setTimeout = (fn: () => void, ms: number): { cancel(): void } => {
    const timer = { at: this.time + ms, fn };
    this.timers.push(timer);
    return { cancel: () => (this.timers = this.timers.filter((t) => t !== timer)) };
  };
  get waiting(): number {
    return this.timers.length;
  }
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      await turn();
      const [next] = this.timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.timers = this.timers.filter((t) => t !== next);
      this.time = next.at;
      next.fn();
    }
    this.time = end;
  }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("passes", () => {
  let clock: HandClock;
  let passes: Passes;
  let began: number;
  let errors: unknown[];
  /** Ends the pass under way. */
  let end: ((error?: Error) => void)[];
  beforeEach(() => {
    [clock, began, errors, end] = [new HandClock(), 0, [], []];
    passes = new Passes({
      clock,
      pass: () => {
        began += 1;
        return new Promise((resolve, reject) => end.push((error) => (error ? reject(error) : resolve())));
      },
      onError: (error) => errors.push(error),
      debounceMs: 10,
      periodicMs: 30_000,
      retryMs: 1_000,
    });
  });
  const finish = async (error?: Error): Promise<void> => {
    end.shift()!(error);
    await turn();
  };

  it("runs one at a time; however many are asked for meanwhile, one more follows", async () => {
    for (let i = 0; i < 5; i += 1) passes.request();
    expect(began).to.equal(1);
    await finish();
    expect(began).to.equal(2);
    await finish();
    expect(began).to.equal(2);
  });
  it("takes hints within the debounce for one, and a wish takes them along", async () => {
    for (let i = 0; i < 5; i += 1) passes.hint();
    await clock.advance(9);
    expect(began).to.equal(0);
    await clock.advance(1);
    expect(began).to.equal(1);
    await finish();
    passes.hint();
    passes.request();
    expect(began).to.equal(2);
    await finish();
    await clock.advance(20);
    expect(began, "the hint was part of it").to.equal(2);
  });
  it("does not put a hint off for ever while more keep coming", async () => {
    for (let i = 0; i < 4; i += 1) {
      passes.hint();
      await clock.advance(4);
    }
    expect(began).to.equal(1);
  });
  it("looks again after the period, counted from the end of the last pass", async () => {
    passes.request();
    await clock.advance(20_000);
    await finish();
    await clock.advance(29_999);
    expect(began).to.equal(1);
    await clock.advance(1);
    expect(began).to.equal(2);
  });
  it("says what a pass threw and repeats it after a moment, once", async () => {
    passes.request();
    const error = new Error("IpExited");
    await finish(error);
    expect(errors).to.deep.equal([error]);
    await clock.advance(999);
    expect(began).to.equal(1);
    await clock.advance(1);
    expect(began).to.equal(2);
    await finish();
    await clock.advance(5_000);
    expect(began).to.equal(2);
  });
  it("a wish after a failure does not wait for the repetition, and takes its place", async () => {
    passes.request();
    await finish(new Error("x"));
    passes.request();
    expect(began).to.equal(2);
    await finish();
    await clock.advance(5_000);
    expect(began).to.equal(2);
  });
  it("settled waits for a pass that began after the question, not for the one under way", async () => {
    passes.request();
    let settled = false;
    void passes.settled().then(() => (settled = true));
    await finish();
    expect(settled, "the first one may not have seen it").to.equal(false);
    await finish();
    expect(settled).to.equal(true);
  });
  it("stop waits for the pass under way; nothing begins after it and no timer is left", async () => {
    passes.request();
    passes.hint();
    passes.request();
    let stopped = false;
    void passes.stop().then(() => (stopped = true));
    await turn();
    expect(stopped).to.equal(false);
    await finish(new Error("late"));
    expect(stopped).to.equal(true);
    passes.request();
    passes.hint();
    await clock.advance(100_000);
    expect(began).to.equal(1);
    expect(clock.waiting).to.equal(0);
  });
});
