// SPDX-License-Identifier: Apache-2.0
// Device networks: the NIC itself is in the Pod. The node has nothing to program there, and the agent says so.
import { expect } from "chai";
import { pod, wish } from "./agent";
import { CLIENT, fabricTo, PIP, podAdd, podOn, up } from "./lab";
import { batch, ip, netns, sh, tryIp } from "./shell";
import { GOOD, packets, pause, story } from "./suite";

/** Moves nic1 of node `i` into a Pod of its own, as eth1, with what its init container does. */
function deviceInto(p: string, i: number): void {
  podAdd(p, i, 20);
  tryIp(p, "link del eth1");
  ip(`n${i}`, "link set nic1 down");
  sh("ip", "-n", netns(`n${i}`), "link", "set", "nic1", "netns", netns(p), "name", "eth1");
  batch(p, [
    `addr add 10.1.0.1${i}/32 dev eth1`,
    "link set eth1 up",
    "route add 10.1.0.1 dev eth1 scope link",
    `addr add ${PIP}/32 dev eth1`,
    "route add default via 10.1.0.1 dev eth1 onlink table 100",
    `rule add pref 100 from ${PIP} lookup 100`,
  ]);
}

packets("Device networks", __filename, (scenario) => {
  story(scenario, "device", {
    build: async (s) => {
      up({ nodes: 1 });
      const agent = s.agent("n1");
      await agent.start(wish(1));
      deviceInto("pd", 1);
      fabricTo(1);
      await s.serve("pd");
      await s.serve("client", { bind: CLIENT, port: 9100 });
      return agent;
    },
    steps: [
      [
        "in the Pod that has the NIC, questions arrive and are answered with no route of the node's",
        async (_, s) => expect(await s.ask()).to.deep.equal({ udp: `|pd|${CLIENT}|from ${PIP}`, tcp: `|pd|${CLIENT}|${PIP}` }),
      ],
      [
        "the Pod speaks first with the address",
        async (_, s) => expect((await s.fromPod("pd")).tcp).to.equal(`|client|${PIP}|${CLIENT}`),
      ],
      [
        "the agent takes away its rule for a NIC that is gone",
        (agent) => agent.waitFor("no rule", () => !ip("n1", "rule show").includes("nic1")).then(() => undefined),
      ],
      [
        "and says NicMissing for an address of that network which it is told to serve",
        async (agent) => {
          await agent.want(wish(2, pod("pa", 1, 10, { hostInterface: "lxc-pd-0" })), () => true);
          expect(agent.condition("RoutesProgrammed")).to.include({ status: "False", reason: "NicMissing" });
          expect(agent.of()!.programmed).to.equal(false);
        },
      ],
    ],
  });
  for (const way of ["to a Device Pod", "back to an L3 Pod"] as const)
    it(`device: a move ${way} on another node loses nothing at 1000 packets a second`, async () => {
      const s = scenario();
      up();
      podAdd("pa", 1, 10);
      podOn("pa");
      const agent = s.agent("n1");
      await agent.start(wish(1, pod("pa", 1, 10)));
      deviceInto("pd", 2);
      for (const p of ["pa", "pd"]) await s.serve(p);
      const [from, to] = way === "to a Device Pod" ? [1, 2] : [2, 1];
      fabricTo(from);
      await s.ask();
      const meter = s.meter({ seconds: 2 });
      await pause(800);
      fabricTo(to);
      if (to === 2) await agent.want(wish(2));
      const m = await meter;
      expect(m.lost, JSON.stringify(m)).to.be.at.most(3);
      expect(m.by[to === 2 ? "pd" : "pa"], JSON.stringify(m)).to.be.greaterThan(300);
      if (to === 1) expect(await s.ask()).to.deep.equal(GOOD);
    });
});
