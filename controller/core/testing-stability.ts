// SPDX-License-Identifier: Apache-2.0
// For tests of stability: journals of an address by the second, and one selection over a small world.
import type { AddressBinding, AddressBindingStatus, Holder, Move } from "../api";
import { select, type Selection } from "./select";
import { stabilityOf } from "./stability";
import { gatewayOf, routeOf, world } from "./testing";
import type { NodeView, PodView } from "./world";

const network = { name: "blue-network", type: "L3" as const };
export const T0 = Date.UTC(2026, 0, 1, 12);
export const at = (seconds: number): string => new Date(T0 + seconds * 1000).toISOString();
export const holderOf = (pod: string, node = "node-1"): Holder => ({
  pod,
  podUID: `uid-${pod}`,
  node,
  zone: "us-central1-a",
  instance: `vm-${node}`,
});
export const bindingOf = (status: AddressBindingStatus): AddressBinding => ({
  metadata: { name: "34-123-10-1" },
  spec: {
    address: "34.123.10.1",
    scope: "External",
    route: { namespace: "default", name: "my-ip-route", uid: "uid-default-my-ip-route" },
  },
  status,
});
export const move = (from: string | undefined, to: string, second: number): Move => ({
  generation: 1,
  ...(from ? { from: holderOf(from) } : {}),
  to: holderOf(to),
  cause: "NewerPod",
  finishedAt: at(second),
  durations: {},
});
/** The journal of an address that `pod` has had since `second`. */
export const heldBy = (pod: string, second = 0, moves: Move[] = [move(undefined, pod, second)]): AddressBinding =>
  bindingOf({ phase: "Held", holder: holderOf(pod), lastMove: moves[0], history: moves });

/** Pods, nodes, annotations and a journal to decide over, `second` seconds after T0. */
export interface Case {
  annotations?: Record<string, string>;
  gateway?: Record<string, string>;
  pods: PodView[];
  nodes?: NodeView[];
  binding?: AddressBinding;
  second?: number;
  exists?: boolean;
}
export const routeWith = (c: Pick<Case, "annotations" | "exists">) =>
  routeOf({ metadata: { annotations: c.annotations }, spec: c.exists ? { reactionMode: "Exists" } : {} });
export function decide(c: Case): Selection {
  const w = world({ pods: c.pods, nodes: c.nodes, gateways: [gatewayOf({ metadata: { annotations: c.gateway } })] });
  const route = routeWith(c);
  return select(w, route, network, stabilityOf(w, route, c.binding ? [c.binding] : [], T0 + (c.second ?? 100) * 1000));
}
export const verdicts = (s: Selection): Record<string, string> =>
  Object.fromEntries(s.verdicts.map((v) => [v.pod.name, v.reason]));
