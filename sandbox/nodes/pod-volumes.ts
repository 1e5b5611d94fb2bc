// SPDX-License-Identifier: Apache-2.0
// Lays a Pod's volumes out as folders: ConfigMaps, Secrets, projected volumes with a real service-account token that is bound to
// the Pod and renewed before it expires, downward API files and empty folders.
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ApiClient } from "../../controller/kubernetes/transport";
import { downwardField, readKeys, type KeySource, type PodFacts } from "./pod-sources";
import { PodError, type Container, type KeyToPath, type Pod, type Volume, type VolumeSource } from "./pod-types";

export interface VolumeContext {
  client: ApiClient;
  pod: Pod;
  facts: PodFacts;
  /** Folder of this Pod. */
  root: string;
  /** Folders of the node may be mounted: they are this machine's. */
  hostPaths?: boolean;
  now: () => number;
}

/** A token in a file, and when it should be replaced (milliseconds since the epoch). */
export interface TokenFile {
  file: string;
  source: NonNullable<VolumeSource["serviceAccountToken"]>;
  renewAt: number;
}

/** Writes all volumes below `<root>/volumes/<name>`. @throws PodError for what is missing or unknown */
export async function writeVolumes(context: VolumeContext): Promise<{ folders: Map<string, string>; tokens: TokenFile[] }> {
  const folders = new Map<string, string>();
  const tokens: TokenFile[] = [];
  for (const volume of context.pod.spec.volumes ?? []) {
    if (volume.hostPath && context.hostPaths) {
      folders.set(volume.name, volume.hostPath.path);
      continue;
    }
    const folder = join(context.root, "volumes", volume.name);
    await mkdir(folder, { recursive: true });
    folders.set(volume.name, folder);
    for (const source of sourcesOf(volume)) tokens.push(...(await writeSource(context, source, folder)));
  }
  return { folders, tokens };
}

/** Where each mount path of a container lies. @throws PodError for a volume that the Pod does not have */
export function mountsOf(spec: Container, folders: ReadonlyMap<string, string>): Map<string, string> {
  const mounts = new Map<string, string>();
  for (const mount of spec.volumeMounts ?? []) {
    const folder = folders.get(mount.name);
    if (folder === undefined) throw new PodError("FailedMount", `container ${spec.name}: volume ${mount.name} is not in the Pod`);
    mounts.set(mount.mountPath.replace(/\/+$/, "") || "/", mount.subPath ? join(folder, mount.subPath) : folder);
  }
  return mounts;
}

/** Asks for a fresh token and swaps the file in one step. */
export async function renewToken(context: VolumeContext, token: TokenFile): Promise<TokenFile> {
  return writeToken(context, token.source, token.file);
}

function sourcesOf(volume: Volume): VolumeSource[] {
  if (volume.projected) return volume.projected.sources ?? [];
  if (volume.configMap || volume.secret || volume.downwardAPI) return [volume];
  if (volume.emptyDir) return [];
  const kind = Object.keys(volume).find((key) => key !== "name") ?? "none";
  throw new PodError("FailedMount", `volume ${volume.name}: kind ${kind} is not one the sandbox can mount`);
}

async function writeSource(context: VolumeContext, source: VolumeSource, folder: string): Promise<TokenFile[]> {
  const { serviceAccountToken: token, configMap, secret, downwardAPI } = source;
  if (token) return [await writeToken(context, token, join(folder, token.path))];
  if (configMap) await writeMap(context, "configmaps", configMap, folder);
  if (secret) await writeMap(context, "secrets", { ...secret, name: secret.name ?? secret.secretName }, folder);
  for (const { path, fieldRef } of downwardAPI?.items ?? []) {
    const text = fieldRef ? downwardField(context.pod, fieldRef.fieldPath, context.facts) : "";
    await put(join(folder, path), Buffer.from(text));
  }
  return [];
}

type MapSource = { name?: string; items?: KeyToPath[]; optional?: boolean };

async function writeMap(context: VolumeContext, kind: KeySource["kind"], source: MapSource, folder: string): Promise<void> {
  const { name = "", items, optional } = source;
  const data = await readKeys(context.client, { namespace: context.pod.metadata.namespace, kind, name, optional });
  await writeKeys(folder, data, items, name);
}

async function writeKeys(folder: string, data: Map<string, Buffer>, items: KeyToPath[] | undefined, name: string): Promise<void> {
  const wanted = items ?? [...data.keys()].map((key) => ({ key, path: key }));
  for (const { key, path } of wanted) {
    const value = data.get(key);
    if (value === undefined) throw new PodError("FailedMount", `${name}: references non-existent key ${key}`);
    await put(join(folder, path), value);
  }
}

async function writeToken(context: VolumeContext, source: TokenFile["source"], file: string): Promise<TokenFile> {
  const { name, namespace, uid } = context.pod.metadata;
  const account = context.pod.spec.serviceAccountName ?? "default";
  const seconds = source.expirationSeconds ?? 3600;
  const answer = await context.client.request<{ status: { token: string; expirationTimestamp: string } }>(
    "POST",
    `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
    {
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: {
          audiences: source.audience ? [source.audience] : undefined,
          expirationSeconds: seconds,
          boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
        },
      },
    },
  );
  await put(file, Buffer.from(answer.status.token));
  const lifeMs = Date.parse(answer.status.expirationTimestamp) - context.now();
  return { file, source, renewAt: context.now() + 0.8 * lifeMs };
}

async function put(file: string, content: Buffer): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, content, { mode: 0o600 });
  await rename(`${file}.new`, file); // readers see the old or the new one, never half of it
}
