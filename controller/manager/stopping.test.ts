// SPDX-License-Identifier: Apache-2.0
// A stop must end what waits for the cloud. Found by the simulator: a wait for a token went round for ever once sleeping had ended.
import { expect } from "chai";
import { RateLimiter } from "../compute/limiter";
import { FakeClock } from "../kubernetes/testing";
import { endedWithin } from "./index";
import { sleeper } from "./leading";

describe("Waits for the cloud when the process ends", () => {
  it("end at once with Fenced, also those that wait in a loop", async () => {
    const clock = new FakeClock();
    const hurry = new AbortController();
    const sleep = sleeper(clock, hurry.signal);
    const limiter = new RateLimiter({ now: () => clock.now(), monotonic: () => clock.monotonic(), sleep }, { read: 2, write: 2 });
    await limiter.take("write");
    const code = (error: { code?: string }): string | undefined => error.code;
    const waiting = [limiter.take("write"), limiter.take("write")].map((p) => p.then(() => "taken", code));
    hurry.abort();
    expect(await Promise.all(waiting)).to.deep.equal(["Fenced", "Fenced"]);
  });

  it("sleep as long as asked for before that", async () => {
    const clock = new FakeClock();
    let awake = false;
    const sleeping = sleeper(clock, new AbortController().signal)(1_000).then(() => (awake = true));
    await clock.advance(999);
    expect(awake).to.equal(false);
    await clock.advance(1);
    await sleeping;
    expect(awake).to.equal(true);
  });
});

describe("The drain of a stop", () => {
  it("E62: has ended only when the work has; a time-out means that something may still arrive", async () => {
    const clock = new FakeClock();
    const never = new AbortController().signal;
    expect(await endedWithin(Promise.resolve(), clock, never)).to.equal(true);
    const stuck = endedWithin(new Promise(() => undefined), clock, never);
    await clock.advance(20_000);
    expect(await stuck).to.equal(false);
  });
});
