// SPDX-License-Identifier: Apache-2.0
// One sandbox with real nodes and real packets for all files of this suite: the quickstart by the real engine, the controller in real Pods, and
// the seed's manifests beside it, changed only in what a machine without a registry needs.
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import type { GKEIPRoute } from "../../controller/api";
import type { ApiClient } from "../../controller/kubernetes/transport";
import { persistentIpPodSpec } from "../../components/podSpec";
import { createStack, ROOT, untilReady, type Stack } from "../../sandbox/demo";
import { SANDBOX_IMAGE } from "../../sandbox/image";
import { missingForRealNodes } from "../../sandbox/nodes/real";
import { installAgent } from "../../sandbox/packets/agent";
import { ECHO_PORTS, reach, works, type Reach } from "../../sandbox/packets/probe";
import { podTroubles, until } from "../../sandbox/packets/cluster-acts";
import { PACKET_CONFIG } from "../../sandbox/packets/stack";
import { ensureTools, ToolsMissingError } from "../../sandbox/tools";
import { startTraffic, type Interval, type Traffic } from "../../sandbox/vpc";
import type { DatapathKind } from "../../sandbox/world/packets";
import { startWorld, type World } from "../../sandbox/world/world";
import { runOk } from "../support/clients";
import { startTimeline } from "./timeline";

export const SEED = path.resolve(ROOT, "../shared/data/seed");
export const ADDRESSES = ["34.123.10.1", "34.123.10.2"] as const;

/** Our node agent; `KUBELETS_DATAPATH=dataplane-v2` tries the same with Google's, as far as it is known. */
export const DATAPATH: DatapathKind = process.env["KUBELETS_DATAPATH"] === "dataplane-v2" ? "dataplane-v2" : "linux";

export interface Lab {
  world: World;
  stack: Stack;
  traffic: Traffic;
  client: ApiClient;
  kubectl: (args: string[], input?: object) => Promise<string>;
}

export interface Pod {
  metadata: { name: string; namespace: string; uid: string; creationTimestamp: string; deletionTimestamp?: string };
  spec: { nodeName?: string };
  status?: { conditions?: { type: string; status: string }[]; podIP?: string };
}

let shared: Promise<Lab> | undefined;

async function open(): Promise<Lab> {
  const tools = await ensureTools({ need: ["kubernetes", "pulumi", "nodes"] });
  await promisify(execFile)(process.execPath, [require.resolve("ts-node/dist/bin"), "-T", "scripts/build.ts", "--if-needed"], {
    cwd: ROOT,
  });
  const world = await startWorld({ tools, operationLatencyMs: 200, packets: DATAPATH });
  return furnish(world).catch(async (error: unknown) => {
    await world.stop().catch(() => undefined);
    throw error;
  });
}

async function furnish(world: World): Promise<Lab> {
  const { tools } = world;
  // Other addresses than the seed's, whose manifests come later.
  const stack = await createStack(world, {
    ...PACKET_CONFIG,
    "gke-persistent-ip:externalAddresses[0]": "34.123.20.1",
    "gke-persistent-ip:externalAddresses[1]": "34.123.20.2",
    "gke-persistent-ip:protect": "false",
  });
  await stack.pulumi(["up", "--yes", "--skip-preview"]);
  const client = world.cluster().controlPlane.admin;
  if (DATAPATH === "linux") await installAgent(client);
  await untilReady(world, 90_000).catch(async (error: unknown) => {
    throw new Error([String(error), ...(await podTroubles(client))].join("\n"));
  });
  const env = { ...world.env(), PULUMI_STACK: stack.name };
  for (const address of ADDRESSES) await reserve(world, address);
  return {
    ...{ world, stack, client },
    traffic: await startTraffic(world.fabric!.client, world.dir),
    kubectl: (args, input) => runOk(tools.kubectl, args, { env, ...(input ? { input: JSON.stringify(input) } : {}) }),
  };
}

async function reserve(world: World, address: string): Promise<void> {
  const url = `${world.emulator.url}compute/v1/projects/${world.project}/regions/${world.region}/addresses`;
  const body = JSON.stringify({ name: `seed-${address.replaceAll(".", "-")}`, address });
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  if (!answer.ok) throw new Error(`reserve ${address}: ${await answer.text()}`);
}

/** Registers hooks that open the lab. Skips the suite, with the reason, where this machine cannot have it. */
export function useLab(): () => Lab {
  let lab: Lab | undefined;
  before(async function () {
    this.timeout(240_000);
    const missing = await missingForRealNodes();
    if (!existsSync(SEED)) missing.push(`the seed's manifests (${path.relative(ROOT, SEED)})`);
    if (missing.length > 0) {
      console.log(`      skipped: ${missing.join("; ")}`);
      return this.skip();
    }
    try {
      lab = await (shared ??= open());
    } catch (error) {
      if (!(error instanceof ToolsMissingError)) throw error;
      console.log(`      skipped: ${error.message.split("\n")[0]}`);
      this.skip();
    }
  });
  return () => lab!;
}

after(async function () {
  this.timeout(60_000);
  const open = await shared?.catch(() => undefined);
  open?.stack.remove();
  try {
    await open?.traffic.close();
  } finally {
    await open?.world.stop();
  }
});

interface Workload {
  kind: string;
  metadata: { name: string; namespace: string };
  spec: { template: { spec: { containers: { name: string; image: string }[] } } };
}

/**
 * The seed's manifests of one file. Changed in workloads: the image, since there is no registry; a readiness probe, so that a test can fail it; and
 * what persistentIpPodSpec adds, without which no Pod would answer (SEED-73).
 */
export function seedManifests(file: string): object[] {
  const objects = parseAllDocuments(readFileSync(path.join(SEED, file), "utf8")).map((doc) => doc.toJS() as Workload);
  for (const object of objects) {
    const template = (object.spec as Partial<Workload["spec"]>).template;
    if (!template) continue;
    const probe = { httpGet: { path: "/ready", port: 8080 }, periodSeconds: 1, failureThreshold: 1 };
    const containers = template.spec.containers.map((one) => ({ ...one, image: SANDBOX_IMAGE, readinessProbe: probe }));
    const args = { addresses: [...ADDRESSES], image: SANDBOX_IMAGE };
    template.spec = persistentIpPodSpec({ ...template.spec, containers }, args);
  }
  return objects;
}

export async function podsOf(lab: Lab, namespace: string): Promise<Pod[]> {
  const { items } = await lab.client.request<{ items: Pod[] }>("GET", `/api/v1/namespaces/${namespace}/pods`);
  return items;
}

const isReady = (pod: Pod): boolean => pod.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;

/** The Pod that SEED-9 and SEED-10 name: of those that are Ready the newest; of equally old ones the first by name (DESIGN 4). */
export function newestReady(pods: readonly Pod[]): Pod | undefined {
  const candidates = pods.filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined);
  const key = ({ metadata }: Pod): string => metadata.creationTimestamp;
  return candidates.sort((a, b) =>
    key(a) === key(b) ? (a.metadata.name < b.metadata.name ? -1 : 1) : key(a) > key(b) ? -1 : 1,
  )[0];
}

/**
 * Waits until both addresses are where `wanted` says, for the API and for packets: TCP, UDP and ICMP, answered and begun by that Pod.
 * @param wanted name of the Pod, or what chooses it from those that there are
 */
export async function untilAt(lab: Lab, namespace: string, wanted: (pods: Pod[]) => Pod | undefined, ms = 40_000): Promise<Pod> {
  let last = "";
  let found: Pod | undefined;
  await until(ms, `addresses are at the right Pod`, async () => {
    const want = wanted(await podsOf(lab, namespace));
    const route = await lab.client.request<GKEIPRoute>(
      "GET",
      `/apis/networking.gke.io/v1/namespaces/${namespace}/gkeiproutes/my-pod-ips`,
    );
    const seen = await Promise.all(ADDRESSES.map((address) => reach(lab.traffic, address)));
    found = want;
    last = JSON.stringify({ want: want?.metadata.name, status: route.status?.pods, seen });
    return want !== undefined && route.status?.pods?.[0] === want.metadata.name && seen.every((one) => hasAll(one, want));
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${last}`, { cause: error });
  });
  return found!;
}

/** Streams 1000 packets a second to the first address, each answered by the Pod, while something happens; answers what was lost, and how it came. */
export async function streaming(
  lab: Lab,
  namespace: string,
  act: () => Promise<unknown>,
): Promise<Interval & { timeline: string }> {
  const timeline = startTimeline(lab, ADDRESSES[0], namespace);
  try {
    await lab.traffic.start(ADDRESSES[0], ECHO_PORTS, 1000);
    await act();
    const interval = await lab.traffic.mark();
    return { ...interval, timeline: await timeline.end(interval.gaps ?? []) };
  } finally {
    await Promise.all([timeline.stop(), lab.traffic.stop()]);
  }
}

const hasAll = (seen: Reach, pod: Pod): boolean => works(seen) && seen.pod === pod.metadata.name;
