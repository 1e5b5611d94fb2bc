// SPDX-License-Identifier: Apache-2.0
// The loop of a node: wish and kernel in, lines out, read back, say what is so. Level-based: every pass reads the whole state, so it does not
// matter which event was lost. When it ends, everything stays in place.
import type { Failure, IpBatch } from "./coprocess";
import { messageOf } from "./errors";
import { Firewall, type Detected, type Mode } from "./firewall";
import type { Intent, PodIntent } from "./intent";
import { Monitor } from "./monitor";
import { Passes } from "./passes";
import { isOurs, plan } from "./plan";
import type { Clock, Logger } from "./ports";
import { Probes } from "./probes";
import { addressKey, podKey, resolve, type Found, type Resolved, type Surroundings } from "./resolve";
import { addressesByLink, linkRows, neighRows, routeRows, ruleRows } from "./rows";
import type { Run } from "./run";
import { NUMBERS, ways, type Kernel, type LinkRow, type Numbers, type Plan } from "./types";
import { statusOf, type AddressStatus } from "./verdict";

export interface AgentOptions {
  ip: IpBatch;
  run: Run;
  clock: Clock;
  logger: Logger;
  numbers?: Numbers;
  antiSpoof: Mode;
  keepSource: Mode;
  forwardAccept: "auto" | "off";
  netnsDir?: string;
  procSysNet: string;
  trustCni: boolean;
  debounceMs: number;
  periodicMs: number;
  /** `ip` in front of `monitor`, where it is not simply that. */
  monitorCommand?: readonly string[];
}
export interface PassReport {
  statuses: AddressStatus[];
  lines: number;
  failures: Failure[];
  firewallChanges: number;
  milliseconds: number;
}

const DUMPS = ["link show", "rule show", "neigh show", "route show table all"];
/** How long the rarely changing facts (filters, chains, namespaces) are believed. */
const FACTS_MS = 25_000;
const RETRY_MS = 1_000;

export class NodeAgent {
  private readonly numbers: Numbers;
  private readonly probes: Probes;
  private readonly firewall: Firewall;
  private readonly monitor: Monitor;
  private readonly passes: Passes;
  private intent: Intent | undefined;
  private readonly pods = new Map<string, Found & { index: number }>();
  private readonly before = new Map<string, { nic: string; gateway: string }>();
  private readonly owners = new Map<string, string | undefined>();
  private links = "";
  private detected: Detected | undefined;
  private factsAt = -Infinity;
  private interesting: readonly string[] = [];
  private waiting = false;

  /** @param report called after each pass that came to its end */
  constructor(
    private readonly o: AgentOptions,
    private readonly report: (r: PassReport) => void,
  ) {
    const { ip, run, clock, logger, netnsDir, procSysNet, trustCni } = o;
    this.numbers = o.numbers ?? NUMBERS;
    this.probes = new Probes({ ip, run, procSysNet, trustCni, ...(netnsDir ? { netnsDir } : {}) });
    this.firewall = new Firewall({
      run,
      logger,
      antiSpoof: o.antiSpoof,
      keepSource: o.keepSource,
      forwardAccept: o.forwardAccept,
    });
    this.monitor = new Monitor({
      clock,
      logger,
      onLine: (line) => this.heard(line),
      ...(o.monitorCommand ? { command: o.monitorCommand } : {}),
    });
    this.passes = new Passes({
      clock,
      pass: () => this.pass(),
      onError: (error) => logger.warn({ error: messageOf(error) }, "pass failed, will be repeated"),
      debounceMs: o.debounceMs,
      periodicMs: o.periodicMs,
      retryMs: RETRY_MS,
    });
  }

  /** Begins to listen to the kernel. Before the first intent nothing is changed. */
  start(): void {
    this.monitor.start();
  }
  /** What is wanted from now on; the newest wins. */
  want(intent: Intent): void {
    this.intent = intent;
    this.passes.request();
  }
  /** Resolves when a pass that began after this call has ended. */
  settled(): Promise<void> {
    return this.passes.settled();
  }
  /** Ends the work and leaves everything in place. */
  async stop(): Promise<void> {
    this.monitor.stop();
    await this.passes.stop();
    this.o.ip.close();
  }

  /** A hint counts where it speaks of a table or an interface of ours, or while an interface is awaited. */
  private heard(line: string): void {
    if (this.waiting || line === "restarted" || this.interesting.some((word) => line.includes(word))) this.passes.hint();
  }

  private async pass(): Promise<void> {
    const { intent } = this;
    if (!intent) return;
    const started = this.o.clock.monotonic();
    const first = await this.look();
    const afresh = await this.facts(started, intent);
    const resolved = resolve(intent, first, await this.surroundings(intent, first), this.numbers);
    this.remember(resolved);
    // Who may send is widened before the routes change and narrowed after: neither the old Pod's last packet nor the new one's first is dropped.
    const widened = await this.guard(resolved, "widen", afresh);
    const { lines } = plan(resolved.desired, first, this.numbers);
    if (lines.length > 0) this.o.logger.debug({ lines: lines.map((l) => l.text) }, "lines");
    const failures = await this.o.ip.apply(lines.map((l) => l.text));
    const firewallChanges = widened + (await this.guard(resolved, "exact", false));
    // What was asked for is believed when the kernel shows it.
    const kernel = lines.length > 0 ? await this.look() : first;
    const left = plan(resolved.desired, kernel, this.numbers);
    const statuses = await this.judge(intent, { resolved, kernel, left });
    for (const f of failures) this.o.logger.warn({ line: f.line, error: f.message }, "the kernel refused a line");
    const milliseconds = Math.round((this.o.clock.monotonic() - started) * 10) / 10;
    if (lines.length + firewallChanges > 0)
      this.o.logger.info({ lines: lines.length, failed: failures.length, firewallChanges, milliseconds }, "programmed");
    this.waiting = statuses.some((s) => !s.programmed);
    this.report({ statuses, lines: lines.length, failures, firewallChanges, milliseconds });
  }

  private async look(): Promise<Kernel> {
    const [links, rules, neighs, routes] = await this.o.ip.dump(DUMPS);
    const kernel = { links: linkRows(links), rules: ruleRows(rules), neighs: neighRows(neighs), routes: routeRows(routes) };
    this.watchLinks(kernel.links);
    return kernel;
  }
  /** ip remembers names of interfaces for as long as it runs: when one has gone, so must it (a new one may have the same name). */
  private watchLinks(links: readonly LinkRow[]): void {
    const now = links.map((l) => `${l.index} ${l.name}`);
    const known = new Set(now);
    if (this.links.split("\n").some((l) => l !== "" && !known.has(l))) {
      this.o.ip.recycle();
      this.owners.clear();
    }
    this.links = now.join("\n");
  }

  /** Looks at what seldom changes. @returns whether that was due */
  private async facts(now: number, intent: Intent): Promise<boolean> {
    if (this.detected && now - this.factsAt < Math.min(FACTS_MS, this.o.periodicMs * 0.9)) return false;
    this.factsAt = now;
    this.owners.clear();
    this.detected = intent.addresses.length > 0 || !this.detected ? await this.firewall.detect() : this.detected;
    return true;
  }

  private async surroundings(intent: Intent, kernel: Kernel): Promise<Surroundings> {
    const [addr] = await this.o.ip.dump(["addr show"]);
    const addresses = addressesByLink(addr);
    const nics = intent.networks.flatMap((n) => n.nic ?? nicWith(n.nicAddress, addresses) ?? []);
    const pods = new Map<string, Found | { problem: string }>();
    for (const { network, pod, leaving = [] } of intent.addresses)
      for (const p of [...(pod ? [pod] : []), ...leaving]) {
        const key = podKey(network, p);
        if (p.ip && !pods.has(key)) pods.set(key, await this.podOf(key, () => this.find(p, kernel, nics), kernel.links));
      }
    for (const key of this.pods.keys()) if (!pods.has(key)) this.pods.delete(key);
    return { addresses, pods, before: this.before };
  }
  /** Where the CNI's own routes do not tell, what was programmed before a restart still does: nothing that works is taken away. */
  private async find(pod: PodIntent, { links, routes }: Kernel, nics: readonly string[]): Promise<Found | { problem: string }> {
    const found = await this.probes.hostInterface(pod, links, nics);
    if ("veth" in found) return found;
    const dev = routes.find((r) => r.gateway === pod.ip && r.dev !== undefined && isOurs(r, this.numbers))?.dev;
    return dev ? { veth: dev } : found;
  }
  /** An interface that was found stays found for as long as it is that very interface. */
  private async podOf(
    key: string,
    find: () => Promise<Found | { problem: string }>,
    links: readonly LinkRow[],
  ): Promise<Found | { problem: string }> {
    const known = this.pods.get(key);
    if (known && links.some((l) => l.name === known.veth && l.index === known.index)) return known;
    const found = await find();
    const index = "veth" in found ? links.find((l) => l.name === found.veth)?.index : undefined;
    if ("veth" in found && index !== undefined) this.pods.set(key, { ...found, index });
    return found;
  }
  private remember({ desired }: Resolved): void {
    for (const n of desired.networks) this.before.set(n.name, { nic: n.nic, gateway: n.gateway });
    this.interesting = [
      ...desired.networks.flatMap((n) => [n.nic, `table ${n.tableIn}`, `table ${n.tableOut}`]),
      ...desired.networks.flatMap((n) => [`lookup ${n.tableIn}`, `lookup ${n.tableOut}`]),
      ...desired.owned.flatMap(ways).map((w) => w.veth),
      ...desired.owned.map((o) => `local ${o.address}`),
      ...desired.owned.map((o) => `2 ${o.address} `),
    ];
  }

  private async guard({ desired }: Resolved, step: "widen" | "exact", afresh: boolean): Promise<number> {
    const wish = {
      addresses: desired.networks.flatMap((n) => n.addresses),
      own: desired.owned.flatMap((o) => ways(o).map(({ veth }) => ({ veth, address: o.address }))),
      nics: desired.networks.map((n) => n.nic),
    };
    try {
      return await this.firewall.sync(wish, this.detected!, { step, afresh });
    } catch (error) {
      this.o.logger.warn({ error: messageOf(error) }, "nftables refused");
      return 0;
    }
  }

  private async judge(intent: Intent, e: { resolved: Resolved; kernel: Kernel; left: Plan }): Promise<AddressStatus[]> {
    const { resolved, kernel } = e;
    const { owned, networks } = resolved.desired;
    const names = new Set(kernel.links.map((l) => l.name));
    const devices = [...owned.map((o) => o.veth), ...(owned.length > 0 ? networks.map((n) => n.nic) : [])];
    const blocked = await this.probes.forwarding(devices.filter((d) => names.has(d)));
    const obstacles = new Map<string, string>();
    const ownedByCni = new Map<string, string>();
    const inPod = new Map<string, boolean>();
    for (const o of owned) {
      const nic = networks.find((n) => n.name === o.network)?.nic ?? "";
      put(obstacles, addressKey(o), blocked.get(o.veth) ?? blocked.get(nic));
      put(ownedByCni, o.veth, await this.ownerOf(o.veth, kernel));
      put(inPod, addressKey(o), await this.probes.podHas(o.podIP, o.address));
    }
    const evidence = { ...e, ownedByCni, obstacles, inPod };
    return intent.addresses.filter((a) => a.pod !== undefined || a.problem !== undefined).map((a) => statusOf(a, evidence));
  }
  private async ownerOf(veth: string, { links }: Kernel): Promise<string | undefined> {
    if (!this.owners.has(veth))
      this.owners.set(veth, await this.probes.foreignDatapath(veth, links, this.detected?.ingress ?? []));
    return this.owners.get(veth);
  }
}

const put = <V>(map: Map<string, V>, key: string, value: V | undefined): void => {
  if (value !== undefined) map.set(key, value);
};
const nicWith = (address: string | undefined, byLink: ReadonlyMap<string, readonly string[]>): string | undefined =>
  address === undefined ? undefined : [...byLink].find(([, list]) => list.includes(address))?.[0];
