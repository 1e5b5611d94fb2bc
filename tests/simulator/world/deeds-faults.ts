// SPDX-License-Identifier: Apache-2.0
// What goes wrong between the controllers and the rest: ends and pauses at the worst moment, bad roads, history that is gone.
import { openStreams } from "../engine/roads";
import { appOf, later, pick, ROUTES, slot, type Deed, type Deeds } from "./deeds-common";
import type { PlanEvent } from "./shape";
import type { SimWorld, Slot } from "./world";

/** The worst moment: the address is on its way, the next controller does not see yet what the one before has written, and agents are slow. */
export function killAtReset(w: SimWorld, e: PlanEvent): void {
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
export function freezeAtStep(w: SimWorld, e: PlanEvent): void {
  const spring = (who: string): void => {
    const process = w.slots.find((s) => s.process.name === who)?.process;
    if (!process || w.calm) return;
    process.freeze();
    later(w, e.ms, () => process.thaw());
  };
  w.trap = { step: pick(["Preparing", "Reset", "Switching"] as const, e.a)!, spring };
}
/** What goes while the watches are cut is in no history any more when they are back. */
export function gap(w: SimWorld, e: PlanEvent): void {
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
export function weather(change: (s: Slot, e: PlanEvent, w: SimWorld) => () => void): Deed {
  return (w, e) => {
    const hit = e.b % 4 === 0 ? w.slots : [slot(w, e)];
    const undo = hit.map((s) => change(s, e, w));
    later(w, e.ms, () => {
      undo.forEach((u) => u());
      w.resumeWatches();
    });
  };
}
export const cut = (...names: ("api" | "watch" | "cloud")[]): Deed =>
  weather((s) => {
    for (const n of names) s.roads[n].blocked = true;
    return () => names.forEach((n) => (s.roads[n].blocked = false));
  });
export const worse = (name: "api" | "watch" | "cloud", field: "lossy" | "errors" | "twice", value: number): Deed =>
  weather((s) => {
    s.roads[name][field] = value;
    return () => (s.roads[name][field] = 0);
  });

/** By kind of event. */
export const BREAKDOWNS = {
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
} satisfies Deeds;
