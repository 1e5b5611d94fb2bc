// SPDX-License-Identifier: Apache-2.0
// What this room offers to the wiring: the fabric (the cloud side of an address), its inputs, and what it saw.
// Names inside a network or VM are bare names; names of targets, subnetworks and users are paths (`projects/P/...`, host stripped).
import type { compute_v1 } from "@googleapis/compute/build/v1";
import type { Scope } from "../api/names";

export type { Scope };

export interface ComputeConfig {
  project: string;
  region: string;
  /** Identity of the cluster in labels and descriptions: objects that carry another one are foreign. */
  clusterUid: string;
  /** `http://127.0.0.1:PORT/` for the sandbox, or a private endpoint; unset: Google's own. Without `compute/v1/`. */
  rootUrl?: string;
  /** `adc`: application default credentials (Workload Identity in a cluster); `none`: no Authorization header. */
  auth: "adc" | "none";
  /** Most mutations under way, and most reads under way. Default 32 each. */
  concurrency?: number;
  /**
   * Requests per minute and quota group that this process may send. Default 600 reads, as many waits for operations, and 300 writes (the real
   * quota is unknown, api.md 4.8).
   */
  ratesPerMinute?: { read: number; write: number; wait?: number };
  /** How long one operation is waited for, milliseconds. Default 120000. */
  operationTimeoutMs?: number;
  /** Project that owns the VPC networks (Shared VPC host). Default: `project`. */
  networkProject?: string;
}

/** Thrown by `check` (code `Fenced`) when this process may no longer write. Called right before every mutation request leaves. */
export interface Fence {
  check(method: string): void;
}

export interface ObservedAddress {
  name: string;
  address: string;
  type: Scope;
  /** `RESERVING`, `RESERVED` or `IN_USE`. */
  status: string;
  /** Paths of the objects that use the address. */
  users: string[];
  /** Undefined for a global address. */
  region?: string;
  tier?: string;
  /** Path, `projects/P/regions/R/subnetworks/S`. */
  subnetwork?: string;
  /** Name of the VPC network, where known. */
  network?: string;
  purpose?: string;
  project: string;
}

export interface ObservedRule {
  name: string;
  address: string;
  /** `projects/P/zones/Z/targetInstances/N`; undefined where the rule has a backend service or nothing. */
  target?: string;
  scheme: string;
  protocol: string;
  /** Name of the VPC network; internal rules only. */
  network?: string;
  labels: Record<string, string>;
  labelFingerprint?: string;
  description?: string;
  /** Internal rules: clients of other regions may reach it. */
  allowGlobalAccess?: boolean;
  ours: boolean;
  id: string;
}

export interface ObservedTarget {
  name: string;
  zone: string;
  /** VM name. */
  instance: string;
  /** Name of the VPC network; undefined: nic0's. */
  network?: string;
  description?: string;
  ours: boolean;
  id: string;
  /** When it was made, RFC 3339. */
  created?: string;
  /** The VM is younger than the target instance, so it was recreated under the same name (E20). Only `ensureTarget` knows. */
  vmReplaced?: boolean;
}

export interface ObservedFirewall {
  name: string;
  /** Name of the VPC network. */
  network: string;
  direction: "INGRESS" | "EGRESS";
  priority: number;
  disabled: boolean;
  action: "allow" | "deny";
  /** Protocol names or numbers; `all` is every protocol. */
  protocols: string[];
  sourceRanges: string[];
  destinationRanges: string[];
  /** True where the rule only applies to some VMs (target tags or service accounts). */
  targeted: boolean;
}

/** A public delegated prefix (BYOIP). */
export interface ObservedPrefix {
  name: string;
  cidr: string;
  status: string;
  /** Announced, or about to be used: packets can arrive (E35). */
  usable: boolean;
}

export interface CloudSnapshot {
  addresses: ObservedAddress[];
  rules: ObservedRule[];
  targets: ObservedTarget[];
  firewalls: ObservedFirewall[];
}

export interface TargetSpec {
  name: string;
  zone: string;
  /** VM name. */
  instance: string;
  /** VPC network name; undefined: the network of nic0. */
  vpc?: string;
  description: string;
}

export interface RuleSpec {
  name: string;
  address: string;
  /** Name of the reserved Address in this project, or its path `projects/P/regions/R/addresses/N`. */
  addressName: string;
  scope: Scope;
  /** `projects/P/zones/Z/targetInstances/N`. */
  targetPath: string;
  vpc?: string;
  /** Name (taken in this region of the network project) or path; needed for internal addresses. */
  subnetwork?: string;
  tier?: string;
  allowGlobalAccess?: boolean;
  labels: Record<string, string>;
  description: string;
}

/** What `createRules` made of a RuleSpec; `notCarried` is empty where one `L3_DEFAULT` rule carries everything (E52). */
export interface CreatedRules {
  rules: ObservedRule[];
  carried: string[];
  notCarried: { protocol: string; why: string }[];
}

/** The cloud side of persistent addresses. All methods throw ComputeError. No method ever deletes or changes an address (DESIGN 9.2). */
export interface Fabric {
  /** The reservation of a literal: this region first, then global and other regions (E31). `vpc` tells apart equal internal literals of two VPCs. */
  findAddress(address: string, scope: Scope, vpc?: string): Promise<ObservedAddress | undefined>;
  /** The BYOIP prefix that contains the address, if any (E35). */
  findPrefix(address: string): Promise<ObservedPrefix | undefined>;
  /** Every rule of this region that sits on the address, ours or not (E25). */
  rulesOn(address: string, vpc?: string): Promise<ObservedRule[]>;
  getRule(name: string): Promise<ObservedRule | undefined>;
  /**
   * Names of the rules of this region whose `insert` is under way, whoever has asked for it: such a rule is in no list yet, and will be there.
   * Asked before the rules themselves, so that one that is done in between is in that list.
   */
  rulesBeingMade(): Promise<string[]>;
  /** Makes sure that a target instance exists. Throws `Conflict` for a foreign one of that name, `NotFound` naming a missing VM (E19). */
  ensureTarget(spec: TargetSpec, fence: Fence): Promise<ObservedTarget>;
  /** One `L3_DEFAULT` rule. Throws `Conflict` where a rule that is not ours sits on the address. */
  createRule(spec: RuleSpec, fence: Fence): Promise<ObservedRule>;
  /** Like `createRule`, falling back to `NAME-tcp` and `NAME-udp` where the scheme refuses `L3_DEFAULT` (E52). */
  createRules(spec: RuleSpec, fence: Fence): Promise<CreatedRules>;
  /** Moves a rule: exactly one `forwardingRules.setTarget`, none where it has the target already (E48). Throws `Conflict` when the read-back differs. */
  setTarget(rule: ObservedRule, targetPath: string, fence: Fence): Promise<ObservedRule>;
  /** Lets clients of other regions reach an internal rule of ours, or not; in place (api.md 4.3). Nothing is sent where it is so already. */
  setGlobalAccess(rule: ObservedRule, allow: boolean, fence: Fence): Promise<ObservedRule>;
  /** Deletes a rule of ours; one that is gone already counts as done (E42). */
  deleteRule(rule: ObservedRule, fence: Fence): Promise<void>;
  /** Deletes a target instance of ours. Throws `InUse` while a rule points at it. */
  deleteTarget(target: ObservedTarget, fence: Fence): Promise<void>;
  /** Replaces the labels of a rule of ours; the owner's marks are always kept. */
  setLabels(rule: ObservedRule, labels: Record<string, string>, fence: Fence): Promise<ObservedRule>;
  /** Everything of this region by complete paged lists; throws rather than returning a part. */
  snapshot(): Promise<CloudSnapshot>;
}

export interface Clock {
  now(): number;
  monotonic(): number;
  sleep(ms: number): Promise<void>;
  /** What to wait for before the next request, where the event loop needs a turn; undefined: nothing. */
  breathe?(): Promise<void> | undefined;
}

export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}

/** One HTTP exchange, for metrics. `code` is the HTTP status, or a ComputeErrorCode where no answer came. */
export interface CallRecord {
  method: string;
  code: string;
  seconds: number;
}

export interface Deps {
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
  /** A fresh RFC 4122 UUID for each mutation. */
  uuid: () => string;
  logger?: Logger;
  onCall?: (call: CallRecord) => void;
  /** Stands in for Google's generated client: a cloud in memory. */
  api?: compute_v1.Compute;
}
