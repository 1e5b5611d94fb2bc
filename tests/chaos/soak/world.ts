// SPDX-License-Identifier: Apache-2.0
// The world of a soak: the real API server (no cache for Pods and Namespaces and a compaction every second, so that a real 410 is never
// far), the emulator, nodes without kubelets, routes, and the proxies before the process under test.
import { writeFile } from "node:fs/promises";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KINDS } from "../../../controller/api";
import { resourcePath } from "../../../controller/kubernetes";
import { seededRandom } from "../../../controller/kubernetes/testing";
import { nodeObject, nodeStatus } from "../../../sandbox/nodes/node-object";
import type { NodeSpec } from "../../../sandbox/nodes";
import type { Tools } from "../../../sandbox/tools";
import { eventually } from "../../support/clients";
import { startLab, PROJECT, REGION, ZONES, type Lab } from "../lab";
import { startFaultProxy, type FaultProxy } from "../proxy";
import { Scene } from "../scene";

export interface SoakWorld {
  lab: Lab;
  scene: Scene;
  routes: string[];
  nodes: string[];
  addressOf: (route: string) => string;
  /** Towards the API server for the mirrors, for the leader, and towards Google Cloud for the leader. */
  proxies: { mirror: FaultProxy; leader: FaultProxy; compute: FaultProxy };
  tokenFile: string;
  stop(): Promise<void>;
}

const NODES = 6;
const ROUTES = 20;
const TOKENS = 6;

export async function startSoakWorld(tools: Tools, seed: number): Promise<SoakWorld> {
  const lab = await startLab(tools, {
    kubelets: false,
    latencyMs: 20,
    extraApiServerFlags: ["--etcd-compaction-interval=1s", "--watch-cache-sizes=pods#0,namespaces#0"],
  });
  const tokens = await Promise.all(Array.from({ length: TOKENS }, () => lab.token()));
  const tokenFile = join(lab.dir, "token");
  await writeFile(tokenFile, tokens[0]!, { mode: 0o600 });
  // Nodes have no kubelets here: whoever judges heartbeats would only evict everything.
  await lab.plane.kill("kube-scheduler");
  await lab.plane.kill("kube-controller-manager");
  const proxies = await startProxies(lab, seed, rotation(tokenFile, tokens));
  const nodes = await Promise.all(Array.from({ length: NODES }, (_, i) => addNode(lab, i)));
  const routes = Array.from({ length: ROUTES }, (_, i) => `r${i}`);
  const addressOf = (route: string): string => `34.70.0.${Number(route.slice(1)) + 1}`;
  const scene = await Scene.open(lab, "soak", routes.map(addressOf));
  await eventually(() => lab.admin.request("GET", resourcePath(KINDS.networkInterface, "soak")));
  // Nobody makes it any more.
  await lab.admin.request("POST", "/api/v1/namespaces/soak/serviceaccounts", { body: { metadata: { name: "default" } } });
  await Promise.all(routes.map((route, i) => scene.route(route, addressOf(route), i)));
  return {
    ...{ lab, scene, routes, nodes, addressOf, proxies, tokenFile },
    async stop() {
      await Promise.all(Object.values(proxies).map((p) => p.close()));
      await lab.stop();
    },
  };
}

async function startProxies(lab: Lab, seed: number, onUnauthorized: () => void): Promise<SoakWorld["proxies"]> {
  const { server: upstream, caPem } = lab.plane;
  const api = { upstream, caPem, dialect: "kubernetes" as const, onUnauthorized, keepLog: false };
  const [mirror, leader, compute] = await Promise.all([
    startFaultProxy({ ...api, random: seededRandom(seed) }),
    startFaultProxy({ ...api, random: seededRandom(seed + 1) }),
    startFaultProxy({ upstream: lab.emulator.url, dialect: "google", random: seededRandom(seed + 2), keepLog: false }),
  ]);
  return { mirror, leader, compute };
}

/** Puts the next token where the client will look, as the kubelet does: whole, by a rename. */
function rotation(file: string, tokens: readonly string[]): () => void {
  let next = 0;
  return () => {
    next = (next + 1) % tokens.length;
    writeFileSync(`${file}.next`, tokens[next]!, { mode: 0o600 });
    renameSync(`${file}.next`, file);
  };
}

async function addNode(lab: Lab, index: number): Promise<string> {
  const name = `node-${index + 1}`;
  const zone = ZONES[index % ZONES.length]!;
  const vm = lab.emulator.putInstance({ name, zone });
  const internalIP = vm.networkInterfaces[0]!.networkIP;
  const spec: NodeSpec = { name, zone, region: REGION, project: PROJECT, pool: "main", networks: [], internalIP };
  await lab.admin.request("POST", resourcePath(KINDS.node), { body: nodeObject(spec, `10.200.${index}.0/24`) });
  const status = { ...nodeStatus(spec), conditions: [{ type: "Ready", status: "True", reason: "KubeletReady" }] };
  await lab.admin.request("PATCH", resourcePath(KINDS.node, undefined, name, "status"), { body: { status } });
  lab.gke.nodeAdded(spec);
  lab.gke.nodeUp(name);
  return name;
}
