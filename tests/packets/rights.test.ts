// SPDX-License-Identifier: Apache-2.0
// The least rights that are enough (issue 5, must show 7), and the same suite without root.
import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { pod, wish } from "./agent";
import { fabricTo, netnsFolder, PIP, podAdd, podOn, up } from "./lab";
import { inside, ip, netns, output, quietly, start, until } from "./shell";
import { again, GOOD, NO_ROOT, packets, skipped } from "./suite";
import { isRealRoot } from "../../sandbox/nodes/namespaces/requirements";

/** The agent's command with these capabilities and no other. */
const withOnly = (caps: readonly string[], command: readonly string[]): string[] => {
  const set = ["-all", ...caps.map((c) => `+${c}`)].join(",");
  return ["setpriv", `--bounding-set=${set}`, `--inh-caps=${set}`, "--no-new-privs", ...command];
};

packets("The least rights", __filename, (scenario) => {
  const prepared = (): void => {
    up({ nodes: 1 });
    podAdd("pa", 1, 10);
    podOn("pa");
    fabricTo(1);
  };
  it("priv: NET_ADMIN alone is enough for routes, rules, neighbours, nftables and forwarding", async () => {
    const s = scenario();
    prepared();
    inside("n1", "sysctl", "-qw", "net.ipv4.conf.nic1.forwarding=0", "net.ipv4.conf.lxc-pa-1.forwarding=0");
    const agent = s.agent("n1");
    agent.write(wish(1, pod("pa", 1, 10, { mac: "02:00:00:00:00:01" })));
    // Only what Pod init containers set: the Pod's own hardware address is needed for traffic.
    agent.write(wish(1, pod("pa", 1, 10)));
    const said = await output("n1", withOnly(["net_admin"], agent.command("--desired", agent.desired, "--once")));
    expect(agent.status()?.statuses[0], said).to.include({ programmed: true });
    expect(inside("n1", "sysctl", "-n", "net.ipv4.conf.nic1.forwarding").trim()).to.equal("1");
    expect(inside("n1", "nft", "list", "tables")).to.include("gkepip");
    await s.serve("pa");
    expect(await s.ask()).to.deep.equal(GOOD);
  });
  it("priv: without NET_ADMIN it changes nothing and says clearly what the kernel refused", async () => {
    const s = scenario();
    prepared();
    const agent = s.agent("n1");
    agent.write(wish(1, pod("pa", 1, 10)));
    const said = await output("n1", withOnly([], agent.command("--desired", agent.desired, "--once")));
    expect(said).to.include("Operation not permitted");
    expect(agent.status()?.statuses[0]).to.include({ programmed: false });
    expect(ip("n1", "rule show pref 91")).to.equal("");
  });
  it("priv: looking into Pods needs SYS_ADMIN too; with NET_ADMIN alone PodHasAddress stays Unknown", async () => {
    const s = scenario();
    prepared();
    const agent = s.agent("n1", "--netns-dir", netnsFolder(s.programs.folder, "pa"));
    agent.write(wish(1, pod("pa", 1, 10)));
    await output("n1", withOnly(["net_admin"], agent.command("--desired", agent.desired, "--once")));
    expect(agent.condition("PodHasAddress")).to.include({ status: "Unknown" });
    await output("n1", withOnly(["net_admin", "sys_admin"], agent.command("--desired", agent.desired, "--once")));
    expect(agent.condition("PodHasAddress")).to.include({ status: "True" });
  });
  // What an agent that puts the address into Pods itself would need (datapath.md 6): why there is none.
  const ADD = ["addr", "replace", `${PIP}/32`, "dev", "eth1"];
  const ways: { [how: string]: (pid: number) => string[] } = {
    "its namespace's path": () => ["nsenter", `--net=/run/netns/${netns("pa")}`, "ip", ...ADD],
    "ip -n": () => ["ip", "-n", netns("pa"), ...ADD],
    "/proc/PID/ns/net of a process with all capabilities": (pid) => ["nsenter", "-t", String(pid), "-n", "ip", ...ADD],
  };
  const cases: [caps: string[], way: string, can: boolean][] = [
    [["net_admin"], "its namespace's path", false],
    [["sys_admin"], "its namespace's path", false],
    [["net_admin", "sys_admin"], "its namespace's path", true],
    [["net_admin", "sys_admin"], "ip -n", true],
    [["net_admin", "sys_admin"], "/proc/PID/ns/net of a process with all capabilities", false],
    [["net_admin", "sys_admin", "sys_ptrace"], "/proc/PID/ns/net of a process with all capabilities", true],
  ];
  for (const [caps, way, can] of cases)
    it(`priv: ${caps.map((c) => c.toUpperCase()).join(" and ")} ${can ? "can" : "cannot"} add an address in a Pod by ${way}`, async () => {
      up({ nodes: 1 });
      podAdd("pa", 1, 10);
      const sleeper = start("pa", ["sleep", "30"]);
      await until("it sleeps", () => fs.readFileSync(`/proc/${sleeper.child.pid}/comm`, "utf8").trim() === "sleep");
      expect(quietly(...withOnly(caps, ways[way]!(sleeper.child.pid!)))).to.equal(can);
      expect(ip("pa", "addr show dev eth1").includes(PIP)).to.equal(can);
    });
});

/** One scenario of each file; outside of root every file runs whole this way. Why those of `root` cannot. */
const EACH: { [file: string]: string | { root: string } } = {
  reach: "smoke",
  podside: "\\(arp_ignore 1\\)",
  device: "device: in the Pod",
  firewall: "FORWARD chain that drops",
  traps: "antispoof_cni: a BPF",
  failover: "A: new",
  repair: "reboot: ",
  drift: "drift: the first pass",
  many: "1000 addresses: on one Pod",
  rights: "NET_ADMIN alone is enough",
  fuzz: "one pass makes of any world",
  apiserver: "in generations",
  rendered: { root: NO_ROOT },
};
const mine = fs.readdirSync(__dirname).flatMap((f) => (f.endsWith(".test.ts") ? [f.slice(0, -".test.ts".length)] : []));

describe("Packets without root", function () {
  this.timeout(240_000);
  const inNamespace = (before: readonly string[]): ReturnType<typeof again> => {
    const entries = Object.entries(EACH).filter((e): e is [string, string] => typeof e[1] === "string");
    const files = entries.map(([f]) => path.join("tests/packets", `${f}.test.ts`));
    return again(["--grep", entries.map(([, title]) => title).join("|"), ...files], before);
  };
  it("no file is left out", () => expect(Object.keys(EACH).sort()).to.deep.equal(mine.sort()));
  for (const [who, command] of Object.entries({
    "root's": [],
    "nobody's": ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
  }))
    it(`one scenario of each file passes in an unprivileged user namespace of ${who}`, function () {
      if (!isRealRoot()) return skipped(this, "this is such a namespace already");
      const [first = "env", ...more] = command;
      if (!quietly(first, ...more, "unshare", "-Urnm", "true")) return skipped(this, "it may not be made here");
      if (!quietly(first, ...more, "test", "-r", __filename)) return skipped(this, "that user may not read this checkout");
      const { code, text, said, why } = inNamespace([
        ...command,
        "env",
        "PIP_FUZZ_RUNS=10",
        ...(command.length > 0 ? ["HOME=/tmp"] : []),
      ]);
      expect(code, why).to.equal(0);
      expect(text).to.match(/\d+ passing/);
      this.test!.title += `: ${said}`;
      expect(fs.existsSync("/run/netns/.pip"), "nothing of it is left here").to.equal(false);
    });
});
