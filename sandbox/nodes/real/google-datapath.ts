// SPDX-License-Identifier: Apache-2.0
// What stands for Google's BPF map on a real node: routes and rules of this kernel, with the map's habits. Entries that are no longer wanted go
// first and new ones come after (break before make), and only the entry's own Pod may send with the address.
import type { VmNic } from "../../vpc";

/** The node, as far as this needs it. */
export interface DatapathNode {
  /** Lines of `ip -batch`. */
  ip(lines: readonly string[]): Promise<void>;
  /** Standard output of `ip`. */
  show(args: readonly string[]): Promise<string>;
  /** The interface whose Pod range holds an address. */
  nicOf(podIp: string): VmNic | undefined;
}

const IN = 8101;
const OUT = 8201;
/** A routing protocol number of our own, so that nobody takes these for a node agent's. */
const MARK = 186;

interface Installed {
  endpoint: string;
  veth: string;
}

export class GoogleDatapath {
  private readonly nodes = new Map<string, Map<string, Installed>>();

  constructor(private readonly node: (name: string) => DatapathNode | undefined) {}

  /** Brings the node's kernel to the map: address in CIDR form to the Pod's address. @throws NetworkError */
  async apply(name: string, entries: ReadonlyMap<string, string>): Promise<void> {
    const node = this.node(name);
    if (!node) return;
    const have = this.nodes.get(name) ?? new Map<string, Installed>();
    this.nodes.set(name, have);
    for (const [cidr, old] of [...have]) {
      if (entries.get(cidr) === old.endpoint) continue;
      have.delete(cidr);
      await node.ip(removal(cidr, old)).catch(() => undefined); // the kernel forgets routes of a Pod that is gone by itself
    }
    for (const [cidr, endpoint] of entries) {
      if (have.has(cidr)) continue;
      const veth = await linkOf(node, endpoint);
      const nic = node.nicOf(endpoint);
      if (veth === undefined || nic === undefined) throw new Error(`${endpoint} has no interface on ${name}`);
      await node.ip(addition(cidr, { endpoint, veth }, nic));
      have.set(cidr, { endpoint, veth });
    }
  }

  /** The node lost power: its kernel knows nothing any more. */
  forget(name: string): void {
    this.nodes.delete(name);
  }
}

async function linkOf(node: DatapathNode, endpoint: string): Promise<string | undefined> {
  const routes = JSON.parse((await node.show(["-j", "route", "show", `${endpoint}/32`])) || "[]") as { dev?: string }[];
  return routes[0]?.dev;
}

/** One table for each interface and direction, found by its number. */
const tables = (nic: VmNic): { inward: number; outward: number } => {
  const n = Number(nic.device.replace(/\D/g, ""));
  return { inward: IN + n, outward: OUT + n };
};

function addition(cidr: string, { endpoint, veth }: Installed, nic: VmNic): string[] {
  const { inward, outward } = tables(nic);
  return [
    `route replace default via ${nic.gateway} dev ${nic.device} onlink table ${outward} proto ${MARK}`,
    `route replace ${cidr} via ${endpoint} dev ${veth} onlink table ${inward} proto ${MARK}`,
    `rule add pref 80 iif ${nic.device} to ${cidr} lookup ${inward} protocol ${MARK}`,
    `rule add pref 81 iif ${veth} from ${cidr} lookup ${outward} protocol ${MARK}`,
  ];
}

function removal(cidr: string, { veth }: Installed): string[] {
  return [`rule del pref 81 iif ${veth} from ${cidr} protocol ${MARK}`, `rule del pref 80 to ${cidr} protocol ${MARK}`];
}
