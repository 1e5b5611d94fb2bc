// SPDX-License-Identifier: Apache-2.0
// Two replicas. The leader is frozen in the middle of a move, right before it would switch the cloud, and goes on a minute later, when another
// leads and the address has moved twice. Each replica has proxies of its own, so that what a stale one sends cannot hide.
import { expect } from "chai";
import { LEASE, NAMESPACE } from "../../controller/api";
import { createApiClient, kubeconfigClient, LeaderElector, systemClock, type Clock } from "../../controller/kubernetes";
import { eventually, throughout } from "../support/clients";
import { backwards, check } from "./checker";
import { startLab, toolsOrSkip, type Lab } from "./lab";
import type { Passed } from "./proxy";
import { record, type Recorder } from "./recorder";
import { startReplica, tailOf, type Replica } from "./replica";
import { Scene } from "./scene";

const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;
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

  const leader = async (): Promise<Replica> => {
    const lease = await lab.admin.request<{ spec: { holderIdentity: string } }>("GET", `${LEASES}/${LEASE}`);
    const found = replicas.find((r) => lease.spec.holderIdentity.startsWith(`${r.name}_`));
    if (!found) throw new Error(`nobody leads: ${lease.spec.holderIdentity}`);
    return found;
  };
  /** Writes of a replica since a time that could do harm: anything to Google Cloud, and status or journals at the API server. */
  const writes = (replica: Replica, since: number): { cloud: Passed[]; accepted: Passed[] } => ({
    cloud: replica.compute.log.filter((p) => p.at >= since && !p.path.endsWith("/wait")),
    accepted: replica.api.log.filter(
      (p) => p.at >= since && p.status < 300 && /gkeiproutes|addressbindings|gateways/.test(p.path),
    ),
  });

  it("F3 E62 C1: frozen with SIGSTOP for 60 s before its setTarget: the other one takes over, and no stale write reaches the emulator or the API", async () => {
    const scene = await Scene.open(lab, "frozen", [ADDRESS]);
    await scene.route("r", ADDRESS);
    await scene.pod({ app: "r", name: "p1", node: "node-1" });
    await scene.untilHeld("r", "p1");
    const frozen = await leader();
    const other = replicas.find((r) => r !== frozen)!;
    const stopped = new Promise<number>((resolve) => {
      frozen.api.onWrite = ({ path, body }) => {
        if (!path.includes("/addressbindings/") || !body.includes('"Switching"')) return;
        frozen.api.onWrite = undefined;
        frozen.signal("SIGSTOP");
        resolve(Date.now());
      };
    });
    await scene.pod({ app: "r", name: "p2", node: "node-2" });
    const at = await stopped;
    await eventually(async () => expect((await scene.getBinding(ADDRESS)).status?.phase).to.equal("Switching"), 5_000, 20);
    expect(scene.vmOf(ADDRESS), "not switched yet").to.equal("node-1");
    await scene.untilHeld("r", "p2", 40_000);
    const tookOver = Date.now() - at;
    expect((await leader()).name).to.equal(other.name);
    await scene.pod({ app: "r", name: "p3", node: "node-3" });
    await scene.untilHeld("r", "p3");
    expect(scene.vmOf(ADDRESS)).to.equal("node-3");
    await new Promise((r) => setTimeout(r, Math.max(0, FROZEN_MS - (Date.now() - at))));
    // What left the process before it was stopped has long arrived.
    expect(writes(frozen, at + 1_000)).to.deep.equal({ cloud: [], accepted: [] });
    const before = recorder.routes.length;
    const goesOn = Date.now();
    frozen.signal("SIGCONT");
    await eventually(() => expect(frozen.running(), tailOf(frozen)).to.equal(false), 20_000);
    await throughout(() => expect(scene.vmOf(ADDRESS)).to.equal("node-3"), 2_000);
    const late = writes(frozen, goesOn);
    const log = frozen.log().slice(-20);
    console.log(
      `      taken over and moved after ${(tookOver / 1000).toFixed(1)} s; frozen for ${((goesOn - at) / 1000).toFixed(0)} s, ended ${Date.now() - goesOn - 2_000} ms after it went on`,
    );
    expect(late).to.deep.equal({ cloud: [], accepted: [] });
    expect(
      log.some((line) => String(line.why ?? "").includes("lease was lost")),
      tailOf(frozen),
    ).to.equal(true);
    expect(recorder.routes.slice(before).filter((v) => v.key === "frozen/r" && v.pods[0] !== "p3")).to.deep.equal([]);
    expect(check(lab.emulator.log, recorder.bindings).wrong).to.deep.equal([]);
    expect(backwards(recorder.bindings)).to.deep.equal([]);
    await frozen.start();
    await scene.pod({ app: "r", name: "p4", node: "node-1" });
    await scene.untilHeld("r", "p4");
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
      await eventually(() => expect(leading()).to.have.length(1), 10_000, 10);
      // Well beyond a lease's duration: who judged by the times in the Lease would have taken it, or given it up.
      const [first] = leading();
      await throughout(() => expect(leading().map((e) => e === first)).to.deep.equal([true]), 5_000, 10);
      await first!.stop();
      await eventually(() => expect(leading()).to.have.length(1), 10_000, 10);
      expect(leading()[0]).to.not.equal(first);
    } finally {
      await Promise.all(electors.map((e) => e.stop()));
      await Promise.all(clients.map((c) => c.close()));
    }
  });
});
