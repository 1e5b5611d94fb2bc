// SPDX-License-Identifier: Apache-2.0
// Everything that can happen in a world, how often, and what a world may concentrate on.

/** What users, kubelets, clouds and workload controllers do. */
export const CHANGES = {
  podNew: 8,
  podDelete: 6,
  podKill: 2,
  podTwins: 3,
  podStuck: 2,
  podUnready: 3,
  flap: 6,
  rollout: 9,
  recreate: 6,
  relabel: 3,
  nodeDown: 3,
  nodeDelete: 2,
  nodesLost: 1,
  vmRecreated: 1,
  routeDelete: 3,
  releaseFails: 1,
  routeEdit: 3,
  rival: 4,
  rivalEdited: 1,
  secondWriter: 1,
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
/** What goes wrong between the controllers and the rest. */
export const FAULTS = {
  crash: 12,
  killAtReset: 2,
  freezeAtStep: 2,
  gap: 2,
  stop: 3,
  freeze: 5,
  cutApi: 4,
  cutWatch: 3,
  cutCloud: 4,
  holdRoutes: 2,
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

export interface Weights {
  changes: Partial<Record<EventKind, number>>;
  faults: Partial<Record<EventKind, number>>;
  /** Share of workloads whose Pods come back under their names. */
  stateful?: number;
  /** Addresses that no route has from the beginning. */
  spare?: number;
  /** When the calm begins, seconds from and to. */
  calm?: readonly [number, number];
}
const BREAKS = { crash: 4, stop: 2, lossyApi: 2, lossyCloud: 2, slow: 1 } as const;
/** Worlds in which one thing happens again and again. */
export const FOCI = {
  /** Pods of the same second, Pods that stay terminating, Pods that never become Ready. */
  pods: { changes: { podTwins: 5, podStuck: 4, podUnready: 4, podNew: 3, flap: 3, rollout: 2, podKill: 1 }, faults: BREAKS },
  /** The same name again and again, with node agents that are slow to notice. */
  names: {
    changes: { recreate: 10, podNew: 1, podKill: 1 },
    faults: { agentSlow: 8, slow: 3, crash: 2, killAtReset: 2 },
    stateful: 1,
  },
  /** One controller ends in the middle of a hand-over, and the next one sees an old picture of the routes. */
  takeover: {
    changes: { rollout: 6, recreate: 3, podNew: 4, relabel: 2 },
    faults: { killAtReset: 8, holdRoutes: 4, stop: 3, agentSlow: 5, slow: 2 },
  },
  /** Rules change by other hands while addresses move. */
  drift: {
    changes: { ruleMoved: 8, ruleDeleted: 4, recreate: 6, rollout: 3, targetDeleted: 2, foreignRule: 3 },
    faults: { lossyCloud: 4, slowOperations: 3, failedOperations: 3, crash: 3, errorsCloud: 2 },
    stateful: 0.8,
  },
  /** Routes come, go, are edited and quarrel about addresses. */
  routes: {
    changes: { routeDelete: 6, releaseFails: 4, routeEdit: 5, rival: 7, gatewayEdit: 2, forcedDelete: 1, rollout: 2, podKill: 1 },
    faults: { ...BREAKS, errorsCloud: 2, cutCloud: 2, slowOperations: 2 },
  },
  /** Who leads is in doubt. */
  leaders: {
    changes: { rollout: 8, podNew: 4, flap: 3 },
    faults: { freezeAtStep: 10, freeze: 4, cutApi: 6, clockJump: 3, stop: 2, starveWatches: 2, cutWatch: 2, lossyApi: 3 },
  },
  /** Things go while nobody looks, and the history of it is compacted away. */
  gaps: {
    changes: { podKill: 4, rollout: 5, forcedDelete: 2, nodeDelete: 2, routeDelete: 2 },
    faults: { gap: 10, cutWatch: 3, compact: 4, crash: 1 },
  },
  /** Routes that are made and edited in one breath, while the answers of the API server take their time. */
  edits: {
    changes: { rivalEdited: 9, routeDelete: 5, forcedDelete: 1, podNew: 1 },
    faults: { slow: 3, holdRoutes: 2, crash: 1 },
    spare: 2,
  },
  /** Addresses change hands while operations of the cloud take minutes, and Pods do not wait for that. */
  late: {
    changes: { routeEdit: 4, routeDelete: 4, rival: 5, podDelete: 5, recreate: 4, rollout: 3 },
    faults: { slowOperations: 8, cutCloud: 4, errorsCloud: 2 },
    calm: [40, 90],
  },
  /** Rules are being made while those who have asked for them go, and their routes too. */
  making: {
    changes: { rival: 7, routeDelete: 9, routeEdit: 4 },
    faults: { slowOperations: 12, crash: 8, freeze: 2 },
    spare: 2,
    calm: [40, 90],
  },
  /** Routes that ask for sticky holders, dwell or a budget of moves. */
  stable: {
    changes: { rollout: 8, podNew: 6, podTwins: 3, flap: 3, podDelete: 2, podKill: 1 },
    faults: { crash: 3, stop: 3, slow: 2, slowOperations: 1 },
  },
  /** Routes wait for the addresses of others, and inherit them. */
  heirs: {
    changes: { rival: 6, routeDelete: 5, podNew: 2 },
    faults: { slowOperations: 3, crash: 1, errorsCloud: 1 },
    calm: [60, 110],
  },
  /** Another controller decides too, now and then. */
  second: {
    changes: { secondWriter: 7, podNew: 5, rollout: 4, routeDelete: 1, ruleMoved: 2 },
    faults: { slowOperations: 4, crash: 2, stop: 2, agentSlow: 2 },
  },
  /** Whoever comes to lead has seen the claims, but not the routes. */
  behind: {
    changes: { rival: 9, podNew: 1, recreate: 1 },
    faults: { holdRoutes: 9, stop: 4, crash: 2, cutWatch: 2 },
    calm: [40, 90],
  },
  /** Watches that say nothing for longer than anything may be written on. */
  silence: { changes: { rollout: 6, podKill: 2, ruleMoved: 2 }, faults: { starveWatches: 10, crash: 1 }, calm: [430, 470] },
} as const satisfies Record<string, Weights>;
export type Focus = keyof typeof FOCI;
