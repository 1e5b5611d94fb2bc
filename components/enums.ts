// SPDX-License-Identifier: Apache-2.0
// Closed sets of values as const objects: TypeScript users may write the plain string, a schema gets a true enumeration.

/** External addresses are reachable from the Internet, internal ones from Google Cloud only (SEED-20). */
export const AddressScope = { External: "External", Internal: "Internal" } as const;
export type AddressScope = (typeof AddressScope)[keyof typeof AddressScope];

/** Kinds of Pod network that can carry persistent addresses (SEED-13). */
export const NetworkMode = { L3: "L3", Device: "Device" } as const;
export type NetworkMode = (typeof NetworkMode)[keyof typeof NetworkMode];

/** How a Device network hands its card to the Pod. */
export const DeviceMode = { NetDevice: "NetDevice", DpdkVfio: "DPDK-VFIO" } as const;
export type DeviceMode = (typeof DeviceMode)[keyof typeof DeviceMode];

export const NetworkTier = { Premium: "PREMIUM", Standard: "STANDARD" } as const;
export type NetworkTier = (typeof NetworkTier)[keyof typeof NetworkTier];

/** When a Pod may hold an address (SEED-62, SEED-80). */
export const ReactionMode = { ReadyCondition: "ReadyCondition", Exists: "Exists" } as const;
export type ReactionMode = (typeof ReactionMode)[keyof typeof ReactionMode];

/** Whose routes may use a Gateway (SEED-45, SEED-46, SEED-47). */
export const NamespacesFrom = { All: "All", Selector: "Selector", Same: "Same" } as const;
export type NamespacesFrom = (typeof NamespacesFrom)[keyof typeof NamespacesFrom];

export const LabelOperator = { In: "In", NotIn: "NotIn", Exists: "Exists", DoesNotExist: "DoesNotExist" } as const;
export type LabelOperator = (typeof LabelOperator)[keyof typeof LabelOperator];

/** Who moves the addresses: our controller, Google's managed one, or Google's with ours watching beside it. */
export const ControllerKind = { Bundled: "Bundled", GkeManaged: "GkeManaged", Observe: "Observe" } as const;
export type ControllerKind = (typeof ControllerKind)[keyof typeof ControllerKind];

/** Where the GKEIPRoute CRD comes from. On GKE it is Google's; Install is for clusters that have none. */
export const CrdSource = { FromGke: "FromGke", Install: "Install" } as const;
export type CrdSource = (typeof CrdSource)[keyof typeof CrdSource];

/** Whether the controller makes GatewayClasses with Google's names where the cluster has none. */
export const GkeClasses = { Never: "Never", IfAbsent: "IfAbsent" } as const;
export type GkeClasses = (typeof GkeClasses)[keyof typeof GkeClasses];

/** Who programs the nodes: Google's agent, nobody because the Pod owns the card, or our node agent (other CNIs, self-managed clusters). */
export const Datapath = { DataplaneV2: "DataplaneV2", Device: "Device", Linux: "Linux" } as const;
export type Datapath = (typeof Datapath)[keyof typeof Datapath];

export const ReleaseChannel = { Rapid: "RAPID", Regular: "REGULAR", Stable: "STABLE", Extended: "EXTENDED" } as const;
export type ReleaseChannel = (typeof ReleaseChannel)[keyof typeof ReleaseChannel];

/** How the controller proves to Google Cloud who it is. */
export const IdentityKind = { ServiceAccount: "ServiceAccount", Direct: "Direct", Existing: "Existing", None: "None" } as const;
export type IdentityKind = (typeof IdentityKind)[keyof typeof IdentityKind];

/**
 * The one switch for what a destroy may take away.
 * Protect: addresses, cluster, pools and networks cannot be deleted or replaced. Retain: they can, but reserved addresses stay reserved,
 * and the Pod networks that hold internal ones stay with them. Delete: reserved addresses are given back too.
 */
export const OnDestroy = { Protect: "Protect", Retain: "Retain", Delete: "Delete" } as const;
export type OnDestroy = (typeof OnDestroy)[keyof typeof OnDestroy];

export const LogLevel = { Debug: "debug", Info: "info", Warn: "warn", Error: "error" } as const;
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];
