// SPDX-License-Identifier: Apache-2.0
// Resolves a container's environment: literal values, downward API, ConfigMap and Secret keys.
import type { ApiClient } from "../../controller/kubernetes/transport";
import { expandVariables } from "./pod-command";
import { downwardField, readKeys, type PodFacts } from "./pod-sources";
import { PodError, type Container, type EnvVar, type Pod } from "./pod-types";

/** @throws PodError for a missing key or a field that the downward API does not have */
export async function containerEnvironment(
  client: ApiClient,
  pod: Pod,
  container: Container,
  facts: PodFacts,
): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const source of container.envFrom ?? []) {
    const ref = source.configMapRef ?? source.secretRef;
    if (!ref) continue;
    const kind = source.configMapRef ? "configmaps" : "secrets";
    const data = await readKeys(client, pod.metadata.namespace, kind, ref.name, ref.optional);
    for (const [key, value] of data) env[(source.prefix ?? "") + key] = value.toString("utf8");
  }
  for (const variable of container.env ?? []) {
    const value = await valueOf(client, pod, container, variable, facts);
    if (value !== undefined) env[variable.name] = expandVariables(value, env);
  }
  return env;
}

async function valueOf(
  client: ApiClient,
  pod: Pod,
  container: Container,
  variable: EnvVar,
  facts: PodFacts,
): Promise<string | undefined> {
  const from = variable.valueFrom;
  if (!from) return variable.value ?? "";
  if (from.fieldRef) return downwardField(pod, from.fieldRef.fieldPath, facts);
  if (from.resourceFieldRef) return resourceField(container, from.resourceFieldRef.resource);
  const ref = from.configMapKeyRef ?? from.secretKeyRef;
  if (!ref)
    throw new PodError("CreateContainerConfigError", `env ${variable.name}: valueFrom is of a kind the sandbox does not know`);
  const kind = from.configMapKeyRef ? "configmaps" : "secrets";
  const data = await readKeys(client, pod.metadata.namespace, kind, ref.name ?? "", ref.optional);
  const value = data.get(ref.key);
  if (value === undefined && !ref.optional)
    throw new PodError("CreateContainerConfigError", `env ${variable.name}: key ${ref.key} is not in ${kind}/${ref.name}`);
  return value?.toString("utf8");
}

const UNITS: Record<string, number> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, k: 1e3, M: 1e6, G: 1e9, m: 1e-3, "": 1 };

/** limits.* and requests.*, with the divisor 1: bytes, or whole cores rounded up. */
function resourceField(container: Container, resource: string): string {
  const [list, name = ""] = resource.split(".") as ["limits" | "requests", string];
  const match = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|k|M|G|m)?$/.exec(container.resources?.[list]?.[name] ?? "");
  return match ? String(Math.ceil(Number(match[1]) * (UNITS[match[2] ?? ""] ?? 1))) : "0";
}
