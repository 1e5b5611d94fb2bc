// SPDX-License-Identifier: Apache-2.0
// When the node agent is ready and alive, and what it counts, with a clock of the test's.
import { expect } from "chai";
import type { AddressStatus, PassReport } from "../node";
import { AgentHealth } from "./agent-health";
import { FakeClock } from "../kubernetes/testing";

const report = (over: Partial<PassReport> = {}): PassReport => ({
  statuses: [],
  lines: 0,
  failures: [],
  firewallChanges: 0,
  milliseconds: 10,
  ...over,
});
const status = (programmed: boolean, ...types: string[]): AddressStatus =>
  ({
    address: "a",
    network: "n",
    generation: 1,
    programmed,
    conditions: types.map((type) => ({ type, status: "True" })),
  }) as never;

describe("Health of the node agent", () => {
  let clock: FakeClock;
  let listed: boolean;
  let health: AgentHealth;
  beforeEach(() => {
    clock = new FakeClock();
    listed = true;
    health = new AgentHealth({ healthPort: 0, metricsPort: 0, clock, periodicMs: 30_000, listed: () => listed });
  });
  const value = async (name: string, labels: object = {}): Promise<number | undefined> => {
    const found = await health.registry.getSingleMetric(name)!.get();
    return found.values.find((v) => Object.entries(labels).every(([k, w]) => (v.labels as never)[k] === w))?.value;
  };

  it("is ready when everything was listed and a pass has ended, and names what is missing", () => {
    listed = false;
    expect(health.notReady()).to.deep.equal(["the API server's lists", "the first pass"]);
    listed = true;
    health.passed(report());
    expect(health.notReady()).to.deep.equal([]);
  });
  it("is not alive when no pass ends for four periods", async () => {
    health.passed(report());
    await clock.advance(119_000);
    expect(health.notAlive()).to.equal(undefined);
    await clock.advance(2_000);
    expect(health.notAlive()).to.equal("no pass came to its end for 121 s");
    health.passed(report());
    expect(health.notAlive()).to.equal(undefined);
  });
  it("is not alive when the first pass does not end, but an API server that is away is no reason to restart", async () => {
    listed = false;
    await clock.advance(3_600_000);
    expect(health.notAlive()).to.equal(undefined);
    listed = true;
    health.wanted();
    expect(health.notAlive()).to.equal(undefined);
    await clock.advance(121_000);
    expect(health.notAlive()).to.include("no pass");
  });
  it("counts as repair what changes although nothing new was wanted, and nothing else", async () => {
    health.wanted();
    await clock.advance(20);
    health.passed(report({ lines: 6 }));
    expect(await value("persistent_ip_agent_repairs_total")).to.equal(0);
    await clock.advance(20);
    health.passed(report());
    await clock.advance(20);
    health.passed(report({ lines: 1 }));
    expect(await value("persistent_ip_agent_repairs_total")).to.equal(1);
    health.wanted();
    health.passed(report({ firewallChanges: 1 }));
    expect(await value("persistent_ip_agent_repairs_total")).to.equal(1);
    expect(await value("persistent_ip_agent_passes_total")).to.equal(4);
  });
  it("does not take a pass that began before the wish for its end", async () => {
    health.passed(report({ lines: 6 }));
    health.wanted();
    await clock.advance(5);
    health.passed(report({ milliseconds: 50 }));
    await clock.advance(20);
    health.passed(report({ lines: 3, milliseconds: 10 }));
    expect(await value("persistent_ip_agent_repairs_total")).to.equal(0);
  });
  it("counts lines by what the kernel said, and shows addresses and what is in their way", async () => {
    const failures = [{ line: "x", message: "no" }] as never;
    health.passed(
      report({ lines: 3, failures, statuses: [status(true), status(false, "ForeignTableConflict", "LocalRouteConflict")] }),
    );
    expect(await value("persistent_ip_agent_lines_total", { result: "ok" })).to.equal(2);
    expect(await value("persistent_ip_agent_lines_total", { result: "failed" })).to.equal(1);
    expect(await value("persistent_ip_agent_addresses", { programmed: "false" })).to.equal(1);
    expect(await value("persistent_ip_agent_foreign_objects", { kind: "route" })).to.equal(1);
    expect(await value("persistent_ip_agent_foreign_objects", { kind: "datapath" })).to.equal(0);
    health.passed(report());
    expect(await value("persistent_ip_agent_foreign_objects", { kind: "route" })).to.equal(0);
  });
});
