// SPDX-License-Identifier: Apache-2.0
// Datapath `linux`: what a node has to do for an address, by the journal alone, and what its answer proves (datapath.md 9). The new node begins
// with the generation; the old one lets go a moment after the fabric is known to have moved, so nothing is lost between the two.
import type { AddressBindingStatus, Condition, Former, Holder, NodeEntry, Phase } from "../api";
import { samePod, standbyProven } from "./standby";

/** Longest that a node keeps an address whose switch was begun and never reported, milliseconds. */
export const RELEASE_AFTER_MS = 60_000;
/**
 * How long a node goes on serving a Pod that the address has left, milliseconds. "Done" of the cloud's operation is not the last packet: the fabric
 * may follow a little later, packets are on their way, and the Pod has yet to answer those that it was given.
 */
export const LINGER_MS = 10_000;

/** What one node is to do for an address. */
export interface NodeDuties {
  /** The Pod of this node that packets for the address go to. */
  serves?: Holder;
  /** The Pod is only prepared for, since then. */
  standby?: string;
  /** Other Pods of this node that may still send with the address: they answer what they were given before. */
  leaving: Holder[];
}
/** What a node knows of the time, milliseconds. */
export interface DutyTimes {
  /** How long this generation has been seen in phase Switching; before that phase the fabric is untouched, so nothing runs out. */
  switchingMs?: number;
  /** How long a Pod is known to have been left. Not given: for ever. */
  leftMs?: (left: Former) => number;
}

/** Duties of a node by the journal alone. Nobody's: nothing. */
export function nodeDuties(status: AddressBindingStatus | undefined, node: string, times: DutyTimes = {}): NodeDuties {
  const [serves, ...leaving] = claimants(status, times).filter((h, i, all) => h.node === node && firstOf(all, h) === i);
  if (serves) return { serves, leaving };
  const ahead = isNobodys(status) ? undefined : status?.standby?.find((s) => s.node === node);
  if (!ahead) return { leaving };
  const { since, ...holder } = ahead;
  return { serves: holder, standby: since, leaving };
}
const firstOf = (all: readonly Holder[], h: Holder): number => all.findIndex((o) => samePod(o, h));

/** Whoever packets may come to, the best first. */
function claimants(status: AddressBindingStatus | undefined, { switchingMs = 0, leftMs = () => Infinity }: DutyTimes): Holder[] {
  if (!status || isNobodys(status)) return [];
  const { phase, holder, next, former = [] } = status;
  const moving = isMoving(phase);
  const late = moving && switchingMs >= RELEASE_AFTER_MS;
  const young = (f: Former): boolean => (f.leftAt === undefined ? moving && !late : leftMs(f) < LINGER_MS);
  const present = [...(moving ? [next] : []), ...(late ? [] : [holder])];
  return [...present, ...former.filter(young)].filter((h) => h !== undefined);
}
/** The Pod of this node that the address is for; undefined: none. */
export function nodeDuty(status: AddressBindingStatus | undefined, node: string, switchingMs = 0): Holder | undefined {
  const { serves, standby } = nodeDuties(status, node, { switchingMs });
  return standby === undefined ? serves : undefined;
}
const MOVING: readonly Phase[] = ["Preparing", "Prepared", "Switching"];
const isMoving = (phase: Phase | undefined): boolean => phase !== undefined && MOVING.includes(phase);
const isNobodys = (status: AddressBindingStatus | undefined): boolean =>
  status?.phase === undefined || status.phase === "Releasing" || status.phase === "Unserved";

/** What the holder's node says of this very generation and Pod; undefined where it has not answered yet. */
export const nodeAnswer = (status: AddressBindingStatus | undefined, holder: Holder): NodeEntry | undefined =>
  status?.nodes?.find((n) => n.node === holder.node && n.generation === status.generation && n.podUID === holder.podUID);

/** Whether the holder's node is proven programmed: for this generation, or ahead of it. */
export const nodeProven = (status: AddressBindingStatus | undefined, holder: Holder): boolean =>
  nodeAnswer(status, holder)?.programmed === true || standbyProven(status, holder);

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
