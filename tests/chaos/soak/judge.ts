// SPDX-License-Identifier: Apache-2.0
// Judges a soak: each store against a fresh list of the real API server, memory, what is left open, and what became of the routes.
import { KINDS, type AddressBinding, type GKEIPRoute, type Pod } from "../../../controller/api";
import { resourcePath, type KubeObject } from "../../../controller/kubernetes";
import { KIND_KEYS, type Dump, type Heap } from "./protocol";
import type { SoakWorld } from "./world";

const identity = ({ metadata }: KubeObject): string =>
  `${metadata.namespace ? `${metadata.namespace}/` : ""}${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`;

export type Lists = Record<string, string[]>;

/** Every kind, listed anew past all proxies and caches. */
export async function freshLists({ lab }: SoakWorld): Promise<Lists> {
  const entries = KIND_KEYS.map(async (kind) => {
    const { items } = await lab.admin.request<{ items: KubeObject[] }>("GET", resourcePath(KINDS[kind]));
    return [kind, items.map(identity).sort()] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** What differs between stores, their events and the lists; empty: nothing was lost. */
export function differences(dump: Dump, lists: Lists): string[] {
  const found = Object.entries(dump.stores).flatMap(([name, { kind, objects }]) => differ(name, objects, lists[kind] ?? []));
  const told = Object.entries(dump.told).flatMap(([name, objects]) => {
    const kind = name.split(" ")[1] ?? "";
    return differ(`events of ${name}`, objects, lists[kind] ?? []);
  });
  return [...found, ...told];
}
function differ(name: string, have: readonly string[], want: readonly string[]): string[] {
  const [has, wants] = [new Set(have), new Set(want)];
  const missing = want.filter((w) => !has.has(w));
  const extra = have.filter((h) => !wants.has(h));
  if (missing.length === 0 && extra.length === 0) return [];
  return [`${name}: ${missing.length} missing, ${extra.length} too many, e.g. ${missing[0] ?? extra[0]}`];
}

/** Each route Ready with its newest Pod, and the cloud and the journal of one mind with it. */
export async function wrongRoutes({ lab, scene, routes, addressOf }: SoakWorld): Promise<string[]> {
  const pods = (await lab.admin.request<{ items: Pod[] }>("GET", resourcePath(KINDS.pod, scene.namespace))).items;
  const all = await Promise.all(
    routes.map(async (name) => {
      const [route, binding] = await Promise.all([
        scene.getRoute(name),
        scene.getBinding(addressOf(name)).catch(() => undefined),
      ]);
      return wrongRoute(route, binding, pods, scene.vmOf(addressOf(name)));
    }),
  );
  return all.flatMap((wrong) => wrong ?? []);
}
function wrongRoute(
  route: GKEIPRoute,
  binding: AddressBinding | undefined,
  pods: Pod[],
  vm: string | undefined,
): string | undefined {
  const { name } = route.metadata;
  const mine = pods.filter((p) => p.metadata.labels?.app === name);
  const holder = mine.find((p) => p.metadata.name === route.status?.pods?.[0]);
  return notReady(route) ?? notNewest(name, holder, mine) ?? apart(name, [holder?.spec.nodeName, holderNode(binding), vm]);
}
function notReady({ metadata: { name, generation }, status }: GKEIPRoute): string | undefined {
  const ready = status?.conditions?.find((c) => c.type === "Ready");
  const good = ready?.status === "True" && ready.observedGeneration === generation;
  return good ? undefined : `${name} is not Ready: ${ready?.reason} ${ready?.message}`;
}
function notNewest(name: string, holder: Pod | undefined, all: readonly Pod[]): string | undefined {
  const created = all.map((p) => p.metadata.creationTimestamp ?? "").sort();
  return holder?.metadata.creationTimestamp === created.at(-1) ? undefined : `${name} names a Pod that is not its newest`;
}
const holderNode = (binding: AddressBinding | undefined): string | undefined => binding?.status?.holder?.node;
const apart = (name: string, [pod, journal, cloud]: (string | undefined)[]): string | undefined =>
  pod === journal && pod === cloud ? undefined : `${name}: Pod on ${pod}, journal ${journal}, cloud ${cloud}`;

/** Memory may grow by a quarter and 8 MB over the first checkpoint: objects come and go, and compiled code and pools settle. */
export function grown(heaps: readonly Heap[]): string[] {
  const [first, ...rest] = heaps.map((h) => h.heap);
  const most = (first ?? 0) * 1.25 + 8e6;
  return rest.flatMap((heap, i) =>
    heap > most ? [`heap after garbage collection: ${mb(heap)} MB at checkpoint ${i + 2}, ${mb(first!)} MB at the first`] : [],
  );
}
export const mb = (bytes: number): number => Math.round(bytes / 1e5) / 10;

/** Sockets, timers and the like that were not there before. */
export function leaked(before: Record<string, number>, after: Record<string, number>): string[] {
  return Object.entries(after).flatMap(([name, count]) =>
    count > (before[name] ?? 0) ? [`${count - (before[name] ?? 0)} ${name} left open after the stop`] : [],
  );
}
