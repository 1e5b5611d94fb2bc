// SPDX-License-Identifier: Apache-2.0
// The parts of a world in which packets are real: one fabric for all, and for each cluster nodes with kubelets and the way to its API server.
import { mkdirSync } from "node:fs";
import * as path from "node:path";
import type { ControlPlane } from "../controlplane";
import type { Emulator } from "../emulator";
import type { Gke } from "../gke";
import type { NodeListener, NodeRuntime, ProcessPods } from "../nodes";
import { namespaceNodes } from "../nodes/namespaces";
import { GoogleDatapath, realNodes, type DatapathNode, type RealNodes } from "../nodes/real";
import type { Tools } from "../tools";
import { gatewayOf, inRange, startServices, type Fabric, type Services } from "../vpc";

/** `dataplane-v2`: Google's node agent and its datapath, as far as publicly known. `linux`: neither; a node agent of ours does it. */
export type DatapathKind = "dataplane-v2" | "linux";

/** `kubelets`: kubelet, containerd and containers (root). `namespaces`: a network namespace for each node and each Pod, and plain processes. */
export type PacketNodes = "kubelets" | "namespaces";

/** What nodes are made of: tar files of the images that every node has, or the program that stands for their tools. */
export type NodeStuff = { kind: "kubelets"; images: string[] } | { kind: "namespaces"; busybox: string };

export interface Packets {
  fabric: Fabric;
  stuff: NodeStuff;
  datapath: DatapathKind;
}

interface Nodes {
  nodes: NodeRuntime & { datapathNode(node: string): DatapathNode | undefined };
  /** With kubelets only. */
  kubelets?: RealNodes;
  /** With namespaces only: all Pods. */
  pods?: ProcessPods;
}

export interface RealParts extends Nodes {
  services: Services;
  google: GoogleDatapath;
}

/** Folder for socket files of a cluster; its path must stay short. */
export function socketFolder(dir: string): string {
  const folder = path.join(dir, "v");
  mkdirSync(folder, { recursive: true });
  return folder;
}

export interface RealPartsOptions {
  packets: Packets;
  controlPlane: ControlPlane;
  emulator: Emulator;
  tools: Tools;
  gke: Gke;
  dir: string;
  logs: string;
}

/** Starts what a cluster's real nodes need; nodes come later. @throws ProcessError */
export async function startRealParts(o: RealPartsOptions): Promise<RealParts> {
  const { packets, controlPlane, emulator } = o;
  const ports = { api: Number(new URL(controlPlane.server).port), cloud: emulator.port };
  const services = await startServices(socketFolder(o.dir), packets.fabric.services, ports);
  const forgetful: NodeListener = { nodeUp: () => undefined, nodeDown: (name, kind) => kind === "power" && google.forget(name) };
  const made = await startNodes(o, [forgetful]);
  const google = new GoogleDatapath((name) => made.nodes.datapathNode(name));
  return { ...made, services, google };
}

async function startNodes(o: RealPartsOptions, first: NodeListener[]): Promise<Nodes> {
  const { packets, emulator, dir, ...rest } = o;
  const common = {
    ...{ ...rest, fabric: packets.fabric },
    gatewayOf: (ip: string, subnetwork?: string) => gatewayOf(rangeWith(emulator, ip, subnetwork)),
  };
  if (packets.stuff.kind === "kubelets") {
    const kubelets = await realNodes({ ...common, images: packets.stuff.images, listeners: [...first, o.gke] });
    return { nodes: kubelets, kubelets };
  }
  const own = { dir: path.join(dir, "nodes"), sockets: socketFolder(dir), busybox: packets.stuff.busybox, listeners: first };
  const nodes = namespaceNodes({ ...common, ...own });
  return { nodes, pods: nodes.pods };
}

function rangeWith(emulator: Emulator, ip: string, subnetwork?: string): string {
  const found = emulator
    .list("subnetworks")
    .find((one) => (subnetwork === undefined || one.name === subnetwork) && inRange(one.ipCidrRange, ip));
  if (!found) throw new RangeError(`no subnetwork has ${ip}`);
  return found.ipCidrRange;
}
