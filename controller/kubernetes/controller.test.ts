// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { runWorkers, type WorkerOptions } from "./controller";
import { ApiError } from "./errors";
import { FakeClock, settle } from "./testing";
import { WorkQueue } from "./workqueue";

describe("workers", () => {
  let clock: FakeClock;
  let queue: WorkQueue;

  beforeEach(() => {
    clock = new FakeClock();
    queue = new WorkQueue({ clock });
  });

  function start(reconcile: WorkerOptions["reconcile"], more: Partial<WorkerOptions> = {}): Promise<void> {
    return runWorkers({ queue, workers: 2, clock, reconcile, ...more });
  }

  it("work on as many keys at a time as there are workers", async () => {
    let now = 0;
    let most = 0;
    const done = start(async () => {
      most = Math.max(most, ++now);
      await clock.sleep(10);
      now -= 1;
    });
    for (let i = 0; i < 6; i++) queue.add(`k${i}`);
    await clock.advance(100);
    queue.shutDown();
    await done;
    expect(most).to.equal(2);
  });

  it("survive exceptions, thrown late or at once, even in the hooks, and back off per key", async () => {
    const runs: string[] = [];
    const errors: string[] = [];
    const done = start(
      (key) => {
        runs.push(`${key}@${clock.monotonic()}`);
        if (key === "sync") throw new Error("at once");
        return key === "async" ? Promise.reject(new Error("late")) : Promise.resolve();
      },
      {
        onError: (error, key) => {
          errors.push(`${key}: ${(error as Error).message}`);
          throw new Error("hook");
        },
        onResult: () => {
          throw new Error("hook");
        },
      },
    );
    ["sync", "async", "good"].forEach((key) => queue.add(key));
    await clock.advance(20);
    expect(runs.filter((run) => run.startsWith("sync"))).to.deep.equal(["sync@0", "sync@5", "sync@15"]);
    expect(runs.filter((run) => run.startsWith("good"))).to.deep.equal(["good@0"]);
    expect(errors).to.include.members(["sync: at once", "async: late"]);
    queue.shutDown();
    await done;
  });

  it("start the back-off over after a success", async () => {
    let failures = 3;
    const done = start(() => (failures-- > 0 ? Promise.reject(new Error("no")) : Promise.resolve()));
    queue.add("a");
    await clock.advance(100);
    expect(queue.failures("a")).to.equal(0);
    queue.shutDown();
    await done;
  });

  it("come back when the reconciler asks for it", async () => {
    const runs: number[] = [];
    const outcomes: string[] = [];
    const reconcile = (): Promise<{ requeueAfterMs: number }> => {
      runs.push(clock.monotonic());
      return Promise.resolve({ requeueAfterMs: 1000 });
    };
    const done = start(reconcile, { onResult: ({ outcome }) => void outcomes.push(outcome) });
    queue.add("a");
    await clock.advance(2500);
    expect(runs).to.deep.equal([0, 1000, 2000]);
    expect(outcomes).to.deep.equal(["requeue_after", "requeue_after", "requeue_after"]);
    queue.shutDown();
    await done;
  });

  it("wait as long as the server told them to (C3)", async () => {
    const runs: number[] = [];
    const done = start(() => {
      runs.push(clock.monotonic());
      return Promise.reject(new ApiError("TooManyRequests", "slow down", { retryAfterSeconds: 7 }));
    });
    queue.add("a");
    await clock.advance(7_000);
    expect(runs).to.deep.equal([0, 7000]);
    queue.shutDown();
    await done;
  });

  it("finish what is under way when the queue shuts down, and hand the abort signal through", async () => {
    const aborter = new AbortController();
    let aborted = false;
    const done = start(
      async (_key, signal) => {
        await clock.sleep(60_000, signal);
        aborted = signal.aborted;
      },
      { signal: aborter.signal },
    );
    queue.add("a");
    await settle();
    const drained = queue.shutDownWithDrain();
    aborter.abort();
    await drained;
    await done;
    expect(aborted).to.equal(true);
  });
});
