// SPDX-License-Identifier: Apache-2.0
// What every suite of this folder needs: the real programs (or one clear line why the suite is skipped) and a fresh folder.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../../controller/kubernetes/transport";
import { startControlPlane, type ControlPlane } from "../../sandbox/controlplane";
import { findTools, type Tools } from "../../sandbox/tools";
import type { NodeSpec } from "../../sandbox/nodes";

/** The programs, or a skipped suite. Call in `before`. */
export async function toolsOrSkip(context: Mocha.Context): Promise<Tools> {
  const found = await findTools(["kubernetes"]);
  if ("tools" in found) return found.tools;
  process.stdout.write(`      skipped: no ${found.missing.join(", ")}; run \`npx ts-node sandbox/tools/main.ts\` first\n`);
  return context.skip();
}

export interface Lab {
  dir: string;
  logs: string;
  controlPlane: ControlPlane;
  tools: Tools;
  /** Ends the control plane and removes the folder. */
  stop(): Promise<void>;
}

export async function startLab(tools: Tools): Promise<Lab> {
  const dir = await mkdtemp(join(tmpdir(), "world-"));
  const logs = join(dir, "log");
  await mkdir(logs, { recursive: true });
  const controlPlane = await startControlPlane({ dir, tools });
  return {
    ...{ dir, logs, controlPlane, tools },
    async stop() {
      await controlPlane.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Asks until the answer is neither undefined nor false; answers it and prints nothing. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined | false>, timeoutMs = 20_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last = "";
  while (performance.now() < deadline) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = ` (${error instanceof Error ? error.message : String(error)})`;
    }
    await sleep(25);
  }
  throw new Error(`not within ${timeoutMs} ms: ${what}${last}`);
}

/** Prints a measured time under the running test. */
export function measured(what: string, ms: number): void {
  process.stdout.write(`      measured: ${what} ${Math.round(ms)} ms\n`);
}

export async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  measured(what, performance.now() - began);
  return result;
}

export function nodeSpec(name: string, last: number, more: Partial<NodeSpec> = {}): NodeSpec {
  return {
    name,
    zone: "us-central1-a",
    region: "us-central1",
    project: "sandbox-project",
    pool: "default-pool",
    networks: [],
    internalIP: `10.128.0.${last}`,
    ...more,
  };
}

export interface PodView {
  metadata: { name: string; uid: string; annotations?: Record<string, string>; deletionTimestamp?: string };
  spec: { nodeName?: string };
  status: {
    phase?: string;
    podIP?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: { restartCount: number; state?: Record<string, unknown> }[];
  };
}

export async function podsIn(client: ApiClient, namespace: string): Promise<PodView[]> {
  return (await client.request<{ items: PodView[] }>("GET", `/api/v1/namespaces/${namespace}/pods`)).items;
}

export function isTrue(object: { status?: { conditions?: { type: string; status: string }[] } }, type: string): boolean {
  return object.status?.conditions?.some((c) => c.type === type && c.status === "True") ?? false;
}

/** A Deployment of the given Pod template. */
export function deployment(name: string, replicas: number, podSpec: object, annotations: Record<string, string> = {}): object {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels, annotations }, spec: podSpec } },
  };
}

/** Whether a process exists. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
