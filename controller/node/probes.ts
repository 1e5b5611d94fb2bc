// SPDX-License-Identifier: Apache-2.0
// Looking around on the node: behind which interface a Pod is, whether the kernel's routing decides about it at all, whether forwarding is on.
// By default nothing is entered and no more than NET_ADMIN is needed; with a folder of network namespaces (and SYS_ADMIN) the agent looks into
// Pods too.
import * as fs from "node:fs/promises";
import * as path from "node:path";
import type { IpBatch } from "./coprocess";
import { messageOf } from "./errors";
import { isInterfaceName, type PodIntent } from "./intent";
import type { Found } from "./resolve";
import { addressesByLink, linkRows, routeRows } from "./rows";
import type { Run } from "./run";
import type { LinkRow } from "./types";

export interface ProbeOptions {
  ip: IpBatch;
  run: Run;
  /** Folder of the Pods' network namespaces, such as /run/netns. Not given: nobody looks into Pods. */
  netnsDir?: string;
  /** Where /proc/sys/net can be written (a container's own is read-only). */
  procSysNet: string;
  /** Do not ask who owns the path; for CNIs whose programs let foreign sources pass. */
  trustCni: boolean;
}

export class Probes {
  constructor(private readonly o: ProbeOptions) {}

  /** @param nics interfaces that lead away from the node, which no Pod is behind */
  async hostInterface(pod: PodIntent, links: readonly LinkRow[], nics: readonly string[]): Promise<Found | { problem: string }> {
    if (pod.hostInterface) return { veth: pod.hostInterface };
    if (!pod.ip) return { problem: `Pod ${pod.name} has no address yet` };
    const [answer] = await this.o.ip.dump([`route get ${pod.ip}`]);
    const [route] = routeRows(answer);
    if (route?.dev && route.gateway === undefined && route.dev !== "lo" && !nics.includes(route.dev)) return { veth: route.dev };
    const inside = await this.findInside(pod.ip, links);
    return inside ?? { problem: `host interface of Pod ${pod.name} is not known: the node has no route of its own to ${pod.ip}` };
  }

  /** Whether an interface of the Pod has the address; undefined where nobody may look. */
  async podHas(podIP: string, address: string): Promise<boolean | undefined> {
    const inside = await this.namespaceOf(podIP);
    return inside && [...inside.addresses.values()].some((list) => list.includes(address));
  }

  private async findInside(podIP: string, links: readonly LinkRow[]): Promise<Found | undefined> {
    const inside = await this.namespaceOf(podIP);
    const name = inside && [...inside.addresses].find(([, list]) => list.includes(podIP))?.[0];
    const peer = inside?.links.find((l) => l.name === name)?.peer;
    const host = links.find((l) => l.index === peer);
    const mac = inside?.macs.get(name ?? "");
    return host && { veth: host.name, ...(mac ? { mac } : {}) };
  }
  private async namespaceOf(
    podIP: string,
  ): Promise<{ addresses: Map<string, string[]>; links: LinkRow[]; macs: Map<string, string> } | undefined> {
    const { netnsDir, run } = this.o;
    if (!netnsDir) return undefined;
    for (const name of await fs.readdir(netnsDir).catch(() => [])) {
      const enter = ["nsenter", `--net=${path.join(netnsDir, name)}`, "ip", "-4", "-N", "-j", "addr", "show"];
      const dump = JSON.parse(await run(enter).catch(() => "[]")) as unknown;
      const addresses = addressesByLink(dump);
      const rows = dump as { ifname?: string; address?: string }[];
      const macs = new Map(rows.flatMap((l) => (l.ifname && l.address ? [[l.ifname, l.address] as const] : [])));
      if ([...addresses.values()].some((list) => list.includes(podIP))) return { addresses, links: linkRows(dump), macs };
    }
    return undefined;
  }

  /** Why the kernel's routing does not decide about this interface; undefined where nothing speaks against it. */
  async foreignDatapath(veth: string, links: readonly LinkRow[], chains: readonly IngressChain[]): Promise<string | undefined> {
    if (this.o.trustCni) return undefined;
    if (links.some((l) => l.name === "cilium_host"))
      return "Cilium (Dataplane V2) is on this node: its BPF programs decide about Pod traffic before the kernel's routing does";
    const filter = chains.find((c) => c.dev === veth);
    if (filter) return `nftables chain ${filter.table}/${filter.chain} drops what comes in by ${veth} before routing`;
    if (!isInterfaceName(veth)) return undefined;
    const text = await this.o.run(["tc", "-j", "filter", "show", "dev", veth, "ingress"]).catch(() => "[]");
    const bpf = /"kind":"bpf"/.test(text);
    return bpf ? `a BPF program of the CNI is attached to ${veth}; the kernel's routing is not what decides there` : undefined;
  }

  /** Switches forwarding on where it is off. @returns what is in the way, by interface */
  async forwarding(devices: readonly string[]): Promise<Map<string, string>> {
    const problems = new Map<string, string>();
    for (const dev of new Set(devices)) {
      const file = path.join(this.o.procSysNet, "ipv4/conf", dev, "forwarding");
      try {
        if ((await fs.readFile(file, "utf8")).trim() === "0") await fs.writeFile(file, "1\n");
      } catch (error) {
        problems.set(dev, `forwarding of ${dev} is off or not known, and cannot be switched on: ${messageOf(error)}`);
      }
    }
    return problems;
  }
}
/** A chain that drops at the ingress of an interface. */
export interface IngressChain {
  table: string;
  chain: string;
  dev: string;
}
