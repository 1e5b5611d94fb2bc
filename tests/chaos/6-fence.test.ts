// SPDX-License-Identifier: Apache-2.0
// Can the check of `2-two-replicas` fail? The same leader frozen at the same moment, in a bundle whose fence was taken out: it goes on when another
// has led for long, and its stale setTarget reaches the emulator.
import { expect } from "chai";
import { eventually } from "../support/clients";
import { check } from "./checker";
import { freezeBeforeSwitch, leaderOf, writesOf } from "./frozen";
import { startLab, toolsOrSkip, type Lab } from "./lab";
import { record, type Recorder } from "./recorder";
import { startReplica, tailOf, type Replica } from "./replica";
import { Scene } from "./scene";

const ADDRESS = "34.95.0.1";
const NO_FENCE = [
  { file: "controller/manager/index.ts", from: "if (!isLeaderNow()) refuse(", to: "if (false) refuse(" },
  { file: "controller/manager/index.ts", from: "if (staleness() > MOST_STALE_MS)", to: "if (false)" },
];

describe("a leader without a fence that is frozen and goes on", function () {
  this.timeout(150_000);
  let lab: Lab;
  let replicas: Replica[];
  let recorder: Recorder;

  before(async function () {
    lab = await startLab(await toolsOrSkip(this), { latencyMs: 30 });
    const started = ["one", "two"].map((name, seed) => startReplica(lab, { name, seed, bugs: NO_FENCE }));
    replicas = await Promise.all(started);
    recorder = await record(lab);
  });
  after(async () => {
    recorder?.stop();
    await lab?.stop();
  });

  it("F3 E62: is caught: its stale setTarget is seen, and the log of the emulator does not agree with the journal", async () => {
    const scene = await Scene.open(lab, "unfenced", [ADDRESS]);
    await scene.route("r", ADDRESS);
    await scene.pod({ app: "r", name: "r-1", node: "node-1" });
    await scene.untilHeld("r", "r-1");
    const frozen = await leaderOf(lab, replicas);
    const stopped = freezeBeforeSwitch(frozen);
    await scene.pod({ app: "r", name: "r-2", node: "node-2" });
    const frozenAt = await stopped;
    await scene.untilHeld("r", "r-2", 40_000);
    await scene.pod({ app: "r", name: "r-3", node: "node-3" });
    await scene.untilHeld("r", "r-3");
    expect(writesOf(frozen, frozenAt + 1_000).cloud, "nothing while it stands still").to.deep.equal([]);
    const goesOn = Date.now();
    frozen.signal("SIGCONT");
    await eventually(
      () => expect(writesOf(frozen, goesOn).cloud.length, tailOf(frozen)).to.be.greaterThan(0) && undefined,
      20_000,
    );
    const sent = writesOf(frozen, goesOn).cloud.map((p) => `${p.method} ${p.path}`);
    console.log(`      frozen for ${((goesOn - frozenAt) / 1000).toFixed(0)} s, then sent: ${sent.join(", ")}`);
    expect(sent.some((line) => line.endsWith("/setTarget"))).to.equal(true);
    await eventually(() => expect(check(lab.emulator.log, recorder.bindings).wrong).to.not.deep.equal([]) && undefined, 5_000);
  });
});
