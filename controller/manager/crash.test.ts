// SPDX-License-Identifier: Apache-2.0
// The process dies at every request it ever sends, before and after its effect; a fresh one over the same API server and cloud must come to
// the same end, with no move made twice and no foreign object touched (F1, E47).
import { expect } from "chai";
import { cidr, routeOf } from "../core/testing";
import { settle } from "../kubernetes/testing";
import { Crash, pathOf, podRaw, TestWorld } from "./testing-world";

type Deed = (w: TestWorld) => void;
interface Story {
  name: string;
  setUp: () => TestWorld;
  deed: Deed;
  /** Throws where the end is not right. */
  end: Deed;
}

const held = (w: TestWorld, vm: string, address?: string): void => {
  expect(w.vmOf(address)).to.equal(vm);
  expect(w.binding()?.status?.phase).to.equal("Held");
  expect(w.condition("Ready")?.status).to.equal("True");
};
const STORIES: Story[] = [
  {
    name: "a first assignment",
    setUp: () => new TestWorld(),
    deed: (w) => void w.withRoute(),
    end: (w) => {
      held(w, "vm-node-1");
      expect(w.count("forwardingRules.insert")).to.equal(1);
      expect(w.count("forwardingRules.setTarget")).to.equal(0);
    },
  },
  {
    name: "a move to another node",
    setUp: () => new TestWorld().withRoute(),
    deed: (w) => w.put("pod", podRaw("pod-2", 2, "node-2")),
    end: (w) => {
      held(w, "vm-node-2");
      expect(w.count("forwardingRules.setTarget"), "setTarget").to.equal(1);
      expect(w.count("forwardingRules.insert"), "insert").to.equal(1);
      expect(w.binding()?.status?.lastMove?.to?.pod).to.equal("pod-2");
    },
  },
  {
    name: "a deletion",
    setUp: () => new TestWorld().withRoute(),
    deed: (w) => w.api.remove(pathOf("route", "my-ip-route")),
    end: (w) => {
      expect([w.route(), w.binding(), w.cloud.rules.size - 1]).to.deep.equal([undefined, undefined, 0]);
      expect(w.cloud.targets.size).to.equal(0);
    },
  },
  {
    name: "a hand-over to an heir",
    setUp: () => {
      const w = new TestWorld().withRoute();
      w.put("route", routeOf({ metadata: { name: "young", creationTimestamp: "2026-02-01T00:00:00Z" } }));
      return w;
    },
    deed: (w) => w.api.remove(pathOf("route", "my-ip-route")),
    end: (w) => {
      expect(w.route()).to.equal(undefined);
      expect(w.vmOf()).to.equal("vm-node-1");
      expect(w.binding()?.spec.route.name).to.equal("young");
      expect(w.condition("Ready", "young")?.status).to.equal("True");
      expect(w.count("forwardingRules.delete")).to.equal(0);
    },
  },
  {
    name: "an address more and one less",
    setUp: () => new TestWorld().withRoute(),
    deed: (w) => w.edit("my-ip-route", (r) => ({ ...r, spec: { ...r.spec, addresses: cidr("34.123.10.2/32") } })),
    end: (w) => {
      expect([w.vmOf("34.123.10.1"), w.binding()]).to.deep.equal([undefined, undefined]);
      expect(w.vmOf("34.123.10.2")).to.equal("vm-node-1");
      expect(w.condition("Ready")?.status).to.equal("True");
    },
  },
];

/** Lets the story happen under a leader that dies at its request number `at`. Answers false where it sent fewer. */
async function dieAt(story: Story, at: number, moment: "before" | "after"): Promise<{ w: TestWorld; died: boolean }> {
  const w = story.setUp();
  const foreign = structuredClone(w.cloud.addRule({ name: "foreign", address: "34.1.1.1", target: "x" }));
  const first = await w.boot();
  await first.run();
  let sent = 0;
  let died = false;
  // Dead is dead: whatever still runs in the old process gets nothing through either.
  const fuse = (_what: string, when: "before" | "after"): void => {
    if (died) throw new Crash();
    if (when !== moment) return;
    sent += 1;
    if (sent !== at) return;
    died = true;
    throw new Crash();
  };
  w.api.fuse = fuse;
  w.cloud.fuse = fuse;
  story.deed(w);
  await first.run().catch((error: unknown) => {
    if (!(error instanceof Crash)) throw error;
  });
  await settle();
  await first.stop();
  w.api.fuse = () => undefined;
  w.cloud.fuse = () => undefined;
  const second = await w.boot();
  await second.run();
  await second.reconciler.drift();
  await second.run();
  await second.stop();
  expect(w.cloud.rules.get("foreign")).to.deep.equal(foreign);
  expect(second.errors).to.deep.equal([]);
  return { w, died };
}

describe("A leader that dies", function () {
  this.timeout(20_000);
  for (const story of STORIES)
    for (const moment of ["before", "after"] as const)
      it(`F1 E47: in ${story.name}, ${moment} any of its writes, is followed by one that ends it`, async () => {
        let at = 1;
        for (; ; at++) {
          const { w, died } = await dieAt(story, at, moment);
          try {
            story.end(w);
          } catch (error) {
            throw new Error(`died ${moment} request ${at}: ${(error as Error).message}`, { cause: error });
          }
          if (!died) break;
        }
        expect(at, "writes of the story").to.be.greaterThan(4);
      });
});
