// SPDX-License-Identifier: Apache-2.0
// What a simulated road leaves behind: nothing. A world runs for simulated hours, and a reader opens its watches again and again.
import { expect } from "chai";
import { getEventListeners } from "node:events";
import { ApiModel } from "../models/api";
import { Chance } from "./chance";
import { EPOCH, goodRoad, Process } from "./process";
import { apiClientOf, openStreams } from "./roads";
import { Scheduler } from "./scheduler";

describe("The roads of a simulated process", () => {
  it("leave no listener behind on the one signal that a reader opens all its watches with", async () => {
    const scheduler = new Scheduler();
    const chance = new Chance(1);
    const nobody = { leaves: () => undefined, ended: () => undefined, count: () => undefined, trace: () => undefined };
    const roads = { api: goodRoad(), watch: goodRoad(), cloud: goodRoad() };
    const process = new Process({ name: "c0.1", scheduler, chance, overseer: nobody, roads, skewMs: 0, rate: 1 });
    const heard = { heard: () => undefined, learnt: () => undefined };
    const client = apiClientOf(process, new ApiModel(() => EPOCH + scheduler.now), chance, heard);
    const { signal } = new AbortController();
    for (let i = 0; i < 30; i++) {
      const opening = client.stream("/api/v1/pods", { query: { sendInitialEvents: true }, signal });
      await scheduler.until(scheduler.now + 1_000, () => false);
      (await opening).close();
    }
    expect(openStreams(process).size).to.equal(0);
    expect(getEventListeners(signal, "abort")).to.have.lengthOf(0);
  });
});
