// SPDX-License-Identifier: Apache-2.0
// The four ways of the seed's step 6 in plain namespaces, by TCP, UDP and ICMP, asked and speaking first, with the agent's routes on the node.
// Rows of docs/inside-the-pod.md are what is measured here: a test fails when the page says anything else. (In Pods: tests/kubelets/ways.test.ts.)
import { expect } from "chai";
import * as fs from "node:fs";
import * as path from "node:path";
import { pod, wish } from "./agent";
import { CLIENT, fabricTo, macOf, PIP, podAdd, podOn, podRule, up } from "./lab";
import { ip, output, start, sysctl, until } from "./shell";
import { failed, GOOD, packets, pause, skipped, type Scenario } from "./suite";

const PYTHON = ["/usr/bin/python3", "/usr/local/bin/python3"].find((p) => fs.existsSync(p));
const PROGRAM = path.join(__dirname, "ways/ways.py");
const PAGE = path.resolve(__dirname, "../../docs/inside-the-pod.md");
const address = (dev: string) => (): void => void ip("pa", `addr add ${PIP}/32 dev ${dev}`);
const rule = (): void => podRule("pa");
const nonlocal = (): void => sysctl("pa", "net.ipv4.ip_nonlocal_bind=1");

interface Way {
  title: string;
  prepare?: (() => void)[];
  /** A program of ways.py instead of sockets of the kernel; its ICMP, UDP and TCP may be its own. */
  program?: "freebind" | "raw" | "packet" | "stack";
  /** Where the server listens, where it cannot listen on the address. */
  bind?: string;
}
const WAYS: Way[] = [
  { title: "1: `ip_nonlocal_bind=1` alone", prepare: [nonlocal] },
  { title: "1: `ip_nonlocal_bind=1`, source rule", prepare: [nonlocal, rule] },
  { title: "1: socket option `IP_FREEBIND`, source rule", prepare: [rule], program: "freebind" },
  { title: "2: address on `eth1`, source rule", prepare: [address("eth1"), rule] },
  { title: "2: address on `lo`, source rule", prepare: [address("lo"), rule] },
  {
    title: "2: local route in table local (iproute2's `ip route add local`), source rule",
    prepare: [() => void ip("pa", `route add local ${PIP}/32 dev lo`), rule],
  },
  { title: "2: address on `eth1`, no source rule", prepare: [address("eth1")] },
  {
    title: "2: address on `eth1`, which has the default route",
    prepare: [address("eth1"), () => void ip("pa", "route replace default via 10.201.1.1 dev eth1")],
  },
  { title: "3: `SOCK_RAW`, no address", program: "raw" },
  { title: "3: packet socket (`AF_PACKET`), no address", program: "packet" },
  { title: "4: stack in user space over a packet socket, no address", program: "stack" },
  { title: "nothing at all", bind: "0.0.0.0" },
];
const CELLS = ["tcp in", "udp in", "icmp in", "tcp out", "udp out", "icmp out"] as const;
type Row = Record<(typeof CELLS)[number], boolean>;

const ping = async (from: string, ...to: string[]): Promise<boolean> =>
  (await output(from, ["ping", "-c2", "-i0.2", "-W1", ...to])).includes(" 0% packet loss");

async function measure(s: Scenario, way: Way): Promise<Row> {
  await s.serve("client", { bind: CLIENT, port: 9100 });
  const running = way.program ? start("pa", [PYTHON!, PROGRAM, way.program]) : undefined;
  if (running) await until(`ways.py: ${running.text()}`, () => running.text().includes("ready"));
  else await s.serve("pa", way.bind ? { bind: way.bind } : {});
  const [inward, icmpIn, icmpOut, out] = await Promise.all([
    s.ask(),
    ping("client", PIP),
    ping("pa", "-I", PIP, CLIENT),
    // A program speaks once a second, and gives up after one; TCP needs three packets more.
    running ? pause(2_500) : s.fromPod("pa"),
  ]);
  const row = { "tcp in": inward.tcp === GOOD.tcp, "udp in": inward.udp === GOOD.udp, "icmp in": icmpIn };
  if (!out) {
    const said = (what: string): boolean => running!.text().includes(`${what} out ok`);
    const icmp = way.program === "freebind" ? icmpOut : said("icmp");
    return { ...row, "tcp out": said("tcp"), "udp out": said("udp"), "icmp out": icmp };
  }
  const [tcp, udp] = [`|client|${PIP}|${CLIENT}`, `|client|${PIP}|from ${CLIENT}`];
  return { ...row, "tcp out": out.tcp === tcp, "udp out": out.udp === udp, "icmp out": icmpOut };
}
async function basic(s: Scenario): Promise<void> {
  up({ nodes: 1 });
  podAdd("pa", 1, 10);
  fabricTo(1);
  await s.agent("n1").start(wish(1, pod("pa", 1, 10, { mac: macOf("pa") })));
}
/** The page's table of namespaces; it has another one, of Pods. */
const table = (): string[] => {
  const [, after = ""] = fs.readFileSync(PAGE, "utf8").split("### In plain namespaces");
  return after.split(/\n##/)[0]!.split("\n");
};
const line = (way: Way, row: Row): string => `| ${way.title} | ${CELLS.map((c) => (row[c] ? "yes" : "no")).join(" | ")} |`;

packets("What the Pod must do", __filename, (scenario) => {
  for (const way of WAYS)
    it(`podside: "${way.title}" does what the page says (SEED-75, SEED-76, SEED-77, SEED-78)`, async function () {
      if (way.program && !PYTHON) return skipped(this, "no python3 in /usr/bin or /usr/local/bin");
      const s = scenario();
      await basic(s);
      for (const step of way.prepare ?? []) step();
      const row = line(way, await measure(s, way));
      if (process.env["PRINT_TABLE"]) console.log(row);
      expect(table()).to.include(row);
    });
  it("podside: a UDP server on 0.0.0.0 answers from the Pod's own address, by TCP from the one that was asked", async () => {
    const s = scenario();
    await basic(s);
    podOn("pa");
    await s.serve("pa", { bind: "0.0.0.0" });
    expect(await s.ask()).to.deep.equal({ tcp: GOOD.tcp, udp: "|pa|198.51.100.10|from 10.200.1.10" });
  });
  it("podside: the address on lo is answered also where ARP for it is not (arp_ignore 1): the node asks for the Pod's own", async () => {
    const s = scenario();
    up({ nodes: 1 });
    podAdd("pa", 1, 10);
    fabricTo(1);
    sysctl("pa", "net.ipv4.conf.all.arp_ignore=1");
    address("lo")();
    rule();
    await s.agent("n1").start(wish(1, pod("pa", 1, 10)));
    await s.serve("pa");
    expect(await s.ask()).to.deep.equal(GOOD);
  });
  it("podside: an init container's work undone under way ends the answers, and done again brings them back", async () => {
    const s = scenario();
    await basic(s);
    podOn("pa");
    await s.serve("pa");
    expect(await s.ask()).to.deep.equal(GOOD);
    ip("pa", "rule del pref 100");
    expect(await s.ask()).to.satisfy(failed);
    podRule("pa");
    expect(await s.ask()).to.deep.equal(GOOD);
  });
});
