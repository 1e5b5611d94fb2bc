// SPDX-License-Identifier: Apache-2.0
// The work queue under random schedules, against a model made of plain sets.
import { expect } from "chai";
import fc from "fast-check";
import { FakeClock } from "./testing";
import { type Priority, WorkQueue } from "./workqueue";

describe("work queue under any schedule", () => {
  const key = fc.constantFrom("a", "b", "c", "d");
  const priority = fc.constantFrom<Priority>("live", "background");
  const delay = fc.integer({ min: 0, max: 30 });
  const step: fc.Arbitrary<(model: Model) => Promise<void> | void> = fc.oneof(
    fc.tuple(key, priority).map(
      ([k, p]) =>
        (model: Model) =>
          model.add(k, p),
    ),
    fc.tuple(key, priority, delay).map(
      ([k, p, ms]) =>
        (model: Model) =>
          model.addAfter(k, p, ms),
    ),
    fc.constant((model: Model) => model.take()),
    fc.nat().map((pick) => (model: Model) => model.finish(pick)),
    fc.integer({ min: 1, max: 20 }).map((ms) => (model: Model) => model.pass(ms)),
  );

  it("no key is lost, none is doubled, none is with two workers", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const model = new Model();
        for (const run of steps) {
          await run(model);
          model.check();
        }
        await model.pass(100);
        await model.finishAll();
      }),
      { numRuns: 150 },
    );
  });
});

/** What must come out of a queue, kept in plain sets beside the real one. */
class Model {
  private readonly clock = new FakeClock();
  private readonly queue = new WorkQueue({ clock: this.clock });
  /** Added since it was last taken. */
  private readonly owed = new Set<string>();
  private readonly delayed = new Map<string, number>();
  private readonly held: string[] = [];

  add(key: string, priority: Priority): void {
    this.queue.add(key, priority);
    this.owed.add(key);
  }

  addAfter(key: string, priority: Priority, ms: number): void {
    if (ms === 0) this.owed.add(key);
    else this.delayed.set(key, Math.min(this.delayed.get(key) ?? Infinity, this.clock.monotonic() + ms));
    this.queue.addAfter(key, ms, priority);
  }

  async take(): Promise<void> {
    if (this.queue.length === 0) return;
    const item = await this.queue.get();
    if (item.shutdown) throw new Error("shut down by nobody");
    if (this.held.includes(item.key)) throw new Error(`${item.key} is with two workers`);
    if (!this.owed.delete(item.key)) throw new Error(`${item.key} came out without having gone in`);
    this.held.push(item.key);
  }

  finish(pick: number): void {
    const [key] = this.held.splice(pick % Math.max(this.held.length, 1), 1);
    if (key !== undefined) this.queue.done(key);
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    for (const [key, at] of this.delayed) {
      if (at > this.clock.monotonic()) continue;
      this.delayed.delete(key);
      this.owed.add(key);
    }
  }

  check(): void {
    expect(this.queue.length).to.equal([...this.owed].filter((key) => !this.held.includes(key)).length);
  }

  async finishAll(): Promise<void> {
    while (this.held.length > 0 || this.queue.length > 0) {
      this.finish(0);
      await this.take();
    }
    expect([...this.owed], "nothing is owed at the end").to.deep.equal([]);
  }
}
