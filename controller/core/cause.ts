// SPDX-License-Identifier: Apache-2.0
// Why an address moves, told from what became of the Pod that held it. Written into lastMove, the Event and the metric.
import { parseSelector, type GKEIPRoute, type Holder, type MoveCause } from "../api";
import type { PodView, World } from "./world";

/**
 * @param holder who had the address so far, if anybody
 * @param wanted who is to have it now
 */
export function moveCause(world: World, route: GKEIPRoute, holder: Holder | undefined, wanted: Holder | undefined): MoveCause {
  if (!holder) return "FirstAssignment";
  let old: PodView | undefined;
  for (const p of world.pods(route.metadata.namespace ?? "default")) if (p.uid === holder.podUID) old = p;
  const node = world.node(holder.node);
  if (!node) return "NodeGone";
  if (!old) return wanted?.pod === holder.pod ? "PodRecreated" : "PodGone";
  if (old.deleting) return "PodTerminating";
  const selector = parseSelector(route.spec.podSelector);
  if (!selector.ok || !selector.matches(old.labels)) return "SelectorChanged";
  if (!old.ready && route.spec.reactionMode === "ReadyCondition") return "PodNotReady";
  return wanted && wanted.podUID !== holder.podUID ? "NewerPod" : "PodNotSelectable";
}
