// SPDX-License-Identifier: Apache-2.0
// 200 moves while the controller is killed with -9 again and again, at moments chosen by chance and at writes chosen by chance. What it sent to
// Google Cloud is held against the journal afterwards.
import { expect } from "chai";
import { LEASE, NAMESPACE } from "../../controller/api";
import { seededRandom } from "../../controller/kubernetes/testing";
import { backwards, check } from "./checker";
import { startLab, toolsOrSkip, type Lab } from "./lab";
import type { Passed } from "./proxy";
import { record, type Recorder } from "./recorder";
import { keepRunning, startReplica, tailOf, type Replica } from "./replica";
import { Scene } from "./scene";

const ADDRESSES = Array.from({ length: 10 }, (_, i) => `34.90.0.${i + 1}`);
const ROUNDS = 20;
const SEED = Number(process.env.CHAOS_SEED ?? 1);
const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/${LEASE}`;

describe("the controller killed with -9", function () {
  this.timeout(280_000);
  let lab: Lab;
  let replica: Replica;
  let recorder: Recorder;
  const random = seededRandom(SEED);

  before(async function () {
    lab = await startLab(await toolsOrSkip(this), { latencyMs: 60 });
    replica = await startReplica(lab, { name: "only" });
    recorder = await record(lab);
  });
  after(async () => {
    recorder?.stop();
    await lab?.stop();
  });

  /** Empties the Lease of the dead: what a successor would see after waiting for it. Saves 15 s a kill; some kills wait all the same. */
  const emptyLease = (): Promise<unknown> =>
    lab.admin.request("PATCH", LEASES, { body: { spec: { holderIdentity: "", leaseDurationSeconds: 1 } } });

  /** Resolves when the moment to kill has come: after a time, or at the nth write to one of the two sides. */
  function moment(): Promise<string> {
    const which = Math.floor(random() * 3);
    if (which === 0) {
      const ms = Math.floor(random() * 900);
      return new Promise((done) => setTimeout(() => done(`${ms} ms`), ms));
    }
    const [side, proxy] = which === 1 ? (["api", replica.api] as const) : (["compute", replica.compute] as const);
    let left = 1 + Math.floor(random() * (which === 1 ? 40 : 12));
    return new Promise((done) => {
      const late = setTimeout(() => done("late"), 2_500);
      proxy.onWrite = (passed: Passed) => {
        if (side === "api" && passed.path.includes("/leases/")) return;
        if ((left -= 1) > 0) return;
        proxy.onWrite = undefined;
        clearTimeout(late);
        done(`${side} ${passed.method} ${passed.path.split("/").slice(-2).join("/")}`);
      };
    });
  }

  it("C1 F1 E47: at random during 200 moves: 0 wrong targets, 0 double holders, every route Ready again", async () => {
    const scene = await Scene.open(lab, "kill", ADDRESSES);
    await Promise.all(ADDRESSES.map((address, i) => scene.route(`r${i}`, address, i)));
    const stopKeeping = keepRunning(replica);
    const moments: string[] = [];
    const began = Date.now();
    try {
      for (let round = 0; round <= ROUNDS; round++) {
        const node = `node-${(round % 3) + 1}`;
        const pods = ADDRESSES.map((_, i) => ({ app: `r${i}`, name: `r${i}-p${round}`, node }));
        // Round 0 is the first assignment; in the others one kill falls into ten moves.
        const killing =
          round === 0
            ? Promise.resolve()
            : moment().then(async (when) => {
                moments.push(when);
                await replica.kill();
                if (round % 10 !== 0) await emptyLease();
              });
        await Promise.all(pods.map((pod) => scene.pod(pod)));
        await killing;
        await Promise.all(pods.map((pod, i) => scene.untilHeld(`r${i}`, pod.name, 60_000)));
        if (round > 0) await Promise.all(pods.map((_, i) => scene.removePod(`r${i}-p${round - 1}`)));
      }
    } catch (error) {
      console.log(moments.join("; "), "\n", tailOf(replica));
      throw error;
    } finally {
      stopKeeping();
    }
    const report = check(lab.emulator.log, recorder.bindings);
    const moves = ADDRESSES.map((a) => scene.getBinding(a));
    const generations = (await Promise.all(moves)).map((b) => b.status!.generation! - 1);
    const total = generations.reduce((a, b) => a + b, 0);
    const seconds = ((Date.now() - began) / 1000).toFixed(0);
    console.log(
      `      ${moments.length} kills, ${total} moves, ${report.setTargets} setTarget, ${report.inserts} inserts in ${seconds} s`,
    );
    console.log(`      killed at: ${moments.join("; ")}`);
    expect(report.wrong, "against the journal").to.deep.equal([]);
    expect(backwards(recorder.bindings), "generations").to.deep.equal([]);
    expect(total).to.be.at.least(200);
    expect(report.setTargets).to.be.at.least(200);
    expect(moments).to.have.length(ROUNDS);
    for (const [i, address] of ADDRESSES.entries()) {
      expect(scene.vmOf(address), address).to.equal(`node-${(ROUNDS % 3) + 1}`);
      expect((await scene.condition(`r${i}`, "Ready"))?.status).to.equal("True");
    }
    expect(lab.emulator.list("forwardingRules")).to.have.length(ADDRESSES.length);
  });
});
