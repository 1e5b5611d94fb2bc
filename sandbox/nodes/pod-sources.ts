// SPDX-License-Identifier: Apache-2.0
// Where a Pod's values come from: its own fields (downward API), ConfigMaps and Secrets.
import { isApiError, type ApiClient } from "../../controller/kubernetes/transport";
import { PodError, type Pod } from "./pod-types";

/** Values that the kubelet knows and the stored Pod may not have yet. */
export interface PodFacts {
  podIP: string;
  hostIP: string;
}

/** One field of the downward API, in the spellings that the API server accepts. */
export function downwardField(pod: Pod, path: string, facts: PodFacts): string {
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed) return pod.metadata[keyed[1] as "labels" | "annotations"]?.[keyed[2] ?? ""] ?? "";
  const fields: Record<string, () => string> = {
    "metadata.name": () => pod.metadata.name,
    "metadata.namespace": () => pod.metadata.namespace,
    "metadata.uid": () => pod.metadata.uid,
    "metadata.labels": () => pairs(pod.metadata.labels),
    "metadata.annotations": () => pairs(pod.metadata.annotations),
    "spec.nodeName": () => pod.spec.nodeName ?? "",
    "spec.serviceAccountName": () => pod.spec.serviceAccountName ?? "default",
    "status.podIP": () => facts.podIP,
    "status.podIPs": () => facts.podIP,
    "status.hostIP": () => facts.hostIP,
    "status.hostIPs": () => facts.hostIP,
  };
  const read = fields[path];
  if (!read) throw new PodError("CreateContainerConfigError", `fieldRef ${path}: not a field of the downward API`);
  return read();
}

function pairs(map: Record<string, string> = {}): string {
  return Object.entries(map)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");
}

/** A ConfigMap or Secret. */
export interface KeySource {
  namespace: string;
  kind: "configmaps" | "secrets";
  name: string;
  optional?: boolean;
}

/** Keys of a ConfigMap or Secret. @throws PodError when it does not exist and is not optional */
export async function readKeys(client: ApiClient, source: KeySource): Promise<Map<string, Buffer>> {
  const { namespace, kind, name, optional } = source;
  const path = `/api/v1/namespaces/${namespace}/${kind}/${name}`;
  try {
    const object = await client.request<{ data?: Record<string, string>; binaryData?: Record<string, string> }>("GET", path);
    const plain = kind === "configmaps" ? "utf8" : "base64";
    const text = Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, plain)] as const);
    const binary = Object.entries(object.binaryData ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64")] as const);
    return new Map([...text, ...binary]);
  } catch (error) {
    if (!isApiError(error, "NotFound")) throw error;
    if (optional) return new Map();
    throw new PodError("CreateContainerConfigError", `${kind.slice(0, -1)} "${name}" not found in namespace ${namespace}`);
  }
}
