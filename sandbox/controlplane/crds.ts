// SPDX-License-Identifier: Apache-2.0
// Installs CustomResourceDefinitions: server-side apply of all at once, then waits until the API server serves each.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseAllDocuments } from "yaml";
import type { ApiClient } from "../../controller/kubernetes/transport";

interface Crd {
  kind?: string;
  metadata: { name: string };
  status?: { conditions?: { type: string; status: string }[] };
}

/** A definition that the API server did not accept in time. */
export class CrdError extends Error {
  readonly code = "CrdNotEstablished";
  readonly retry = true;
}

const COLLECTION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const FIELD_MANAGER = "sandbox-crds";

/**
 * Applies every CRD in the given folders and files (YAML or JSON) and waits until all are Established.
 * @returns the names
 * @throws CrdError after `timeoutMs` (default 20 s); ApiError when one is refused
 */
export async function installCrds(client: ApiClient, paths: string[], options: { timeoutMs?: number } = {}): Promise<string[]> {
  const crds = (await Promise.all((await filesOf(paths)).map(readCrds))).flat();
  await Promise.all(
    crds.map((crd) =>
      client.request("PATCH", `${COLLECTION}/${crd.metadata.name}`, {
        body: crd,
        contentType: "application/apply-patch+yaml",
        query: { fieldManager: FIELD_MANAGER, force: true },
      }),
    ),
  );
  const names = crds.map((crd) => crd.metadata.name);
  await waitEstablished(client, names, options.timeoutMs ?? 20_000);
  return names;
}

async function waitEstablished(client: ApiClient, names: string[], timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let waiting = names;
  for (;;) {
    const read = await Promise.all(waiting.map((name) => client.request<Crd>("GET", `${COLLECTION}/${name}`)));
    waiting = read.filter((crd) => !established(crd)).map((crd) => crd.metadata.name);
    if (waiting.length === 0) return;
    if (performance.now() > deadline) throw new CrdError(`not established after ${timeoutMs} ms: ${waiting.join(", ")}`);
    await sleep(50);
  }
}

function established(crd: Crd): boolean {
  return crd.status?.conditions?.some((c) => c.type === "Established" && c.status === "True") ?? false;
}

async function filesOf(paths: string[]): Promise<string[]> {
  const lists = await Promise.all(
    paths.map(async (path) => {
      if (!(await stat(path)).isDirectory()) return [path];
      return (await readdir(path)).filter((file) => /\.(ya?ml|json)$/.test(file)).map((file) => join(path, file));
    }),
  );
  return lists.flat();
}

async function readCrds(file: string): Promise<Crd[]> {
  const documents = parseAllDocuments(await readFile(file, "utf8"));
  const crds = documents.map((document) => document.toJS() as Crd | null).filter((crd): crd is Crd => crd?.kind === KIND);
  crds.forEach((crd) => delete crd.status); // some published manifests carry an empty one, which server-side apply refuses to own
  return crds;
}

const KIND = "CustomResourceDefinition";
