// SPDX-License-Identifier: Apache-2.0
// Writes the network annotations on Nodes, and the extended resources for networks that were found through their VPC.
import { isApiError, type ApiClient } from "../../controller/kubernetes/transport";
import { networkResource, type NodeSpec } from "../nodes";
import type { Cache } from "./cache";
import { connectedNetworks, nodeAnnotations, type ConnectedNetwork } from "./node-rules";
import { PATHS } from "./types";

const WRITER = { fieldManager: "gke-node-controller" };

/** One pass over all nodes. @returns true when a node is not registered yet */
export async function reconcileNodes(client: ApiClient, cache: Cache, specs: Iterable<NodeSpec>): Promise<boolean> {
  const passes = [...specs].map(async (spec) => {
    const node = cache.nodes.get(spec.name);
    if (!node) return true;
    const connected = connectedNetworks(spec, cache.networks.values(), cache.paramSets.values());
    const annotations = nodeAnnotations(spec, connected);
    const changed = Object.entries(annotations).some(([key, value]) => node.metadata.annotations?.[key] !== value);
    if (changed) {
      const body = { metadata: { annotations } };
      await client.request("PATCH", `${PATHS.nodes}/${spec.name}`, { body, query: WRITER }).catch(ignoreMissing);
    }
    await offerResources(client, spec.name, node.status?.capacity ?? {}, connected);
    return false;
  });
  return (await Promise.all(passes)).some(Boolean);
}

async function offerResources(
  client: ApiClient,
  name: string,
  has: Record<string, string>,
  connected: ConnectedNetwork[],
): Promise<void> {
  const wanted = Object.assign({}, ...connected.map((network) => networkResource(network.name))) as Record<string, string>;
  // A kubelet that registers anew sets what it does not manage to zero.
  if (Object.keys(wanted).every((key) => key in has && has[key] !== "0")) return;
  const body = { status: { capacity: wanted, allocatable: wanted } };
  await client.request("PATCH", `${PATHS.nodes}/${name}/status`, { body, query: WRITER }).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): void {
  if (!isApiError(error, "NotFound")) throw error;
}
