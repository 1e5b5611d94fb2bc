// SPDX-License-Identifier: Apache-2.0
// What users, other tools and other controllers do to routes, Gateways, claims and rules.
import type { KubeObject } from "../../../controller/kubernetes";
import { addressOf, appOf, later, pick, routesIn, type Deeds } from "./deeds-common";
import { addressesSpec, BAD, GATEWAY, gatewayManifest, NETWORK, networkStatus, pathOf, routeManifest } from "./objects";
import { ruleAt } from "./reading";
import type { PlanEvent } from "./shape";
import type { SimWorld } from "./world";

export function routeDelete(w: SimWorld, e: PlanEvent): void {
  const name = pick(routesIn(w), e.a);
  const shape = w.shape.routes.find((r) => r.name === name);
  if (!name) return;
  w.cluster.remove("route", name);
  // Made again, sooner than the old one has gone or later; a name that is still taken is tried once more.
  if (shape && e.b % 4 !== 0)
    for (const ms of [e.ms, e.ms + 25_000]) w.scheduler.in(ms, () => void w.cluster.create("route", routeManifest(shape)));
}
/** A route is deleted while the cloud refuses most of what is asked. */
export function releaseFails(w: SimWorld, e: PlanEvent): void {
  for (const s of w.slots) s.roads.cloud.errors = 0.9;
  routeDelete(w, e);
  later(w, e.ms, () => w.slots.forEach((s) => (s.roads.cloud.errors = 0)));
}
export function rival(w: SimWorld, e: PlanEvent): void {
  const name = `rival-${e.id}`;
  const app = appOf(w, { ...e, a: e.b });
  w.cluster.create("route", routeManifest({ name, app, addresses: [addressOf(w, e)], reaction: "ReadyCondition" }));
  if (e.b % 2 === 0) later(w, e.ms, () => w.cluster.remove("route", name));
}
/** Applied, and applied again while the first write of a controller is on its way: its answer is another route than the one it was for. */
export function rivalEdited(w: SimWorld, e: PlanEvent): void {
  const slowed = w.slots.filter((s) => s.roads.api.slowMs < 500);
  for (const s of slowed) s.roads.api.slowMs = 500;
  later(w, 2_000, () => slowed.forEach((s) => (s.roads.api.slowMs = 15)));
  // The last ones are those that no route has from the beginning.
  const a = w.shape.addresses.length - 1 - (e.a % 2);
  rival(w, { ...e, a, b: e.b | 1 });
  const other = addressOf(w, { ...e, a: a - 1 + 2 * (e.a % 2) });
  later(w, e.ms % 200, () => w.cluster.patch("route", `rival-${e.id}`, { spec: { addresses: addressesSpec([other]) } }));
}
export function gatewayDelete(w: SimWorld, e: PlanEvent): void {
  w.cluster.remove("gateway", GATEWAY);
  w.scheduler.in(e.ms, () => void w.cluster.create("gateway", gatewayManifest(w.shape)));
}
export function gatewayEdit(w: SimWorld, e: PlanEvent): void {
  const left = w.shape.addresses.filter((a) => a !== addressOf(w, e));
  w.cluster.patch("gateway", GATEWAY, { spec: { addresses: addressesSpec(left) } });
  w.scheduler.in(e.ms, () => w.cluster.patch("gateway", GATEWAY, { spec: { addresses: w.allAddresses() } }));
}
export function foreignRule(w: SimWorld, e: PlanEvent): void {
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
export function ruleMoved(w: SimWorld, e: PlanEvent): void {
  const rule = ruleAt(w.cloud, addressOf(w, e));
  const target = pick([...w.cloud.targets.values()], e.b);
  if (rule?.labels && target) w.cloud.byHand(rule.name, { ...rule, target: target.selfLink });
}
export function ruleDeleted(w: SimWorld, e: PlanEvent): void {
  const rule = ruleAt(w.cloud, addressOf(w, e));
  if (rule && !rule.name.startsWith("foreign")) w.cloud.byHand(rule.name, undefined);
}
export function targetDeleted(w: SimWorld, e: PlanEvent): void {
  const used = new Set([...w.cloud.rules.values()].map((r) => r.target));
  const free = [...w.cloud.targets].filter(([, t]) => !used.has(t.selfLink));
  const path = pick(free, e.a)?.[0];
  if (path) w.cloud.targets.delete(path);
}
export function forcedDelete(w: SimWorld, e: PlanEvent): void {
  const name = pick(routesIn(w), e.a);
  if (!name) return;
  w.cluster.patch("route", name, { metadata: { finalizers: null } });
  w.cluster.remove("route", name);
}
export function badObject(w: SimWorld, e: PlanEvent): void {
  const { kind, make } = pick(BAD, e.a)!;
  w.cluster.create(kind, make(String(e.id)));
}
/** Somebody edits a status by hand; what is not true of it must heal (T3). */
export function statusMangled(w: SimWorld, e: PlanEvent): void {
  const name = pick(routesIn(w), e.a);
  const route =
    name === undefined
      ? undefined
      : w.api.get<KubeObject & { status?: { conditions?: { type: string }[] } }>(pathOf("route", name));
  if (!name || !route?.status) return;
  const kept = (route.status.conditions ?? []).filter((c) => c.type !== (e.b % 2 === 0 ? "GCPReady" : "Accepted"));
  w.cluster.patch("route", name, { status: { conditions: kept, ...(e.b % 3 === 0 ? { pods: [] } : {}) } }, "/status");
}
/** Another controller writes what only one may decide; when it is gone, its traces are cleared as the message of ours advises. */
export function secondWriter(w: SimWorld, e: PlanEvent): void {
  const name = pick(routesIn(w), e.a);
  const pod = pick(w.cluster.pods(), e.b);
  if (!name || !pod) return;
  w.cluster.decideToo(name, pod.metadata.name);
  later(w, e.ms, () => w.cluster.clearStatus(name));
}
export function bindingDeleted(w: SimWorld, e: PlanEvent): void {
  const found = pick(w.cluster.all("binding"), e.a);
  if (found?.metadata.name) w.cluster.remove("binding", found.metadata.name);
}

/** By kind of event. */
export const USERS = {
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
  secondWriter,
  bindingDeleted,
} satisfies Deeds;
