// SPDX-License-Identifier: Apache-2.0
// What others do to the node, and what the agent makes of it: drift, flaps, foreign objects, its own death, many addresses.
import { expect } from "chai";
import { BLUE, pod, wish, type LabAgent } from "./agent";
import { fabricTo, macOf, PIP, podAdd, podGone, podOn, up } from "./lab";
import { inside, ip, netns, sh, start, until, type Running } from "./shell";
import { GOOD, packets, pause, story, type Scenario } from "./suite";

const IN = "route show table 7101";
const OURS = /proto (122|0x7a)/;
async function basic(s: Scenario, { mac = false } = {}) {
  up({ nodes: 1 });
  podAdd("pa", 1, 10);
  podOn("pa");
  fabricTo(1);
  const agent = s.agent("n1", "--periodic-seconds", "1");
  await agent.start(wish(1, pod("pa", 1, 10, mac ? { mac: macOf("pa") } : {})));
  return agent;
}
/** Every object of the node that is not ours, as bytes. */
const foreign = (): string =>
  [
    ...ip("n1", "-4 route show table all").split("\n"),
    ...ip("n1", "-4 rule show").split("\n"),
    ...neighbours(),
    ...ip("n1", "-4 -o addr show").split("\n"),
  ]
    .filter((line) => !OURS.test(line) || line.includes("table 300"))
    .join("\n");

/** Every object of ours, in an order that does not depend on the order of making. */
const state = (): string =>
  [...ip("n1", "-4 route show table all").split("\n"), ...ip("n1", "-4 rule show").split("\n"), ...neighbours()]
    .filter((line) => OURS.test(line))
    .map((line) => line.trim())
    .sort()
    .join("\n");
const neighbours = (): string[] => ip("n1", "-4 neigh show nud permanent").split("\n");
/** A pass that began after now and wrote nothing. */
async function quiet(agent: LabAgent): Promise<void> {
  const { pass } = agent.status()!;
  await agent.waitFor("a pass that writes nothing", (x) => x.pass > pass && x.lines === 0 && x.firewallChanges === 0);
}
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

packets("The agent repairs what is its own", __filename, (scenario) => {
  story(scenario, "drift", {
    build: async (s) => {
      const agent = await basic(s, { mac: true });
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
        "an agent that starts again, or another release of it (upgrade), plans nothing (E58)",
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
            for (const words of DRIFT[what]) ip("n1", words);
            expect(state()).to.not.equal(wanted);
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
  it("conflict: with a foreign route in its table it touches nothing there and says ForeignTableConflict; then it goes on", async () => {
    const s = scenario();
    const agent = await basic(s);
    ip("n1", "route add 9.9.9.9/32 dev lxc-pa-1 table 7101 proto static");
    ip("n1", `rule del pref 91 iif lxc-pa-1 from ${PIP}`);
    await agent.waitFor("conflict", (x) => x.statuses[0]?.programmed === false);
    expect(agent.condition("ForeignTableConflict")).to.include({ status: "True" });
    expect(ip("n1", "rule show pref 91")).to.equal("");
    ip("n1", "route del 9.9.9.9/32 table 7101");
    await agent.waitFor("repaired", (x) => x.statuses[0]?.programmed === true);
    expect(ip("n1", "rule show pref 91")).to.include(PIP);
  });
  it("reboot: blackholes first; an address whose host interface is missing is skipped whole until it comes", async () => {
    const s = scenario();
    up({ nodes: 1 });
    const agent = s.agent("n1");
    await agent.start(wish(1, pod("pa", 1, 10, { hostInterface: "lxc-pa-1" })));
    expect(agent.condition("RoutesProgrammed")).to.include({ status: "False", reason: "VethMissing" });
    expect(ip("n1", IN)).to.include(`blackhole ${PIP}`);
    expect(ip("n1", "rule show pref 91")).to.equal("");
    podAdd("pa", 1, 10);
    podOn("pa");
    fabricTo(1);
    await agent.waitFor("programmed when it comes", (x) => x.statuses[0]?.programmed === true);
    await s.serve("pa");
    expect(await s.ask()).to.deep.equal(GOOD);
  });
  it("a Pod that comes back behind an interface of the same name is served again (ip remembers names)", async () => {
    const s = scenario();
    const agent = await basic(s);
    let server: Running | undefined;
    for (const round of [1, 2]) {
      // A namespace lives for as long as a process does in it.
      await server?.kill();
      podGone("pa");
      await agent.waitFor(`gone ${round}`, (x) => x.statuses[0]?.programmed === false);
      podAdd("pa", 1, 10);
      podOn("pa");
      await agent.waitFor(`back ${round}`, (x) => x.statuses[0]?.programmed === true);
      server = await s.serve("pa");
      expect(await s.ask()).to.deep.equal(GOOD);
    }
    expect(agent.status()!.ipProcesses).to.be.greaterThan(1);
  });
  it("1000 addresses on one Pod are there after one pass, gone after another, and cost no second", async function () {
    const s = scenario();
    const agent = await basic(s);
    const before = foreign();
    const many = Array.from({ length: 1000 }, (_, i) => `34.130.${i >> 8}.${i & 255}`);
    const addresses = (on: boolean) =>
      many.map((address) => ({ address, network: "blue", generation: 2, ...(on ? { pod: pod("pa", 1, 10) } : {}) }));
    const full = await agent.want({ networks: [BLUE], addresses: addresses(true) });
    expect(agent.log).to.match(/"lines":(2999|300\d),"failed":0/);
    expect(full.milliseconds, "one pass").to.be.at.most(3000);
    ip("n1", "route del 34.130.1.7/32 metric 100 table 7101");
    await until("one of 1000 repaired", () => ip("n1", "route show 34.130.1.7 table 7101").includes("lxc-pa-1"));
    const bare = await agent.want({ networks: [BLUE], addresses: addresses(false) });
    expect(bare.statuses).to.deep.equal([]);
    await agent.want({ networks: [], addresses: [] }, () => true);
    await until("all gone", () => !/proto (122|0x7a)/.test(ip("n1", "-4 route show table all") + ip("n1", "-4 rule show")));
    expect(foreign()).to.equal(before);
  });
  it("E58: killed -9 in the middle of a batch of 1000: the next one finishes, touches nothing foreign, and then plans nothing", async () => {
    const s = scenario();
    const agent = await basic(s);
    await s.serve("pa");
    ip("n1", "route add 34.123.99.1/32 dev lxc-pa-1 table 300 proto static");
    const before = foreign();
    const many = Array.from({ length: 1000 }, (_, i) => ({
      address: `34.131.${i >> 8}.${i & 255}`,
      network: "blue",
      generation: 3,
      pod: pod("pa", 1, 10),
    }));
    const all = { networks: [BLUE], addresses: [...wish(3, pod("pa", 1, 10)).addresses, ...many] };
    agent.write(all);
    await until("begun", () => ip("n1", "rule show").includes("34.131."), 10_000);
    await agent.kill("SIGKILL");
    expect(await s.ask(), "while nobody is there").to.deep.equal(GOOD);
    await agent.start(all);
    await agent.waitFor("whole", (x) => x.statuses.length === 1001 && x.statuses.every((t) => t.programmed), 10_000);
    await agent.kill();
    const last = await agent.start();
    expect(last).to.include({ lines: 0, firewallChanges: 0 });
    expect(agent.log, "planned nothing").to.not.include('"msg":"programmed"');
    expect(foreign()).to.equal(before);
  });
  it("--cleanup takes away everything that carries our marks and nothing else", async () => {
    const s = scenario();
    up({ nodes: 1 });
    podAdd("pa", 1, 10);
    const before = foreign() + inside("n1", "nft", "list", "ruleset");
    const agent = s.agent("n1");
    await agent.start(wish(1, pod("pa", 1, 10, { mac: "02:00:00:00:00:01" })));
    expect(foreign() + inside("n1", "nft", "list", "ruleset")).to.not.equal(before);
    await agent.kill();
    const gone = start("n1", agent.command("--cleanup"));
    await until(`cleanup: ${gone.text()}`, () => gone.child.exitCode !== null);
    expect(gone.child.exitCode, gone.text()).to.equal(0);
    expect(foreign() + inside("n1", "nft", "list", "ruleset")).to.equal(before);
    expect(sh("ip", "-n", netns("n1"), "-4", "route", "show", "table", "all")).to.not.match(/proto (122|0x7a)/);
  });
  it("a file with a wrong wish changes nothing and names the field", async () => {
    const s = scenario();
    const agent = await basic(s);
    agent.write({ networks: [BLUE], addresses: [{ address: "34.123.10.999", network: "blue", generation: 2 }] });
    await until("said", () => agent.log.includes("addresses[0].address"));
    expect(ip("n1", IN)).to.include("lxc-pa-1");
  });
});
