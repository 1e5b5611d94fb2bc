// SPDX-License-Identifier: Apache-2.0
// Packets through the agent's routes: in, out, and from the Pod; with every rp_filter; with each way in which a Pod can have the address.
import { expect } from "chai";
import { pod, wish } from "./agent";
import { fabricTo, macOf, PIP, podAdd, podOn, podRule, spoofed, up } from "./lab";
import { inside, ip, sysctl, tryIp } from "./shell";
import { GOOD, packets, type Scenario } from "./suite";

async function basic(s: Scenario, o: { rpf?: number; podRpf?: number; mac?: boolean; hostRoute?: boolean } = {}) {
  up({ nodes: 1, ...o });
  podAdd("pa", 1, 10, o);
  podOn("pa");
  fabricTo(1);
  const agent = s.agent("n1");
  const over = { ...(o.mac ? { mac: macOf("pa") } : {}), ...(o.hostRoute === false ? { hostInterface: "lxc-pa-1" } : {}) };
  await agent.start(wish(1, pod("pa", 1, 10, over)));
  return agent;
}
const lost = (a: { udp: string; tcp: string }): void => {
  expect(a.udp).to.include("FAIL");
  expect(a.tcp).to.include("FAIL");
};

packets("Packets reach the Pod", __filename, (scenario) => {
  it("smoke: nothing without the agent; in, back and out with it, both addresses kept; ping (datapath.md 3)", async () => {
    const s = scenario();
    up({ nodes: 1 });
    podAdd("pa", 1, 10);
    podOn("pa");
    fabricTo(1);
    await s.serve("pa");
    lost(await s.ask());
    // Only the way in, by hand: the answer leaves by the wrong NIC, and the fabric sees it.
    ip("n1", "rule add pref 90 iif nic1 lookup 7101");
    ip("n1", `route add ${PIP}/32 via 10.201.1.10 dev lxc-pa-1 onlink table 7101`);
    lost(await s.ask());
    expect(spoofed()).to.be.greaterThan(0);
    ip("n1", `route del ${PIP}/32 table 7101`);
    ip("n1", "rule del pref 90");
    const agent = s.agent("n1");
    await agent.start(wish(1, pod("pa", 1, 10)));
    expect(agent.log).to.include('"lines":6,"failed":0');
    expect(await s.ask()).to.deep.equal(GOOD);
    expect(inside("client", "ping", "-c2", "-i0.2", "-W1", PIP)).to.include("2 received");
    await s.serve("client", { bind: "198.51.100.10", port: 9100 });
    expect(await s.fromPod("pa")).to.deep.equal({
      udp: `|client|${PIP}|from 198.51.100.10`,
      tcp: `|client|${PIP}|198.51.100.10`,
    });
    ip("n1", "route del 10.201.1.10 dev lxc-pa-1");
    ip("n1", "neigh flush dev lxc-pa-1");
    expect(await s.ask(), "with no host route to the Pod's own address (onlink)").to.deep.equal(GOOD);
  });

  for (const rpf of [0, 1, 2])
    for (const podRpf of [0, 1, 2])
      it(`rpf: rp_filter ${rpf} on the node and ${podRpf} in the Pod pass, with the permanent neighbour`, async () => {
        const s = scenario();
        await basic(s, { rpf, podRpf, mac: true });
        await s.serve("pa");
        expect(ip("n1", "neigh show nud permanent")).to.match(/10\.201\.1\.10 dev lxc-pa-1 .*PERMANENT proto (122|0x7a)/);
        expect(await s.ask()).to.deep.equal(GOOD);
      });
  it("rpf: a strict Pod without its source rule answers nobody", async () => {
    const s = scenario();
    await basic(s, { podRpf: 1, mac: true });
    ip("pa", "rule del pref 100");
    await s.serve("pa");
    lost(await s.ask());
  });

  it("podside: the address on eth1, on lo, or as a local route is enough; nonlocal_bind is not (datapath.md 3)", async () => {
    const s = scenario();
    await basic(s, { mac: true });
    ip("pa", `addr del ${PIP}/32 dev eth1`);
    podRule("pa");
    ip("pa", `addr add ${PIP}/32 dev lo`);
    let server = await s.serve("pa");
    expect(await s.ask(), "on lo").to.deep.equal(GOOD);
    await server.kill();
    ip("pa", `addr del ${PIP}/32 dev lo`);
    sysctl("pa", "net.ipv4.ip_nonlocal_bind=1");
    server = await s.serve("pa");
    lost(await s.ask());
    await server.kill();
    sysctl("pa", "net.ipv4.ip_nonlocal_bind=0");
    ip("pa", `route add local ${PIP}/32 dev lo`);
    server = await s.serve("pa");
    expect(await s.ask(), "as a local route").to.deep.equal(GOOD);
    await server.kill();
  });
  it("podside: without its source rule the Pod's answers leave by eth0 and are lost", async () => {
    const s = scenario();
    await basic(s, { mac: true });
    ip("pa", "rule del pref 100");
    await s.serve("pa");
    lost(await s.ask());
  });
  it("finds no host interface where the CNI has no route, says so, and works when it is named", async () => {
    const s = scenario();
    up({ nodes: 1 });
    podAdd("pa", 1, 10, { hostRoute: false });
    podOn("pa");
    fabricTo(1);
    await s.serve("pa");
    const agent = s.agent("n1");
    await agent.start(wish(1, pod("pa", 1, 10)));
    expect(agent.condition("RoutesProgrammed")).to.include({ status: "False", reason: "NotResolved" });
    expect(ip("n1", "route show table 7101")).to.include(`blackhole ${PIP}`).and.not.include("lxc");
    await agent.want(wish(2, pod("pa", 1, 10, { hostInterface: "lxc-pa-1" })));
    expect(await s.ask()).to.deep.equal(GOOD);
  });
  it("finds the host interface behind the Pod's namespace, and whether the Pod has the address, where it may look (--netns-dir)", async () => {
    const s = scenario();
    up({ nodes: 1 });
    podAdd("pa", 1, 10, { hostRoute: false });
    fabricTo(1);
    const agent = s.agent("n1", "--netns-dir", "/run/netns", "--periodic-seconds", "1");
    await agent.start(wish(1, pod("pa", 1, 10)));
    expect(agent.condition("PodHasAddress")).to.include({ status: "False", reason: "Missing" });
    expect(agent.of()!.programmed).to.equal(false);
    podOn("pa");
    await agent.waitFor("the address is seen in the Pod", (x) => x.statuses[0]?.programmed === true);
    await s.serve("pa");
    expect(await s.ask()).to.deep.equal(GOOD);
  });
  it("device: where the NIC itself is in the Pod, the node has nothing to do and says that its NIC is gone", async () => {
    const s = scenario();
    up({ nodes: 1 });
    const agent = s.agent("n1");
    await agent.start(wish(1));
    podAdd("pd", 1, 20);
    tryIp("pd", "link del eth1");
    ip("n1", "link set nic1 down");
    const { netns, sh } = await import("./shell");
    sh("ip", "-n", netns("n1"), "link", "set", "nic1", "netns", netns("pd"), "name", "eth1");
    for (const words of ["addr add 10.1.0.11/32 dev eth1", "link set eth1 up", "route add 10.1.0.1 dev eth1 scope link"])
      ip("pd", words);
    ip("pd", `addr add ${PIP}/32 dev eth1`);
    ip("pd", "route add default via 10.1.0.1 dev eth1 onlink table 100");
    ip("pd", `rule add pref 100 from ${PIP} lookup 100`);
    fabricTo(1);
    await s.serve("pd");
    expect(await s.ask()).to.deep.equal({ udp: `|pd|198.51.100.10|from ${PIP}`, tcp: `|pd|198.51.100.10|${PIP}` });
    await agent.waitFor("no rule for a NIC that is gone", () => !ip("n1", "rule show").includes("nic1"));
  });
});
