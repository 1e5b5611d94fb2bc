// SPDX-License-Identifier: Apache-2.0
// What a seed stands for: a small cluster with addresses and routes, and a plan of what happens to it and when. Both are drawn before the first
// step is made, so that a plan can be cut down event by event.
import { Chance } from "../engine/chance";
import type { LeaseTimes } from "../engine/replica";
import { STABILITY_ANNOTATION } from "../../../controller/api";
import { CHANGES, FAULTS, FOCI, type EventKind, type Focus, type Weights } from "./events";

export type { EventKind, Focus };

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
  /** Annotations. */
  asks?: Readonly<Record<string, string>>;
}
export interface Shape {
  seed: number;
  /** What happens much more often than other things; undefined: a bit of everything. */
  focus: Focus | undefined;
  size: keyof typeof SIZES;
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

/** Most worlds are small: many of them show more than a few large ones. */
const SIZES = {
  small: { share: 70, routes: { 1: 6, 2: 3, 3: 0 }, pods: 2, nodes: 3, calm: [18, 42], changes: [3, 9], faults: [2, 8] },
  middle: { share: 25, routes: { 1: 5, 2: 3, 3: 1 }, pods: 2, nodes: 4, calm: [40, 90], changes: [8, 20], faults: [6, 18] },
  big: { share: 5, routes: { 1: 0, 2: 0, 3: 1 }, pods: 4, nodes: 6, calm: [40, 150], changes: [8, 24], faults: [6, 22] },
} as const;
const size = (s: { size: keyof typeof SIZES }): (typeof SIZES)[keyof typeof SIZES] => SIZES[s.size];
const sizeOf = (chance: Chance): keyof typeof SIZES =>
  chance.weighted({ small: SIZES.small.share, middle: SIZES.middle.share, big: SIZES.big.share });
/** One world in four concentrates on something. */
function focusOf(chance: Chance): Focus | undefined {
  const one = chance.pick(Object.keys(FOCI) as Focus[]);
  return chance.hit(0.25) ? one : undefined;
}

/** One world in eight has routes that ask for stability; chance of its own, so that all others stay what they are. */
const ASKS: readonly Readonly<Record<string, string>>[] = [
  { [STABILITY_ANNOTATION.sticky]: "true" },
  { [STABILITY_ANNOTATION.minDwellSeconds]: "30" },
  { [STABILITY_ANNOTATION.moveBudget]: "2/90" },
  { [STABILITY_ANNOTATION.sticky]: "true", [STABILITY_ANNOTATION.minDwellSeconds]: "20" },
];
function stable(shape: Shape): Shape {
  const chance = new Chance(shape.seed ^ 0x57ab);
  if (!chance.hit(shape.focus === "stable" ? 1 : 0.12)) return shape;
  const routes = shape.routes.map((r) => (chance.hit(0.8) ? { ...r, asks: chance.pick(ASKS) } : r));
  // Dwell and budget are counted by the wall clock; what a wrong one does to them is nothing to judge.
  return { ...shape, routes, skews: shape.skews.map((s) => ({ ...s, skewMs: 0 })) };
}

/** @param focus instead of the seed's own */
export function shapeOf(seed: number, focus?: Focus): Shape {
  const chance = new Chance(seed);
  const kind = sizeOf(chance);
  const { routes: counts, pods, nodes, calm: sized } = SIZES[kind];
  const own = focusOf(chance);
  const wanted = focus ?? own;
  const { stateful = 0.4, calm = sized, spare = 1 }: Partial<Weights> = wanted ? FOCI[wanted] : {};
  const routes = Number(chance.weighted(counts));
  const addresses = Array.from({ length: routes + spare }, (_, i) => `34.123.10.${i + 1}`);
  const apps = Array.from({ length: chance.hit(0.7) ? routes : 1 }, (_, i): App => ({
    name: `app-${i}`,
    stateful: chance.hit(stateful),
    pods: chance.int(1, pods),
  }));
  const exists = chance.hit(0.08);
  return stable({
    seed,
    focus: wanted,
    size: kind,
    datapath: chance.hit(wanted ? 0 : 0.12) ? "device" : "dataplane-v2",
    internal: chance.hit(0.1),
    nodes: Array.from({ length: chance.int(2, nodes) }, (_, i) => `node-${i + 1}`),
    addresses,
    apps,
    routes: Array.from({ length: routes }, (_, i) => routeShape(chance, { i, apps, addresses, exists })),
    lease: chance.hit(0.3)
      ? { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 }
      : { leaseDurationMs: 24_000, renewDeadlineMs: 16_000, retryPeriodMs: 4_000 },
    slots: 2,
    calmAt: chance.int(...calm) * 1000,
    skews: [0, 1].map(() => ({
      skewMs: chance.hit(0.5) ? 0 : chance.int(-3_600_000, 3_600_000),
      rate: 1 + (chance.next() - 0.5) * 0.06,
    })),
  });
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
  const { changes, faults } = size(shape);
  const weights = shape.focus ? FOCI[shape.focus] : { changes: CHANGES, faults: FAULTS };
  const event = (kind: EventKind): Omit<PlanEvent, "id"> => ({
    at: chance.int(4_000, kind === "starveWatches" ? 20_000 : shape.calmAt - 1_000),
    kind,
    a: chance.int(0, 999_999),
    b: chance.int(0, 999_999),
    ms: durationOf(kind, chance),
  });
  const kinds = [
    ...Array.from({ length: chance.int(changes[0], changes[1]) }, () => chance.weighted<EventKind>(weights.changes)),
    ...Array.from({ length: chance.hit(0.08) ? 0 : chance.int(faults[0], faults[1]) }, () =>
      chance.weighted<EventKind>(weights.faults),
    ),
  ].filter((kind) => fits(kind, shape));
  return kinds
    .map(event)
    .sort((x, y) => x.at - y.at)
    .map((e, id) => ({ id, ...e }));
}
/**
 * With `Exists` a Pod on a node that is down may be right, and then nothing becomes Ready; such worlds have no dead nodes. Clocks that jump would
 * change what dwell and budget mean. Where no node agent reads a status, a second controller is nobody's concern.
 */
const fits = (kind: EventKind, { routes, datapath }: Shape): boolean => {
  if (kind === "nodeDown" || kind === "nodesLost") return !routes.some((r) => r.reaction === "Exists");
  if (kind === "clockJump") return !routes.some((r) => r.asks);
  return kind !== "secondWriter" || datapath === "dataplane-v2";
};

const LONG: Partial<Record<EventKind, [number, number]>> = {
  holdRoutes: [10_000, 60_000],
  agentSlow: [5_000, 30_000],
  killAtReset: [15_000, 60_000],
  freezeAtStep: [12_000, 45_000],
  gap: [1_000, 12_000],
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
