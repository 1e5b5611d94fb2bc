// SPDX-License-Identifier: Apache-2.0
// What a seed stands for: a small cluster with addresses and routes, and a plan of what happens to it and when. Both are drawn before the first
// step is made, so that a plan can be cut down event by event.
import { Chance } from "../engine/chance";
import type { LeaseTimes } from "../engine/replica";

export interface App {
  name: string;
  stateful: boolean;
  pods: number;
}
export interface RouteShape {
  name: string;
  app: string;
  addresses: string[];
  reaction: "ReadyCondition" | "Exists";
}
export interface Shape {
  seed: number;
  datapath: "dataplane-v2" | "device";
  internal: boolean;
  nodes: string[];
  addresses: string[];
  apps: App[];
  routes: RouteShape[];
  lease: LeaseTimes;
  slots: number;
  /** Faults and changes end here, milliseconds. */
  calmAt: number;
  skews: { skewMs: number; rate: number }[];
}

/** Everything that can happen. `a`, `b` and `c` choose among what there is at that moment. */
const CHANGES = {
  podNew: 8,
  podDelete: 6,
  podKill: 2,
  flap: 6,
  rollout: 9,
  recreate: 6,
  relabel: 3,
  nodeDown: 3,
  nodeDelete: 2,
  nodesLost: 1,
  vmRecreated: 1,
  routeDelete: 3,
  routeEdit: 3,
  rival: 4,
  gatewayDelete: 2,
  gatewayEdit: 2,
  ruleDeleted: 2,
  ruleMoved: 2,
  foreignRule: 3,
  forcedDelete: 1,
  badObject: 3,
  networkUnready: 1,
  targetDeleted: 1,
  statusMangled: 2,
  bindingDeleted: 1,
} as const;
const FAULTS = {
  crash: 12,
  stop: 3,
  freeze: 5,
  cutApi: 4,
  cutWatch: 3,
  cutCloud: 4,
  slow: 5,
  lossyApi: 5,
  lossyCloud: 5,
  errorsApi: 3,
  errorsCloud: 4,
  compact: 2,
  resetWatches: 2,
  twice: 2,
  clockJump: 2,
  agentSlow: 3,
  slowOperations: 3,
  failedOperations: 2,
  forgetOperations: 1,
  starveWatches: 1,
} as const;
export type EventKind = keyof typeof CHANGES | keyof typeof FAULTS;
export interface PlanEvent {
  /** Place in the plan; names the event when a plan is cut down. */
  id: number;
  at: number;
  kind: EventKind;
  a: number;
  b: number;
  /** Milliseconds that it lasts, where it lasts. */
  ms: number;
}

export function shapeOf(seed: number): Shape {
  const chance = new Chance(seed);
  const big = chance.hit(0.06);
  const count = big ? 3 : chance.weighted({ 1: 5, 2: 3, 3: 1 });
  const routes = Number(count);
  const addresses = Array.from({ length: routes + 1 }, (_, i) => `34.123.10.${i + 1}`);
  const apps = Array.from({ length: chance.hit(0.7) ? routes : 1 }, (_, i): App => ({
    name: `app-${i}`,
    stateful: chance.hit(0.4),
    pods: chance.int(1, big ? 4 : 2),
  }));
  const exists = chance.hit(0.08);
  return {
    seed,
    datapath: chance.hit(0.12) ? "device" : "dataplane-v2",
    internal: chance.hit(0.1),
    nodes: Array.from({ length: chance.int(2, big ? 6 : 4) }, (_, i) => `node-${i + 1}`),
    addresses,
    apps,
    routes: Array.from({ length: routes }, (_, i) => routeShape(chance, { i, apps, addresses, exists })),
    lease: chance.hit(0.3)
      ? { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 }
      : { leaseDurationMs: 24_000, renewDeadlineMs: 16_000, retryPeriodMs: 4_000 },
    slots: 2,
    calmAt: chance.int(40, big ? 150 : 90) * 1000,
    skews: [0, 1].map(() => ({
      skewMs: chance.hit(0.5) ? 0 : chance.int(-3_600_000, 3_600_000),
      rate: 1 + (chance.next() - 0.5) * 0.06,
    })),
  };
}
function routeShape(chance: Chance, o: { i: number; apps: App[]; addresses: string[]; exists: boolean }): RouteShape {
  const own = o.addresses[o.i]!;
  const spare = o.addresses.at(-1)!;
  return {
    name: `route-${o.i}`,
    app: (o.apps[o.i] ?? o.apps[0]!).name,
    addresses: o.i === 0 && chance.hit(0.3) ? [own, spare] : [own],
    reaction: o.exists ? "Exists" : "ReadyCondition",
  };
}

/** What happens in a world, in order of time. */
export function planOf(shape: Shape): PlanEvent[] {
  const chance = new Chance(shape.seed ^ 0x5eed);
  const changes = chance.int(8, 24);
  const faults = chance.hit(0.08) ? 0 : chance.int(6, 22);
  const event = (kind: EventKind): Omit<PlanEvent, "id"> => ({
    at: chance.int(4_000, shape.calmAt - 1_000),
    kind,
    a: chance.int(0, 999_999),
    b: chance.int(0, 999_999),
    ms: durationOf(kind, chance),
  });
  const kinds = [
    ...Array.from({ length: changes }, () => chance.weighted(CHANGES)),
    ...Array.from({ length: faults }, () => chance.weighted(FAULTS)),
  ].filter((kind) => fits(kind, shape));
  return kinds
    .map(event)
    .sort((x, y) => x.at - y.at)
    .map((e, id) => ({ id, ...e }));
}
/** With `Exists` a Pod on a node that is down may be right, and then nothing becomes Ready; such worlds have no dead nodes. */
const fits = (kind: EventKind, { routes }: Shape): boolean =>
  !(routes.some((r) => r.reaction === "Exists") && (kind === "nodeDown" || kind === "nodesLost"));

const LONG: Partial<Record<EventKind, [number, number]>> = {
  freeze: [1_000, 45_000],
  cutApi: [2_000, 50_000],
  cutWatch: [2_000, 150_000],
  cutCloud: [2_000, 60_000],
  starveWatches: [310_000, 420_000],
  nodeDown: [4_000, 40_000],
  nodesLost: [4_000, 40_000],
  nodeDelete: [6_000, 40_000],
  slowOperations: [5_000, 40_000],
};
function durationOf(kind: EventKind, chance: Chance): number {
  const [low, high] = LONG[kind] ?? [1_000, 20_000];
  return chance.int(low, high);
}
