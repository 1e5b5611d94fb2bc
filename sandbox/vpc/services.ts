// SPDX-License-Identifier: Apache-2.0
// What nodes and Pods reach beyond their own network: the API server at its Service address and the metadata server, which is the Compute API
// here too. Both listen on loopback outside; a relay in the fabric's service namespace joins the two worlds, both ways.
import { createConnection, createServer, type Server } from "node:net";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KUBERNETES_SERVICE_IP, logTail, ProcessError, startProcess, type Child } from "../controlplane";
import type { Namespace } from "./namespace";
import { writeScript } from "./script";

/** Google's address of the metadata server, on every VM. */
export const METADATA_IP = "169.254.169.254";
export const SERVICE_ADDRESSES = [KUBERNETES_SERVICE_IP, METADATA_IP] as const;
const START_MS = 10_000;

export interface ServicePorts {
  /** Ports on 127.0.0.1. */
  api: number;
  cloud: number;
}

/** Socket file by which the API server reaches kubelets; name it in {@link egressFlags}. */
const outward = (dir: string): string => join(dir, "out.sock");

/** Writes the API server's egress configuration and answers the flag: logs and exec go through the relay. */
export function egressFlags(dir: string): string[] {
  const file = join(dir, "egress.json");
  const connection = { proxyProtocol: "HTTPConnect", transport: { uds: { udsName: outward(dir) } } };
  writeFileSync(
    file,
    JSON.stringify({
      apiVersion: "apiserver.k8s.io/v1beta1",
      kind: "EgressSelectorConfiguration",
      egressSelections: [{ name: "cluster", connection }],
    }),
  );
  return [`--egress-selector-config-file=${file}`];
}

export interface Services {
  stop(): Promise<void>;
}

/** Starts both halves. @param dir short path: socket files end at 108 bytes. @throws ProcessError when the relay does not come up */
export async function startServices(dir: string, namespace: Namespace, ports: ServicePorts): Promise<Services> {
  const sockets = { api: join(dir, "api.sock"), cloud: join(dir, "cloud.sock") };
  const servers = await Promise.all([bridge(sockets.api, ports.api), bridge(sockets.cloud, ports.cloud)]);
  const inward = [
    { address: KUBERNETES_SERVICE_IP, port: 443, socket: sockets.api },
    { address: METADATA_IP, port: 80, socket: sockets.cloud },
  ];
  rmSync(outward(dir), { force: true });
  const script = writeScript(join(__dirname, "scripts/relay.ts"), dir);
  const plan = JSON.stringify({ inward, outward: outward(dir) });
  const logFile = join(dir, "relay.log");
  const relay = await startProcess({ name: "relay", ...namespace.inside(process.execPath, [script, plan]), logFile });
  await untilReady(relay);
  return {
    stop: async () => {
      await relay.stop({ graceMs: 100 });
      servers.forEach((server) => server.close());
    },
  };
}

function bridge(path: string, port: number): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer({ allowHalfOpen: true }, (from) => {
    const to = createConnection({ host: "127.0.0.1", port, allowHalfOpen: true });
    from.on("error", () => to.destroy()).on("close", () => to.destroy());
    to.on("error", () => from.destroy()).on("close", () => from.destroy());
    from.pipe(to);
    to.pipe(from);
  });
  return new Promise((done, fail) => server.once("error", fail).listen(path, () => done(server.unref())));
}

async function untilReady(relay: Child): Promise<void> {
  const deadline = performance.now() + START_MS;
  while (!logTail(relay.logFile).includes("ready")) {
    if (relay.exit() || performance.now() > deadline) throw new ProcessError(`relay: not ready:\n${logTail(relay.logFile)}`);
    await sleep(10);
  }
}
