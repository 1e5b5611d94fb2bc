// SPDX-License-Identifier: Apache-2.0
// What happens to Pods and nodes.
import { appOf, FOR_GOOD_MS, later, nodeOf, pick, type Deeds } from "./deeds-common";
import { vmOf, zoneOf } from "./objects";
import type { PlanEvent } from "./shape";
import type { SimWorld } from "./world";

export function rollout(w: SimWorld, e: PlanEvent): void {
  const app = appOf(w, e);
  const old = w.cluster.pods(app).filter((p) => !p.metadata.deletionTimestamp);
  const node = nodeOf(w, e.b);
  if (!node) return;
  const readyIn = 200 + (e.b % 3_000);
  w.cluster.newPod(app, node, readyIn);
  w.scheduler.in(readyIn + 300, () => old.forEach((p) => w.cluster.endPod(p.metadata.name, 500 + (e.b % 5_000))));
}
/** A StatefulSet's Pod: the same name again, on this node or another, with a UID of its own. */
export function recreate(w: SimWorld, e: PlanEvent): void {
  const pod = pick(w.cluster.pods(appOf(w, e)), e.b);
  if (!pod) return;
  const app = appOf(w, e);
  w.cluster.endPod(pod.metadata.name, 300 + (e.b % 2_000), () => {
    const node = e.b % 2 === 0 ? (pod.spec.nodeName ?? "") : (nodeOf(w, e.b) ?? "");
    if (w.cluster.upNodes().includes(node)) w.cluster.newPod(app, node, 100 + (e.a % 2_000), pod.metadata.name);
  });
}
export function relabel(w: SimWorld, e: PlanEvent): void {
  const pod = pick(w.cluster.pods(), e.a);
  if (!pod) return;
  const app = pod.metadata.labels?.app;
  w.cluster.patch("pod", pod.metadata.name, { metadata: { labels: { app: "elsewhere" } } });
  if (e.b % 2 === 0) w.scheduler.in(e.ms, () => w.cluster.patch("pod", pod.metadata.name, { metadata: { labels: { app } } }));
}
export function flap(w: SimWorld, e: PlanEvent): void {
  const pod = pick(w.cluster.pods(), e.a);
  if (!pod || w.cluster.downNodes.has(pod.spec.nodeName ?? "")) return;
  const { name, uid } = pod.metadata;
  w.cluster.setReady(name, false);
  w.scheduler.in(
    e.ms,
    () => w.cluster.isThere(name, uid) && !w.cluster.downNodes.has(pod.spec.nodeName ?? "") && w.cluster.setReady(name, true),
  );
}
export function nodeDown(w: SimWorld, names: readonly (string | undefined)[], ms: number): void {
  for (const name of names) if (name) w.cluster.setNode(name, false);
  later(w, ms, () => names.forEach((name) => name && w.cluster.downNodes.has(name) && w.cluster.setNode(name, true)));
}
export function nodeDelete(w: SimWorld, e: PlanEvent): void {
  const name = nodeOf(w, e.a);
  if (!name) return;
  w.cluster.loseNode(name);
  later(w, e.ms, () => w.cluster.addNode(name));
}

/** By kind of event. */
export const WORKLOADS = {
  podNew: (w, e) => {
    const node = nodeOf(w, e.b);
    if (node) w.cluster.newPod(appOf(w, e), node, e.ms % 4_000);
  },
  podDelete: (w, e) => {
    const pod = pick(w.cluster.pods(), e.a);
    if (pod) w.cluster.endPod(pod.metadata.name, e.b % 8_000);
  },
  podKill: (w, e) => {
    const pod = pick(w.cluster.pods(), e.a);
    if (pod) w.cluster.dropPod(pod.metadata.name, pod.metadata.uid);
  },
  // Of the same second: names decide.
  podTwins: (w, e) => {
    const app = appOf(w, e);
    const ready = 100 + (e.ms % 2_000);
    for (const n of [e.b, e.b + 1, e.b + 2].slice(e.a % 2)) {
      const node = nodeOf(w, n);
      if (node) w.cluster.newPod(app, node, ready);
    }
  },
  // Its kubelet is gone, or a finalizer of somebody else holds it: terminating for good.
  podStuck: (w, e) => {
    const pod = pick(w.cluster.pods(), e.a);
    if (pod) w.cluster.endPod(pod.metadata.name, FOR_GOOD_MS);
  },
  podUnready: (w, e) => {
    const node = nodeOf(w, e.b);
    if (node) w.cluster.newPod(appOf(w, e), node, FOR_GOOD_MS);
  },
  flap,
  rollout,
  recreate,
  relabel,
  nodeDown: (w, e) => nodeDown(w, [nodeOf(w, e.a)], e.ms),
  nodesLost: (w, e) => nodeDown(w, w.cluster.upNodes(), e.ms),
  nodeDelete,
  vmRecreated: (w, e) => {
    const node = nodeOf(w, e.a);
    if (node) w.cloud.putInstance(zoneOf(node), vmOf(node), ["default", "blue-vpc"]);
  },
} satisfies Deeds;
