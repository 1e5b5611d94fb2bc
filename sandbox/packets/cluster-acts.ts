// SPDX-License-Identifier: Apache-2.0
// What happens to Pods and nodes in real life, done through the API server as kubectl would.
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "../../controller/kubernetes/transport";
import { isApiError } from "../../controller/kubernetes/transport";

interface PodView {
  metadata: { namespace: string; name: string; uid: string; ownerReferences?: { kind: string }[]; deletionTimestamp?: string };
  spec: { nodeName?: string };
  status?: {
    conditions?: { type: string; status: string }[];
    initContainerStatuses?: ContainerView[];
    containerStatuses?: ContainerView[];
  };
}
interface ContainerView {
  name: string;
  restartCount: number;
  state?: object;
}
interface DeploymentView {
  metadata: { generation: number };
  spec: { replicas?: number };
  status?: { observedGeneration?: number; updatedReplicas?: number; availableReplicas?: number; replicas?: number };
}

const RESTARTED_AT = "kubectl.kubernetes.io/restartedAt";

/** `kubectl rollout restart deployment`, and waits for its end. @throws Error when it does not end in time */
export async function rollOut(client: ApiClient, namespace: string, name: string, timeoutMs: number): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  const annotations = { [RESTARTED_AT]: new Date().toISOString() };
  await client.request("PATCH", path, { body: { spec: { template: { metadata: { annotations } } } } });
  await untilWhole(client, namespace, name, timeoutMs);
}

/** `kubectl rollout status deployment`: every replica is of the current template and available, and no other is left. @throws Error */
export async function untilWhole(client: ApiClient, namespace: string, name: string, timeoutMs: number): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  await until(timeoutMs, `deployment ${name} is whole`, async () => {
    const { metadata, spec, status = {} } = await client.request<DeploymentView>("GET", path);
    const want = spec.replicas ?? 1;
    const counts = [status.updatedReplicas, status.availableReplicas, status.replicas];
    return status.observedGeneration === metadata.generation && counts.every((n) => n === want);
  });
}

/** `kubectl cordon` and eviction of every Pod but those of DaemonSets; waits until they are gone. @throws Error when it takes too long */
export async function drain(client: ApiClient, node: string, timeoutMs: number): Promise<void> {
  await client.request("PATCH", `/api/v1/nodes/${node}`, { body: { spec: { unschedulable: true } } });
  await until(timeoutMs, `node ${node} is drained`, async () => {
    const { items } = await client.request<{ items: PodView[] }>("GET", "/api/v1/pods", {
      query: { fieldSelector: `spec.nodeName=${node}` },
    });
    const left = items.filter((pod) => !pod.metadata.ownerReferences?.some((owner) => owner.kind === "DaemonSet"));
    for (const pod of left) if (pod.metadata.deletionTimestamp === undefined) await evict(client, pod);
    return left.length === 0;
  });
}

/** `kubectl uncordon`. */
export async function uncordon(client: ApiClient, node: string): Promise<void> {
  await client.request("PATCH", `/api/v1/nodes/${node}`, { body: { spec: { unschedulable: null } } });
}

/** Deletes a Pod; with `now` without the time that it asks for. */
export async function deletePod(client: ApiClient, namespace: string, name: string, now = false): Promise<void> {
  const body = now ? { gracePeriodSeconds: 0 } : {};
  await client.request("DELETE", `/api/v1/namespaces/${namespace}/pods/${name}`, { body });
}

async function evict(client: ApiClient, { metadata: { namespace, name } }: PodView): Promise<void> {
  const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { namespace, name } };
  try {
    await client.request("POST", `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, { body });
  } catch (error) {
    // 429: a disruption budget says later.
    if (!isApiError(error, "NotFound", "TooManyRequests")) throw error;
  }
}

/** One line for each Pod that is not Ready, with what its containers wait for. For error messages. */
export async function podTroubles(client: ApiClient): Promise<string[]> {
  const { items } = await client.request<{ items: PodView[] }>("GET", "/api/v1/pods");
  const ready = (pod: PodView): boolean =>
    pod.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
  return items
    .filter((pod) => !ready(pod))
    .map(({ metadata, spec, status }) => {
      const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
      const said = containers.map((one) => `${one.name} ${one.restartCount}x ${JSON.stringify(one.state)}`);
      return `${metadata.namespace}/${metadata.name} on ${spec.nodeName ?? "no node"}: ${said.join("; ") || "no containers yet"}`;
    });
}

/** Asks until it is so. @throws Error naming what did not come true */
export async function until(timeoutMs: number, what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`not so after ${timeoutMs / 1000} s: ${what}`);
    await sleep(200);
  }
}
