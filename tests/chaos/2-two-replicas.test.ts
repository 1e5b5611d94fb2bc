// SPDX-License-Identifier: Apache-2.0
// Two replicas. The leader is frozen in the middle of a move, right before it would switch the cloud, and goes on a minute later, when another
// leads and the address has moved twice. Each replica has proxies of its own, so that what a stale one sends cannot hide. The minute is put to
// use: routes are deleted while Google Cloud is down, slow and forbidden.
import { expect } from "chai";
import { NAMESPACE, ROUTE_FINALIZER } from "../../controller/api";
import { createApiClient, kubeconfigClient, LeaderElector, systemClock, type Clock } from "../../controller/kubernetes";
import { eventually, run, throughout, type Ran } from "../support/clients";
import { backwards, check } from "./checker";
import { freezeBeforeSwitch, leaderOf, writesOf } from "./frozen";
import { REGION, startLab, toolsOrSkip, type Lab } from "./lab";
import { record, type Recorder } from "./recorder";
import { startReplica, tailOf, type Replica } from "./replica";
import { Scene } from "./scene";

const FROZEN_MS = 60_000;
const ADDRESS = "34.91.0.1";

describe("a leader that is frozen and goes on", function () {
  this.timeout(180_000);
  let lab: Lab;
  let replicas: Replica[];
  let recorder: Recorder;

  before(async function () {
    lab = await startLab(await toolsOrSkip(this), { latencyMs: 30 });
    replicas = await Promise.all(["one", "two"].map((name, seed) => startReplica(lab, { name, seed })));
    recorder = await record(lab);
  });
  after(async () => {
    recorder?.stop();
    await lab?.stop();
  });

  const leader = (): Promise<Replica> => leaderOf(lab, replicas);

  let scene: Scene;
  let frozen: Replica;
  let other: Replica;
  let frozenAt = 0;
  const ROUTES = { down: "34.91.0.2", slow: "34.91.0.3", forbidden: "34.91.0.4", hatch: "34.91.0.5" };

  it("F3 E62: a leader frozen with SIGSTOP right before its setTarget: the other one takes over, ends the move, and makes the next", async () => {
    scene = await Scene.open(lab, "frozen", [ADDRESS, ...Object.values(ROUTES)]);
    await scene.route("r", ADDRESS);
    for (const [name, address] of Object.entries(ROUTES)) await scene.route(name, address);
    const first = ["r", ...Object.keys(ROUTES)].map((app) => scene.pod({ app, name: `${app}-1`, node: "node-1" }));
    await Promise.all(first);
    await Promise.all(["r", ...Object.keys(ROUTES)].map((app) => scene.untilHeld(app, `${app}-1`)));
    frozen = await leader();
    other = replicas.find((r) => r !== frozen)!;
    const stopped = freezeBeforeSwitch(frozen);
    await scene.pod({ app: "r", name: "r-2", node: "node-2" });
    frozenAt = await stopped;
    await eventually(
      async () => expect((await scene.getBinding(ADDRESS)).status?.phase).to.equal("Switching") && undefined,
      5_000,
      20,
    );
    expect(scene.vmOf(ADDRESS), "not switched yet").to.equal("node-1");
    await scene.untilHeld("r", "r-2", 40_000);
    console.log(`      taken over and moved after ${((Date.now() - frozenAt) / 1000).toFixed(1)} s`);
    expect((await leader()).name).to.equal(other.name);
    await scene.pod({ app: "r", name: "r-3", node: "node-3" });
    await scene.untilHeld("r", "r-3");
    expect(scene.vmOf(ADDRESS)).to.equal("node-3");
  });

  const kubectl = (args: string[]): Promise<Ran> =>
    run(lab.tools.kubectl, args, { env: { KUBECONFIG: lab.plane.adminKubeconfigPath } });
  const deleted = async (name: string): Promise<Ran> => kubectl(["delete", "gkeiproute", name, "-n", "frozen", "--timeout=3s"]);
  /** Still there, with finalizer, rule and claim, and its status says why. */
  const stuck = (name: keyof typeof ROUTES, why: RegExp): Promise<void> =>
    eventually(async () => {
      const { metadata, status } = await scene.getRoute(name);
      expect([metadata.deletionTimestamp !== undefined, metadata.finalizers]).to.deep.equal([true, [ROUTE_FINALIZER]]);
      const said = status?.conditions?.filter((c) => c.type === "GCPReady" || c.type === "Ready") ?? [];
      expect(said.map((c) => `${c.status}/${c.reason}`)).to.deep.equal(["False/GCPFailed", "False/GCPFailed"]);
      for (const { message } of said) expect(message).to.match(why).and.to.contain(ROUTES[name]);
      expect((await scene.getBinding(ROUTES[name])).status?.phase).to.equal("Releasing");
    }, 25_000);
  const gone = (name: keyof typeof ROUTES, ms: number): Promise<void> =>
    eventually(async () => {
      const ran = await kubectl(["get", "gkeiproute", name, "-n", "frozen"]);
      expect([ran.code, ran.stderr]).to.deep.equal([
        1,
        `Error from server (NotFound): gkeiproutes.networking.gke.io "${name}" not found\n`,
      ]);
      expect(scene.vmOf(ROUTES[name])).to.equal(undefined);
      expect((await kubectl(["get", "addressbindings", "-o", "name"])).stdout).to.not.contain(ROUTES[name].replaceAll(".", "-"));
      const kept = lab.emulator.list("addresses").find((a) => a.address === ROUTES[name]);
      expect(kept?.status, "the reserved address stays").to.equal("RESERVED");
    }, ms);

  it("E43: kubectl delete with Google Cloud down: the finalizer stays, the status says why, and it resolves when the cloud is back", async () => {
    const down = other.compute.plan.add({ kind: "reset" });
    expect((await deleted("down")).code).to.equal(1);
    await stuck("down", /not given back yet/);
    down.remove();
    await gone("down", 40_000);
  });

  it("E43 E42: the same with operations that take long, and with the permission lost: each says its own reason, and both resolve", async () => {
    const forbidden = "Required 'compute.forwardingRules.delete' permission for the rule";
    const ruleOf = (address: string): RegExp => {
      const name = lab.emulator.list("forwardingRules").find((r) => r.IPAddress === address)?.name;
      return new RegExp(`/forwardingRules/${name}$`);
    };
    const { faults } = lab.emulator;
    faults.add({ kind: "slowOperation", path: ruleOf(ROUTES.slow), delayMs: 8_000 });
    const lost = faults.add({
      path: ruleOf(ROUTES.forbidden),
      methodId: /\.delete$/,
      status: 403,
      reason: "forbidden",
      message: forbidden,
    });
    const began = Date.now();
    const [slow, refused] = await Promise.all([deleted("slow"), deleted("forbidden")]);
    expect([slow.code, refused.code]).to.deep.equal([1, 1]);
    expect((await scene.getRoute("slow")).metadata.finalizers, "waits for its operation").to.deep.equal([ROUTE_FINALIZER]);
    await stuck("forbidden", /compute\.forwardingRules\.delete/);
    await gone("slow", 20_000);
    expect(Date.now() - began).to.be.greaterThan(8_000);
    expect(lost.hits).to.be.greaterThan(0);
    lost.remove();
    await gone("forbidden", 40_000);
  });

  it("E43: the way out of docs/troubleshooting.md: the rule by hand, then the finalizer; the controller tidies up what is left", async () => {
    const lost = lab.emulator.faults.add({
      methodId: "compute.forwardingRules.delete",
      times: 1_000,
      status: 403,
      reason: "forbidden",
    });
    expect((await deleted("hatch")).code).to.equal(1);
    await stuck("hatch", /not given back yet/);
    const rule = lab.emulator.list("forwardingRules").find((r) => r.IPAddress === ROUTES.hatch)!;
    expect(rule.description, "how the documented command finds it").to.contain("route=frozen/hatch");
    // The user may what the controller may not.
    lost.remove();
    await lab.cloud("DELETE", `regions/${REGION}/forwardingRules/${rule.name}`);
    const patch = '[{"op":"remove","path":"/metadata/finalizers"}]';
    expect((await kubectl(["patch", "gkeiproute", "hatch", "-n", "frozen", "--type=json", `-p=${patch}`])).code).to.equal(0);
    await gone("hatch", 30_000);
  });

  it("F3 E62 C1: the frozen one goes on after 60 s: no stale write reaches the emulator, no stale status the API server, and it ends", async () => {
    await new Promise((r) => setTimeout(r, Math.max(0, FROZEN_MS - (Date.now() - frozenAt))));
    // What left the process before it was stopped has long arrived.
    expect(writesOf(frozen, frozenAt + 1_000)).to.deep.equal({ cloud: [], accepted: [] });
    const before = recorder.routes.length;
    const goesOn = Date.now();
    frozen.signal("SIGCONT");
    await eventually(() => expect(frozen.running(), tailOf(frozen)).to.equal(false) && undefined, 20_000);
    const endedMs = Date.now() - goesOn;
    await throughout(() => expect(scene.vmOf(ADDRESS)).to.equal("node-3") && undefined, 2_000);
    console.log(`      frozen for ${((goesOn - frozenAt) / 1000).toFixed(0)} s, ended ${endedMs} ms after it went on`);
    expect(writesOf(frozen, goesOn)).to.deep.equal({ cloud: [], accepted: [] });
    const log = frozen.log().slice(-20);
    expect(
      log.some((line) => JSON.stringify(line).includes("lease was lost")),
      tailOf(frozen),
    ).to.equal(true);
    expect(recorder.routes.slice(before).filter((v) => v.key === "frozen/r" && v.pods[0] !== "r-3")).to.deep.equal([]);
    expect(check(lab.emulator.log, recorder.bindings).wrong).to.deep.equal([]);
    expect(backwards(recorder.bindings)).to.deep.equal([]);
    await frozen.start();
    await scene.pod({ app: "r", name: "r-4", node: "node-1" });
    await scene.untilHeld("r", "r-4");
  });

  it("F3: two candidates whose clocks are an hour apart, one of them ahead: never two leaders, and the Lease's own times decide nothing", async () => {
    const electors: LeaderElector[] = [];
    const clients = [-3_600_000, 3_600_000].map((skew) => {
      const client = createApiClient(kubeconfigClient(lab.plane.adminKubeconfig));
      const clock: Clock = { ...systemClock, now: () => Date.now() + skew };
      electors.push(
        new LeaderElector({
          ...{ client, clock, namespace: NAMESPACE, name: "skewed", identity: `skew${skew}`, random: Math.random },
          ...{ leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 400 },
        }),
      );
      return client;
    });
    const leading = (): LeaderElector[] => electors.filter((e) => e.isLeaderNow());
    try {
      electors.forEach((e) => e.start());
      await eventually(() => expect(leading()).to.have.length(1) && undefined, 10_000, 10);
      // Well beyond a lease's duration: who judged by the times in the Lease would have taken it, or given it up.
      const [first] = leading();
      await throughout(() => expect(leading().map((e) => e === first)).to.deep.equal([true]) && undefined, 5_000, 10);
      await first!.stop();
      await eventually(() => expect(leading()).to.have.length(1) && undefined, 10_000, 10);
      expect(leading()[0]).to.not.equal(first);
    } finally {
      await Promise.all(electors.map((e) => e.stop()));
      await Promise.all(clients.map((c) => c.close()));
    }
  });
});
