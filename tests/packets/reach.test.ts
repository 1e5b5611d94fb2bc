// SPDX-License-Identifier: Apache-2.0
// Packets through the agent's routes: in, out, and from the Pod; with every rp_filter; with host interfaces that must be found.
import { expect } from "chai";
import { pod, wish } from "./agent";
import { CLIENT, fabricTo, macOf, netnsFolder, PIP, podAdd, podOn, spoofed, up } from "./lab";
import { inside, ip } from "./shell";
import { failed, GOOD, packets, story, type Scenario } from "./suite";

async function basic(s: Scenario, o: { rpf?: number; podRpf?: number; mac?: boolean } = {}) {
  up({ nodes: 1, ...o });
  podAdd("pa", 1, 10, o);
  podOn("pa");
  fabricTo(1);
  const agent = s.agent("n1");
  await agent.start(wish(1, pod("pa", 1, 10, o.mac ? { mac: macOf("pa") } : {})));
  return agent;
}

packets("Packets reach the Pod", __filename, (scenario) => {
  story(scenario, "smoke", {
    build: async (s) => {
      up({ nodes: 1 });
      podAdd("pa", 1, 10);
      podOn("pa");
      fabricTo(1);
      await s.serve("pa");
      await s.serve("client", { bind: CLIENT, port: 9100 });
      return s.agent("n1");
    },
    steps: [
      ["without the agent nothing arrives", async (_, s) => expect(await s.ask()).to.satisfy(failed)],
      [
        "with the way in alone, put there by hand, no answer comes back",
        async (_, s) => {
          ip("n1", "rule add pref 90 iif nic1 lookup 7101");
          ip("n1", `route add ${PIP}/32 via 10.201.1.10 dev lxc-pa-1 onlink table 7101`);
          expect(await s.ask()).to.satisfy(failed);
        },
      ],
      [
        "for it leaves by the wrong NIC, where the fabric sees it",
        () => {
          expect(spoofed()).to.be.greaterThan(0);
          ip("n1", `route del ${PIP}/32 table 7101`);
          ip("n1", "rule del pref 90");
        },
      ],
      [
        "the agent needs six lines for its first address",
        async (agent) => {
          await agent.start(wish(1, pod("pa", 1, 10)));
          expect(agent.log).to.include('"lines":6,"failed":0');
        },
      ],
      [
        "then UDP and TCP arrive and are answered, both addresses kept",
        async (_, s) => expect(await s.ask()).to.deep.equal(GOOD),
      ],
      ["ping", () => expect(inside("client", "ping", "-c2", "-i0.2", "-W1", PIP)).to.include("2 received") as unknown as void],
      [
        "the Pod speaks first with the address, by UDP and TCP",
        async (_, s) =>
          expect(await s.fromPod("pa")).to.deep.equal({
            udp: `|client|${PIP}|from ${CLIENT}`,
            tcp: `|client|${PIP}|${CLIENT}`,
          }),
      ],
      [
        "the Pod pings with the address",
        () => expect(inside("pa", "ping", "-c2", "-i0.2", "-W1", "-I", PIP, CLIENT)).to.include("2 received") as unknown as void,
      ],
      [
        "with no host route to the Pod's own address it goes on (onlink)",
        async (_, s) => {
          ip("n1", "route del 10.201.1.10 dev lxc-pa-1");
          ip("n1", "neigh flush dev lxc-pa-1");
          expect(await s.ask()).to.deep.equal(GOOD);
        },
      ],
    ],
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
    expect(await s.ask()).to.satisfy(failed);
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
    const agent = s.agent("n1", "--netns-dir", netnsFolder(s.programs.folder, "pa"), "--periodic-seconds", "1");
    await agent.start(wish(1, pod("pa", 1, 10)));
    expect(agent.condition("PodHasAddress")).to.include({ status: "False", reason: "Missing" });
    expect(agent.of()!.programmed).to.equal(false);
    podOn("pa");
    await agent.waitFor("the address is seen in the Pod", (x) => x.statuses[0]?.programmed === true);
    await s.serve("pa");
    expect(await s.ask()).to.deep.equal(GOOD);
  });
});
