// SPDX-License-Identifier: Apache-2.0
// Resolves a container's environment: literal values, downward API, ConfigMap and Secret keys.
import { join } from "node:path";
import type { ApiClient } from "../../controller/kubernetes/transport";
import { expandVariables } from "./pod-command";
import { downwardField, readKeys, type KeySource, type PodFacts } from "./pod-sources";
import { PodError, type Container, type EnvVar, type Pod } from "./pod-types";

/** Whose environment is resolved, and with whose eyes. */
interface Subject {
  client: ApiClient;
  pod: Pod;
  container: Container;
  facts: PodFacts;
}

/** @throws PodError for a missing key or a field that the downward API does not have */
export async function containerEnvironment(
  client: ApiClient,
  pod: Pod,
  container: Container,
  facts: PodFacts,
): Promise<Record<string, string>> {
  const subject = { client, pod, container, facts };
  const env = await wholeObjects(subject);
  for (const variable of container.env ?? []) {
    const value = await valueOf(subject, variable);
    if (value !== undefined) env[variable.name] = expandVariables(value, env);
  }
  return env;
}

/** envFrom: every key of a ConfigMap or Secret. */
async function wholeObjects({ client, pod, container }: Subject): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const ref = configMapRef ?? secretRef;
    if (!ref) continue;
    const kind = configMapRef ? "configmaps" : "secrets";
    const data = await readKeys(client, { namespace: pod.metadata.namespace, kind, ...ref });
    for (const [key, value] of data) env[prefix + key] = value.toString("utf8");
  }
  return env;
}

async function valueOf(
  { client, pod, container, facts }: Subject,
  { name, value, valueFrom }: EnvVar,
): Promise<string | undefined> {
  if (!valueFrom) return value ?? "";
  if (valueFrom.fieldRef) return downwardField(pod, valueFrom.fieldRef.fieldPath, facts);
  if (valueFrom.resourceFieldRef) return resourceField(container, valueFrom.resourceFieldRef.resource);
  const kind = valueFrom.configMapKeyRef ? "configmaps" : "secrets";
  const ref = valueFrom.configMapKeyRef ?? valueFrom.secretKeyRef;
  if (!ref) throw new PodError("CreateContainerConfigError", `env ${name}: valueFrom is of a kind the sandbox does not know`);
  return keyOf(client, name, { namespace: pod.metadata.namespace, kind, name: ref.name ?? "", optional: ref.optional }, ref.key);
}

async function keyOf(client: ApiClient, variable: string, source: KeySource, key: string): Promise<string | undefined> {
  const value = (await readKeys(client, source)).get(key);
  if (value === undefined && !source.optional)
    throw new PodError("CreateContainerConfigError", `env ${variable}: key ${key} is not in ${source.kind}/${source.name}`);
  return value?.toString("utf8");
}

const UNITS: Record<string, number> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, k: 1e3, M: 1e6, G: 1e9, m: 1e-3, "": 1 };

/** limits.* and requests.*, with the divisor 1: bytes, or whole cores rounded up. */
function resourceField(container: Container, resource: string): string {
  const [list, name = ""] = resource.split(".") as ["limits" | "requests", string];
  const match = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|k|M|G|m)?$/.exec(container.resources?.[list]?.[name] ?? "");
  return match ? String(Math.ceil(Number(match[1]) * (UNITS[match[2] ?? ""] ?? 1))) : "0";
}

const SERVICE_ACCOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";

export interface Surroundings {
  /** Where the API server is found. */
  api: { host: string; port: string };
  /** Folder for the Pod's files. */
  root: string;
  /** PATH; default: that of this process. */
  path: string | undefined;
  hostname: string;
  /** Where each mount path lies on this machine. */
  mounts: ReadonlyMap<string, string>;
}

/** What every container has; nothing of our own environment leaks in, or a missing variable would go unnoticed. */
export function commonEnvironment({ api, root, path, hostname, mounts }: Surroundings): Record<string, string> {
  const account = mounts.get(SERVICE_ACCOUNT_PATH);
  return {
    PATH: path ?? process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: join(root, "home"),
    TMPDIR: mounts.get("/tmp") ?? root,
    HOSTNAME: hostname,
    KUBERNETES_SERVICE_HOST: api.host,
    KUBERNETES_SERVICE_PORT: api.port,
    KUBERNETES_SERVICE_PORT_HTTPS: api.port,
    ...(account === undefined ? {} : { SERVICE_ACCOUNT_DIR: account }),
  };
}
