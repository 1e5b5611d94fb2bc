// SPDX-License-Identifier: Apache-2.0
// What nodes and Pods reach beyond their own network: the API server at its Service address and the metadata server, which is the Compute API
// here too. Both listen on loopback outside; a relay in the fabric's service namespace joins the two worlds, both ways.
import { rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KUBERNETES_SERVICE_IP, logTail, ProcessError, startProcess, type Child } from "../controlplane";
import type { Namespace } from "./namespace";
import { writeScript } from "./script";

/** Google's address of the metadata server, on every VM. */
export const METADATA_IP = "169.254.169.254";
export const SERVICE_ADDRESSES = [KUBERNETES_SERVICE_IP, METADATA_IP] as const;
const START_MS = 10_000;
const CONNECT_MS = 2_000;

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

/** Starts both halves. @param dir short path: socket files end at 108 bytes. @throws ProcessError when a relay does not come up */
export async function startServices(dir: string, namespace: Namespace, ports: ServicePorts): Promise<Services> {
  const api = { path: join(dir, "api.sock") };
  const cloud = { path: join(dir, "cloud.sock") };
  for (const path of [api.path, cloud.path, outward(dir)]) rmSync(path, { force: true });
  const script = writeScript(join(__dirname, "scripts/relay.ts"), dir);
  const outside = {
    ways: [
      { from: api, to: { host: "127.0.0.1", port: ports.api } },
      { from: cloud, to: { host: "127.0.0.1", port: ports.cloud } },
    ],
  };
  const inside = {
    ways: [
      { from: { host: KUBERNETES_SERVICE_IP, port: 443 }, to: api },
      { from: { host: METADATA_IP, port: 80 }, to: cloud },
    ],
    connect: outward(dir),
  };
  const start = (name: string, line: { command: string; args: string[] }): Promise<Child> =>
    startProcess({ name, ...line, logFile: join(dir, `${name}.log`) });
  const relays = await Promise.all([
    start("relay-outside", { command: process.execPath, args: [script, JSON.stringify(outside)] }),
    start("relay-inside", namespace.inside(process.execPath, [script, JSON.stringify(inside)])),
  ]);
  await Promise.all(relays.map(untilReady));
  return { stop: async () => void (await Promise.all(relays.map((relay) => relay.stop({ graceMs: 100 })))) };
}

/** The way from here into a namespace, where the kubelet of a node would sit. */
export interface Doorway {
  /** @throws Error when nothing listens there */
  connect(host: string, port: number): Promise<Socket>;
  stop(): Promise<void>;
}

/** Opens a way into a namespace. @param dir short path for its socket file. @throws ProcessError */
export async function openDoorway(dir: string, namespace: Namespace): Promise<Doorway> {
  const path = join(dir, `${namespace.pid}.sock`);
  rmSync(path, { force: true });
  const script = writeScript(join(__dirname, "scripts/relay.ts"), dir, { name: "doorway.js" });
  const line = namespace.inside(process.execPath, [script, JSON.stringify({ ways: [], connect: path })]);
  const logFile = join(dir, `doorway-${namespace.pid}.log`);
  const relay = await startProcess({ name: `doorway of ${namespace.name}`, ...line, logFile });
  await untilReady(relay);
  return {
    connect: (host, port) => throughTunnel(path, host, port),
    stop: async () => {
      await relay.stop({ graceMs: 100 });
      for (const file of [path, logFile]) rmSync(file, { force: true });
    },
  };
}

function throughTunnel(path: string, host: string, port: number): Promise<Socket> {
  return new Promise((done, fail) => {
    const refused = (): void => fail(new Error(`${host}:${port}: no connection`));
    const socket = connect(path, () => socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\n\r\n`));
    socket.setTimeout(CONNECT_MS, () => socket.destroy());
    socket.once("error", refused).once("close", refused);
    // Nothing more comes before we have asked for it.
    socket.once("data", () => {
      socket.off("error", refused).off("close", refused).setTimeout(0);
      done(socket);
    });
  });
}

async function untilReady(relay: Child): Promise<void> {
  const deadline = performance.now() + START_MS;
  while (!logTail(relay.logFile).includes("ready")) {
    if (relay.exit() || performance.now() > deadline)
      throw new ProcessError(`${relay.name}: not ready:\n${logTail(relay.logFile)}`);
    await sleep(10);
  }
}
