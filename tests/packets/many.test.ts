// SPDX-License-Identifier: Apache-2.0
// Much at once: 1000 addresses, the agent's death in the middle of them, and another release of the agent on the same node, under load.
import { expect } from "chai";
import { once } from "node:events";
import { LabAgent, BLUE, pod, wish } from "./agent";
import { olderAgent } from "./bundle";
import { foreign, quiet, state } from "./kernel";
import { fabricTo, PIP, podAdd, podOn, up } from "./lab";
import { batch, ip, start, until } from "./shell";
import { GOOD, packets, pause, skipped, story, type Scenario } from "./suite";

const PA = pod("pa", 1, 10);
/** One of them is asked by packets. */
const FAR = "34.130.3.231";
const many = (generation: number, on = true) => ({
  networks: [BLUE],
  addresses: Array.from({ length: 1000 }, (_, i) => {
    const address = `34.130.${i >> 8}.${i & 255}`;
    return { address, network: "blue", generation, ...(on ? { pod: PA } : {}) };
  }),
});
const FOREIGN = [
  "route add 34.123.99.1/32 dev lxc-pa-1 table 300 proto static",
  "rule add pref 91 from 34.130.0.9 lookup 7201",
  "rule add pref 500 from 34.130.0.10 lookup 300",
  "neigh add 10.201.1.77 lladdr 02:00:00:00:00:77 dev lxc-pa-1 nud permanent",
];
async function basic(s: Scenario): Promise<{ agent: LabAgent; before: string }> {
  up({ nodes: 1 });
  podAdd("pa", 1, 10);
  podOn("pa");
  fabricTo(1);
  batch("n1", FOREIGN);
  const before = foreign();
  const agent = s.agent("n1", "--periodic-seconds", "1");
  await agent.start(wish(1, PA));
  await s.serve("pa");
  return { agent, before };
}
async function settled(): Promise<void> {
  for (let before = ""; before !== state(); await pause(100)) before = state();
}
type Made = Awaited<ReturnType<typeof basic>>;
const untouched = ({ before }: Made): void => void expect(foreign()).to.equal(before);

packets("Much at once", __filename, (scenario) => {
  story(scenario, "1000 addresses", {
    build: basic,
    steps: [
      [
        "on one Pod are there after one pass of less than 3 s",
        async ({ agent }) => {
          const full = await agent.want(many(2));
          expect(agent.log).to.match(/"lines":(2999|300\d),"failed":0/);
          expect(full.milliseconds).to.be.at.most(3000);
        },
      ],
      ["and nothing is left to do", ({ agent }) => quiet(agent)],
      [
        "packets to the last of them arrive and are answered",
        async (_, s) => {
          ip("pa", `addr add ${FAR}/32 dev eth1`);
          ip("pa", `rule add pref 100 from ${FAR} lookup 100`);
          fabricTo(1, FAR);
          await s.serve("pa", { bind: FAR });
          expect((await s.ask({ host: FAR })).udp).to.include(`from ${FAR}`);
        },
      ],
      [
        "one of them that is lost is repaired",
        async () => {
          ip("n1", "route del 34.130.1.7/32 metric 100 table 7101");
          await until("repaired", () => ip("n1", "route show 34.130.1.7 table 7101").includes("lxc-pa-1"));
        },
      ],
      [
        "are blackholes after another pass, without rules",
        async ({ agent }) => {
          expect((await agent.want(many(3, false))).statuses).to.deep.equal([]);
          expect(state()).to.not.include("iif lxc-pa-1");
          expect(ip("n1", `route show ${FAR} table 7101`))
            .to.include("blackhole")
            .and.not.include("lxc");
        },
      ],
      [
        "are gone with the wish for them",
        async ({ agent }) => {
          await agent.want({ networks: [], addresses: [] }, () => true);
          await until("all gone", () => state() === "");
        },
      ],
      ["and foreign objects are the same bytes", untouched],
    ],
  });
  story(scenario, "killed -9 in the middle of a batch of 1000", {
    build: basic,
    steps: [
      [
        "the agent leaves a part of it (E58)",
        async ({ agent }) => {
          const monitor = start("n1", ["ip", "-o", "monitor", "rule"]);
          const first = once(monitor.child.stdout!, "data");
          await pause(200);
          const { pid } = agent;
          agent.write({ networks: [BLUE], addresses: [...wish(3, PA).addresses, ...many(3).addresses] });
          await first;
          process.kill(pid, "SIGKILL");
          await agent.kill("SIGKILL");
          await monitor.kill();
          // Its ip ends with what it had read already.
          await settled();
          // The way in, its rule and its blackhole are one object each; 4 more are the network's.
          expect(state().split("\n").length).to.be.within(8, 3 * 1001 + 3);
        },
      ],
      [
        "while nobody is there the address that was there before works",
        async (_, s) => expect(await s.ask()).to.deep.equal(GOOD),
      ],
      ["foreign objects are the same bytes", untouched],
      [
        "the next agent finishes (E58)",
        async ({ agent }) => {
          await agent.start();
          await agent.waitFor("whole", (x) => x.statuses.length === 1001 && x.statuses.every((t) => t.programmed), 10_000);
        },
      ],
      [
        "and the one after it plans nothing (E58)",
        async ({ agent }) => {
          await agent.kill();
          expect(await agent.start()).to.include({ lines: 0, firewallChanges: 0 });
          expect(agent.log).to.not.include('"msg":"programmed"');
        },
      ],
      ["foreign objects are still the same bytes", untouched],
    ],
  });
  it("upgraded under load from the oldest agent in the history, and back: no packet is lost, and foreign objects are the same bytes (E58)", async function () {
    this.timeout(90_000);
    const s = scenario();
    const older = await olderAgent(s.programs.folder);
    if ("reason" in older) return skipped(this, older.reason);
    const made = await basic(s);
    await made.agent.kill();
    const meter = s.meter({ seconds: 6 });
    for (const file of [older.file, s.programs.file, older.file, s.programs.file]) {
      const agent = new LabAgent({ ...s.programs, file }, "n1", ["--periodic-seconds", "1"]);
      const { statuses } = await agent.start(wish(1, PA));
      expect(statuses[0]?.programmed, `${file}: ${agent.log}`).to.equal(true);
      await quiet(agent);
      await pause(200);
      await agent.kill();
    }
    const m = await meter;
    expect(m.lost, JSON.stringify(m)).to.be.at.most(3);
    expect(ip("n1", "route show table 7101")).to.include(`${PIP} via 10.201.1.10`);
    untouched(made);
  });
});
