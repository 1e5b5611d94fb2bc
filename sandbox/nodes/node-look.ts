// SPDX-License-Identifier: Apache-2.0
// What both kinds of nodes need to know of the API server: whether a node is Ready, and how to move its Pods off.
import { setTimeout as sleep } from "node:timers/promises";
import { isApiError, type ApiClient } from "../../controller/kubernetes/transport";

export interface NodeView {
  spec?: { taints?: { key: string }[] };
  status?: { conditions?: { type: string; status: string }[] };
}

interface PodView {
  metadata: { namespace: string; name: string };
}

const DRAIN_TIMEOUT_MS = 10_000;
const NOT_READY_TAINTS = new Set(["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]);

/** Ready, and the taints of the time before are gone. */
export function isReady({ spec, status }: NodeView): boolean {
  const tainted = spec?.taints?.some((taint) => NOT_READY_TAINTS.has(taint.key)) ?? false;
  return !tainted && (status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false);
}

/** Cordon, delete every Pod, wait until they are gone or patience is. */
export async function drainNode(client: ApiClient, name: string): Promise<void> {
  await client.request("PATCH", `/api/v1/nodes/${name}`, { body: { spec: { unschedulable: true } } }).catch(ignoreNotFound);
  const query = { fieldSelector: `spec.nodeName=${name}` };
  const deadline = performance.now() + DRAIN_TIMEOUT_MS;
  let asked = false;
  while (performance.now() < deadline) {
    const { items } = await client.request<{ items: PodView[] }>("GET", "/api/v1/pods", { query });
    if (items.length === 0) return;
    if (!asked) await Promise.all(items.map((pod) => deletePod(client, pod)));
    asked = true;
    await sleep(50);
  }
}

async function deletePod(client: ApiClient, { metadata: { namespace, name } }: PodView): Promise<void> {
  await client.request("DELETE", `/api/v1/namespaces/${namespace}/pods/${name}`).catch(ignoreNotFound);
}

export function ignoreNotFound(error: unknown): void {
  if (!isApiError(error, "NotFound")) throw error;
}
