// SPDX-License-Identifier: Apache-2.0
// What each event of a plan does. Numbers `a` and `b` choose among what is there at that moment, so that an event keeps its sense when others
// are dropped from the plan. Nothing lasts beyond the calm.
import type { KubeObject } from "../../../controller/kubernetes";
import { openStreams } from "../engine/roads";
import {
  addressesSpec,
  BAD,
  collectionOf,
  GATEWAY,
  gatewayManifest,
  NETWORK,
  networkStatus,
  pathOf,
  routeManifest,
  vmOf,
  zoneOf,
} from "./objects";
import { ruleAt } from "./reading";
import type { EventKind, PlanEvent } from "./shape";
import type { SimWorld, Slot } from "./world";

/** Longer than any world lasts. */
const FOR_GOOD_MS = 86_400_000;
const ROUTES = collectionOf("route");
type Deed = (w: SimWorld, e: PlanEvent) => void;
const pick = <T>(list: readonly T[], n: number): T | undefined => (list.length > 0 ? list[n % list.length] : undefined);
const slot = (w: SimWorld, e: PlanEvent): Slot => (e.b % 3 === 0 ? w.leader() : undefined) ?? pick(w.slots, e.a)!;
/** Ends what an event began, at the latest when the calm begins. */
function later(w: SimWorld, ms: number, fn: () => void): void {
  w.scheduler.in(ms, () => !w.calm && fn());
}
const appOf = (w: SimWorld, e: PlanEvent): string => pick(w.shape.apps, e.a)!.name;
const addressOf = (w: SimWorld, e: PlanEvent): string => pick(w.shape.addresses, e.a)!;
const nodeOf = (w: SimWorld, n: number): string | undefined => pick(w.cluster.upNodes(), n);
const routesIn = (w: SimWorld): string[] => w.cluster.all("route").map((r) => r.metadata.name ?? "");

function rollout(w: SimWorld, e: PlanEvent): void {
  const app = appOf(w, e);
  const old = w.cluster.pods(app).filter((p) => !p.metadata.deletionTimestamp);
  const node = nodeOf(w, e.b);
  if (!node) return;
  const readyIn = 200 + (e.b % 3_000);
  w.cluster.newPod(app, node, readyIn);
  w.scheduler.in(readyIn + 300, () => old.forEach((p) => w.cluster.endPod(p.metadata.name, 500 + (e.b % 5_000))));
}
/** A StatefulSet's Pod: the same name again, on this node or another, with a UID of its own. */
function recreate(w: SimWorld, e: PlanEvent): void {
  const pod = pick(w.cluster.pods(appOf(w, e)), e.b);
  if (!pod) return;
  const app = appOf(w, e);
  w.cluster.endPod(pod.metadata.name, 300 + (e.b % 2_000), () => {
    const node = e.b % 2 === 0 ? (pod.spec.nodeName ?? "") : (nodeOf(w, e.b) ?? "");
    if (w.cluster.upNodes().includes(node)) w.cluster.newPod(app, node, 100 + (e.a % 2_000), pod.metadata.name);
  });
}
function relabel(w: SimWorld, e: PlanEvent): void {
  const pod = pick(w.cluster.pods(), e.a);
  if (!pod) return;
  const app = pod.metadata.labels?.app;
  w.cluster.patch("pod", pod.metadata.name, { metadata: { labels: { app: "elsewhere" } } });
  if (e.b % 2 === 0) w.scheduler.in(e.ms, () => w.cluster.patch("pod", pod.metadata.name, { metadata: { labels: { app } } }));
}
function flap(w: SimWorld, e: PlanEvent): void {
  const pod = pick(w.cluster.pods(), e.a);
  if (!pod || w.cluster.downNodes.has(pod.spec.nodeName ?? "")) return;
  const { name, uid } = pod.metadata;
  w.cluster.setReady(name, false);
  w.scheduler.in(
    e.ms,
    () => w.cluster.isThere(name, uid) && !w.cluster.downNodes.has(pod.spec.nodeName ?? "") && w.cluster.setReady(name, true),
  );
}
function nodeDown(w: SimWorld, names: readonly (string | undefined)[], ms: number): void {
  for (const name of names) if (name) w.cluster.setNode(name, false);
  later(w, ms, () => names.forEach((name) => name && w.cluster.downNodes.has(name) && w.cluster.setNode(name, true)));
}
function nodeDelete(w: SimWorld, e: PlanEvent): void {
  const name = nodeOf(w, e.a);
  if (!name) return;
  w.cluster.loseNode(name);
  later(w, e.ms, () => w.cluster.addNode(name));
}
function routeDelete(w: SimWorld, e: PlanEvent): void {
  const name = pick(routesIn(w), e.a);
  const shape = w.shape.routes.find((r) => r.name === name);
  if (!name) return;
  w.cluster.remove("route", name);
  // Made again, sooner than the old one has gone or later; a name that is still taken is tried once more.
  if (shape && e.b % 4 !== 0)
    for (const ms of [e.ms, e.ms + 25_000]) w.scheduler.in(ms, () => void w.cluster.create("route", routeManifest(shape)));
}
/** A route is deleted while the cloud refuses most of what is asked. */
function releaseFails(w: SimWorld, e: PlanEvent): void {
  for (const s of w.slots) s.roads.cloud.errors = 0.9;
  routeDelete(w, e);
  later(w, e.ms, () => w.slots.forEach((s) => (s.roads.cloud.errors = 0)));
}
function rival(w: SimWorld, e: PlanEvent): void {
  const name = `rival-${e.id}`;
  const app = appOf(w, { ...e, a: e.b });
  w.cluster.create("route", routeManifest({ name, app, addresses: [addressOf(w, e)], reaction: "ReadyCondition" }));
  if (e.b % 2 === 0) later(w, e.ms, () => w.cluster.remove("route", name));
}
/** Applied, and applied again while the first write of a controller is on its way: its answer is another route than the one it was for. */
function rivalEdited(w: SimWorld, e: PlanEvent): void {
  const slowed = w.slots.filter((s) => s.roads.api.slowMs < 500);
  for (const s of slowed) s.roads.api.slowMs = 500;
  later(w, 2_000, () => slowed.forEach((s) => (s.roads.api.slowMs = 15)));
  // The last ones are those that no route has from the beginning.
  const a = w.shape.addresses.length - 1 - (e.a % 2);
  rival(w, { ...e, a, b: e.b | 1 });
  const other = addressOf(w, { ...e, a: a - 1 + 2 * (e.a % 2) });
  later(w, e.ms % 200, () => w.cluster.patch("route", `rival-${e.id}`, { spec: { addresses: addressesSpec([other]) } }));
}
function gatewayDelete(w: SimWorld, e: PlanEvent): void {
  w.cluster.remove("gateway", GATEWAY);
  w.scheduler.in(e.ms, () => void w.cluster.create("gateway", gatewayManifest(w.shape)));
}
function gatewayEdit(w: SimWorld, e: PlanEvent): void {
  const left = w.shape.addresses.filter((a) => a !== addressOf(w, e));
  w.cluster.patch("gateway", GATEWAY, { spec: { addresses: addressesSpec(left) } });
  w.scheduler.in(e.ms, () => w.cluster.patch("gateway", GATEWAY, { spec: { addresses: w.allAddresses() } }));
}
function foreignRule(w: SimWorld, e: PlanEvent): void {
  const address = addressOf(w, e);
  const own = ruleAt(w.cloud, address);
  if (own && w.chance.hit(0.6)) return;
  if (own) w.cloud.byHand(own.name, undefined);
  const name = `foreign-${e.id}`;
  const rule = {
    name,
    id: name,
    IPAddress: address,
    IPProtocol: "L3_DEFAULT",
    target: "projects/x",
    selfLink: `projects/demo/regions/us-central1/forwardingRules/${name}`,
    labelFingerprint: "x",
    loadBalancingScheme: w.shape.internal ? "INTERNAL" : "EXTERNAL",
  };
  w.cloud.byHand(name, rule);
  if (e.b % 4 !== 0) w.scheduler.in(e.ms + 2_000, () => w.cloud.byHand(name, undefined));
}
function ruleMoved(w: SimWorld, e: PlanEvent): void {
  const rule = ruleAt(w.cloud, addressOf(w, e));
  const target = pick([...w.cloud.targets.values()], e.b);
  if (rule?.labels && target) w.cloud.byHand(rule.name, { ...rule, target: target.selfLink });
}
function ruleDeleted(w: SimWorld, e: PlanEvent): void {
  const rule = ruleAt(w.cloud, addressOf(w, e));
  if (rule && !rule.name.startsWith("foreign")) w.cloud.byHand(rule.name, undefined);
}
function targetDeleted(w: SimWorld, e: PlanEvent): void {
  const used = new Set([...w.cloud.rules.values()].map((r) => r.target));
  const free = [...w.cloud.targets].filter(([, t]) => !used.has(t.selfLink));
  const path = pick(free, e.a)?.[0];
  if (path) w.cloud.targets.delete(path);
}
function forcedDelete(w: SimWorld, e: PlanEvent): void {
  const name = pick(routesIn(w), e.a);
  if (!name) return;
  w.cluster.patch("route", name, { metadata: { finalizers: null } });
  w.cluster.remove("route", name);
}
function badObject(w: SimWorld, e: PlanEvent): void {
  const { kind, make } = pick(BAD, e.a)!;
  w.cluster.create(kind, make(String(e.id)));
}
/** Somebody edits a status by hand; what is not true of it must heal (T3). */
function statusMangled(w: SimWorld, e: PlanEvent): void {
  const name = pick(routesIn(w), e.a);
  const route =
    name === undefined
      ? undefined
      : w.api.get<KubeObject & { status?: { conditions?: { type: string }[] } }>(pathOf("route", name));
  if (!name || !route?.status) return;
  const kept = (route.status.conditions ?? []).filter((c) => c.type !== (e.b % 2 === 0 ? "GCPReady" : "Accepted"));
  w.cluster.patch("route", name, { status: { conditions: kept, ...(e.b % 3 === 0 ? { pods: [] } : {}) } }, "/status");
}
function bindingDeleted(w: SimWorld, e: PlanEvent): void {
  const found = pick(w.cluster.all("binding"), e.a);
  if (found?.metadata.name) w.cluster.remove("binding", found.metadata.name);
}

/** The worst moment: the address is on its way, the next controller does not see yet what the one before has written, and agents are slow. */
function killAtReset(w: SimWorld, e: PlanEvent): void {
  const spring = (who: string): void => {
    const leader = w.slots.find((s) => s.process.name === who);
    if (!leader || w.calm) return;
    w.cluster.agentMs = 20_000;
    for (const s of w.slots) if (s !== leader) s.roads.watch.held = ROUTES;
    later(w, e.ms, () => {
      w.cluster.agentMs = 400;
      for (const s of w.slots) s.roads.watch.held = undefined;
      w.resumeWatches();
    });
    w.scheduler.in(e.a % 30, () => (e.b % 2 === 0 ? void leader.replica.stop() : leader.process.kill("killed after a reset")));
  };
  w.trap = { step: "Reset", spring };
}
/** Frozen between a write and its answer, for longer than its right to lead may last. */
function freezeAtStep(w: SimWorld, e: PlanEvent): void {
  const spring = (who: string): void => {
    const process = w.slots.find((s) => s.process.name === who)?.process;
    if (!process || w.calm) return;
    process.freeze();
    later(w, e.ms, () => process.thaw());
  };
  w.trap = { step: pick(["Preparing", "Reset", "Switching"] as const, e.a)!, spring };
}
/** What goes while the watches are cut is in no history any more when they are back. */
function gap(w: SimWorld, e: PlanEvent): void {
  const set = (blocked: boolean): void => w.slots.forEach((s) => (s.roads.watch.blocked = blocked));
  set(true);
  w.scheduler.in(e.ms / 3, () => {
    const pod = pick([...w.cluster.pods(appOf(w, e))].reverse(), 0);
    if (pod) w.cluster.dropPod(pod.metadata.name, pod.metadata.uid);
    w.api.store.compact();
  });
  later(w, e.ms, () => {
    set(false);
    w.resumeWatches();
    for (const s of w.slots) for (const stream of [...openStreams(s.process)]) stream.reset();
  });
}

/** For a while a road of one controller, or of all, is worse. */
function weather(change: (s: Slot, e: PlanEvent, w: SimWorld) => () => void): Deed {
  return (w, e) => {
    const hit = e.b % 4 === 0 ? w.slots : [slot(w, e)];
    const undo = hit.map((s) => change(s, e, w));
    later(w, e.ms, () => {
      undo.forEach((u) => u());
      w.resumeWatches();
    });
  };
}
const cut = (...names: ("api" | "watch" | "cloud")[]): Deed =>
  weather((s) => {
    for (const n of names) s.roads[n].blocked = true;
    return () => names.forEach((n) => (s.roads[n].blocked = false));
  });
const worse = (name: "api" | "watch" | "cloud", field: "lossy" | "errors" | "twice", value: number): Deed =>
  weather((s) => {
    s.roads[name][field] = value;
    return () => (s.roads[name][field] = 0);
  });

export const DEEDS: { [K in EventKind]: Deed } = {
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
  routeDelete,
  releaseFails,
  routeEdit: (w, e) => {
    const name = pick(routesIn(w), e.b);
    if (name) w.cluster.patch("route", name, { spec: { addresses: addressesSpec([addressOf(w, e)]) } });
  },
  rival,
  rivalEdited,
  gatewayDelete,
  gatewayEdit,
  ruleDeleted,
  ruleMoved,
  foreignRule,
  forcedDelete,
  badObject,
  networkUnready: (w, e) => {
    w.cluster.patch("network", NETWORK, networkStatus(false), "/status");
    later(w, e.ms, () => w.cluster.patch("network", NETWORK, networkStatus(true), "/status"));
  },
  targetDeleted,
  statusMangled,
  bindingDeleted,
  crash: (w, e) => {
    slot(w, e).process.crash = { calls: 1 + (e.a % 25), moment: e.b % 2 === 0 ? "before" : "after" };
  },
  killAtReset,
  freezeAtStep,
  gap,
  holdRoutes: weather((s) => {
    s.roads.watch.held = ROUTES;
    return () => (s.roads.watch.held = undefined);
  }),
  stop: (w, e) => void slot(w, e).replica.stop(),
  freeze: (w, e) => {
    const { process } = slot(w, e);
    process.freeze();
    later(w, e.ms, () => process.thaw());
  },
  cutApi: cut("api", "watch"),
  cutWatch: cut("watch"),
  starveWatches: cut("watch"),
  cutCloud: cut("cloud"),
  slow: weather((s, e) => {
    const road = s.roads[pick(["api", "watch", "cloud"] as const, e.a)!];
    road.slowMs = 2_500;
    return () => (road.slowMs = 15);
  }),
  lossyApi: worse("api", "lossy", 0.4),
  lossyCloud: worse("cloud", "lossy", 0.5),
  errorsApi: worse("api", "errors", 0.3),
  errorsCloud: worse("cloud", "errors", 0.4),
  twice: worse("watch", "twice", 0.5),
  compact: (w) => {
    w.api.store.compact();
    for (const s of w.slots) for (const stream of [...openStreams(s.process)]) stream.reset();
  },
  resetWatches: (w, e) => {
    for (const stream of [...openStreams(slot(w, e).process)]) stream.reset();
  },
  clockJump: (w, e) => {
    const s = slot(w, e);
    s.skewMs = s.process.clock.skewMs = (e.a % 7_200_000) - 3_600_000;
  },
  agentSlow: (w, e) => {
    w.cluster.agentMs = 15_000;
    later(w, e.ms, () => (w.cluster.agentMs = 400));
  },
  slowOperations: (w, e) => {
    w.weather.slowMs = 40_000;
    later(w, e.ms, () => (w.weather.slowMs = 0));
  },
  failedOperations: (w, e) => {
    w.weather.failing = 0.5;
    later(w, e.ms, () => (w.weather.failing = 0));
  },
  forgetOperations: (w) => w.cloud.forgetOperations(),
};
