// SPDX-License-Identifier: Apache-2.0
// Every fault the emulator can play, met in the middle of work: the end state is right, nothing is made twice, the error is the right one.
import { expect } from "chai";
import { ComputeError, isComputeError, type ObservedRule, type ObservedTarget } from "../../controller/compute";
import type { FaultRule } from "../../sandbox/emulator";
import { openFence, startWorld, ZONE, type World } from "./world";

const A = "34.123.10.1";
const SET = "compute.forwardingRules.setTarget";

describe("faults of the Compute API", () => {
  let world: World;
  let rule: ObservedRule;
  let second: ObservedTarget;
  let there: string;
  beforeEach(async () => {
    world = await startWorld();
    await world.reserve("web", A);
    const first = await world.fabric.ensureTarget(world.target("n1"), openFence);
    second = await world.fabric.ensureTarget(world.target("n2"), openFence);
    rule = await world.fabric.createRule(world.rule(A, "web", first.name), openFence);
    there = `projects/${world.emulator.project}/zones/${ZONE}/targetInstances/${second.name}`;
  });
  afterEach(() => world.close());

  const targetNow = () => world.emulator.list("forwardingRules")[0]?.target;
  const sent = (methodId: string, from = 0) =>
    world.emulator.log.slice(from).filter((exchange) => exchange.methodId === methodId);
  const failure = async (promise: Promise<unknown>): Promise<ComputeError> => {
    const error: unknown = await promise.catch((each: unknown) => each);
    if (!isComputeError(error)) throw new Error(`expected a ComputeError, got ${String(error)}`);
    return error;
  };

  const healed: [string, FaultRule][] = [
    ["a lost reply after the effect", { methodId: SET, kind: "resetAfter", times: 1 }],
    ["a connection cut before the effect", { methodId: SET, kind: "resetBefore", times: 2 }],
    ["a 503", { methodId: SET, status: 503, reason: "backendError", times: 2 }],
    ["a 429 with Retry-After", { methodId: SET, status: 429, reason: "rateLimitExceeded", retryAfterSeconds: 3, times: 1 }],
    ["a 403 for rate", { methodId: SET, status: 403, reason: "rateLimitExceeded", times: 1 }],
    ["a 403 for concurrent operations", { methodId: SET, status: 403, reason: "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED", times: 1 }],
    ["an operation that fails inside", { methodId: SET, kind: "operationError", reason: "INTERNAL_ERROR", times: 1 }],
    ["a wait that is cut", { methodId: "compute.regionOperations.wait", kind: "resetBefore", times: 2 }],
    ["a wait that answers 503", { methodId: "compute.regionOperations.wait", status: 503, times: 2 }],
    ["a read-back that answers 503", { methodId: "compute.forwardingRules.get", status: 503, times: 2 }],
  ];
  for (const [what, fault] of healed)
    it(`moves through ${what} (E47, E50)`, async () => {
      const live = world.emulator.faults.add(fault);
      const moved = await world.fabric.setTarget(rule, there, openFence);
      expect(live.hits).to.equal(fault.times);
      expect(moved.target).to.equal(there);
      expect(targetNow()).to.match(new RegExp(`${second.name}$`));
    });

  it("repeats a lost setTarget under one requestId, so that it is one operation (E47)", async () => {
    world.emulator.faults.add({ methodId: SET, kind: "resetAfter", times: 1 });
    const from = world.emulator.log.length;
    await world.fabric.setTarget(rule, there, openFence);
    const requests = sent(SET, from);
    expect(requests.map((exchange) => exchange.status)).to.deep.equal([0, 200]);
    expect(new Set(requests.map((exchange) => exchange.query.requestId)).size).to.equal(1);
  });

  const lostInserts = ["compute.targetInstances.insert", "compute.forwardingRules.insert"];
  for (const methodId of lostInserts)
    it(`makes one object when the reply to ${methodId} is lost (E47)`, async () => {
      await world.reserve("two", "34.123.10.2");
      world.emulator.faults.add({ methodId, kind: "resetAfter", times: 1 });
      const target = await world.fabric.ensureTarget(world.target("n3"), openFence);
      const made = await world.fabric.createRule(world.rule("34.123.10.2", "two", target.name), openFence);
      expect(made.ours).to.equal(true);
      expect(world.emulator.list("forwardingRules")).to.have.length(2);
      expect(world.emulator.list("targetInstances")).to.have.length(3);
    });

  it("counts a delete whose reply was lost as done (E42)", async () => {
    world.emulator.faults.add({ methodId: "compute.forwardingRules.delete", kind: "resetAfter", times: 1 });
    await world.fabric.deleteRule(rule, openFence);
    expect(world.emulator.list("forwardingRules")).to.deep.equal([]);
  });

  const told: [string, FaultRule, string, boolean][] = [
    ["permission lost", { methodId: SET, status: 403, reason: "forbidden" }, "PermissionDenied", false],
    ["quota", { methodId: SET, status: 403, reason: "quotaExceeded" }, "QuotaExceeded", false],
    ["an operation out of quota", { methodId: SET, kind: "operationError", reason: "QUOTA_EXCEEDED" }, "QuotaExceeded", false],
    [
      "an operation whose target is gone",
      { methodId: SET, kind: "operationError", reason: "RESOURCE_NOT_FOUND" },
      "NotFound",
      false,
    ],
    ["a server that stays away", { methodId: SET, status: 503 }, "Unavailable", true],
  ];
  for (const [what, fault, code, retry] of told)
    it(`reports ${what} as ${code} and leaves the rule where it was (E43, E50)`, async () => {
      world.emulator.faults.add(fault);
      const error = await failure(world.fabric.setTarget(rule, there, openFence));
      expect([error.code, error.retry]).to.deep.equal([code, retry]);
      expect(targetNow()).to.contain(rule.target);
    });

  it("reports the quota metric that is used up when a rule cannot be made (E50)", async () => {
    await world.reserve("two", "34.123.10.2");
    world.emulator.faults.quota("FORWARDING_RULES", 1);
    const error = await failure(world.fabric.createRule(world.rule("34.123.10.2", "two", second.name), openFence));
    expect(error.code).to.equal("QuotaExceeded");
    expect(error.message).to.contain("FORWARDING_RULES");
  });

  it("keeps an operation that outlasts the deadline, and the same process waits on without sending again (E47)", async () => {
    const fabric = world.restarted({ operationTimeoutMs: 150 });
    world.emulator.faults.add({ methodId: SET, kind: "slowOperation", delayMs: 400, times: 1 });
    const from = world.emulator.log.length;
    const error = await failure(fabric.setTarget(rule, there, openFence));
    expect([error.code, error.retry]).to.deep.equal(["Timeout", true]);
    let moved: ObservedRule | undefined;
    for (let tries = 0; !moved && tries < 10; tries++)
      moved = await fabric.setTarget(rule, there, openFence).catch(() => undefined);
    expect(moved?.target).to.equal(there);
    expect(sent(SET, from)).to.have.length(1);
  });

  it("resumes after a restart in the middle of an operation from what is observed (E47, DESIGN 4.4)", async () => {
    const dying = world.restarted({ operationTimeoutMs: 100 });
    world.emulator.faults.add({ methodId: SET, kind: "slowOperation", delayMs: 300, times: 1 });
    await failure(dying.setTarget(rule, there, openFence));
    const fresh = world.restarted();
    const observed = await fresh.getRule(rule.name);
    const moved = await fresh.setTarget(observed!, there, openFence);
    expect(moved.target).to.equal(there);
    expect(world.emulator.list("forwardingRules")).to.have.length(1);
  });

  it("knows and completes a rule whose maker died between insert and setLabels (E47, E67)", async () => {
    await world.reserve("two", "34.123.10.2");
    const spec = world.rule("34.123.10.2", "two", second.name);
    let writes = 0;
    const dying = {
      check(method: string): void {
        if (++writes > 1) throw new ComputeError({ code: "Fenced", method, message: "gone" });
      },
    };
    expect((await failure(world.fabric.createRule(spec, dying))).method).to.equal("forwardingRules.setLabels");
    const [orphan] = await world.restarted().rulesOn("34.123.10.2");
    expect([orphan?.ours, orphan?.labels]).to.deep.equal([true, {}]);
    const whole = await world.restarted().createRule(spec, openFence);
    expect(whole.id).to.equal(orphan?.id);
    expect(whole.labels).to.deep.equal(spec.labels);
  });

  it("does not delete a successor of the rule or target it saw, though that is ours too (E49)", async () => {
    await world.fabric.deleteRule(rule, openFence);
    const again = await world.restarted().createRule(world.rule(A, "web", second.name), openFence);
    expect((await failure(world.fabric.deleteRule(rule, openFence))).message).to.contain("replaced since it was observed");
    await world.restarted().deleteTarget({ ...second, name: world.target("n1").name, id: "" }, openFence);
    await world.restarted().ensureTarget(world.target("n1"), openFence);
    const stale = { ...second, name: world.target("n1").name, id: "12" };
    expect((await failure(world.fabric.deleteTarget(stale, openFence))).code).to.equal("Conflict");
    expect(world.emulator.list("forwardingRules").map((each) => each.id)).to.deep.equal([again.id]);
    expect(world.emulator.list("targetInstances")).to.have.length(2);
  });

  it("deletes a new rule for real, though an abandoned delete of its predecessor ended meanwhile (E42, E47)", async () => {
    const fabric = world.restarted({ operationTimeoutMs: 100 });
    world.emulator.faults.add({ methodId: "compute.forwardingRules.delete", kind: "slowOperation", delayMs: 200, times: 1 });
    expect((await failure(fabric.deleteRule(rule, openFence))).code).to.equal("Timeout");
    await new Promise((resolve) => setTimeout(resolve, 250));
    const next = await world.restarted().createRule(world.rule(A, "web", second.name), openFence);
    await fabric.deleteRule(next, openFence);
    expect(world.emulator.list("forwardingRules")).to.deep.equal([]);
  });

  it("knows of a rule that a dead controller has asked for, while no list has it yet, and not of one that is there (E42, E47)", async () => {
    await world.reserve("slow", "34.123.10.3");
    world.emulator.faults.add({ methodId: "compute.forwardingRules.insert", kind: "slowOperation", delayMs: 2_000, times: 1 });
    const dying = world.restarted({ operationTimeoutMs: 100 });
    const spec = world.rule("34.123.10.3", "slow", second.name);
    expect((await failure(dying.createRule(spec, openFence))).code).to.equal("Timeout");
    const next = world.restarted();
    expect(await next.rulesBeingMade()).to.deep.equal([spec.name]);
    expect(await next.rulesOn("34.123.10.3")).to.deep.equal([]);
    while ((await next.rulesBeingMade()).length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await next.rulesOn("34.123.10.3")).map((r) => r.name)).to.deep.equal([spec.name]);
  });

  it("sends nothing through a fence that closed while it backed off (DESIGN 9.7)", async () => {
    world.emulator.faults.add({ methodId: SET, status: 503 });
    let asked = 0;
    const fence = {
      check(method: string): void {
        if (++asked > 1) throw new ComputeError({ code: "Fenced", method, message: `${method}: the lease is over` });
      },
    };
    const from = world.emulator.log.length;
    expect((await failure(world.fabric.setTarget(rule, there, fence))).code).to.equal("Fenced");
    expect(sent(SET, from)).to.have.length(1);
  });

  it("fails a snapshot as a whole when one of its lists fails", async () => {
    world.emulator.faults.add({ methodId: "compute.targetInstances.list", status: 403, reason: "forbidden", times: 1 });
    expect((await failure(world.fabric.snapshot())).code).to.equal("PermissionDenied");
  });

  it("records every exchange with method, code and seconds for the metrics", async () => {
    world.calls.length = 0;
    world.emulator.faults.add({ methodId: SET, kind: "resetBefore", times: 1 });
    await world.fabric.setTarget(rule, there, openFence);
    expect(world.calls.slice(0, 2).map((call) => `${call.method} ${call.code}`)).to.deep.equal([
      "forwardingRules.setTarget Network",
      "forwardingRules.setTarget 200",
    ]);
    expect(world.calls.every((call) => call.seconds >= 0 && call.seconds < 5)).to.equal(true);
  });
});
