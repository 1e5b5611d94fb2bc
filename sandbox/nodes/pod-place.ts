// SPDX-License-Identifier: Apache-2.0
// Where the processes of a Pod run, if not simply on this machine: in namespaces that are made for it.
import type { Socket } from "node:net";
import type { HostCommand } from "./pod-command";
import type { PodFacts } from "./pod-sources";
import type { Pod } from "./pod-types";

export interface PodPlace {
  /** Makes it, anew where there was one. @throws Error: tried again later */
  open(): Promise<void>;
  /** Takes it away; harmless where there is none. */
  close(): Promise<void>;
  /** The command line that runs a program in there. Asked at every start: a place that was made anew is another one. @throws PodError */
  inside(line: HostCommand): HostCommand;
  /** A connection from the node to a port of the Pod, as the kubelet's probes make it. Default host: the Pod's address. */
  connect(port: number, host?: string): Promise<Socket>;
}

/** How Pods are housed: their places, and what they find there. */
export interface Housing {
  place(pod: Pod, facts: PodFacts): PodPlace;
  /** Where Pods reach the API server. */
  api: { host: string; port: string };
  /** PATH of their programs. */
  path: string;
  /** What images start by themselves, by their names. */
  entrypoints: ReadonlyMap<string, readonly string[]>;
}
