// SPDX-License-Identifier: Apache-2.0
// Others on the same node: masquerading, a FORWARD chain that drops, spoofing Pods, Google's guest agent, a CNI that owns the path. The rules are
// those that iptables-nft makes (same tables, chains and hooks).
import { expect } from "chai";
import type { Context } from "mocha";
import { pod, wish } from "./agent";
import { CLIENT, fabricTo, PIP, podAdd, podOn, up } from "./lab";
import { inside, ip, nft, output, quietly, netns } from "./shell";
import { GOOD, packets, type Scenario } from "./suite";

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
function skipped(test: Context, reason: string): never {
  test.test!.title += ` (${reason})`;
  return test.skip();
}
const counted = (text: string, re: RegExp): number => Number(re.exec(text)?.[1] ?? 0);

packets("The agent among others", __filename, (scenario) => {
  it("nat: without the exemption a masquerading rule hides the address both ways (the trap)", async () => {
    const s = scenario();
    await basic(s, () => nft("n1", MASQUERADE), "--masquerade-exemption", "off");
    await s.serve("client", { bind: CLIENT, port: 9100 });
    expect((await s.fromPod("pa")).udp).to.not.include(PIP);
    expect((await s.ask()).tcp).to.not.include(CLIENT);
  });
  it("nat: the exemption is made only where something masquerades, keeps both addresses, and leaves the rule as it is", async () => {
    const s = scenario();
    const agent = await basic(s, () => undefined);
    await s.serve("client", { bind: CLIENT, port: 9100 });
    expect(ruleset("table", "ip", "gkepip"), "not needed").to.not.include("snat");
    nft("n1", MASQUERADE);
    await agent.waitFor("detected", () => ruleset("table", "ip", "gkepip").includes("snat to ip saddr"));
    expect((await s.fromPod("pa")).tcp).to.equal(`|client|${PIP}|${CLIENT}`);
    expect(await s.ask()).to.deep.equal(GOOD);
    expect(ruleset("table", "ip", "nat")).to.include("masquerade");
    nft("n1", "delete table ip nat\n");
    await agent.waitFor("not needed any more", () => !ruleset("table", "ip", "gkepip").includes("snat"));
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
  it("spoof: another Pod's packets with the address are dropped on the node; the owner is not touched", async () => {
    const s = scenario();
    await basic(s, () => {
      podAdd("px", 1, 20);
      podOn("px");
    });
    quietly("ip", "netns", "exec", netns("px"), "ping", "-c2", "-i.2", "-W1", "-I", PIP, CLIENT);
    expect(counted(ruleset("table", "ip", "gkepip"), /counter packets (\d+)/)).to.equal(2);
    expect(await s.ask()).to.deep.equal(GOOD);
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
  it("guestagent: a local route of protocol 66 swallows the address; exactly that route is taken away, also when it comes again", async () => {
    const s = scenario();
    const agent = await basic(s, () =>
      inside("n1", "ip", "route", "add", "local", PIP, "scope", "host", "dev", "nic1", "proto", "66"),
    );
    expect(await s.ask()).to.deep.equal(GOOD);
    inside("n1", "ip", "route", "add", "local", PIP, "scope", "host", "dev", "nic1", "proto", "66");
    await agent.waitFor("gone again", () => !ip("n1", "route show table local").includes(PIP));
    expect(await s.ask()).to.deep.equal(GOOD);
  });
  it("guestagent: where local is looked up at 100 (as with Cilium) the route stays and does no harm", async () => {
    const s = scenario();
    await basic(s, () => {
      inside("n1", "ip", "route", "add", "local", PIP, "scope", "host", "dev", "nic1", "proto", "66");
      ip("n1", "rule add pref 100 lookup local");
      ip("n1", "rule del pref 0 lookup local");
    });
    expect(await s.ask()).to.deep.equal(GOOD);
    expect(ip("n1", "route show table local")).to.include(PIP);
  });
  it("guestagent: a local route of anybody else is not touched, and LocalRouteConflict says so instead of Ready", async () => {
    const s = scenario();
    const agent = await basic(s, () => ip("n1", `addr add ${PIP}/32 dev lo`));
    expect(agent.condition("LocalRouteConflict")).to.include({ status: "True" });
    expect(agent.of()!.programmed).to.equal(false);
    expect(ip("n1", "addr show dev lo")).to.include(PIP);
  });
  it("antispoof_cni: a CNI that drops foreign sources before routing is found out and said instead of Ready", async () => {
    const s = scenario();
    const agent = await basic(s, () =>
      nft(
        "n1",
        `table netdev cni { \n counter sip { } \n chain c { \n type filter hook ingress device lxc-pa-1 priority 0; policy accept; ether type ip ip saddr != 10.201.1.10 counter name sip drop \n } \n }\n`,
      ),
    );
    expect((await s.ask()).udp).to.include("FAIL");
    expect(counted(ruleset("counter", "netdev", "cni", "sip"), /packets (\d+)/)).to.be.greaterThan(0);
    expect(agent.condition("DatapathOwnedByCNI")).to.include({ status: "True", reason: "ForeignDatapath" });
    expect(agent.of()!.programmed).to.equal(false);
    nft("n1", "delete table netdev cni\n");
    await agent.waitFor("said when it is gone", (x) => x.statuses[0]?.programmed === true);
  });
  it("antispoof_cni: a BPF program on the host interface (Dataplane V2) is found out and said instead of Ready", async function () {
    const s = scenario();
    const bpf = ["tc", "filter", "add", "dev", "lxc-pa-1", "ingress", "bpf", "bytecode", "1,6 0 0 4294967295,", "da"];
    const agent = await basic(s, () => undefined);
    const run = (...c: string[]): boolean => quietly("ip", "netns", "exec", netns("n1"), ...c);
    if (!run("tc", "qdisc", "add", "dev", "lxc-pa-1", "clsact") || !run(...bpf)) return this.skip();
    await agent.waitFor("found out", (x) => x.statuses[0]?.programmed === false);
    expect(agent.condition("DatapathOwnedByCNI")!.message).to.include("BPF");
  });
  it("antispoof_cni: a node with Cilium's interface is Dataplane V2's, unless the user says to trust it", async () => {
    const s = scenario();
    const cilium = (): void => ip("n1", "link add cilium_host type veth peer name cilium_net") as unknown as void;
    const agent = await basic(s, cilium);
    expect(agent.condition("DatapathOwnedByCNI")).to.include({ status: "True" });
    await agent.kill();
    const trusting = s.agent("n1", "--trust-cni");
    await trusting.start(wish(1, pod("pa", 1, 10)));
    expect(trusting.of()!.programmed).to.equal(true);
  });
});
