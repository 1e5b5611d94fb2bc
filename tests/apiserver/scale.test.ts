// SPDX-License-Identifier: Apache-2.0
// 2,000 realistic Pods (about 9 KB each) through the reflector: how long, and how long at most the event loop stood still, by the
// clock and by the processor time spent in that turn (other load on the machine only shows in the first). The figures are printed;
// only what must hold on any machine is asserted.
import { expect } from "chai";
import { type ApiClient, type KubeObject, Reflector, resourcePath, systemClock } from "../../controller/kubernetes";
import { sharedApiServer, type TestApiServer } from "../support/apiserver";
import { Turns } from "../bench/turns";
import { newNamespace, PODS } from "./world";

const COUNT = 2_000;

interface TrimmedPod extends KubeObject {
  node?: string;
}

describe("2,000 Pods on a real API server", function () {
  this.timeout(180_000);
  let server: TestApiServer;
  let admin: ApiClient;
  let namespace: string;

  before(async function () {
    server = await sharedApiServer(this);
    this.timeout(180_000);
    admin = server.client();
    namespace = await newNamespace(admin);
    const numbers = Array.from({ length: COUNT }, (_, i) => i).values();
    const create = async (): Promise<void> => {
      for (const i of numbers) await admin.request("POST", resourcePath(PODS, namespace), { body: pod(i) });
    };
    await Promise.all(Array.from({ length: 16 }, create));
  });

  for (const watchList of [true, false]) {
    it(`come in ${watchList ? "by WatchList" : "in pages of 100"}`, async () => {
      global.gc?.();
      const heapBefore = process.memoryUsage().heapUsed;
      const reflector = new Reflector<TrimmedPod>({
        ...{ client: admin, kind: PODS, namespace, watchList, clock: systemClock, random: Math.random },
        transform: trim,
        indexers: { app: (p) => [p.metadata.labels?.["app"] ?? ""] },
      });
      const turns = new Turns();
      const began = performance.now();
      reflector.start();
      await reflector.whenSynced();
      const tookMs = Math.round(performance.now() - began);
      const { clockMs, cpuMs } = await turns.stop();
      global.gc?.();
      const heapMb = ((process.memoryUsage().heapUsed - heapBefore) / 2 ** 20).toFixed(1);
      console.log(
        `      ${COUNT} Pods synced in ${tookMs} ms, longest stall ${clockMs} ms, ` +
          `of processor time ${cpuMs} ms${global.gc ? `, heap +${heapMb} MB` : ""}`,
      );
      expect(reflector.store.size).to.equal(COUNT);
      expect(reflector.store.byIndex("app", "app-7")).to.have.length(COUNT / 20);
      await reflector.stop();
    });
  }
});

function trim(object: KubeObject): TrimmedPod {
  const { namespace, name, uid, resourceVersion, labels } = object.metadata;
  return { metadata: { namespace, name, uid, resourceVersion, labels } };
}

function pod(i: number): object {
  const annotations = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`example.com/note-${n}`, "x".repeat(300)]));
  const env = Array.from({ length: 40 }, (_, n) => ({ name: `SETTING_${n}`, value: `value-${n}-of-${i}` }));
  const container = (name: string): object => ({
    name,
    image: `example.com/${name}:1`,
    env,
    resources: { requests: { cpu: "10m", memory: "16Mi" } },
  });
  const metadata = { name: `pod-${i}`, labels: { app: `app-${i % 20}` }, annotations };
  // Nobody schedules these, so they stay as they are.
  return { metadata, spec: { schedulerName: "nobody", containers: [container("main"), container("side")] } };
}
