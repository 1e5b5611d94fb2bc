// SPDX-License-Identifier: Apache-2.0
// The node agent's /healthz, /readyz and /metrics. Ready: the API server was listed and a pass came to its end. Alive: passes come to their end;
// where they do not, a restart helps (a co-process that hangs), and everything in the kernel stays in place meanwhile.
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Clock } from "../kubernetes";
import type { AddressStatus, PassReport } from "../node";
import { startHealth } from "./health";

export interface AgentHealthOptions {
  /** Answered on the loopback interface only: the node's network namespace is the agent's. */
  healthPort: number;
  metricsPort: number;
  clock: Clock;
  /** A pass is made at least so often, milliseconds. */
  periodicMs: number;
  /** Everything that the wish is made of was listed. */
  listed(): boolean;
}
/** A pass may be refused some times, and repeated, before that is a fault of the agent's. */
const LATE_PERIODS = 4;
const LEAST_LATE_MS = 60_000;
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Names of what is in the way of an address, by the condition that says it. */
const IN_THE_WAY = {
  ForeignTableConflict: "route",
  LocalRouteConflict: "local-address",
  DatapathOwnedByCNI: "datapath",
} as const;

export class AgentHealth {
  readonly registry = new Registry();
  private readonly on = { registers: [this.registry] };
  private readonly passes = new Counter({
    name: "persistent_ip_agent_passes_total",
    help: "Passes that came to their end",
    ...this.on,
  });
  private readonly repairs = new Counter({
    name: "persistent_ip_agent_repairs_total",
    help: "Passes that changed something although nothing new was wanted: drift",
    ...this.on,
  });
  private readonly lines = new Counter({
    name: "persistent_ip_agent_lines_total",
    help: "Lines given to the kernel by what it said",
    labelNames: ["result"],
    ...this.on,
  });
  private readonly firewall = new Counter({
    name: "persistent_ip_agent_firewall_changes_total",
    help: "Changes of nftables",
    ...this.on,
  });
  private readonly time = new Histogram({
    name: "persistent_ip_agent_pass_seconds",
    help: "Length of a pass",
    buckets: SECONDS,
    ...this.on,
  });
  private readonly addresses = new Gauge({
    name: "persistent_ip_agent_addresses",
    help: "Addresses that a Pod of this node is to have, by whether the node is programmed",
    labelNames: ["programmed"],
    ...this.on,
  });
  private readonly foreign = new Gauge({
    name: "persistent_ip_agent_foreign_objects",
    help: "Addresses that something of somebody else's is in the way of, by what it is",
    labelNames: ["kind"],
    ...this.on,
  });
  private readonly age = new Gauge({
    name: "persistent_ip_agent_last_pass_age_seconds",
    help: "Seconds since a pass came to its end",
    ...this.on,
  });
  /** Monotonic: when the last pass ended, and when something new was wanted. */
  private endedAt: number | undefined;
  private wantedAt: number;
  /** The newest wish was carried out: a pass that began after it changed nothing. */
  private settled = false;

  constructor(private readonly o: AgentHealthOptions) {
    this.wantedAt = o.clock.monotonic();
    for (const result of ["ok", "failed"]) this.lines.inc({ result }, 0);
    this.show([]);
  }

  /** Something new is wanted from now on. */
  wanted(): void {
    this.wantedAt = this.o.clock.monotonic();
    this.settled = false;
  }
  passed(r: PassReport): void {
    const now = this.o.clock.monotonic();
    const changes = r.lines + r.firewallChanges;
    if (this.settled && changes > 0) this.repairs.inc();
    if (changes === 0 && now - r.milliseconds >= this.wantedAt) this.settled = true;
    this.endedAt = now;
    this.passes.inc();
    this.lines.inc({ result: "ok" }, r.lines - r.failures.length);
    this.lines.inc({ result: "failed" }, r.failures.length);
    this.firewall.inc(r.firewallChanges);
    this.time.observe(r.milliseconds / 1000);
    this.show(r.statuses);
  }
  /** What is still waited for; empty: ready. */
  notReady(): string[] {
    return [...(this.o.listed() ? [] : ["the API server's lists"]), ...(this.endedAt === undefined ? ["the first pass"] : [])];
  }
  /** Undefined: alive. */
  notAlive(): string | undefined {
    // Nothing is wanted before everything was listed, and an API server that is away is not cured by a restart.
    if (this.endedAt === undefined && !this.o.listed()) return undefined;
    const late = this.o.clock.monotonic() - (this.endedAt ?? this.wantedAt);
    const bound = Math.max(LATE_PERIODS * this.o.periodicMs, LEAST_LATE_MS);
    return late > bound ? `no pass came to its end for ${Math.round(late / 1000)} s` : undefined;
  }
  /** Listens. @returns a function that ends it @throws Error where a port is taken */
  serve(): Promise<() => Promise<void>> {
    const { healthPort, metricsPort, clock } = this.o;
    return startHealth({
      healthPort,
      healthHost: "127.0.0.1",
      metricsPort,
      registry: this.registry,
      notReady: () => this.notReady(),
      notAlive: () => this.notAlive(),
      beforeScrape: () => this.age.set(this.endedAt === undefined ? -1 : (clock.monotonic() - this.endedAt) / 1000),
    });
  }

  private show(statuses: readonly AddressStatus[]): void {
    const good = statuses.filter((s) => s.programmed).length;
    this.addresses.set({ programmed: "true" }, good);
    this.addresses.set({ programmed: "false" }, statuses.length - good);
    for (const [type, kind] of Object.entries(IN_THE_WAY))
      this.foreign.set({ kind }, statuses.filter((s) => s.conditions.some((c) => c.type === type && c.status === "True")).length);
  }
}
