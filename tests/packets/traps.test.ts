// SPDX-License-Identifier: Apache-2.0
// The traps of datapath.md 4 and 5, check by check: a loop, a NIC that flaps, two owners, a route of Google's guest agent, a spoofing Pod, a CNI
// that owns the path. Where a check shows the trap itself, the agent is away or told to leave it.
import { expect } from "chai";
import { pod, wish, type LabAgent } from "./agent";
import { CLIENT, fabricTo, nicRoutes, PIP, podAdd, podGone, podOn, spoofed, up, withoutSourceCheck } from "./lab";
import { batch, inside, ip, netns, nft, quietly, until } from "./shell";
import { failed, GOOD, packets, skipped, story, type Scenario } from "./suite";

const IN = "route show table 7101";
const PA = pod("pa", 1, 10);
async function basic(s: Scenario, prepare: () => void = () => undefined, ...flags: string[]): Promise<LabAgent> {
  up({ nodes: 1 });
  podAdd("pa", 1, 10);
  podOn("pa");
  fabricTo(1);
  prepare();
  const agent = s.agent("n1", "--periodic-seconds", "1", ...flags);
  await agent.start(wish(1, PA));
  await s.serve("pa");
  await s.serve("client", { bind: CLIENT, port: 9100 });
  return agent;
}
const good = async (_: unknown, s: Scenario): Promise<void> => void expect(await s.ask()).to.deep.equal(GOOD);
const nothing = async (_: unknown, s: Scenario): Promise<void> => void expect(await s.ask()).to.satisfy(failed);
const counted = (text: string, re: RegExp): number => Number(re.exec(text)?.[1] ?? 0);
const guestAgentRoute = (): void =>
  void inside("n1", "ip", "route", "add", "local", PIP, "scope", "host", "dev", "nic1", "proto", "66");
const local = (): string => ip("n1", "route show table local");

/** Packets that the fabric sends to the node while a client pings ten times. */
function sentByTenPings(): number {
  const sent = (): number => Number(inside("vpc", "cat", "/sys/class/net/vn1-1/statistics/tx_packets"));
  const before = sent();
  quietly("ip", "netns", "exec", netns("client"), "ping", "-c10", "-i.05", "-W1", PIP);
  return sent() - before;
}

/** TCP resets that a Pod has sent so far. */
function resets(p: string): number {
  const [names = "", values = ""] = inside(p, "grep", "^Tcp:", "/proc/net/snmp").split("\n");
  return Number(values.split(" ")[names.split(" ").indexOf("OutRsts")]);
}

packets("Traps", __filename, (scenario) => {
  story(scenario, "loop", {
    build: (s) => {
      up({ nodes: 1 });
      podAdd("pa", 1, 10);
      fabricTo(1);
      withoutSourceCheck();
      return s.agent("n1");
    },
    steps: [
      [
        "without the agent ten pings to an address that nobody here owns circle",
        () => void expect(sentByTenPings()).to.be.above(100),
      ],
      [
        "with the agent they end in the blackhole",
        async (agent) => {
          await agent.start(wish(1));
          expect(sentByTenPings()).to.be.at.most(20);
        },
      ],
      [
        "a Pod that has gone leaves the blackhole and no route",
        async (agent) => {
          await agent.want(wish(2, PA));
          expect(ip("n1", IN)).to.include("lxc-pa-1");
          podGone("pa");
          // The kernel takes a namespace apart in the background, which may wait on a busy machine.
          await until("the kernel has taken the route away", () => !ip("n1", IN).includes("lxc-pa-1"));
          expect(ip("n1", IN)).to.include(`blackhole ${PIP}`);
        },
      ],
      [
        "its rule, which the kernel keeps as detached, is collected",
        (agent) => {
          expect(agent.log).to.include("programmed");
          return until("rule collected", () => ip("n1", "rule show pref 91") === "");
        },
      ],
      ["and pings to it do not circle", () => void expect(sentByTenPings()).to.be.at.most(20)],
    ],
  });

  story(scenario, "flap", {
    build: (s) => basic(s),
    steps: [
      [
        "with the NIC down the kernel throws the way out away, and NicDown is said",
        async (agent) => {
          ip("n1", "link set nic1 down");
          await agent.waitFor("NicDown", (x) => x.statuses[0]?.conditions.some((c) => c.reason === "NicDown") === true);
          expect(ip("n1", "route show table 7201")).to.not.include("via 10.1.0.1");
        },
      ],
      ["what the Pod sends with the address stops", async (_, s) => expect(await s.fromPod("pa")).to.satisfy(failed)],
      ["and nothing of it leaks by the other NIC", () => void expect(spoofed()).to.equal(0)],
      [
        "without the blackhole default it would (the agent is away)",
        async (agent, s) => {
          await agent.kill();
          ip("n1", "route del blackhole default metric 65535 table 7201");
          await s.fromPod("pa");
          expect(spoofed()).to.be.above(0);
          await agent.start();
        },
      ],
      [
        "with the NIC up again the way out comes back, and the address is programmed",
        async (agent) => {
          ip("n1", "link set nic1 up");
          batch("n1", nicRoutes());
          await agent.waitFor("programmed again", (x) => x.statuses[0]?.programmed === true);
          expect(ip("n1", "route show table 7201")).to.include("via 10.1.0.1").and.include("blackhole default");
        },
      ],
      ["the client is answered", async (_, s) => expect(await s.ask({ timeoutMs: 2000 })).to.deep.equal(GOOD)],
      ["the Pod speaks first", async (_, s) => expect((await s.fromPod("pa")).tcp).to.equal(`|client|${PIP}|${CLIENT}`)],
    ],
  });

  story(scenario, "split brain", {
    build: async (s) => {
      up();
      podAdd("pa", 1, 10);
      podAdd("pb", 2, 10);
      for (const p of ["pa", "pb"]) podOn(p);
      fabricTo(1);
      const [a, b] = [s.agent("n1"), s.agent("n2")];
      await Promise.all([a.start(wish(1, PA)), b.start(wish(1, pod("pb", 2, 10)))]);
      expect(b.of()!.programmed).to.equal(true);
      for (const p of ["pa", "pb"]) await s.serve(p);
      await s.serve("client", { bind: CLIENT, port: 9100 });
    },
    steps: [
      ["questions go to the node that the fabric names", good],
      [
        "what the other Pod sends ends at the fabric",
        async (_, s) => {
          expect(await s.fromPod("pb")).to.satisfy(failed);
          expect(spoofed()).to.be.above(0);
        },
      ],
      [
        "with no source check in the fabric the answers reach the owner, which resets",
        async (_, s) => {
          withoutSourceCheck();
          const before = resets("pa");
          expect(await s.fromPod("pb")).to.satisfy(failed);
          expect(resets("pa")).to.be.above(before);
        },
      ],
      ["the owner is as before", good],
    ],
  });

  story(scenario, "guestagent", {
    build: (s) => basic(s),
    steps: [
      [
        "a local route of protocol 66 swallows the address (the trap; the agent is away)",
        async (agent, s) => {
          await agent.kill();
          guestAgentRoute();
          await nothing(agent, s);
        },
      ],
      [
        "the agent takes exactly that route away",
        async (agent) => {
          await agent.start();
          expect(local()).to.not.include(PIP);
          expect(local()).to.include("10.1.0.11").and.include("127.0.0.1");
        },
      ],
      ["the client is answered", good],
      [
        "it goes again when it comes again",
        async (agent, s) => {
          guestAgentRoute();
          await agent.waitFor("gone again", () => !local().includes(PIP));
          await good(agent, s);
        },
      ],
      [
        "where local is looked up at 100, as with Cilium, the route stays",
        async (agent) => {
          ip("n1", "rule add pref 100 lookup local");
          ip("n1", "rule del pref 0 lookup local");
          guestAgentRoute();
          const { pass } = agent.status()!;
          await agent.waitFor("two passes", (x) => x.pass > pass + 1);
          expect(local()).to.include(PIP);
        },
      ],
      ["and does no harm", good],
    ],
  });
  it("guestagent: a local route of anybody else is not touched, and LocalRouteConflict says so instead of Ready", async () => {
    const agent = await basic(scenario(), () => void ip("n1", `addr add ${PIP}/32 dev lo`));
    expect(agent.condition("LocalRouteConflict")).to.include({ status: "True" });
    expect(agent.of()!.programmed).to.equal(false);
    expect(ip("n1", "addr show dev lo")).to.include(PIP);
  });

  const dropped = (): number => counted(inside("n1", "nft", "list", "table", "ip", "gkepip"), /counter packets (\d+)/);
  story(scenario, "spoof", {
    build: (s) =>
      basic(s, () => {
        podAdd("px", 1, 20);
        podOn("px");
      }),
    steps: [
      [
        "another Pod's packets with the address are dropped on the node, each one counted",
        () => {
          quietly("ip", "netns", "exec", netns("px"), "ping", "-c2", "-i.2", "-W1", "-I", PIP, CLIENT);
          expect(dropped()).to.equal(2);
        },
      ],
      ["and do not reach the fabric", () => void expect(spoofed()).to.equal(0)],
      ["the owner is not touched, in", good],
      ["nor when it speaks first", async (_, s) => expect((await s.fromPod("pa")).udp).to.include(`|client|${PIP}`)],
      [
        "with --anti-spoof off they go to the fabric (control)",
        async (agent, s) => {
          await agent.kill();
          const off = s.agent("n1", "--anti-spoof", "off");
          await off.start(wish(1, PA));
          expect(inside("n1", "nft", "list", "ruleset")).to.not.include("gkepip");
          quietly("ip", "netns", "exec", netns("px"), "ping", "-c2", "-i.2", "-W1", "-I", PIP, CLIENT);
          expect(spoofed()).to.be.above(0);
        },
      ],
    ],
  });

  const CNI = `table netdev cni {
    counter sip { }
    chain c { type filter hook ingress device lxc-pa-1 priority 0; policy accept; ether type ip ip saddr != 10.201.1.10 counter name sip drop; }
  }
`;
  story(scenario, "antispoof_cni", {
    build: (s) => basic(s, () => nft("n1", CNI)),
    steps: [
      ["all routes are right and no answer comes back", nothing],
      [
        "for the filter drops it before routing",
        () =>
          void expect(counted(inside("n1", "nft", "list", "counter", "netdev", "cni", "sip"), /packets (\d+)/)).to.be.above(0),
      ],
      [
        "the agent says DatapathOwnedByCNI instead of Ready",
        (agent) => {
          expect(agent.condition("DatapathOwnedByCNI")).to.include({ status: "True", reason: "ForeignDatapath" });
          expect(agent.of()!.programmed).to.equal(false);
        },
      ],
      [
        "and Ready when the filter is gone",
        async (agent, s) => {
          nft("n1", "delete table netdev cni\n");
          await agent.waitFor("said when it is gone", (x) => x.statuses[0]?.programmed === true);
          await good(agent, s);
        },
      ],
    ],
  });
  it("antispoof_cni: a BPF program on the host interface (Dataplane V2) is found out and said instead of Ready", async function () {
    const bpf = ["tc", "filter", "add", "dev", "lxc-pa-1", "ingress", "bpf", "bytecode", "1,6 0 0 4294967295,", "da"];
    const agent = await basic(scenario());
    const run = (...c: string[]): boolean => quietly("ip", "netns", "exec", netns("n1"), ...c);
    if (!run("tc", "qdisc", "add", "dev", "lxc-pa-1", "clsact") || !run(...bpf))
      return skipped(this, "this kernel has no cls_bpf");
    await agent.waitFor("found out", (x) => x.statuses[0]?.programmed === false);
    expect(agent.condition("DatapathOwnedByCNI")!.message).to.include("BPF");
  });
  it("antispoof_cni: a node with Cilium's interface is Dataplane V2's, unless the user says to trust it", async () => {
    const s = scenario();
    const agent = await basic(s, () => void ip("n1", "link add cilium_host type veth peer name cilium_net"));
    expect(agent.condition("DatapathOwnedByCNI")).to.include({ status: "True" });
    await agent.kill();
    const trusting = s.agent("n1", "--trust-cni");
    await trusting.start(wish(1, PA));
    expect(trusting.of()!.programmed).to.equal(true);
  });
});
