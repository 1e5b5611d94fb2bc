// SPDX-License-Identifier: Apache-2.0
// /healthz, /readyz and /metrics. Ready means: every kind that is needed is served and listed. Healthy means: the event loop turns.
import * as http from "node:http";
import type * as net from "node:net";
import type { Registry } from "prom-client";

export interface HealthOptions {
  healthPort: number;
  /** Where probes are answered; not given: on every address. */
  healthHost?: string;
  metricsPort: number;
  registry: Registry;
  /** Names of what is still missing; empty: ready. */
  notReady(): string[];
  /** What makes everything stand still; ready all the same, and said. */
  holding?(): string[];
  /** Undefined: alive. Text: why not. */
  notAlive(): string | undefined;
  beforeScrape(): void;
}

type Answer = { status: number; type?: string; body: string };
const plain = (status: number, body: string): Answer => ({ status, type: "text/plain; charset=utf-8", body: `${body}\n` });

const readyText = (o: HealthOptions): string => ["ok", ...(o.holding?.() ?? []).map((h) => `holding: ${h}`)].join("\n");

function serve(at: net.ListenOptions, routes: Record<string, () => Answer | Promise<Answer>>): Promise<http.Server> {
  const server = http.createServer((request, response) => {
    const handler = routes[(request.url ?? "").split("?")[0]!];
    Promise.resolve(handler ? handler() : plain(404, "not found"))
      .catch((error: unknown) => plain(500, String(error)))
      .then((a) => response.writeHead(a.status, { "content-type": a.type ?? "text/plain" }).end(a.body))
      .catch(() => response.destroy());
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(at, () => resolve(server));
  });
}

/** Starts both servers. Answers a function that closes them. @throws Error where a port is taken; then neither runs */
export async function startHealth(o: HealthOptions): Promise<() => Promise<void>> {
  const alive = (): Answer => ((why) => (why === undefined ? plain(200, "ok") : plain(500, why)))(o.notAlive());
  const ready = (): Answer =>
    ((missing) => (missing.length === 0 ? plain(200, readyText(o)) : plain(503, `waiting for: ${missing.join(", ")}`)))(
      o.notReady(),
    );
  const metrics = async (): Promise<Answer> => {
    o.beforeScrape();
    return { status: 200, type: o.registry.contentType, body: await o.registry.metrics() };
  };
  const started = await Promise.allSettled([
    serve({ port: o.healthPort, ...(o.healthHost ? { host: o.healthHost } : {}) }, { "/healthz": alive, "/readyz": ready }),
    serve({ port: o.metricsPort }, { "/metrics": metrics }),
  ]);
  const servers = started.flatMap((s) => (s.status === "fulfilled" ? [s.value] : []));
  const close = async (): Promise<void> => {
    await Promise.all(servers.map(closed));
  };
  for (const s of started) if (s.status === "rejected") return close().then(() => Promise.reject(s.reason as Error));
  return close;
}

function closed(server: http.Server): Promise<void> {
  return new Promise((done) => {
    server.closeAllConnections();
    server.close(() => done());
  });
}
