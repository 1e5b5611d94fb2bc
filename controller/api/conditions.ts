// SPDX-License-Identifier: Apache-2.0
// Condition types and reasons. Google's words where Google has one (api.md 1.4, 6.2); every reason is listed in docs/reasons.md.

export const CONDITION = { Accepted: "Accepted", GCPReady: "GCPReady", DPV2Ready: "DPV2Ready", Ready: "Ready" } as const;
export type RouteConditionType = keyof typeof CONDITION;
/** Condition of ours beside the four: somebody else decides about the route too, so we hold still (DESIGN 6). */
export const SECOND_WRITER = "SecondWriter";
/** GKE's constant for GCPReady; read, never written (api.md 1.4). */
export const GCP_READY_ALIAS = "IPRouteGCPReady";

export const ROUTE_REASONS = [
  "Accepted",
  "InvalidLabels",
  "MissingParentRefs",
  "GatewayNotFound",
  "GatewayNotAccepted",
  "Unattachable",
  "InvalidAddresses",
  "NetworkNotFound",
  "NetworkNotReady",
  "GCPReady",
  "GCPNotReady",
  "GCPFailed",
  "CleanupComplete",
  "DPV2Ready",
  "DPV2NotReady",
  "ProgrammingComplete",
  "NoPodsFound",
  "Mutated",
  "SecondWriter",
] as const;
export type RouteReason = (typeof ROUTE_REASONS)[number];
export type AcceptReason = Extract<
  RouteReason,
  | "Accepted"
  | "InvalidLabels"
  | "MissingParentRefs"
  | "GatewayNotFound"
  | "GatewayNotAccepted"
  | "Unattachable"
  | "InvalidAddresses"
  | "NetworkNotFound"
  | "NetworkNotReady"
>;

export const GATEWAY_REASONS = [
  "Accepted",
  "ListenersNotValid",
  "UnsupportedAddress",
  "Invalid",
  "Programmed",
  "Pending",
  "AddressNotAssigned",
  "AddressNotUsable",
] as const;
export type GatewayReason = (typeof GATEWAY_REASONS)[number];

/** Why an address moves (status.lastMove.cause and the metric's label). */
export const MOVE_CAUSES = [
  "FirstAssignment",
  "NewerPod",
  "PodGone",
  "PodNotReady",
  "PodTerminating",
  "NodeGone",
  "SelectorChanged",
  "PodRecreated",
  "RouteChanged",
  "DriftRepaired",
  "PodNotSelectable",
  "MoveAbandoned",
  "PreferredPod",
  "NodeCordoned",
  "MoveAsked",
] as const;
export type MoveCause = (typeof MOVE_CAUSES)[number];
