// SPDX-License-Identifier: Apache-2.0
// Datapath `linux`: what a node has to do for an address, by the journal alone, and what its answer proves (datapath.md 9). The new node begins
// with the generation; the old one lets go when the fabric is known to have moved, so nothing is lost between the two.
import type { AddressBindingStatus, Condition, Holder, NodeEntry, Phase } from "../api";

/** Longest that a node keeps an address whose switch was begun and never reported, milliseconds. */
export const RELEASE_AFTER_MS = 60_000;

/**
 * The Pod of this node that the address is for; undefined: none.
 * @param switchingMs how long this generation has been seen in phase Switching; before that phase the fabric is untouched, so nothing runs out
 */
export function nodeDuty(status: AddressBindingStatus | undefined, node: string, switchingMs = 0): Holder | undefined {
  if (status?.phase === undefined || NOBODYS.includes(status.phase)) return undefined;
  const { holder, next } = status;
  const moving = MOVING.includes(status.phase);
  const late = moving && switchingMs >= RELEASE_AFTER_MS;
  const mine = [...(moving ? [next] : []), ...(late ? [] : [holder])];
  return mine.find((h) => h?.node === node);
}
const MOVING: readonly Phase[] = ["Preparing", "Prepared", "Switching"];
const NOBODYS: readonly Phase[] = ["Releasing", "Unserved"];

/** What the holder's node says of this very generation and Pod; undefined where it has not answered yet. */
export const nodeAnswer = (status: AddressBindingStatus | undefined, holder: Holder): NodeEntry | undefined =>
  status?.nodes?.find((n) => n.node === holder.node && n.generation === status.generation && n.podUID === holder.podUID);

/** Whether the holder's node is proven programmed for this generation. */
export const nodeProven = (status: AddressBindingStatus | undefined, holder: Holder): boolean =>
  nodeAnswer(status, holder)?.programmed === true;

/** DPV2Ready of a route from its nodes' answers, one for each address; undefined while one has not answered. */
export function nodeCondition(
  answers: readonly { address: string; entry: NodeEntry | undefined }[],
  observedGeneration: number,
): Condition | undefined {
  if (answers.length === 0 || answers.some((a) => a.entry === undefined)) return undefined;
  const bad = answers.find((a) => !a.entry!.programmed);
  const base = { type: "DPV2Ready", observedGeneration, lastTransitionTime: "" };
  if (!bad) {
    const nodes = [...new Set(answers.map((a) => a.entry!.node))].join(", ");
    return {
      ...base,
      status: "True",
      reason: "DPV2Ready",
      message: `node ${nodes} is programmed by the node agent (kernel routes)`,
    };
  }
  const why = bad.entry!.conditions?.filter((c) => isBad(c)).map((c) => `${c.type}: ${c.message}`) ?? [];
  return {
    ...base,
    status: "False",
    reason: "DPV2NotReady",
    message: `${bad.address} on node ${bad.entry!.node}: ${why.join("; ")}`,
  };
}
const isBad = (c: { type: string; status: string }): boolean =>
  c.type === "RoutesProgrammed" || c.type === "PodHasAddress" ? c.status === "False" : c.status === "True";
