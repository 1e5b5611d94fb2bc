// SPDX-License-Identifier: Apache-2.0
import http from "node:http";
import net from "node:net";
import { expect } from "chai";
import { startHealth } from "./health";
import { Metrics } from "./metrics";

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
const get = (port: number, path: string): Promise<{ status: number; type?: string; body: string }> =>
  new Promise((resolve, reject) => {
    http
      .get({ port, path, agent: false }, (r) => {
        let body = "";
        r.setEncoding("utf8").on("data", (d: string) => (body += d));
        r.on("end", () => resolve({ status: r.statusCode ?? 0, type: r.headers["content-type"], body }));
      })
      .on("error", reject);
  });

describe("Health", () => {
  let close: () => Promise<void>;
  let healthPort: number;
  let metricsPort: number;
  let missing: string[];
  let sick: string | undefined;
  let scraped: () => void;
  const metrics = new Metrics();
  beforeEach(async () => {
    [missing, sick, scraped] = [[], undefined, () => undefined];
    [healthPort, metricsPort] = [await freePort(), await freePort()];
    close = await startHealth({
      healthPort,
      metricsPort,
      registry: metrics.registry,
      notReady: () => missing,
      notAlive: () => sick,
      beforeScrape: () => scraped(),
    });
  });
  afterEach(() => close());

  it("is ready when nothing is missing, and else names what is", async () => {
    expect(await get(healthPort, "/readyz")).to.include({ status: 200, body: "ok\n" });
    missing = ["gkeiproutes.networking.gke.io", "pods.core"];
    expect(await get(healthPort, "/readyz?verbose")).to.include({
      status: 503,
      body: "waiting for: gkeiproutes.networking.gke.io, pods.core\n",
    });
  });
  it("is alive, or says why not", async () => {
    expect((await get(healthPort, "/healthz")).status).to.equal(200);
    sick = "a reconcile has been running for over 10 minutes";
    expect(await get(healthPort, "/healthz")).to.include({ status: 500, body: `${sick}\n` });
  });
  it("serves Prometheus text, brought up to date for each scrape, on a port of its own", async () => {
    scraped = () => metrics.staleness.set(42);
    const page = await get(metricsPort, "/metrics");
    expect(page.type).to.contain("text/plain");
    expect(page.body).to.contain("persistent_ip_watch_staleness_seconds 42");
    expect((await get(healthPort, "/metrics")).status).to.equal(404);
    expect((await get(metricsPort, "/readyz")).status).to.equal(404);
  });
  it("answers 500, and lives on, when a metric cannot be had", async () => {
    scraped = () => {
      throw new Error("no");
    };
    expect((await get(metricsPort, "/metrics")).status).to.equal(500);
    scraped = () => undefined;
    expect((await get(metricsPort, "/metrics")).status).to.equal(200);
  });
  it("says which port is taken", async () => {
    const again = { registry: metrics.registry, notReady: () => [], notAlive: () => undefined, beforeScrape: () => undefined };
    const error = await startHealth({ ...again, healthPort, metricsPort: await freePort() }).catch((e: unknown) => e as Error);
    expect(String(error)).to.contain(String(healthPort));
  });
});
