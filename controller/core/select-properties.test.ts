// SPDX-License-Identifier: Apache-2.0
// What holds of every selection, whatever the Pods: one choice, no matter the order, no matter who else is there.
import { expect } from "chai";
import * as fc from "fast-check";
import type { GKEIPRouteSpec } from "../api";
import { better, select, type Selection } from "./select";
import { podOf, routeOf, world } from "./testing";
import type { PodView } from "./world";

const network = { name: "blue-network", type: "L3", vpc: "blue-vpc" } as const;
const choose = (pods: readonly PodView[], spec: Partial<GKEIPRouteSpec> = {}): Selection =>
  select(world({ pods }), routeOf({ spec }), network);

describe("Selection as a function", () => {
  const pod = fc
    .record({
      name: fc.constantFrom("a", "b", "c", "d", "e"),
      minute: fc.integer({ min: 0, max: 4 }),
      ready: fc.boolean(),
      deleting: fc.boolean(),
      node: fc.constantFrom("node-1", "node-2", "node-9", undefined),
      hostNetwork: fc.boolean(),
      phase: fc.constantFrom("Running", "Pending", "Succeeded"),
      proxy: fc.boolean(),
    })
    .map(({ name, minute, proxy, ...over }) => podOf(name, minute, { ...over, labels: proxy ? { component: "proxy" } : {} }));
  const pods = fc.array(pod, { maxLength: 8 }).map((list) => list.map((p, i) => ({ ...p, uid: `uid-${i}` })));
  const mode = fc.constantFrom("ReadyCondition" as const, "Exists" as const);

  it("chooses the same Pod and gives the same verdicts from any order of the Pods (S12)", () => {
    fc.assert(
      fc.property(pods, mode, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (list, reactionMode, random) => {
        const shuffled = list.map((p) => ({ p, key: random.next().value as number })).sort((a, b) => a.key - b.key);
        const [one, two] = [
          choose(list, { reactionMode }),
          choose(
            shuffled.map((s) => s.p),
            { reactionMode },
          ),
        ];
        expect(two).to.deep.equal(one);
      }),
    );
  });

  it("selects exactly one where any can be chosen, and it is the best of these (SEED-8, SEED-66)", () => {
    fc.assert(
      fc.property(pods, mode, (list, reactionMode) => {
        const { selected, verdicts: all } = choose(list, { reactionMode });
        const able = all.filter((v) => v.reason === "Selected" || v.reason === "OlderThanSelected");
        expect(all.filter((v) => v.reason === "Selected").map((v) => v.pod.uid)).to.deep.equal(selected ? [selected.uid] : []);
        expect(able.length > 0).to.equal(selected !== undefined);
        for (const v of able) expect(v.pod.uid === selected!.uid || better(selected!, v.pod) < 0).to.equal(true);
      }),
    );
  });

  it("is not changed by one more Pod that cannot be chosen (E22)", () => {
    const spoil = fc.constantFrom<Partial<PodView>>(
      { deleting: true },
      { phase: "Failed" },
      { node: undefined },
      { hostNetwork: true },
      { node: "node-9" },
      { interfaces: { ok: false, message: "x" } },
      { interfaces: { ok: true, value: [] } },
      { namespace: "other" },
      { labels: {} },
    );
    fc.assert(
      fc.property(pods, mode, spoil, (list, reactionMode, over) => {
        const more = [...list, podOf("zzz", 99, over)];
        expect(choose(more, { reactionMode }).selected).to.deep.equal(choose(list, { reactionMode }).selected);
      }),
    );
  });

  it("has a strict order: never both better, and only the Pod itself is equal", () => {
    fc.assert(
      fc.property(pods, (list) => {
        for (const a of list) for (const b of list) expect(Math.sign(better(a, b)) + Math.sign(better(b, a))).to.equal(0);
        for (const a of list) for (const b of list) expect(better(a, b) === 0).to.equal(a === b);
      }),
    );
  });
});
