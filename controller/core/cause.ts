// SPDX-License-Identifier: Apache-2.0
// Why an address moves, told from what became of the Pod that held it. Written into lastMove, the Event and the metric.
import { parseSelector, specOf, weightOf, type GKEIPRoute, type Holder, type MoveCause } from "../api";
import { better } from "./select";
import { policyOf } from "./stability";
import type { PodView, World } from "./world";

function podOf(world: World, route: GKEIPRoute, uid: string | undefined): PodView | undefined {
  if (world.pod) return uid === undefined ? undefined : world.pod(uid);
  for (const p of world.pods(route.metadata.namespace ?? "default")) if (p.uid === uid) return p;
  return undefined;
}
/** Why the route would not have this Pod any more, as far as the Pod itself tells. */
function objection(old: PodView, route: GKEIPRoute): MoveCause | undefined {
  const { podSelector, reactionMode } = specOf(route);
  const selector = parseSelector(podSelector);
  if (old.deleting) return "PodTerminating";
  if (!selector.ok || !selector.matches(old.labels)) return "SelectorChanged";
  if (old.phase === "Succeeded" || old.phase === "Failed") return "PodNotSelectable";
  return !old.ready && reactionMode === "ReadyCondition" ? "PodNotReady" : undefined;
}

/** What only an opt-in of stability asks for: to go where somebody said, to leave a cordoned node, or to go to a Pod of more weight. */
function stabilityCause(world: World, route: GKEIPRoute, old: PodView, next: PodView | undefined): MoveCause | undefined {
  const { avoidCordoned, preferredPods, moveTo } = policyOf(world, route);
  if (!next || next.uid === old.uid) return undefined;
  if (moveTo === next.name) return "MoveAsked";
  const cordoned = (p: PodView): boolean => world.node(p.node ?? "")?.cordoned === true;
  if (avoidCordoned && cordoned(old) && !cordoned(next)) return "NodeCordoned";
  return weightOf(next.labels, preferredPods) > weightOf(old.labels, preferredPods) ? "PreferredPod" : undefined;
}

/** A Pod that is not better was chosen only because the old one cannot be: its network, its node. */
function preference(old: PodView, next: PodView | undefined): MoveCause {
  if (next?.uid === old.uid) return "MoveAbandoned";
  return next && better(next, old) < 0 ? "NewerPod" : "PodNotSelectable";
}

/**
 * @param holder who had the address so far, if anybody
 * @param wanted who is to have it now
 */
export function moveCause(world: World, route: GKEIPRoute, holder: Holder | undefined, wanted: Holder | undefined): MoveCause {
  if (!holder) return "FirstAssignment";
  if (!world.node(holder.node)) return "NodeGone";
  const old = podOf(world, route, holder.podUID);
  if (!old) return wanted?.pod === holder.pod ? "PodRecreated" : "PodGone";
  const next = podOf(world, route, wanted?.podUID);
  return objection(old, route) ?? stabilityCause(world, route, old, next) ?? preference(old, next);
}
