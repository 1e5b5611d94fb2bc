// SPDX-License-Identifier: Apache-2.0
// Can the check of `2-two-replicas` fail? The same leader is frozen at the same moment, in bundles with bugs put in on purpose. A process that has lost
// its Lease ends at once, which alone may be quick enough: without that, the fence must do; without both, a stale setTarget reaches the emulator.
import { expect } from "chai";
import { eventually, throughout } from "../support/clients";
import type { Patch } from "../simulator/mutation/list";
import { check } from "./checker";
import { freezeBeforeSwitch, leaderOf, writesOf } from "./frozen";
import { startLab, toolsOrSkip, type Lab } from "./lab";
import { record, type Recorder } from "./recorder";
import { startReplica, tailOf, type Replica } from "./replica";
import { Scene } from "./scene";

const WIRING = "controller/manager/index.ts";
const STAYS: Patch = { file: WIRING, from: 'if (why === "lost") end(', to: 'if (why === "never") end(' };
const NO_FENCE: Patch[] = [
  { file: WIRING, from: "if (!isLeaderNow()) refuse(", to: "if (false) refuse(" },
  // What is known is old by then, and asked for anew: without this the process may find out in time.
  { file: "controller/manager/plan.ts", from: "return kept || sameHolder(", to: "return true || sameHolder(" },
];

describe("a leader that is frozen and goes on, with bugs", function () {
  this.timeout(150_000);
  let lab: Lab;
  let recorder: Recorder;
  const running: Replica[] = [];

  before(async function () {
    lab = await startLab(await toolsOrSkip(this), { latencyMs: 30 });
    recorder = await record(lab);
  });
  after(async () => {
    recorder?.stop();
    await lab?.stop();
  });

  /** Freezes the leader before its setTarget, has the other one move the address twice, and lets it go on. */
  async function thaw(name: string, address: string, bugs: readonly Patch[]): Promise<{ frozen: Replica; goesOn: number }> {
    await Promise.all(running.splice(0).map((r) => r.kill()));
    const replicas = await Promise.all([1, 2].map((seed) => startReplica(lab, { name: `${name}${seed}`, seed, bugs })));
    running.push(...replicas);
    const scene = await Scene.open(lab, name, [address]);
    await scene.route("r", address);
    await scene.pod({ app: "r", name: "r-1", node: "node-1" });
    await scene.untilHeld("r", "r-1", 60_000);
    const frozen = await leaderOf(lab, replicas);
    const stopped = freezeBeforeSwitch(frozen);
    await scene.pod({ app: "r", name: "r-2", node: "node-2" });
    const frozenAt = await stopped;
    // The answer to its last write waits for it; of what others do it shall hear nothing when it goes on, or it may find out in time.
    await eventually(() => expect(lastJournal(frozen)).to.equal(200) && undefined);
    frozen.api.freeze();
    await scene.untilHeld("r", "r-2", 40_000);
    await scene.pod({ app: "r", name: "r-3", node: "node-3" });
    await scene.untilHeld("r", "r-3");
    // The checker goes by when the recorder saw a version: it must have seen the last one before anything stale is sent.
    const seen = (): Recorder["bindings"][number] | undefined => recorder.bindings.filter((v) => v.address === address).at(-1);
    await eventually(() => expect(seen()).to.deep.include({ phase: "Held", nodes: ["node-3"] }) && undefined);
    expect(writesOf(frozen, frozenAt + 1_000).cloud, "nothing while it stands still").to.deep.equal([]);
    const goesOn = Date.now();
    frozen.signal("SIGCONT");
    console.log(`      frozen for ${((goesOn - frozenAt) / 1000).toFixed(0)} s`);
    return { frozen, goesOn };
  }
  const lastJournal = ({ api }: Replica): number | undefined =>
    api.log.filter((p) => p.method === "PATCH" && p.path.includes("/addressbindings/")).at(-1)?.status;
  const sentBy = (replica: Replica, since: number): string[] =>
    writesOf(replica, since).cloud.map((p) => `${p.method} ${p.path.split("/").slice(-2).join("/")}`);

  it("F3 E62: one that does not end when its Lease is lost still sends nothing: the fence alone is enough", async () => {
    const { frozen, goesOn } = await thaw("stays", "34.95.0.1", [STAYS]);
    await throughout(() => expect(sentBy(frozen, goesOn)).to.deep.equal([]) && undefined, 4_000);
    expect(frozen.running(), tailOf(frozen)).to.equal(true);
    expect(check(lab.emulator.log, recorder.bindings).wrong).to.deep.equal([]);
  });

  it("F3 E62: one without the fence is caught: its stale setTarget is seen, and the emulator's log does not agree with the journal", async () => {
    const { frozen, goesOn } = await thaw("unfenced", "34.95.0.2", [STAYS, ...NO_FENCE]);
    const stale = (): boolean => sentBy(frozen, goesOn).some((line) => line.endsWith("/setTarget"));
    await eventually(() => expect(stale(), tailOf(frozen)).to.equal(true) && undefined, 20_000);
    console.log(`      then sent: ${sentBy(frozen, goesOn).join(", ")}`);
    await eventually(() => expect(check(lab.emulator.log, recorder.bindings).wrong).to.not.deep.equal([]) && undefined, 5_000);
  });
});
