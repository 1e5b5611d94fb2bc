// SPDX-License-Identifier: Apache-2.0
// Other people's objects: on our address, under our name, in our path. None of them may change (DESIGN 9.2).
import { expect } from "chai";
import { judgeAddress } from "../../controller/core";
import { isComputeError, ownedLabels, type ComputeError } from "../../controller/compute";
import { openFence, REGION, startWorld, ZONE, type World } from "./world";

const A = "34.123.10.1";
const failure = async (promise: Promise<unknown>): Promise<ComputeError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (each: unknown) => each,
  );
  if (!isComputeError(error)) throw new Error(`expected a ComputeError, got ${String(error)}`);
  return error;
};

describe("foreign objects", () => {
  let world: World;
  let project: string;
  beforeEach(async () => {
    world = await startWorld();
    project = world.emulator.project;
    await world.reserve("web", A);
  });
  afterEach(() => world.close());

  /** A rule made by somebody else, on the address, with its own target. */
  async function foreignRule(name: string, more: object = {}): Promise<void> {
    await world.rest("POST", `projects/${project}/zones/${ZONE}/targetInstances`, {
      name: "theirs",
      instance: `projects/${project}/zones/${ZONE}/instances/n3`,
    });
    const target = `projects/${project}/zones/${ZONE}/targetInstances/theirs`;
    const address = `projects/${project}/regions/${REGION}/addresses/web`;
    const body = { name, IPAddress: address, IPProtocol: "L3_DEFAULT", allPorts: true, loadBalancingScheme: "EXTERNAL", target };
    await world.rest("POST", `projects/${project}/regions/${REGION}/forwardingRules`, { ...body, ...more });
  }
  const mutations = (from: number) => world.emulator.log.slice(from).filter((exchange) => exchange.method !== "GET");

  it("never takes an address from a rule that is not ours, and names it (E25)", async () => {
    await foreignRule("their-rule", { description: "frontend of team x" });
    const [held] = await world.fabric.rulesOn(A);
    expect(held).to.include({ name: "their-rule", ours: false });
    const target = await world.fabric.ensureTarget(world.target("n1"), openFence);
    const before = JSON.stringify(world.emulator.list("forwardingRules"));
    const from = world.emulator.log.length;
    for (const tried of [
      () => world.fabric.createRule(world.rule(A, "web", target.name), openFence),
      () => world.fabric.createRules(world.rule(A, "web", target.name), openFence),
      () => world.fabric.setTarget(held!, world.rule(A, "web", target.name).targetPath, openFence),
      () =>
        world.fabric.setTarget(
          { ...held!, ours: true, target: undefined, id: "1", name: "no-such-rule" },
          "projects/p/x",
          openFence,
        ),
      () => world.fabric.deleteRule(held!, openFence),
      () => world.fabric.deleteRule({ ...held!, ours: true }, openFence),
      () => world.fabric.setLabels({ ...held!, ours: true }, {}, openFence),
    ]) {
      const error = await failure(tried());
      if (error.code !== "NotFound") expect(error.message).to.match(/their-rule.*not ours.*team x/);
    }
    expect(mutations(from).filter((exchange) => exchange.status < 400)).to.deep.equal([]);
    expect(JSON.stringify(world.emulator.list("forwardingRules"))).to.equal(before);
  });

  it("takes the rule of another cluster for foreign, and names that cluster (E25)", async () => {
    await foreignRule("their-rule", { labels: ownedLabels("cluster-2", {}) });
    const error = await failure(world.fabric.createRule(world.rule(A, "web", "t"), openFence));
    expect(error.code).to.equal("Conflict");
    expect(error.message).to.contain("cluster-2");
  });

  it("refuses a rule that has our name but not our marks, on whatever address (E49)", async () => {
    await world.reserve("other", "34.123.10.9");
    await foreignRule(world.rule("34.123.10.9", "other", "t").name);
    const error = await failure(world.fabric.createRule(world.rule("34.123.10.9", "other", "t"), openFence));
    expect(error.code).to.equal("Conflict");
    expect(error.message).to.contain("not ours");
  });

  it("refuses a target instance that has our name but not our marks, and never deletes it (E49)", async () => {
    const spec = world.target("n1");
    await world.rest("POST", `projects/${project}/zones/${ZONE}/targetInstances`, {
      name: spec.name,
      instance: `projects/${project}/zones/${ZONE}/instances/n1`,
    });
    const from = world.emulator.log.length;
    expect((await failure(world.fabric.ensureTarget(spec, openFence))).code).to.equal("Conflict");
    const mine = { name: spec.name, zone: ZONE, instance: "n1", ours: true, id: "" };
    expect((await failure(world.fabric.deleteTarget(mine, openFence))).code).to.equal("Conflict");
    expect(mutations(from)).to.deep.equal([]);
  });

  it("does not delete a successor that took the name of the rule it saw", async () => {
    const target = await world.fabric.ensureTarget(world.target("n1"), openFence);
    const rule = await world.fabric.createRule(world.rule(A, "web", target.name), openFence);
    await world.fabric.deleteRule(rule, openFence);
    await foreignRule(rule.name);
    expect((await failure(world.fabric.deleteRule(rule, openFence))).code).to.equal("Conflict");
    expect(world.emulator.list("forwardingRules")).to.have.length(1);
  });

  it("says where a literal is reserved instead, or that it is not (E31)", async () => {
    const elsewhere = "34.99.0.7";
    await world.rest("POST", `projects/${project}/regions/europe-west1/addresses`, { name: "abroad", address: elsewhere });
    const need = (address: string) => ({ address, scope: "External", region: REGION, project, ours: () => false }) as const;
    const found = await world.fabric.findAddress(elsewhere, "External");
    expect(found?.region).to.equal("europe-west1");
    expect(judgeAddress(found, need(elsewhere)))
      .to.have.property("message")
      .that.contains("is in region europe-west1");
    expect(await world.fabric.findAddress("34.99.0.8", "External")).to.equal(undefined);
    expect(judgeAddress(undefined, need("34.99.0.8")))
      .to.have.property("message")
      .that.contains("is not a reserved address");
  });

  it("does not leave a rule on the wrong literal unnoticed when the reservation was replaced under its name (E34)", async () => {
    const target = await world.fabric.ensureTarget(world.target("n1"), openFence);
    const error = await failure(world.fabric.createRule(world.rule("34.123.10.77", "web", target.name), openFence));
    expect(error.code).to.equal("Conflict");
    expect(error.message).to.contain(A).and.contain("34.123.10.77");
  });
});
