// SPDX-License-Identifier: Apache-2.0
// The network of Google Cloud as one namespace: every VM interface is a link, every forwarding rule a route, and no VM may send with an
// address that is not its own or forwarded to it. A change of a rule's target is one `route replace`.
//
//   client 198.51.100.10 --- fabric --- vm1n0, vm1n1 (VM 1) ...
//                               \------ services: the API server and the metadata server
import { setTimeout as sleep } from "node:timers/promises";
import type { Emulator } from "../emulator";
import { changesBetween, forwardedTo, type Change, type Nic } from "./forwarding";
import { Namespace, wire } from "./namespace";

export interface VmNic {
  /** Name in the API, e.g. `nic1`. */
  nic: string;
  /** Name of the link inside the VM, e.g. `eth1`. */
  device: string;
  ip: string;
  gateway: string;
  /** Range of the Pods behind it. */
  podCidr?: string;
}

/** When the fabric sent an address to another interface. */
export interface Switch extends Change {
  /** Milliseconds since the epoch, after the change. */
  at: number;
  /** From the change of the API's state to the change of the route, milliseconds. */
  tookMs: number;
}

export const CLIENT = "198.51.100.10";
const CLIENT_GATEWAY = "198.51.100.1";
const SERVICES = "198.18.0.2";
const SERVICES_GATEWAY = "198.18.0.1";
/** How long the old VM may still send: what its Pod was given before the switch it answers after it. Nobody knows what Google Cloud does here. */
const IN_FLIGHT_MS = 1_000;
const ROUTER = { "net/ipv4/ip_forward": 1, "net/ipv4/conf/all/rp_filter": 0, "net/ipv4/conf/default/rp_filter": 0 };
const QUIET = { "net/ipv4/conf/all/send_redirects": 0, "net/ipv4/conf/default/send_redirects": 0 };

const SOURCES = `
table ip vpc {
  set sources { type ifname . ipv4_addr; }
  set ranges { type ifname . ipv4_addr; flags interval; }
  set cut { type ifname; }
  counter spoofed { }
  chain check {
    type filter hook prerouting priority raw; policy accept;
    iifname != "vm*" accept
    iifname @cut drop
    iifname . ip saddr @sources accept
    iifname . ip saddr @ranges accept
    counter name spoofed drop
  }
  chain out { type filter hook postrouting priority raw; policy accept; oifname @cut drop; }
}
`;

interface Attached {
  /** nic name to link in the fabric. */
  links: Map<string, { link: string; ip: string }>;
}

export class Fabric {
  /** Every change of where an address goes, in order. */
  readonly switches: Switch[] = [];
  private readonly vms = new Map<string, Attached>();
  private forwarded = new Map<string, Nic>();
  private work: Promise<unknown> = Promise.resolve();
  private unsubscribe: () => void = () => undefined;
  private serial = 0;
  private stopped = false;

  readonly client: Namespace;
  readonly services: Namespace;

  private constructor(
    private readonly vpc: Namespace,
    others: { client: Namespace; services: Namespace },
    private readonly emulator: Pick<Emulator, "list" | "onChange">,
    private readonly note: (line: string) => void,
  ) {
    this.client = others.client;
    this.services = others.services;
  }

  /** Makes the three namespaces. `serviceAddresses` are those under which the services listen. @throws NetworkError, ProcessError */
  static async start(options: {
    emulator: Pick<Emulator, "list" | "onChange">;
    logs: string;
    serviceAddresses: readonly string[];
    note?: (line: string) => void;
  }): Promise<Fabric> {
    const { logs, emulator, serviceAddresses, note = () => undefined } = options;
    const [vpc, client, services] = await Promise.all([
      Namespace.start("fabric", logs),
      Namespace.start("client", logs),
      Namespace.start("services", logs),
    ]);
    await vpc.sysctl({ ...ROUTER, ...QUIET });
    await wire(vpc, "client0", client, "eth0");
    await wire(vpc, "services0", services, "eth0");
    await vpc.ip([
      `addr add ${CLIENT_GATEWAY}/24 dev client0`,
      `addr add ${SERVICES_GATEWAY}/30 dev services0`,
      ...serviceAddresses.map((address) => `route add ${address} via ${SERVICES} dev services0`),
    ]);
    await client.ip([`addr add ${CLIENT}/24 dev eth0`, `route add default via ${CLIENT_GATEWAY}`]);
    await services.ip([
      `addr add ${SERVICES}/30 dev eth0`,
      ...serviceAddresses.map((address) => `addr add ${address}/32 dev lo`),
      `route add default via ${SERVICES_GATEWAY}`,
    ]);
    await vpc.run("nft", ["-f", "-"], SOURCES);
    const fabric = new Fabric(vpc, { client, services }, emulator, note);
    fabric.unsubscribe = emulator.onChange(({ kind }) => {
      if (kind === "forwardingRules" || kind === "targetInstances" || kind === "instances") fabric.follow();
    });
    fabric.follow();
    return fabric;
  }

  /** Connects a VM that has just booted. */
  attach(vm: string, node: Namespace, nics: readonly VmNic[]): Promise<void> {
    return this.enqueue(async () => {
      const serial = ++this.serial; // the links of an earlier boot may take a moment to vanish
      const links: Attached["links"] = new Map();
      for (const [i, nic] of nics.entries()) {
        const link = `vm${serial}n${i}`;
        await this.connect(node, nic, link);
        links.set(nic.nic, { link, ip: nic.ip });
      }
      this.vms.set(vm, { links });
      // Rules that point here found no way so far.
      for (const [address, to] of this.forwarded) if (to.vm === vm) this.forwarded.delete(address);
    }).then(() => this.follow());
  }

  /** A VM is gone, and its links with it. */
  detach(vm: string): Promise<void> {
    return this.enqueue(async () => {
      const gone = this.vms.get(vm);
      this.vms.delete(vm);
      if (!gone) return;
      for (const { link } of gone.links.values()) await this.vpc.ip([`link del ${link}`]).catch(() => undefined);
    });
  }

  /** Cuts or mends the wires of a VM; what runs on it goes on. */
  setLinks(vm: string, up: boolean): Promise<void> {
    return this.enqueue(async () => {
      const names = [...(this.vms.get(vm)?.links.values() ?? [])].map(({ link }) => `"${link}"`);
      if (names.length === 0) return;
      await this.vpc.run("nft", ["-f", "-"], `${up ? "delete" : "add"} element ip vpc cut { ${names.join(", ")} }\n`);
    });
  }

  /** Where an address goes now. */
  holderOf(address: string): Nic | undefined {
    return this.forwarded.get(address);
  }

  /** Packets dropped because their source was neither the VM's own nor forwarded to it. */
  async spoofed(): Promise<number> {
    const text = await this.vpc.run("nft", ["list", "counter", "ip", "vpc", "spoofed"]);
    return Number(/packets (\d+)/.exec(text)?.[1] ?? 0);
  }

  /** Resolves when everything asked for so far is done. */
  async settled(): Promise<void> {
    await this.work;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.unsubscribe();
    await this.work;
    await Promise.all([this.client.stop(), this.services.stop(), this.vpc.stop()]);
  }

  private async connect(node: Namespace, nic: VmNic, link: string): Promise<void> {
    await wire(this.vpc, link, node, nic.device);
    await node.ip([`addr add ${nic.ip}/32 dev ${nic.device}`, `route add ${nic.gateway} dev ${nic.device} scope link`]);
    const ranges = nic.podCidr === undefined ? [] : [nic.podCidr];
    await this.vpc.ip([
      `addr add ${nic.gateway}/32 dev ${link}`,
      `route replace ${nic.ip} dev ${link}`,
      ...ranges.map((range) => `route replace ${range} via ${nic.ip} dev ${link} onlink`),
    ]);
    const elements = [
      `add element ip vpc sources { "${link}" . ${nic.ip} }`,
      ...ranges.map((range) => `add element ip vpc ranges { "${link}" . ${range} }`),
    ];
    await this.vpc.run("nft", ["-f", "-"], `${elements.join("\n")}\n`);
  }

  private follow(): void {
    const asked = Date.now();
    this.enqueue(() => this.forward(asked)).catch((error: unknown) => this.note(`fabric: ${String(error)}`));
  }

  private async forward(asked: number): Promise<void> {
    if (this.stopped) return;
    const state = {
      rules: this.emulator.list("forwardingRules"),
      targets: this.emulator.list("targetInstances"),
      instances: this.emulator.list("instances"),
    };
    const wanted = new Map([...forwardedTo(state)].filter(([, to]) => this.linkOf(to) !== undefined));
    const changes = changesBetween(this.forwarded, wanted);
    if (changes.length === 0) return;
    await this.permit(changes, "add", (change) => change.to);
    await this.vpc.ip(changes.map((change) => this.routeLine(change)));
    const at = Date.now();
    this.forwarded = wanted;
    for (const change of changes) {
      this.switches.push({ ...change, at, tookMs: at - asked });
      this.note(`fabric: ${change.address} ${nameOf(change.from)} -> ${nameOf(change.to)}`);
    }
    void this.forbidLater(changes);
  }

  private routeLine({ address, to }: Change): string {
    const link = to && this.linkOf(to);
    // A blackhole, not a hole: without a rule Google Cloud says nothing at all.
    return link ? `route replace ${address}/32 via ${link.ip} dev ${link.link} onlink` : `route replace blackhole ${address}/32`;
  }

  private async forbidLater(changes: readonly Change[]): Promise<void> {
    await sleep(IN_FLIGHT_MS, undefined, { ref: false });
    // Looked at in its turn: a change before it in the queue may have brought the address back.
    const isLeft = ({ address, from }: Change): boolean => from !== undefined && !sameNic(this.forwarded.get(address), from);
    await this.enqueue(() => this.permit(changes.filter(isLeft), "delete", (c) => c.from)).catch(() => undefined); // its link may be gone
  }

  private async permit(changes: readonly Change[], op: "add" | "delete", side: (c: Change) => Nic | undefined): Promise<void> {
    const lines = changes.flatMap((change) => {
      const nic = side(change);
      const link = nic && this.linkOf(nic);
      return link ? [`${op} element ip vpc sources { "${link.link}" . ${change.address} }`] : [];
    });
    if (lines.length > 0 && !this.stopped) await this.vpc.run("nft", ["-f", "-"], `${lines.join("\n")}\n`);
  }

  private linkOf({ vm, nic }: Nic): { link: string; ip: string } | undefined {
    return this.vms.get(vm)?.links.get(nic);
  }

  private enqueue<T>(job: () => Promise<T>): Promise<T> {
    const next = this.work.then(job);
    this.work = next.catch(() => undefined);
    return next;
  }
}

const nameOf = (nic: Nic | undefined): string => (nic ? `${nic.vm}/${nic.nic}` : "nowhere");
const sameNic = (a: Nic | undefined, b: Nic): boolean => a?.vm === b.vm && a.nic === b.nic;
