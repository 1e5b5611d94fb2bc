// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { attempt, startProbes, type ProbeTarget, type Prober } from "./pod-probes";
import type { Container } from "./pod-types";

describe("probes", () => {
  let server: Server;
  let answer = 200;
  let port = 0;
  let prober: Prober | undefined;
  const target: ProbeTarget = {
    env: process.env,
    command: ([command = "", ...args]) => ({ command, args }),
    port: (declared) => (declared === "health" ? port : Number(declared)),
  };

  before(async () => {
    server = createServer((_, res) => {
      res.statusCode = answer;
      res.end();
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    port = (server.address() as AddressInfo).port;
  });
  after(() => void server.close());
  afterEach(() => {
    prober?.stop();
    answer = 200;
  });

  it("ask over HTTP, TCP and by command, and say what went wrong", async () => {
    expect(await attempt({ httpGet: { port: "health" } }, target, 500)).to.equal(undefined);
    answer = 503;
    expect(await attempt({ httpGet: { port: "health" } }, target, 500)).to.equal("HTTP 503");
    expect(await attempt({ tcpSocket: { port: "health" } }, target, 500)).to.equal(undefined);
    expect(await attempt({ tcpSocket: { port: 1 } }, target, 500)).to.match(/ECONNREFUSED/);
    expect(await attempt({ exec: { command: ["/bin/true"] } }, target, 500)).to.equal(undefined);
    expect(await attempt({ exec: { command: ["/bin/false"] } }, target, 500)).to.match(/Command failed/);
  });

  it("go by the connection that they are given where the Pod is somewhere else", async () => {
    const asked: string[] = [];
    const elsewhere: ProbeTarget = {
      ...target,
      connect: (at, host = "the Pod") => {
        asked.push(`${host}:${at}`);
        return at === 8080 ? Promise.resolve(connect(port, "127.0.0.1")) : Promise.reject(new Error("no connection"));
      },
    };
    expect(await attempt({ httpGet: { port: 8080 } }, elsewhere, 500)).to.equal(undefined);
    expect(await attempt({ httpGet: { port: 8080, host: "127.0.0.1" } }, elsewhere, 500)).to.equal(undefined);
    expect(await attempt({ httpGet: { port: 8081 } }, elsewhere, 500)).to.equal("no connection");
    expect(await attempt({ tcpSocket: { port: 8080 } }, elsewhere, 500)).to.equal(undefined);
    expect(asked).to.deep.equal(["the Pod:8080", "127.0.0.1:8080", "the Pod:8081", "the Pod:8080"]);
  });

  it("hold readiness and liveness back until the startup probe has passed once", async () => {
    const told: string[] = [];
    answer = 500;
    const container: Container = {
      name: "main",
      startupProbe: { httpGet: { port: "health" }, periodSeconds: 0.02, failureThreshold: 1000 },
      readinessProbe: { httpGet: { port: "health" }, periodSeconds: 0.02, failureThreshold: 1 },
    };
    prober = startProbes(container, target, {
      started: () => told.push("started"),
      ready: (ready) => told.push(`ready ${ready}`),
      unhealthy: (why) => told.push(why),
    });
    await sleep(60);
    expect(told).to.deep.equal([]);
    answer = 200;
    while (told.length < 2) await sleep(5);
    expect(told).to.deep.equal(["started", "ready true"]);
    answer = 500;
    while (told.length < 3) await sleep(5);
    expect(told[2]).to.equal("ready false");
  });

  it("report a failed liveness probe after its threshold, not before", async () => {
    const told: string[] = [];
    const container: Container = {
      name: "main",
      livenessProbe: { httpGet: { port: "health" }, periodSeconds: 0.05, failureThreshold: 3 },
    };
    prober = startProbes(container, target, {
      started: () => undefined,
      ready: () => undefined,
      unhealthy: (why) => told.push(why),
    });
    await sleep(30);
    answer = 500;
    await sleep(70);
    expect(told).to.deep.equal([]);
    while (told.length === 0) await sleep(5);
    expect(told[0]).to.equal("liveness: HTTP 500");
  });

  it("count a container without readiness probe as ready", () => {
    const told: boolean[] = [];
    prober = startProbes({ name: "main" }, target, {
      started: () => undefined,
      ready: (ready) => told.push(ready),
      unhealthy: () => undefined,
    });
    expect(told).to.deep.equal([true]);
  });
});
