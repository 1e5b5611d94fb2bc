// SPDX-License-Identifier: Apache-2.0
// Many objects: complete lists over several pages, and a node's worth of moves at once inside the quota.
import { expect } from "chai";
import { openFence, REGION, startWorld, UID, ZONE, type World } from "./world";

describe("many addresses", () => {
  let world: World;
  afterEach(() => world.close());

  /** `count` reserved addresses with a rule each, ours except every tenth. */
  async function fill(count: number): Promise<string> {
    const { emulator } = world;
    emulator.setLatency(0);
    const target = await world.fabric.ensureTarget(world.target("n1"), openFence);
    const path = `projects/${emulator.project}/zones/${ZONE}/targetInstances/${target.name}`;
    for (let start = 0; start < count; start += 50)
      await Promise.all(
        Array.from({ length: Math.min(50, count - start) }, async (_, offset) => {
          const index = start + offset;
          const address = `34.${100 + Math.floor(index / 250)}.7.${1 + (index % 250)}`;
          await world.reserve(`a${index}`, address);
          const spec = world.rule(address, `a${index}`, target.name);
          await world.rest("POST", `projects/${emulator.project}/regions/${REGION}/forwardingRules`, {
            name: spec.name,
            IPAddress: `projects/${emulator.project}/regions/${REGION}/addresses/a${index}`,
            IPProtocol: "L3_DEFAULT",
            allPorts: true,
            target: path,
            ...(index % 10 === 0 ? {} : { labels: spec.labels }),
          });
        }),
      );
    return path;
  }

  it("lists all of 620 rules over several pages, ours told apart (E49, E67)", async () => {
    world = await startWorld();
    await fill(620);
    const from = world.emulator.log.length;
    const snapshot = await world.fabric.snapshot();
    expect(snapshot.rules).to.have.length(620);
    expect(snapshot.rules.filter((rule) => rule.ours)).to.have.length(558);
    expect(snapshot.addresses).to.have.length(620);
    expect(snapshot.addresses.every((address) => address.status === "IN_USE" && address.users.length === 1)).to.equal(true);
    expect(snapshot.targets.map((target) => [target.instance, target.ours])).to.deep.equal([["n1", true]]);
    expect(world.methods(from).filter((method) => method === "forwardingRules.list")).to.have.length(2);
    expect(new Set(snapshot.rules.map((rule) => rule.labels["gke-persistent-ip-cluster"]))).to.deep.equal(
      new Set([undefined, UID]),
    );
  }).timeout(20_000);

  it("moves 60 addresses of one drained node at once, each with one setTarget and bounded operations under way (E50)", async () => {
    world = await startWorld({}, { concurrency: 8 });
    await fill(60);
    const target = await world.fabric.ensureTarget(world.target("n2"), openFence);
    const path = `projects/${world.emulator.project}/zones/${ZONE}/targetInstances/${target.name}`;
    const rules = (await world.fabric.snapshot()).rules.filter((rule) => rule.ours);
    world.emulator.setLatency(10);
    const from = world.emulator.log.length;
    const moved = await Promise.all(rules.map((rule) => world.fabric.setTarget(rule, path, openFence)));
    expect(moved.every((rule) => rule.target === path)).to.equal(true);
    expect(world.methods(from).filter((method) => method === "forwardingRules.setTarget")).to.have.length(54);
    let running = 0;
    let most = 0;
    for (const method of world.methods(from)) {
      if (method === "forwardingRules.setTarget") most = Math.max(most, ++running);
      if (method === "regionOperations.wait") running--;
    }
    expect(most).to.be.within(2, 8);
  }).timeout(20_000);
});
