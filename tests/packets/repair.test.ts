// SPDX-License-Identifier: Apache-2.0
// What others do to the node, and what the agent makes of it: conflicts, a reboot, Pods that come back, an end without a trace, a wrong wish.
import { expect } from "chai";
import { BLUE, pod, wish } from "./agent";
import { foreign } from "./kernel";
import { fabricTo, PIP, podAdd, podGone, podOn, up } from "./lab";
import { inside, ip, netns, sh, start, until, type Running } from "./shell";
import { GOOD, packets, type Scenario } from "./suite";

const IN = "route show table 7101";
async function basic(s: Scenario) {
  up({ nodes: 1 });
  podAdd("pa", 1, 10);
  podOn("pa");
  fabricTo(1);
  const agent = s.agent("n1", "--periodic-seconds", "1");
  await agent.start(wish(1, pod("pa", 1, 10)));
  return agent;
}
packets("The agent repairs what is its own", __filename, (scenario) => {
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
