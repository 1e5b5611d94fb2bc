// SPDX-License-Identifier: Apache-2.0
// GKE's controllers for GKENetworkParamSet and Network: finalizer, status, the in-use mark.
import { isApiError, type ApiClient } from "../../controller/kubernetes/transport";
import type { Cache } from "./cache";
import type { CloudLookup } from "./lookup";
import { judgeNetwork, judgeParamSet, refersTo, type ParamSetVerdict } from "./network-rules";
import { requestedNetworks } from "./pod-rules";
import { ANNOTATIONS, PATHS, withCondition, type Condition, type Network, type ParamSet } from "./types";

const FINALIZER = "networking.gke.io/gnp-controller";
const WRITER = { fieldManager: "gke-network-controller" };

/** One pass over all of them. @returns true when something is not Ready yet and the cloud should be asked again */
export async function reconcileNetworks(client: ApiClient, cache: Cache, lookup: CloudLookup): Promise<boolean> {
  const sets = [...cache.paramSets.values()];
  const networks = [...cache.networks.values()];
  const judged: ParamSet[] = [];
  for (const set of sets) judged.push(await reconcileParamSet(client, set, { sets, networks, lookup }));
  const used = networksInUse(cache);
  let waiting = judged.some((set) => !isReady(set.status?.conditions));
  for (const network of networks) {
    const set = judged.find((candidate) => refersTo(network, candidate));
    waiting = !(await reconcileNetwork(client, network, set, used)) || waiting;
  }
  return waiting;
}

interface Surroundings {
  sets: ParamSet[];
  networks: Network[];
  lookup: CloudLookup;
}

/** Answers the set as it is after our write, so that its Network is judged by the new state at once. */
async function reconcileParamSet(client: ApiClient, set: ParamSet, { sets, networks, lookup }: Surroundings): Promise<ParamSet> {
  const path = `${PATHS.paramSets}/${set.metadata.name}`;
  const users = networks.filter((network) => refersTo(network, set));
  if (set.metadata.deletionTimestamp) {
    const held = users.some((network) => network.metadata.annotations?.[ANNOTATIONS.inUse] === "true");
    if (!held) await setFinalizers(client, path, set, without(set.metadata.finalizers));
    return set;
  }
  const verdict = await judgeParamSet(set, sets, lookup);
  if (verdict.status === "True" && !set.metadata.finalizers?.includes(FINALIZER)) {
    await setFinalizers(client, path, set, [...(set.metadata.finalizers ?? []), FINALIZER]);
  }
  const wanted = paramSetStatus(set, verdict, users[0]?.metadata.name);
  if (JSON.stringify(wanted) === JSON.stringify(set.status)) return set;
  await client.request("PATCH", `${path}/status`, { body: { status: wanted }, query: WRITER }).catch(ignoreGone);
  return { ...set, status: wanted };
}

function paramSetStatus(set: ParamSet, verdict: ParamSetVerdict, networkName: string | undefined): ParamSet["status"] {
  const { cidrBlocks, ...condition } = verdict;
  const now = new Date().toISOString();
  const conditions = withCondition(set.status?.conditions, { ...condition, observedGeneration: set.metadata.generation }, now);
  const wanted: ParamSet["status"] = { ...set.status, conditions };
  if (networkName !== undefined) wanted.networkName = networkName;
  if (cidrBlocks.length > 0) wanted.podCIDRs = { cidrBlocks };
  return wanted;
}

/** @returns whether it is Ready */
async function reconcileNetwork(
  client: ApiClient,
  network: Network,
  set: ParamSet | undefined,
  used: ReadonlySet<string>,
): Promise<boolean> {
  const path = `${PATHS.networks}/${network.metadata.name}`;
  const inUse = used.has(network.metadata.name) ? "true" : null;
  if ((network.metadata.annotations?.[ANNOTATIONS.inUse] ?? null) !== inUse) {
    const body = { metadata: { annotations: { [ANNOTATIONS.inUse]: inUse } } };
    await client.request("PATCH", path, { body, query: WRITER }).catch(ignoreGone);
  }
  const now = new Date().toISOString();
  let conditions = network.status?.conditions;
  for (const verdict of judgeNetwork(network, set)) {
    conditions = withCondition(conditions, { ...verdict, observedGeneration: network.metadata.generation }, now);
  }
  if (conditions !== network.status?.conditions) {
    await client.request("PATCH", `${path}/status`, { body: { status: { conditions } }, query: WRITER }).catch(ignoreGone);
  }
  return isReady(conditions);
}

function networksInUse(cache: Cache): Set<string> {
  const used = new Set<string>();
  for (const pod of cache.pods.values()) {
    const { namespace } = pod.metadata;
    requestedNetworks(pod, (name) => cache.interfaces.get(`${namespace}/${name}`)?.spec.networkName).forEach((name) =>
      used.add(name),
    );
  }
  return used;
}

function isReady(conditions: Condition[] | undefined): boolean {
  return conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
}

function without(finalizers: string[] = []): string[] {
  return finalizers.filter((name) => name !== FINALIZER);
}

async function setFinalizers(client: ApiClient, path: string, { metadata }: ParamSet, finalizers: string[]): Promise<void> {
  const body = { metadata: { finalizers, resourceVersion: metadata.resourceVersion } };
  await client.request("PATCH", path, { body, query: WRITER }).catch(ignoreGone);
}

function ignoreGone(error: unknown): void {
  if (!isApiError(error, "NotFound", "Conflict")) throw error; // the event of whoever was faster brings us back
}
