// SPDX-License-Identifier: Apache-2.0
// Drift (E58): what is ours and missing comes back, what is ours and stale goes, what is somebody else's stays byte for byte.
import { expect } from "chai";
import { pod, wish, type LabAgent } from "./agent";
import { foreign, quiet, state } from "./kernel";
import { fabricTo, macOf, PIP, podAdd, podOn, up } from "./lab";
import { ip, until } from "./shell";
import { GOOD, packets, pause, story, type Scenario } from "./suite";

const good = async (_: unknown, s: Scenario): Promise<void> => void expect(await s.ask()).to.deep.equal(GOOD);

const STALE = {
  route: { add: "route add 34.123.10.79/32 dev lxc-pa-1 table 7101 proto 122", shows: "34.123.10.79" },
  rule: { add: "rule add pref 91 iif lxc-px-1 from 34.123.10.78 lookup 7201 protocol 122", shows: "34.123.10.78" },
  neighbour: {
    add: "neigh add 10.201.1.76 lladdr 02:00:00:00:00:76 dev lxc-pa-1 nud permanent protocol 122",
    shows: "10.201.1.76",
  },
  blackhole: { add: "route add blackhole 34.123.10.75/32 metric 65535 table 7101 proto 122", shows: "34.123.10.75" },
};
const FOREIGN = {
  "rule at our preference": ["rule add pref 91 from 34.123.10.80 lookup 7201", "34.123.10.80"],
  "rule into our table": ["rule add pref 90 iif nic0 lookup 7101 protocol 4", "iif nic0"],
  "route in a table of our range that no network has": [
    "route add 34.123.10.77/32 dev lxc-pa-1 table 7150 proto static",
    "34.123.10.77",
  ],
  "route with our protocol in a table that is not ours": [
    "route add 34.123.10.78/32 dev lxc-pa-1 table 300 proto 122",
    "table 300",
  ],
  "permanent neighbour": ["neigh add 10.201.1.77 lladdr 02:00:00:00:00:77 dev lxc-pa-1 nud permanent", "10.201.1.77"],
  "address of an interface": ["addr add 203.0.113.9/32 dev nic0", "203.0.113.9"],
  "default route": ["route add default via 10.0.0.1 dev nic0 metric 900 proto static", "metric 900"],
} as const;
const DRIFT = {
  route: [`route del ${PIP}/32 metric 100 table 7101`],
  rule: [`rule del pref 91 iif lxc-pa-1 from ${PIP}`],
  neighbour: ["neigh del 10.201.1.10 dev lxc-pa-1"],
  blackhole: [`route del blackhole ${PIP}/32 metric 65535 table 7101`],
  table: ["route flush table 7101"],
  "way out": ["route del default via 10.1.0.1 dev nic1 table 7201"],
};

const programmed = (agent: LabAgent): number => agent.log.split('"msg":"programmed"').length;

packets("Drift", __filename, (scenario) => {
  story(scenario, "drift", {
    build: async (s) => {
      up({ nodes: 1 });
      podAdd("pa", 1, 10);
      podOn("pa");
      fabricTo(1);
      const agent = s.agent("n1", "--periodic-seconds", "1");
      await agent.start(wish(1, pod("pa", 1, 10, { mac: macOf("pa") })));
      await s.serve("pa");
      return agent;
    },
    steps: [
      [
        "the first pass writes what is missing, the second nothing (E58)",
        async (agent) => {
          expect(agent.log).to.include('"lines":7,"failed":0');
          await quiet(agent);
        },
      ],
      ["traffic", good],
      [
        "SIGTERM leaves everything in place",
        async (agent) => {
          const before = state();
          await agent.kill("SIGTERM");
          expect(state()).to.equal(before);
        },
      ],
      [
        "an agent that starts again plans nothing (E58)",
        async (agent) => {
          expect(await agent.start()).to.include({ lines: 0, firewallChanges: 0 });
          expect(agent.log).to.not.include('"msg":"programmed"');
        },
      ],
      [
        "killed -9 with nothing wanted, and started again, it loses no packet and plans nothing (E58)",
        async (agent, s) => {
          const meter = s.meter({ seconds: 2 });
          await pause(500);
          await agent.kill("SIGKILL");
          await pause(300);
          expect(await agent.start()).to.include({ lines: 0, firewallChanges: 0 });
          const m = await meter;
          expect(m.lost, JSON.stringify(m)).to.be.at.most(3);
        },
      ],
      ...(["route", "rule", "neighbour", "blackhole"] as const).map((what): [string, (agent: LabAgent) => Promise<void>] => [
        `a stale ${what} of ours goes (E58)`,
        async (agent) => {
          ip("n1", STALE[what].add);
          await until(`${what} goes`, () => !state().includes(STALE[what].shows));
          await quiet(agent);
        },
      ]),
      [
        "a double of a wanted route and a rule of ours that says less go, and the wanted ones stay (E58)",
        async (agent) => {
          ip("n1", `route append ${PIP}/32 via 10.201.1.99 dev lxc-pa-1 onlink metric 100 table 7101 proto 122`);
          ip("n1", "rule add pref 91 from all lookup 7201 protocol 122");
          await until(
            "both go",
            () => !state().includes("10.201.1.99") && ip("n1", "rule show pref 91").trim().split("\n").length === 1,
          );
          await quiet(agent);
        },
      ],
      ...Object.entries(FOREIGN).map(([what, [add, shows]]): [string, (agent: LabAgent) => Promise<void>] => [
        `a foreign ${what} stays`,
        async (agent) => {
          ip("n1", add);
          const before = foreign();
          expect(before).to.include(shows);
          ip("n1", STALE.route.add);
          await until("our own goes", () => !state().includes(STALE.route.shows));
          await quiet(agent);
          expect(foreign()).to.equal(before);
        },
      ]),
      ...(["route", "rule", "neighbour", "blackhole", "table", "way out"] as const).map(
        (what): [string, (agent: LabAgent, s: Scenario) => Promise<void>] => [
          `a ${what} of ours deleted under load is back within ${what === "neighbour" ? "two periods" : "150 packets"}`,
          async (agent, s) => {
            const wanted = state();
            const meter = s.meter({ seconds: 1.5 });
            await pause(500);
            const before = programmed(agent);
            for (const words of DRIFT[what]) ip("n1", words);
            // By its log: it may have put things right before anybody could look.
            await until("it is repaired", () => programmed(agent) > before);
            await until("all as before", () => state() === wanted);
            const m = await meter;
            expect(m.longestGap, JSON.stringify(m)).to.be.at.most(150);
            await quiet(agent);
          },
        ],
      ),
      ["traffic at the end", good],
    ],
  });
});
