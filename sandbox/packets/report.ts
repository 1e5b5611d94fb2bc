// SPDX-License-Identifier: Apache-2.0
// What the demonstration with real packets found out.
import type { Interval } from "../vpc";
import type { Bound } from "./bound";
import type { Reach } from "./probe";

export interface PacketMove {
  what: string;
  kind: "planned" | "unplanned";
  /** Pod that answered before and after. */
  from: string;
  to: string;
  pps: number;
  sent: number;
  lost: number;
  /** Longest time without an answer, milliseconds. */
  longestGapMs: number;
  /** Milliseconds since the epoch of the first and the last lost packet. */
  firstLostAt?: number;
  lastLostAt?: number;
  /** What the fabric did meanwhile: when it sent the address to another VM. */
  switches: { at: number; from: string; to: string }[];
  /** For unplanned moves: the longest gap that the formula allows, in parts, and whether it was kept. */
  bound?: Bound;
  withinBound?: boolean;
  /** Phases of the hand-over as the controller wrote them down, milliseconds. */
  phases?: Record<string, number>;
}

export interface PacketReport {
  datapath: string;
  /** What nodes are: `kubelets` with containers, or plain `namespaces`. */
  nodes: string;
  address: string;
  /** Every way that was tried, before anything moved. */
  reach?: Reach;
  moves: PacketMove[];
  /** After the Pod was deleted: the one that has the address now, and every way again. */
  afterDelete?: Reach;
  /** Packets that the fabric dropped because of their source. */
  spoofed?: number;
}

/** One line a move. */
export function moveRow(move: PacketMove): string[] {
  const bound = move.bound ? `${move.longestGapMs} ms of ${move.bound.total} ms` : `${move.longestGapMs} ms`;
  return [move.what, move.kind, `${move.lost} of ${move.sent}`, bound, `${move.from} -> ${move.to}`];
}

export const MOVE_HEAD = ["WHAT", "KIND", "LOST", "LONGEST GAP", "POD"];

/** Figures of a stream. */
export const figures = (
  interval: Interval,
): Pick<PacketMove, "sent" | "lost" | "longestGapMs" | "firstLostAt" | "lastLostAt"> => ({
  sent: interval.sent,
  lost: interval.lost,
  longestGapMs: interval.longestGapMs ?? 0,
  ...(interval.firstLostAt === undefined ? {} : { firstLostAt: interval.firstLostAt }),
  ...(interval.lastLostAt === undefined ? {} : { lastLostAt: interval.lastLostAt }),
});
