// SPDX-License-Identifier: Apache-2.0
// What a world of nodes can do, whichever way its kubelets are made.

export interface NodeNetwork {
  /** Name of the Kubernetes Network object; may be "" where only `vpc` and `subnetwork` say which network the NIC is in. */
  name: string;
  /** Name of the VM's interface, e.g. `nic1`. */
  nic: string;
  /** Primary address of that interface. */
  ip: string;
  /** VPC and subnetwork of the interface, short names. */
  vpc?: string;
  subnetwork?: string;
  /** Range on this node for Pod addresses of an L3 network, CIDR. */
  podCidr?: string;
}

export interface NodeSpec {
  name: string;
  zone: string;
  region: string;
  project: string;
  pool: string;
  labels?: Record<string, string>;
  taints?: { key: string; value?: string; effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute" }[];
  networks: NodeNetwork[];
  internalIP: string;
  /** Range for Pod addresses of the default network, CIDR; chosen if not given. */
  podCidr?: string;
}

/** `power`: everything on the node is gone at once. `freeze`: the VM hangs, processes go on where they were when it comes back. */
export type CrashKind = "power" | "freeze";

export interface NodeRuntime {
  /** Registers the node and starts its kubelet. Resolves when the node is Ready. */
  add(node: NodeSpec): Promise<void>;
  /** Moves its Pods off (graceful deletion) and takes the node away. */
  remove(name: string): Promise<void>;
  /** Heartbeats stop and Pods are frozen as they are: nothing on the node reports any more. Default kind: `power`. */
  crash(name: string, kind?: CrashKind): Promise<void>;
  /** The other way round. Resolves when the node is Ready again. */
  restore(name: string): Promise<void>;
  /** Whether the node is there and not crashed. */
  isUp(name: string): boolean;
  names(): string[];
  stop(): Promise<void>;
}

/** Told by a node runtime when a node stops and starts to work, so that what lives on the node can follow. */
export interface NodeListener {
  /** A node was registered, before its kubelet starts. */
  nodeAdded?(spec: NodeSpec): void;
  nodeRemoved?(name: string): void;
  nodeDown(name: string, kind: CrashKind): void;
  nodeUp(name: string): void;
}
