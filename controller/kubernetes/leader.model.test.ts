// SPDX-License-Identifier: Apache-2.0
// Three candidates while chance delays, loses and cuts: at every quarter of a second somebody looks for two leaders.
import { expect } from "chai";
import fc from "fast-check";
import { FakeClock, seededRandom } from "./testing";
import { candidate, clientOf, type Fate, LeaseServer, WELL } from "./testing-lease";

describe("leader electors under any delay, loss and partition", () => {
  const run = { seed: fc.integer(), lossPercent: fc.integer({ min: 0, max: 60 }), slowMs: fc.integer({ min: 0, max: 6_000 }) };

  it("never are two leaders at one instant, and one leads again once the net is well", async () => {
    await fc.assert(
      fc.asyncProperty(fc.record(run), async ({ seed, lossPercent, slowMs }) => {
        const random = seededRandom(seed);
        const clock = new FakeClock();
        const server = new LeaseServer();
        let well = false;
        const cut = [false, false, false];
        const fateOf = (who: number) => (): Fate => {
          if (well) return WELL;
          const lost = cut[who] === true || random() * 100 < lossPercent ? (random() < 0.5 ? "request" : "answer") : "no";
          return { toServerMs: Math.floor(random() * slowMs), backMs: Math.floor(random() * slowMs), lost };
        };
        const electors = cut.map((_, who) => {
          const client = clientOf(server, clock, fateOf(who));
          return candidate(server, clock, `c${who}`, { client, random });
        });
        for (const { elector } of electors) elector.start();
        for (let step = 0; step < 240; step++) {
          if (step % 40 === 39) cut[Math.floor(random() * 3)] = random() < 0.5;
          await clock.advance(250);
          const leaders = electors.filter(({ elector }) => elector.isLeaderNow()).length;
          expect(leaders, `leaders at ${clock.monotonic()} ms`).to.be.at.most(1);
        }
        well = true;
        await clock.advance(40_000);
        const running = electors.filter(({ calls }) => !calls.includes("lost"));
        const leaders = electors.filter(({ elector }) => elector.isLeaderNow()).length;
        expect(leaders, "leaders at the end").to.equal(running.length > 0 ? 1 : 0);
        const stopping = Promise.all(electors.map(({ elector }) => elector.stop()));
        await clock.advance(10_000);
        await stopping;
      }),
      { numRuns: 12 },
    );
  });
});
