// SPDX-License-Identifier: Apache-2.0
// Datapath `linux`: DPV2Ready of a route is what the node agents have written into the journals of its addresses, never a guess.
import type { Condition, GKEIPRoute } from "../api";
import { nodeAnswer, nodeCondition, type Acceptance } from "../core";
import { addressKey } from "./address";
import type { Caches } from "./caches";
import { nameOf } from "./cloud";

/** The condition as observed for this Pod; undefined while a node has not answered for the present generation. */
export function linuxDatapath(
  caches: Pick<Caches, "binding">,
  route: GKEIPRoute,
  pod: string | undefined,
  acceptance: Acceptance,
): Condition | undefined {
  if (pod === undefined || !acceptance.accepted) return undefined;
  const answers = acceptance.addresses.map((a) => {
    const status = caches.binding(nameOf(addressKey(a, acceptance.network)))?.status;
    const who = status?.next ?? status?.holder;
    return { address: a.address, entry: who?.pod === pod ? nodeAnswer(status, who) : undefined };
  });
  return nodeCondition(answers, route.metadata.generation ?? 0);
}
