// SPDX-License-Identifier: Apache-2.0
// A replica that comes to lead knows the journals as they are, however late its watch is. Found by the simulator: a late one pointed a rule at
// the holder of a generation that was over.
import { expect } from "chai";
import { KINDS, type AddressBinding } from "../api";
import { cidr, routeOf } from "../core/testing";
import { resourcePath, type Method, type RequestOptions } from "../kubernetes";
import { settle } from "../kubernetes/testing";
import { pathOf, podRaw, TestWorld } from "./testing-world";

const CLAIMS = resourcePath(KINDS.binding);

describe("Claims at the begin of a leadership", () => {
  it("F2 invariant 1: are read anew, so that a late watch shows neither an old journal nor a claim that is gone", async () => {
    const w = new TestWorld().withRoute();
    const first = await w.boot();
    await first.run();
    w.put("binding", { ...w.binding()!, metadata: { ...w.binding()!.metadata, name: "34-123-10-2", uid: "other" } });
    await settle();
    const { caches } = first;
    expect(caches.binding("34-123-10-2")?.metadata.uid).to.equal("other");
    w.api.lag();
    w.api.change<AddressBinding>(pathOf("binding", "34-123-10-1"), (b) => ({ ...b, status: { ...b.status, generation: 77 } }));
    w.api.remove(pathOf("binding", "34-123-10-2"));
    expect(caches.binding("34-123-10-1")?.status?.generation, "by the watch").to.equal(1);
    const ask = w.api.request.bind(w.api);
    w.api.request = <T>(method: Method, path: string, options?: RequestOptions): Promise<T> => {
      if (method !== "GET" || path !== CLAIMS) return ask(method, path, options);
      const list = { kind: "AddressBindingList", metadata: { resourceVersion: "1" }, items: w.api.list(`${CLAIMS}/`) };
      return Promise.resolve(Buffer.from(JSON.stringify(list)) as T);
    };
    await caches.readClaims();
    expect(caches.binding("34-123-10-1")?.status?.generation).to.equal(77);
    expect(caches.binding("34-123-10-2")).to.equal(undefined);
    w.api.catchUp();
    await settle();
    expect(caches.binding("34-123-10-1")?.status?.generation).to.equal(77);
    await first.stop();
  });

  it("S5: a route that goes while the leader still waits for its first look at the cloud holds up no clean-up", async () => {
    const w = new TestWorld().withRoute();
    w.put("route", routeOf({ metadata: { name: "brief", uid: "brief" }, spec: { addresses: cidr("34.123.10.2/32") } }));
    let look: () => void = () => undefined;
    w.cloud.gate = (method) => (method === "snapshot" ? new Promise((resolve) => (look = resolve)) : Promise.resolve());
    const booting = w.boot();
    for (let i = 0; i < 30 && w.cloud.reads === 0; i++) await settle();
    w.api.remove(pathOf("route", "brief"));
    await settle();
    w.cloud.gate = () => Promise.resolve();
    look();
    const leader = await booting;
    await leader.run();
    expect(w.cloud.targets.size).to.equal(1);
    w.api.remove(pathOf("pod", "pod-1"));
    w.put("pod", podRaw("pod-2", 2, "node-2"));
    await leader.run();
    await leader.reconciler.drift();
    expect([...w.cloud.targets.values()].map((t) => t.instance)).to.deep.equal(["vm-node-2"]);
    await leader.stop();
  });
});
