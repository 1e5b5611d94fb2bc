// SPDX-License-Identifier: Apache-2.0
// What the engine suites run in: the real CLI, a real API server (one per run), the cloud emulator, and this room's providers.
// A cluster of the emulator is that API server. Pods are made Ready by a loop here, since no node exists.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "mocha";
import type { ApiClient } from "../../controller/kubernetes/transport";
import { startEmulator, type Emulator } from "../../sandbox/emulator";
import { startEngineParts, type EngineParts } from "../../sandbox/pulumi";
import { findTools } from "../../sandbox/tools";
import { sharedApiServer, type TestApiServer } from "../support/apiserver";
import { Stack, type StackOptions } from "./stack";

export const REGION = "us-central1";

export interface EngineWorld {
  api: TestApiServer;
  admin: ApiClient;
  emulator: Emulator;
  parts: EngineParts;
  /** A new project folder with one initialised stack. */
  stack(options: StackOptions): Promise<Stack>;
  /** State families of the emulator that a program can fill, by their names. */
  cloudNames(): string[];
}

/** Registers hooks that start the world before a suite and end it after; skips the suite where a program is missing. */
export function useEngine(): () => EngineWorld {
  let world: EngineWorld | undefined;
  const ends: (() => Promise<void> | void)[] = [];
  before(async function () {
    this.timeout(120_000);
    world = await openEngine(this, ends);
  });
  after(async function () {
    this.timeout(60_000);
    for (const end of ends.reverse()) await end();
  });
  return () => world as EngineWorld;
}

/** Starts a world; `ends` are called last one first. Skips the suite where a program is missing. */
export async function openEngine(context: Context, ends: (() => Promise<void> | void)[]): Promise<EngineWorld> {
  const found = await findTools(["pulumi"]);
  if ("missing" in found) {
    console.log(
      `      skipped: ${found.missing.join(", ")} not found; set KUBEBUILDER_ASSETS or PATH, or run the sandbox once to build it`,
    );
    return context.skip();
  }
  const api = await sharedApiServer(context);
  const admin = api.client();
  const emulator = await startEmulator({ operationLatencyMs: 20, hooks: hooks(api) });
  ends.push(() => emulator.close());
  const dir = mkdtempSync(path.join(tmpdir(), "engine-"));
  ends.push(() => rmSync(dir, { recursive: true, force: true }));
  const parts = await startEngineParts({
    dir,
    pulumiBinary: found.tools.pulumi,
    emulatorUrl: emulator.url,
    project: emulator.project,
    kubernetesToken: () => api.adminToken,
  });
  ends.push(() => parts.stop());
  ends.push(readyPods(admin));
  const families = ["addresses", "networks", "subnetworks", "firewalls"] as const;
  return {
    api,
    admin,
    emulator,
    parts,
    stack: (options) => Stack.create(parts, dir, options),
    cloudNames: () =>
      families.flatMap((f) => emulator.list(f).map((r) => `${f}/${r.name}`)).filter((n) => !n.endsWith("/default")),
  };
}

function hooks(api: TestApiServer): NonNullable<Parameters<typeof startEmulator>[0]>["hooks"] {
  const endpoint = new URL(api.server).host;
  const caCertificateBase64 = Buffer.from(api.caPem).toString("base64");
  return { clusterCreated: () => Promise.resolve({ endpoint, caCertificateBase64 }) };
}

interface PodList {
  items: { metadata: { name: string; namespace: string }; status?: { phase?: string } }[];
}

/** Plays the kubelets: whatever Pod appears is Running and Ready at once. Answers the end of it. */
function readyPods(admin: ApiClient): () => Promise<void> {
  let running = true;
  const loop = async (): Promise<void> => {
    while (running) {
      const pods = await admin.request<PodList>("GET", "/api/v1/pods").catch((): PodList => ({ items: [] }));
      await Promise.all(pods.items.filter((p) => p.status?.phase === "Pending").map((p) => makeReady(admin, p.metadata)));
      await sleep(150);
    }
  };
  const ended = loop();
  return () => {
    running = false;
    return ended;
  };
}

async function makeReady(admin: ApiClient, pod: { name: string; namespace: string }): Promise<void> {
  const conditions = [{ type: "Ready", status: "True", lastTransitionTime: new Date().toISOString() }];
  const path = `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/status`;
  await admin.request("PATCH", path, { body: { status: { phase: "Running", conditions } } }).catch(() => undefined); // it may be gone
}
