// SPDX-License-Identifier: Apache-2.0
// A VPC of namespaces, after datapath.md 3: a fabric that checks sources, nodes with two NICs, Pods with two interfaces, a client.
//   client --- vpc ---+--- nic0 [n1] --- lxc-pa-0 / lxc-pa-1 --- eth0/eth1 [Pod pa], [Pod pc]
//   (Internet) (fabric)+--- nic1 [n1]   network "blue" = nic1 = eth1;   n2 has Pod pb
import * as fs from "node:fs";
import * as path from "node:path";
import { batch, inside, ip, netns, nft, quietly, sh, sysctl, tryIp } from "./shell";

export const PIP = "34.123.10.1";
export const CLIENT = "198.51.100.10";

export interface LabOptions {
  rpf?: number;
  podRpf?: number;
  nodes?: number;
}

const wire = (a: string, x: string, b: string, y: string): void => {
  sh("ip", "link", "add", "name", x, "netns", netns(a), "type", "veth", "peer", "name", y, "netns", netns(b));
  ip(a, `link set ${x} up`);
  ip(b, `link set ${y} up`);
};
const space = (ns: string): void => {
  sh("ip", "netns", "add", netns(ns));
  ip(ns, "link set lo up");
};

/** The fabric, the client and the nodes. */
export function up({ rpf = 0, nodes = 2 }: LabOptions = {}): void {
  for (const ns of ["vpc", "client"]) space(ns);
  const loose = ["all", "default"].flatMap((c) => [`net.ipv4.conf.${c}.rp_filter=0`, `net.ipv4.conf.${c}.send_redirects=0`]);
  sysctl("vpc", "net.ipv4.ip_forward=1", ...loose);
  wire("vpc", "c0", "client", "eth0");
  ip("vpc", "addr add 198.51.100.1/24 dev c0");
  batch("client", [`addr add ${CLIENT}/24 dev eth0`, "route add default via 198.51.100.1"]);
  for (let i = 1; i <= nodes; i += 1) node(i, rpf);
  const ok = Array.from({ length: nodes }, (_, k) => k + 1).flatMap((i) => [
    `"vn${i}-0" . 10.0.0.1${i}`,
    `"vn${i}-1" . 10.1.0.1${i}`,
    `"vn${i}-0" . 10.200.${i}.0/24`,
    `"vn${i}-1" . 10.201.${i}.0/24`,
  ]);
  nft(
    "vpc",
    `table ip fab {
      set ok { type ifname . ipv4_addr; flags interval; elements = { ${ok.join(", ")} } }
      set pip_ok { type ifname . ipv4_addr; }
      counter spoofed { }
      chain check {
        type filter hook forward priority 0; policy accept;
        iifname "c0" accept
        iifname . ip saddr @ok accept
        iifname . ip saddr @pip_ok accept
        ip saddr ${PIP} counter name spoofed drop
        drop
      }
    }
`,
  );
}
function node(i: number, rpf: number): void {
  const n = `n${i}`;
  space(n);
  wire("vpc", `vn${i}-0`, n, "nic0");
  wire("vpc", `vn${i}-1`, n, "nic1");
  sysctl(n, "net.ipv4.ip_forward=1", `net.ipv4.conf.all.rp_filter=${rpf}`, `net.ipv4.conf.default.rp_filter=${rpf}`);
  for (const nic of ["nic0", "nic1"]) sysctl(n, `net.ipv4.conf.${nic}.rp_filter=${rpf}`);
  batch("vpc", [
    `addr add 10.0.0.1/32 dev vn${i}-0`,
    `addr add 10.1.0.1/32 dev vn${i}-1`,
    `route add 10.0.0.1${i} dev vn${i}-0`,
    `route add 10.1.0.1${i} dev vn${i}-1`,
    `route add 10.200.${i}.0/24 via 10.0.0.1${i} dev vn${i}-0 onlink`,
    `route add 10.201.${i}.0/24 via 10.1.0.1${i} dev vn${i}-1 onlink`,
  ]);
  batch(n, [
    `addr add 10.0.0.1${i}/32 dev nic0`,
    `addr add 10.1.0.1${i}/32 dev nic1`,
    "route add 10.0.0.1 dev nic0 scope link",
    "route add default via 10.0.0.1 dev nic0",
    ...nicRoutes(),
    // The CNI's own part: what has the Pod's own address leaves by nic1.
    `rule add pref 2000 from 10.201.${i}.0/24 lookup 1001`,
  ]);
}
/** What the guest's network configuration and the CNI put back after a NIC was down. */
export const nicRoutes = (): string[] => [
  "route replace 10.1.0.1 dev nic1 scope link",
  "route replace 10.1.0.0/16 via 10.1.0.1 dev nic1",
  "route replace default via 10.1.0.1 dev nic1 onlink table 1001",
];

/** An L3 Pod on node `i` with last octet `o`; `hostRoute: false` as on GKE, where the node has no route to eth1. */
export function podAdd(
  p: string,
  i: number,
  o: number,
  { podRpf = 0, hostRoute = true }: LabOptions & { hostRoute?: boolean } = {},
): void {
  const n = `n${i}`;
  space(p);
  sysctl(p, `net.ipv4.conf.all.rp_filter=${podRpf}`, `net.ipv4.conf.default.rp_filter=${podRpf}`);
  wire(n, `lxc-${p}-0`, p, "eth0");
  wire(n, `lxc-${p}-1`, p, "eth1");
  const mac = inside(n, "cat", `/sys/class/net/lxc-${p}-0/address`).trim();
  batch(p, [
    `addr add 10.200.${i}.${o}/32 dev eth0`,
    `route add 10.200.${i}.1 dev eth0 scope link`,
    `route add default via 10.200.${i}.1 dev eth0`,
    `neigh add 10.200.${i}.1 lladdr ${mac} dev eth0 nud permanent`,
    `addr add 10.201.${i}.${o}/32 dev eth1`,
    `route add 10.201.${i}.1 dev eth1 scope link`,
    `route add 10.201.0.0/16 via 10.201.${i}.1 dev eth1`,
  ]);
  ip(n, `route add 10.200.${i}.${o} dev lxc-${p}-0 scope link`);
  sysctl(n, `net.ipv4.conf.lxc-${p}-1.proxy_arp=1`, `net.ipv4.neigh.lxc-${p}-1.proxy_delay=0`);
  if (hostRoute) ip(n, `route add 10.201.${i}.${o} dev lxc-${p}-1 scope link`);
}
/** A folder with the namespaces of this run's Pods only: /run/netns is everybody's on this machine. */
export function netnsFolder(parent: string, ...pods: string[]): string {
  const folder = fs.mkdtempSync(path.join(parent, "netns-"));
  for (const p of pods) fs.symlinkSync(`/run/netns/${netns(p)}`, path.join(folder, p));
  return folder;
}
export const macOf = (p: string): string => inside(p, "cat", "/sys/class/net/eth1/address").trim();
/** What the Pod's init container does. */
export function podOn(p: string, device = "eth1"): void {
  tryIp(p, `addr add ${PIP}/32 dev ${device}`);
  podRule(p);
}
export function podRule(p: string): void {
  const gateway = ip(p, "-4 route show dev eth1 scope link").split(" ")[0]!;
  ip(p, `route replace default via ${gateway} dev eth1 table 100`);
  if (ip(p, "rule show pref 100") === "") ip(p, `rule add pref 100 from ${PIP} lookup 100`);
}
export function podOff(p: string): void {
  for (const words of [`rule del pref 100`, `addr del ${PIP}/32 dev eth1`]) tryIp(p, words);
}
export const podGone = (p: string): void => void sh("ip", "netns", "del", netns(p));

/** One update of the forwarding rule's target: the new NIC may send, packets go there, the old one may not send any more. */
export function fabricTo(i: number, address = PIP): void {
  nft("vpc", `add element ip fab pip_ok { "vn${i}-1" . ${address} }\n`);
  ip("vpc", `route replace ${address}/32 via 10.1.0.1${i} dev vn${i}-1 onlink`);
  nft("vpc", `flush set ip fab pip_ok\nadd element ip fab pip_ok { "vn${i}-1" . ${address} }\n`);
}
/** Packets with the address as source that the fabric has dropped since the last look. */
export const spoofed = (): number =>
  Number(/packets (\d+)/.exec(inside("vpc", "nft", "list", "counter", "ip", "fab", "spoofed"))?.[1]);
export const withoutSourceCheck = (): void =>
  void quietly("ip", "netns", "exec", netns("vpc"), "nft", "delete", "table", "ip", "fab");
