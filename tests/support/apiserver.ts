// SPDX-License-Identifier: Apache-2.0
// A real etcd and kube-apiserver for a suite, one for all files of a run. Programs come from KUBEBUILDER_ASSETS, PATH or the
// sandbox's cache; nothing is built here: where they are missing the suite is skipped with one line that says which.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "mocha";
import { kubeconfigClient } from "../../controller/kubernetes/config";
import { type ApiClient, createApiClient } from "../../controller/kubernetes/transport";
import { type ControlPlane, startControlPlane } from "../../sandbox/controlplane";
import { cacheFolder, type ToolKey, type Tools } from "../../sandbox/tools";
import { findTool, placesOf } from "../../sandbox/tools/find";
import { TOOLS } from "../../sandbox/tools/table";

export interface TestApiServer {
  readonly server: string;
  readonly caPem: string;
  readonly adminToken: string;
  readonly kubeconfigPath: string;
  /** Path of kubectl. */
  readonly kubectl: string;
  readonly plane: ControlPlane;
  /** A client of this user (default: cluster admin); closed by `stop`. */
  client(user?: string, groups?: string[]): ApiClient;
  stop(): Promise<void>;
}

const NEEDED: ToolKey[] = ["etcd", "kubeApiserver", "kubeControllerManager", "kubeScheduler", "kubectl"];

/** Programs that the suites need are not on this machine. */
export class ProgramsMissingError extends Error {
  readonly code = "ProgramsMissing";
  readonly retry = false;
}

/** @throws ProgramsMissingError naming the programs that were not found */
export async function startApiServer(extraApiServerFlags: string[] = []): Promise<TestApiServer> {
  const tools = await findPrograms();
  const dir = await mkdtemp(join(tmpdir(), "apiserver-"));
  const plane = await startControlPlane({ dir, tools, extraApiServerFlags });
  const clients: ApiClient[] = [];
  return {
    server: plane.server,
    caPem: plane.caPem,
    adminToken: plane.adminToken,
    kubeconfigPath: plane.adminKubeconfigPath,
    kubectl: tools.kubectl,
    plane,
    client(user, groups) {
      const kubeconfig = user === undefined ? plane.adminKubeconfig : plane.kubeconfigFor(user, groups);
      const client = createApiClient(kubeconfigClient(kubeconfig));
      clients.push(client);
      return client;
    },
    async stop() {
      await Promise.all(clients.map((client) => client.close()));
      await plane.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

let shared: Promise<TestApiServer> | undefined;

/** The server that all suites of this run share; skips the suite where the programs are missing. Call it in a `before` hook. */
export async function sharedApiServer(context: Context): Promise<TestApiServer> {
  context.timeout(90_000);
  shared ??= startApiServer();
  try {
    return await shared;
  } catch (error) {
    if (!(error instanceof ProgramsMissingError)) throw error;
    console.log(`      ${error.message}`);
    return context.skip();
  }
}

// A hook of the root suite: it runs after the last test of the last file.
after(async function () {
  this.timeout(30_000);
  await shared?.then(
    (server) => server.stop(),
    () => undefined,
  );
  shared = undefined;
});

async function findPrograms(): Promise<Tools> {
  const cacheBin = join(await cacheFolder(), "bin");
  const places = placesOf(process.env, cacheBin);
  const wanted = TOOLS.filter((spec) => NEEDED.includes(spec.key));
  const found = await Promise.all(wanted.map(async (spec) => ({ spec, path: await findTool(spec, places) })));
  const missing = found.filter(({ path }) => path === undefined).map(({ spec }) => spec.binary);
  if (missing.length > 0) {
    throw new ProgramsMissingError(`skipped: ${missing.join(", ")} not found; set KUBEBUILDER_ASSETS to a folder that has them`);
  }
  const paths = Object.fromEntries(found.map(({ spec, path }) => [spec.key, path ?? ""])) as Record<ToolKey, string>;
  return { ...paths, kwok: "", pulumi: "", crds: { gatewayApi: "", network: [] } };
}
