// SPDX-License-Identifier: Apache-2.0
// What a simulated road leaves behind: nothing. A world runs for simulated hours, and a reader opens its watches again and again.
import { expect } from "chai";
import { getEventListeners } from "node:events";
import { ApiModel } from "../models/api";
import { Chance } from "./chance";
import { EPOCH, goodRoad, Process } from "./process";
import { apiClientOf, openStreams, type WatchStream } from "./roads";
import { Scheduler } from "./scheduler";

/** A process with good roads, and what its judge takes it to have heard. */
function open() {
  const scheduler = new Scheduler();
  const chance = new Chance(1);
  const nobody = { leaves: () => undefined, ended: () => undefined, count: () => undefined, trace: () => undefined };
  const roads = { api: goodRoad(), watch: goodRoad(), cloud: goodRoad() };
  const process = new Process({ name: "c0.1", scheduler, chance, overseer: nobody, roads, skewMs: 0, rate: 1 });
  const lines: string[] = [];
  const heard = { heard: (_p: Process, _c: string, line: Buffer) => void lines.push(line.toString()), learnt: () => undefined };
  const api = new ApiModel(() => EPOCH + scheduler.now);
  const run = (ms: number): Promise<unknown> => scheduler.until(scheduler.now + ms, () => false);
  return { process, api, lines, run, client: apiClientOf(process, api, chance, heard) };
}

describe("The roads of a simulated process", () => {
  it("leave no listener behind on the one signal that a reader opens all its watches with", async () => {
    const { process, client, run } = open();
    const { signal } = new AbortController();
    for (let i = 0; i < 30; i++) {
      const opening = client.stream("/api/v1/pods", { query: { sendInitialEvents: true }, signal });
      await run(1_000);
      (await opening).close();
    }
    expect(openStreams(process).size).to.equal(0);
    expect(getEventListeners(signal, "abort")).to.have.lengthOf(0);
  });

  for (const [how, end] of [
    ["the reader has closed the watch", (stream: WatchStream) => stream.close()],
    ["the connection has broken", (stream: WatchStream) => stream.reset()],
  ] as const)
    it(`let nobody hear what comes when ${how}`, async () => {
      const { process, api, client, lines, run } = open();
      const opening = client.stream("/api/v1/pods", { query: { sendInitialEvents: true } });
      await run(1_000);
      const stream = (await opening) as WatchStream;
      const pod = (name: string) => ({ apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default" } });
      const create = (name: string) =>
        api.handle("user", { method: "POST", path: "/api/v1/namespaces/default/pods", body: pod(name) });
      create("in-time");
      await run(1_000);
      expect(lines.filter((line) => line.includes("in-time"))).to.have.lengthOf(1);
      process.roads.watch.blocked = true;
      create("too-late");
      await run(1_000);
      end(stream);
      process.roads.watch.blocked = false;
      stream.resume();
      await run(1_000);
      expect(lines.filter((line) => line.includes("too-late"))).to.deep.equal([]);
    });
});
