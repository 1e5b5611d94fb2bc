// SPDX-License-Identifier: Apache-2.0
// The emulator's vocabulary: JSON values, the Compute resources it keeps, and what it records about each request.

export type Json = string | number | boolean | null | undefined | Json[] | JsonObject;
export interface JsonObject {
  [field: string]: Json;
}

/** What every Compute resource carries. Unnamed fields travel through untouched, as on the real server. */
export interface Resource {
  kind: string;
  id: string;
  name: string;
  selfLink: string;
  creationTimestamp: string;
  description?: string;
  region?: string;
  zone?: string;
  labels?: Record<string, string>;
  labelFingerprint?: string;
  fingerprint?: string;
  [field: string]: unknown;
}

export interface Address extends Resource {
  address: string;
  addressType: "EXTERNAL" | "INTERNAL";
  networkTier: string;
  purpose?: string;
  subnetwork?: string;
  network?: string;
  ipCollection?: string;
  status: "RESERVED" | "IN_USE";
  users?: string[];
}

export interface ForwardingRule extends Resource {
  IPAddress: string;
  IPProtocol: string;
  loadBalancingScheme: "EXTERNAL" | "INTERNAL";
  networkTier: string;
  allPorts?: boolean;
  ports?: string[];
  portRange?: string;
  target?: string;
  backendService?: string;
  network?: string;
  subnetwork?: string;
  allowGlobalAccess?: boolean;
}

export interface TargetInstance extends Resource {
  instance: string;
  network?: string;
  natPolicy: string;
}

export interface AliasIpRange {
  ipCidrRange: string;
  subnetworkRangeName?: string;
}

export interface NetworkInterface {
  kind: string;
  name: string;
  network: string;
  subnetwork?: string;
  networkIP: string;
  fingerprint: string;
  aliasIpRanges?: AliasIpRange[];
  accessConfigs?: { kind: string; name: string; type: string; natIP: string; networkTier: string }[];
  [field: string]: unknown;
}

export interface Instance extends Resource {
  status: string;
  networkInterfaces: NetworkInterface[];
}

export interface Network extends Resource {
  autoCreateSubnetworks: boolean;
  subnetworks?: string[];
}

export interface SecondaryRange {
  rangeName: string;
  ipCidrRange: string;
}

export interface Subnetwork extends Resource {
  network: string;
  ipCidrRange: string;
  secondaryIpRanges?: SecondaryRange[];
}

export interface Firewall extends Resource {
  network: string;
  direction: string;
}

export interface Prefix extends Resource {
  ipCidrRange: string;
  parentPrefix?: string;
  status: string;
}

export interface Endpoint {
  instance?: string;
  ipAddress?: string;
  port?: number;
}

export interface EndpointGroup extends Resource {
  networkEndpointType: string;
  network?: string;
  subnetwork?: string;
  size: number;
  /** Kept here, shown only by listNetworkEndpoints. */
  endpoints?: Endpoint[];
}

export interface BackendService extends Resource {
  protocol: string;
  loadBalancingScheme: string;
}

/** Every family of named resources, by the name used in {@link Emulator.list} and in URLs. */
export interface Families {
  addresses: Address;
  forwardingRules: ForwardingRule;
  targetInstances: TargetInstance;
  instances: Instance;
  networks: Network;
  subnetworks: Subnetwork;
  firewalls: Firewall;
  publicDelegatedPrefixes: Prefix;
  publicAdvertisedPrefixes: Prefix;
  networkEndpointGroups: EndpointGroup;
  backendServices: BackendService;
  healthChecks: Resource;
}
export type Kind = keyof Families;

/** One request with its answer. Parts of a batch are recorded singly too, with `via: "batch"`. */
export interface Exchange {
  /** Milliseconds since the epoch when the request arrived. */
  at: number;
  method: string;
  path: string;
  query: Record<string, string>;
  /** Discovery id, e.g. `compute.forwardingRules.setTarget`; empty for an unknown path. */
  methodId: string;
  /** Parsed JSON body, if there was one. */
  request?: Json;
  /** 0 when the connection was cut by a fault. */
  status: number;
  response?: Json;
  userAgent: string;
  via?: "batch";
  /** On the exchange of a batch itself: its parts in order. */
  parts?: Exchange[];
}

/** A change of stored state, as told to {@link Emulator.onChange} listeners. */
export interface Change {
  kind: Kind;
  name: string;
  op: "insert" | "update" | "delete";
}
