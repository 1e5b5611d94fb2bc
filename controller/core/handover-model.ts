// SPDX-License-Identifier: Apache-2.0
// A tiny honest world for the hand-over: a binding, a rule and a node agent that do what they are told, and a controller that can crash
// between any two steps. For tests and the simulator.
import type { AddressBinding, AddressBindingStatus, Holder } from "../api";
import { standingBy } from "./standby";
import { begun, committed, nextStep, switching, unserved, type HandoverInput, type RuleFact, type Step } from "./handover";

export const ROUTE = "route-1";
export const NOW = "2026-01-01T00:00:00Z";
export const holderOf = (n: number): Holder => ({
  pod: `pod-${n}`,
  podUID: `uid-${n}`,
  node: `node-${n}`,
  zone: "us-central1-a",
  instance: `vm-${n}`,
});
export const targetOf = (h: Holder): string => `projects/demo/zones/${h.zone}/targetInstances/pip-ti-${h.instance}`;

export interface HandoverWorld {
  binding?: AddressBinding;
  /** The rule as the cloud has it. */
  rule: Exclude<RuleFact, { state: "unknown" }>;
  /** Whose node is proven programmed, by Pod UID and the route version of the reset; undefined: nobody's. */
  proven?: string;
  /** What the controller's memory knows of the rule; a crash empties it. */
  known: boolean;
  version: number;
}

export const bindingOf = (status: AddressBindingStatus | undefined, routeUid = ROUTE): AddressBinding => ({
  metadata: { name: "34-123-10-1" },
  spec: { address: "34.123.10.1", scope: "External", route: { namespace: "default", name: "my-ip-route", uid: routeUid } },
  ...(status ? { status } : {}),
});

const proofOf = (holder: Holder, version: string | undefined): string => `${holder.podUID}@${version ?? ""}`;

export function inputOf(w: HandoverWorld, wanted: Holder | undefined): HandoverInput {
  return {
    ...(w.binding ? { binding: w.binding } : {}),
    routeUid: ROUTE,
    ...(wanted ? { wanted, wantedTarget: targetOf(wanted) } : {}),
    cause: "NewerPod",
    rule: w.known ? w.rule : { state: "unknown" },
    prepared: wanted !== undefined && w.proven === proofOf(wanted, w.binding?.status?.routeVersion),
  };
}

type Deed<K extends Step["do"]> = (w: HandoverWorld, step: Extract<Step, { do: K }>, wanted: Holder | undefined) => HandoverWorld;
const statusOf = (w: HandoverWorld): AddressBindingStatus => w.binding?.status ?? {};
const journal = (w: HandoverWorld, next: AddressBindingStatus): HandoverWorld => ({ ...w, binding: bindingOf(next) });
const same = (w: HandoverWorld): HandoverWorld => w;
const DEEDS: { [K in Step["do"]]: Deed<K> } = {
  // The API server has status as a subresource: these two write the spec alone.
  claim: (w) => ({ ...w, binding: bindingOf(undefined) }),
  transfer: (w) => ({ ...w, binding: bindingOf(w.binding?.status) }),
  observe: (w) => ({ ...w, known: true }),
  unserve: (w) => journal(w, unserved(statusOf(w), "no Pod", NOW)),
  begin: (w, step) => journal(w, begun(statusOf(w), step, NOW)),
  reset: (w) => ({
    ...journal(w, { ...statusOf(w), routeVersion: String(w.version) }),
    proven: undefined,
    version: w.version + 1,
  }),
  "await-datapath": (w, _step, wanted) => ({ ...w, proven: proofOf(wanted!, statusOf(w).routeVersion) }),
  switch: (w) => journal(w, switching(statusOf(w), NOW)),
  program: (w, _step, wanted) => ({ ...w, rule: { state: "ours", target: targetOf(wanted!) } }),
  commit: (w) => journal(w, committed(statusOf(w), NOW)),
  "stand-by": (w, step) => journal(w, standingBy(statusOf(w), step.standby, NOW)),
  nothing: same,
  blocked: same,
};

/** Does what a step says, as an honest controller, cloud and node agent would. */
export const perform = (w: HandoverWorld, step: Step, wanted: Holder | undefined): HandoverWorld =>
  (DEEDS[step.do] as Deed<Step["do"]>)(w, step, wanted);

export interface Run {
  end: HandoverWorld;
  steps: Step["do"][];
  /** The world before each step. */
  seen: { world: HandoverWorld; step: Step }[];
}

/** Steps until there is nothing to do. @param crash true at the steps before which the controller dies and forgets */
export function settle(start: HandoverWorld, wanted: Holder | undefined, crash: (n: number) => boolean = () => false): Run {
  const seen: Run["seen"] = [];
  let world = start;
  for (let n = 0; n < 60; n++) {
    if (crash(n)) world = { ...world, known: false };
    const step = nextStep(inputOf(world, wanted));
    seen.push({ world, step });
    if (step.do === "nothing" || step.do === "blocked") return { end: world, steps: seen.map((s) => s.step.do), seen };
    world = perform(world, step, wanted);
  }
  throw new Error(`not settled: ${seen.map((s) => s.step.do).join(" ")}`);
}
