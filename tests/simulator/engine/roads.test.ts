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
  return {
    process,
    run,
    client: apiClientOf(process, api, chance, heard),
    create: (name: string) => api.handle("user", { method: "POST", path: "/api/v1/namespaces/default/pods", body: podOf(name) }),
    /** How many lines about the Pod were heard. */
    heard: (name: string) => lines.filter((line) => line.includes(name)).length,
  };
}
const PODS = "/api/v1/pods";
const podOf = (name: string) => ({ apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default" } });
async function read(stream: WatchStream): Promise<void> {
  try {
    for await (const chunk of stream) void chunk;
  } finally {
    stream.close();
  }
}

describe("The roads of a simulated process", () => {
  it("leave no listener behind on the one signal that a reader opens all its watches with", async () => {
    const { process, client, run } = open();
    const { signal } = new AbortController();
    for (let i = 0; i < 30; i++) {
      const opening = client.stream(PODS, { query: { sendInitialEvents: true }, signal });
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
      const { process, client, create, heard, run } = open();
      const opening = client.stream(PODS, { query: { sendInitialEvents: true } });
      await run(1_000);
      const stream = (await opening) as WatchStream;
      read(stream).catch(() => undefined);
      create("in-time");
      await run(1_000);
      expect(heard("in-time")).to.equal(1);
      process.roads.watch.blocked = true;
      create("too-late");
      await run(1_000);
      end(stream);
      process.roads.watch.blocked = false;
      stream.resume();
      await run(1_000);
      expect(heard("too-late")).to.equal(0);
    });

  it("let nobody hear what comes by a watch whose headers were lost", async () => {
    const { process, client, create, heard, run } = open();
    process.roads.watch.slowMs = 1_000;
    const opening = client.stream(PODS, { query: { sendInitialEvents: true } }).catch(String);
    while (openStreams(process).size === 0) await run(5);
    process.roads.watch.blocked = true;
    await run(60_000);
    expect(await opening).to.contain("timeout");
    process.roads.watch.blocked = false;
    for (const stream of openStreams(process)) stream.resume();
    create("for-nobody");
    await run(5_000);
    expect(heard("for-nobody")).to.equal(0);
  });
});
