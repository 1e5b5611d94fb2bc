// SPDX-License-Identifier: Apache-2.0
// What the soak and the process under test say to each other.
import type { KindKey } from "../../../controller/manager/caches";

export const KIND_KEYS: readonly KindKey[] = [
  "route",
  "gateway",
  "gatewayClass",
  "network",
  "paramSet",
  "networkInterface",
  "binding",
  "pod",
  "node",
  "namespace",
];
export interface Config {
  mirrorServer: string;
  leaderServer: string;
  computeUrl: string;
  tokenFile: string;
  /** How many times faster the subject's durations pass. */
  factor: number;
  seed: number;
}
export interface Question {
  id: number;
  ask: "dump" | "heap" | "stop";
}
export interface Dump {
  /** By store: its kind, and `namespace/name uid resourceVersion` of each object, sorted. */
  stores: Record<string, { kind: KindKey; objects: string[] }>;
  /** The same, as the events alone told it. */
  told: Record<string, string[]>;
}
export interface Heap {
  heap: number;
  rss: number;
  open: Record<string, number>;
}
export interface Stopped {
  before: Record<string, number>;
  after: Record<string, number>;
  unhandled: string[];
  /** What was logged as a warning or an error, and how often. */
  said: Record<string, number>;
}
export interface Answer {
  id: number;
  answer: Dump | Heap | Stopped;
}
