// SPDX-License-Identifier: Apache-2.0
// Many routes and Pods under one leader in memory, with seeded kills: every address ends with the newest Pod, and no address ever has two rules.
import { expect } from "chai";
import { cidr, gatewayOf, routeOf } from "../core/testing";
import { seededRandom } from "../kubernetes/testing";
import { nodeRaw, pathOf, podRaw, TestWorld, type Leader } from "./testing-world";

describe("A whole leader in memory with many routes", () => {
  let l: Leader;
  afterEach(() => l.stop());

  it("F10: 1,000 Pods, 100 addresses, random kills, seeded: after each step every address is with the newest Pod, and never had two rules", async function () {
    this.timeout(120_000);
    const random = seededRandom(10);
    const world = new TestWorld();
    const pick = (n: number): number => Math.floor(random() * n);
    const addresses = Array.from({ length: 100 }, (_, i) => `34.124.${Math.floor(i / 16)}.${(i % 16) + 1}`);
    for (let g = 0; g * 16 < addresses.length; g++)
      world.put(
        "gateway",
        gatewayOf({ metadata: { name: `gw-${g}` }, spec: { addresses: cidr(...addresses.slice(g * 16, g * 16 + 16)) } }),
      );
    for (let n = 4; n <= 40; n++) world.put("node", nodeRaw(`node-${n}`));
    const alive = new Map<number, { name: string; minute: number; node: string }[]>();
    let minute = 0;
    const spawn = (app: number): void => {
      const pod = { name: `p-${app}-${minute}`, minute: minute++, node: `node-${1 + pick(40)}` };
      alive.set(app, [...(alive.get(app) ?? []), pod]);
      const raw = podRaw(pod.name, pod.minute, pod.node);
      world.put("pod", { ...raw, metadata: { ...raw.metadata, labels: { app: String(app) } } });
    };
    addresses.forEach((address, i) => {
      world.cloud.reserve(address);
      const parentRefs = [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: `gw-${Math.floor(i / 16)}` }];
      world.put(
        "route",
        routeOf({
          metadata: { name: `r-${i}` },
          spec: { parentRefs, addresses: cidr(address), podSelector: { matchLabels: { app: String(i) } } },
        }),
      );
      for (let p = 0; p < 10; p++) spawn(i);
    });
    const twice = new Set<string>();
    world.cloud.fuse = () => {
      const on = [...world.cloud.rules.values()].map((r) => r.address);
      on.filter((a, i) => on.indexOf(a) !== i).forEach((a) => twice.add(a));
    };
    const settleAll = async (): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        await l.run().catch((error: unknown) => {
          if (!String(error).includes("not settled")) throw error;
        });
        if (l.keys.size === 0 && !world.agent()) return;
      }
    };
    l = await world.boot();
    await settleAll();
    for (let step = 0; step < 8; step++) {
      for (let k = 0; k < 10; k++) {
        const app = pick(100);
        const pods = alive.get(app)!;
        const victim = pods[random() < 0.7 ? pods.length - 1 : pick(pods.length)]!;
        alive.set(
          app,
          pods.filter((p) => p !== victim),
        );
        world.api.remove(pathOf("pod", victim.name));
        spawn(app);
      }
      await settleAll();
      const wrong = addresses.filter((a, i) => world.vmOf(a) !== `vm-${alive.get(i)!.at(-1)!.node}`);
      expect(wrong, `step ${step}`).to.deep.equal([]);
      const held = addresses.map((a, i) => [
        world.binding(a.replaceAll(".", "-"))?.status?.holder?.pod,
        alive.get(i)!.at(-1)!.name,
      ]);
      expect(held.filter(([have, want]) => have !== want)).to.deep.equal([]);
    }
    expect([...twice, ...l.errors.map(String)]).to.deep.equal([]);
    expect([...alive.values()].flat().length).to.equal(1_000);
  });
});
