// SPDX-License-Identifier: Apache-2.0
// An update that is cut off, politely (Ctrl-C once) and not (kill -9), at several points, and the next one that carries on: nothing is doubled or lost in
// the cloud, the API server or the state.
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { untilReady } from "../../sandbox/demo";
import { Destroyed } from "./world";
import { resume } from "./resume";

/** Long enough that the engine is killed in the middle of an operation, not after it. */
const SLOW_MS = 1_500;

describe("an update that is cut off", function () {
  this.timeout(240_000);
  let stack: Destroyed;
  before(async function () {
    this.timeout(120_000);
    stack = await Destroyed.open(this);
    stack.tell("Protect");
  });
  after(async () => stack?.close());

  const UP = ["up", "--yes", "--skip-preview"];
  const agrees = async (): Promise<void> => {
    expect(await stack.disagreements()).to.deep.equal([]);
    expect(stack.deployment().pending_operations ?? []).to.deep.equal([]);
  };
  /** Ctrl-C: what is under way ends, and is written down. */
  const interrupted = async (at: RegExp): Promise<void> => {
    const ran = await stack.run(UP, at);
    expect(ran.text).to.contain("^C received; cancelling");
    await agrees();
  };
  /** kill -9: the lock stays, and what was under way is only known to have been. Answers that. */
  const killed = async (rpc: string, name: string): Promise<string[]> => {
    stack.world.emulator.setLatency(SLOW_MS);
    await stack.killedAt(UP, rpc, name);
    // What was asked of Google goes on without the engine.
    await sleep(2 * SLOW_MS);
    stack.world.emulator.setLatency(50);
    const locked = await stack.run(UP);
    expect(locked.code).to.not.equal(0);
    expect(locked.text).to.contain("the stack is currently locked");
    const { pending, adopted } = await resume(stack);
    console.log(`      under way: ${pending.join(", ") || "nothing"}; ${adopted.length} of it exists by now`);
    await agrees();
    return pending;
  };
  const names = (family: "addresses" | "forwardingRules"): string[] =>
    stack.world.emulator
      .list(family)
      .map((r) => r.name)
      .sort();

  it("Ctrl-C in the middle of networks and cluster, of the controller, and of a route: each next update carries on from there", async () => {
    await interrupted(/Network edge-blue creating/);
    const pools = stack.cloud();
    await interrupted(/Deployment edge-controller creating/);
    expect(stack.cloud(), "what was there").to.include.members(pools);
    await interrupted(/GKEIPRoute edge-\w+ creating/);
  });

  it("the update after them makes the rest, every route becomes Ready, and another preview changes nothing", async () => {
    const ran = await stack.must(UP);
    expect(ran.text)
      .to.match(/\d+ created/)
      .and.not.match(/\d+ (updated|replaced|deleted)/);
    await untilReady(stack.world, 60_000);
    await stack.must(["preview", "--expect-no-changes"]);
    await agrees();
    expect(names("addresses")).to.deep.equal(["edge-inside", "edge-web"]);
    expect(names("forwardingRules")).to.have.length(2);
  });

  it("kill -9 while an address is reserved, and while a route is made: the lock is freed, what exists is taken over, nothing is made twice", async () => {
    stack.tell("Protect", (a) => {
      a.addresses["more"] = {};
      a.unlocked = ["addresses.more"];
      a.routes!["more"] = { namespace: "proxy", addresses: ["more"], podSelector: { matchLabels: { app: "proxy" } } };
    });
    expect(await killed("Create", "edge-more")).to.include("creating gcp:compute/address:Address edge-more");
    expect(await killed("Create", "edge-more")).to.include("creating kubernetes:networking.gke.io/v1:GKEIPRoute edge-more");
    await stack.must(UP);
    await untilReady(stack.world, 60_000);
    await stack.must(["preview", "--expect-no-changes"]);
    expect(names("addresses")).to.deep.equal(["edge-inside", "edge-more", "edge-web"]);
    expect(names("forwardingRules")).to.have.length(3);
  });

  it("kill -9 while labels of an address change, and while a route is deleted: a refresh tells, and the next update ends it", async () => {
    stack.tell("Protect", (a) => {
      a.addresses["more"] = {};
      a.unlocked = ["addresses.more"];
      a.labels = { team: "edge" };
    });
    expect(await killed("Update", "edge-web")).to.satisfy((p: string[]) =>
      p.some((x) => x.startsWith("updating gcp:compute/address:Address")),
    );
    expect(await killed("Delete", "edge-more")).to.include("deleting kubernetes:networking.gke.io/v1:GKEIPRoute edge-more");
    await stack.must(UP);
    await stack.must(["preview", "--expect-no-changes"]);
    await agrees();
    for (const a of stack.world.emulator.list("addresses")) expect(a.labels, a.name).to.include({ team: "edge" });
    expect(names("addresses")).to.deep.equal(["edge-inside", "edge-more", "edge-web"]);
    expect(names("forwardingRules")).to.have.length(2);
  });
});
