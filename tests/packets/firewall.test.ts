// SPDX-License-Identifier: Apache-2.0
// Others' firewalls on the same node: masquerading, a FORWARD chain that drops; and our own table. The rules are those that iptables-nft makes (same tables, chains and hooks).
import { expect } from "chai";
import { pod, wish } from "./agent";
import { CLIENT, fabricTo, PIP, podAdd, podOn, up } from "./lab";
import { inside, nft, output, quietly } from "./shell";
import { GOOD, packets, skipped, story, type Scenario } from "./suite";

const MASQUERADE = `table ip nat {
  chain POSTROUTING { type nat hook postrouting priority srcnat; policy accept; ip daddr != 10.0.0.0/8 counter masquerade; }
}
`;
const DROP = `table ip filter {
  chain FORWARD { type filter hook forward priority filter; policy drop; ct state established counter accept; }
}
`;
async function basic(s: Scenario, prepare: () => void, ...flags: string[]) {
  up({ nodes: 1 });
  podAdd("pa", 1, 10);
  podOn("pa");
  fabricTo(1);
  prepare();
  const agent = s.agent("n1", "--periodic-seconds", "1", ...flags);
  await agent.start(wish(1, pod("pa", 1, 10)));
  await s.serve("pa");
  return agent;
}
const ruleset = (...what: string[]): string => inside("n1", "nft", "list", ...what);
/** iptables as the distributions have it now. The legacy one's rules are not seen by nft (docs/node-agent.md). */
const iptables = quietly("sh", "-c", "iptables --version | grep -q nf_tables");

packets("The agent among others", __filename, (scenario) => {
  story(scenario, "nat", {
    build: async (s) => {
      const agent = await basic(s, () => nft("n1", MASQUERADE), "--masquerade-exemption", "off");
      await s.serve("client", { bind: CLIENT, port: 9100 });
      return { agent };
    },
    steps: [
      [
        "a rule like ip-masq-agent's hides the address of what the Pod sends (the trap, exemption off)",
        async (_, s) => expect((await s.fromPod("pa")).tcp).to.equal(`|client|10.1.0.11|${CLIENT}`),
      ],
      [
        "and inbound too: the Pod sees the node instead of the client",
        async (_, s) => expect((await s.ask()).tcp).to.match(/^\|pa\|10\.\d+\.\d+\.\d+\|/),
      ],
      [
        "with the exemption the Pod's packets keep the address",
        async (made, s) => {
          await made.agent.kill();
          made.agent = s.agent("n1", "--periodic-seconds", "1");
          await made.agent.start(wish(1, pod("pa", 1, 10)));
          expect((await s.fromPod("pa")).tcp).to.equal(`|client|${PIP}|${CLIENT}`);
        },
      ],
      ["and inbound the Pod sees the client", async (_, s) => expect(await s.ask()).to.deep.equal(GOOD)],
      ["the rule of somebody else is as it was", () => void expect(ruleset("table", "ip", "nat")).to.include("masquerade")],
      [
        "with our table away it is hidden again (control; the agent is away)",
        async ({ agent }, s) => {
          await agent.kill();
          nft("n1", "delete table ip gkepip\n");
          expect((await s.fromPod("pa")).tcp).to.equal(`|client|10.1.0.11|${CLIENT}`);
          await agent.start();
          expect((await s.fromPod("pa")).tcp).to.equal(`|client|${PIP}|${CLIENT}`);
        },
      ],
      [
        "the exemption goes when nothing masquerades any more",
        async ({ agent }) => {
          nft("n1", "delete table ip nat\n");
          await agent.waitFor("gone", () => !ruleset("table", "ip", "gkepip").includes("snat"));
        },
      ],
      [
        "and is made where something begins to",
        async ({ agent }, s) => {
          nft("n1", MASQUERADE);
          await agent.waitFor("detected", () => ruleset("table", "ip", "gkepip").includes("snat to ip saddr"));
          expect(await s.ask()).to.deep.equal(GOOD);
        },
      ],
    ],
  });
  it("nat: a rule that drops what conntrack calls invalid does no harm", async () => {
    const s = scenario();
    await basic(s, () => {
      nft("n1", MASQUERADE);
      nft(
        "n1",
        "table ip filter { \n chain FORWARD { type filter hook forward priority filter; policy accept; ct state invalid drop; } \n }\n",
      );
    });
    expect(await s.ask()).to.deep.equal(GOOD);
  });
  it("nat: a FORWARD chain that drops is opened for the addresses only, by two marked rules that go with them", async () => {
    const s = scenario();
    const agent = await basic(s, () => nft("n1", DROP));
    expect(await s.ask()).to.deep.equal(GOOD);
    const chain = (): string => ruleset("chain", "ip", "filter", "FORWARD");
    expect(chain().match(/comment "gke-persistent-ip"/g)).to.have.length(2);
    await agent.waitFor("quiet", (x) => x.firewallChanges === 0);
    await agent.want(wish(2));
    expect(chain()).to.not.include("gke-persistent-ip");
    expect(chain()).to.include("established").and.to.include("policy drop");
  });
  it("nat: with --forward-accept off nothing of that is done (control)", async () => {
    const s = scenario();
    await basic(s, () => nft("n1", DROP), "--forward-accept", "off");
    expect((await s.ask()).udp).to.include("FAIL");
  });
  it("nat: a chain that drops no more loses our rules, while the agent runs and by --cleanup afterwards", async () => {
    const s = scenario();
    const agent = await basic(s, () => nft("n1", DROP));
    const chain = (): string => ruleset("chain", "ip", "filter", "FORWARD");
    const policy = (to: string): void => nft("n1", `add chain ip filter FORWARD { policy ${to}; }\n`);
    expect(chain()).to.include("gke-persistent-ip");
    policy("accept");
    await agent.waitFor("taken away", () => !chain().includes("gke-persistent-ip"));
    expect(chain()).to.include("established");
    policy("drop");
    await agent.waitFor("there again", () => chain().includes("gke-persistent-ip"));
    await agent.kill();
    policy("accept");
    await output("n1", agent.command("--cleanup"));
    expect(ruleset("ruleset")).to.not.include("gkepip").and.not.include("gke-persistent-ip");
    expect(chain()).to.include("established").and.include("policy accept");
  });
  it("nat: real iptables: what it masquerades and drops is opened for the addresses only, it can read its tables, and they end as they were", async function () {
    if (!iptables) return skipped(this, "no iptables of the nf_tables kind on PATH");
    const s = scenario();
    const tables = (what: string): string => inside("n1", "iptables", ...what.split(" "));
    const saved = (): string => tables("-S") + tables("-t nat -S");
    let before = "";
    const agent = await basic(s, () => {
      tables("-P FORWARD DROP");
      tables("-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT");
      tables("-t nat -A POSTROUTING ! -d 10.0.0.0/8 -j MASQUERADE");
      before = saved();
    });
    await s.serve("client", { bind: CLIENT, port: 9100 });
    expect(await s.ask()).to.deep.equal(GOOD);
    expect((await s.fromPod("pa")).tcp, "not masqueraded").to.equal(`|client|${PIP}|${CLIENT}`);
    const ours = saved().split("\n");
    for (const end of ["-s", "-d"]) expect(ours.filter((l) => l.startsWith(`-A FORWARD ${end} ${PIP}/32`))).to.have.length(1);
    expect(ours.filter((l) => !l.includes(PIP)).join("\n")).to.equal(before);
    tables("-P FORWARD ACCEPT");
    await agent.waitFor("taken away", () => !saved().includes(PIP));
    tables("-P FORWARD DROP");
    await agent.waitFor("there again", () => saved().includes(PIP));
    await agent.want(wish(2));
    expect(saved()).to.equal(before);
  });
  it("spoof: a table of ours that somebody has changed or deleted is put right; with --anti-spoof off there is none", async () => {
    const s = scenario();
    const agent = await basic(s, () => undefined);
    const before = ruleset("table", "ip", "gkepip");
    nft("n1", "flush chain ip gkepip spoof\n");
    await agent.waitFor("rules back", () => ruleset("table", "ip", "gkepip") === before);
    nft("n1", "delete table ip gkepip\n");
    await agent.waitFor("table back", () => ruleset("ruleset").includes("gkepip"));
    await agent.kill();
    const off = s.agent("n1", "--anti-spoof", "off");
    await off.start(wish(1, pod("pa", 1, 10)));
    expect(ruleset("ruleset")).to.not.include("gkepip");
  });
});
