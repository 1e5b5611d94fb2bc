// SPDX-License-Identifier: Apache-2.0
// What others do to the node, and what the agent makes of it: drift, flaps, foreign objects, its own death, many addresses.
import { expect } from "chai";
import { BLUE, pod, wish } from "./agent";
import { CLIENT, fabricTo, nicRoutes, PIP, podAdd, podGone, podOn, spoofed, up, withoutSourceCheck } from "./lab";
import { batch, inside, ip, netns, sh, start, tryIp, until, type Running } from "./shell";
import { GOOD, packets, pause, type Scenario } from "./suite";

const IN = "route show table 7101";
async function basic(s: Scenario, ...flags: string[]) {
  up({ nodes: 1 });
  podAdd("pa", 1, 10);
  podOn("pa");
  fabricTo(1);
  const agent = s.agent("n1", ...flags);
  await agent.start(wish(1, pod("pa", 1, 10)));
  return agent;
}
const sentBy = (ns: string, dev: string): number => Number(inside(ns, "cat", `/sys/class/net/${dev}/statistics/tx_packets`));
/** Every object of the node that is not ours, as bytes. */
const foreign = (): string =>
  [
    ...ip("n1", "-4 route show table all").split("\n"),
    ...ip("n1", "-4 rule show").split("\n"),
    ...ip("n1", "-4 neigh show nud permanent").split("\n"),
  ]
    .filter((line) => !/proto (122|0x7a)/.test(line))
    .join("\n");

packets("The agent repairs what is its own", __filename, (scenario) => {
  it("E58 drift: a second pass and a restart (upgrade) plan nothing, and traffic goes on while it is away", async () => {
    const s = scenario();
    const agent = await basic(s);
    await s.serve("pa");
    const state = ip("n1", "-4 route show table all") + ip("n1", "-4 rule show");
    const meter = s.meter({ seconds: 2.5 });
    await pause(500);
    await agent.kill("SIGTERM");
    expect(ip("n1", "-4 route show table all") + ip("n1", "-4 rule show"), "SIGTERM leaves everything").to.equal(state);
    const second = await agent.start();
    expect(second).to.include({ lines: 0, firewallChanges: 0 });
    expect(agent.log, "planned nothing").to.not.include('"msg":"programmed"');
    await agent.kill("SIGKILL");
    const third = await agent.start();
    expect(third).to.include({ lines: 0, firewallChanges: 0 });
    expect(agent.log, "planned nothing").to.not.include('"msg":"programmed"');
    const m = await meter;
    expect(m.lost, JSON.stringify(m)).to.be.at.most(3);
  });
  it("E58 drift: stale objects of ours go; foreign rules, routes elsewhere and neighbours stay byte for byte", async () => {
    const s = scenario();
    const agent = await basic(s);
    ip("n1", "rule add pref 91 from 34.123.10.80 lookup 7201");
    ip("n1", "rule add pref 90 iif nic0 lookup 7101 protocol 4");
    ip("n1", "route add 34.123.10.77/32 dev lxc-pa-1 table 7150 proto static");
    ip("n1", "route add 34.123.10.78/32 dev lxc-pa-1 table 300 proto 122");
    ip("n1", "neigh add 10.201.1.77 lladdr 02:00:00:00:00:77 dev lxc-pa-1 nud permanent");
    const before = foreign();
    ip("n1", "route add 34.123.10.79/32 dev lxc-pa-1 table 7101 proto 122");
    ip("n1", "route append 34.123.10.1/32 via 10.201.1.99 dev lxc-pa-1 onlink metric 100 table 7101 proto 122");
    ip("n1", "rule add pref 91 iif lxc-px-1 from 34.123.10.79 lookup 7201 protocol 122");
    ip("n1", "rule add pref 91 from all lookup 7201 protocol 122");
    await until("stale objects go", () => !/34\.123\.10\.79|10\.201\.1\.99/.test(ip("n1", IN) + ip("n1", "rule show")));
    await agent.waitFor("quiet", (x) => x.lines === 0);
    expect(foreign()).to.equal(before);
    expect(
      ip("n1", "rule show pref 91")
        .trim()
        .split("\n")
        .filter((l) => /proto/.test(l)),
    ).to.have.length(1);
    await s.serve("pa");
    expect(await s.ask()).to.deep.equal(GOOD);
  });
  it("drift: a route, then a rule, then a whole table deleted under load are repaired within 50 packets each", async () => {
    const s = scenario();
    await basic(s);
    await s.serve("pa");
    const meter = s.meter({ seconds: 3 });
    await pause(600);
    ip("n1", `route del ${PIP}/32 metric 100 table 7101`);
    await pause(600);
    ip("n1", `rule del pref 91 iif lxc-pa-1 from ${PIP}`);
    await pause(600);
    ip("n1", "route flush table 7101");
    const m = await meter;
    expect(m.lost, JSON.stringify(m)).to.be.within(1, 300);
    expect(m.longestGap, JSON.stringify(m)).to.be.at.most(150);
    expect(await s.ask()).to.deep.equal(GOOD);
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
  it("loop: an address that no Pod of the node owns ends in its blackhole instead of circling; a dead Pod's rule is collected", async () => {
    const s = scenario();
    up({ nodes: 1 });
    podAdd("pa", 1, 10);
    fabricTo(1);
    withoutSourceCheck();
    const ping = (): number => {
      const before = sentBy("vpc", "vn1-1");
      tryIp("client", "route flush cache");
      try {
        inside("client", "ping", "-c10", "-i.05", "-W1", PIP);
      } catch {
        // Nobody answers; only the packets count.
      }
      return sentBy("vpc", "vn1-1") - before;
    };
    expect(ping(), "without the agent").to.be.greaterThan(100);
    const agent = s.agent("n1");
    await agent.start(wish(1));
    expect(ping(), "with the blackhole").to.be.at.most(30);
    await agent.want(wish(2, pod("pa", 1, 10)));
    podGone("pa");
    await until("rule collected", () => ip("n1", "rule show pref 91") === "");
    expect(ip("n1", IN)).to.include(`blackhole ${PIP}`).and.not.include("lxc-pa-1");
  });
  it("flap: NIC down and up; nothing leaks by the other NIC, and the way out comes back", async () => {
    const s = scenario();
    const agent = await basic(s);
    await s.serve("pa");
    await s.serve("client", { bind: CLIENT, port: 9100 });
    const before = spoofed();
    ip("n1", "link set nic1 down");
    await agent.waitFor("NIC down is said", (x) => x.statuses[0]?.conditions.some((c) => c.reason === "NicDown") === true);
    expect((await s.fromPod("pa")).udp).to.include("FAIL");
    expect(spoofed() - before, "leaked").to.equal(0);
    ip("n1", "link set nic1 up");
    batch("n1", nicRoutes());
    await agent.waitFor("programmed again", (x) => x.statuses[0]?.programmed === true);
    expect(ip("n1", "route show table 7201")).to.include("via 10.1.0.1");
    expect(await s.ask({ timeoutMs: 2000 })).to.deep.equal(GOOD);
  });
  it("split brain: a second node that believes it owns the address harms neither the owner nor the client", async () => {
    const s = scenario();
    up();
    podAdd("pa", 1, 10);
    podAdd("pb", 2, 10);
    for (const p of ["pa", "pb"]) podOn(p);
    fabricTo(1);
    const [a, b] = [s.agent("n1"), s.agent("n2")];
    await a.start(wish(1, pod("pa", 1, 10)));
    await b.start(wish(1, pod("pb", 2, 10)));
    for (const p of ["pa", "pb"]) await s.serve(p);
    await s.serve("client", { bind: CLIENT, port: 9100 });
    expect(await s.ask(), "in").to.deep.equal(GOOD);
    expect((await s.fromPod("pb")).udp, "the other's packets end at the fabric").to.include("FAIL");
    withoutSourceCheck();
    expect((await s.fromPod("pb")).tcp, "answers reach the owner, which resets").to.include("FAIL");
    expect(await s.ask(), "the owner").to.deep.equal(GOOD);
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
