// SPDX-License-Identifier: Apache-2.0
// The parts of a world in which packets are real: one fabric for all, and for each cluster nodes with kubelets and the way to its API server.
import { mkdirSync } from "node:fs";
import * as path from "node:path";
import type { ControlPlane } from "../controlplane";
import type { Emulator } from "../emulator";
import type { Gke } from "../gke";
import type { NodeListener } from "../nodes";
import { GoogleDatapath, realNodes, type RealNodes } from "../nodes/real";
import type { Tools } from "../tools";
import { gatewayOf, inRange, startServices, type Fabric, type Services } from "../vpc";

/** `dataplane-v2`: Google's node agent and its datapath, as far as publicly known. `linux`: neither; a node agent of ours does it. */
export type DatapathKind = "dataplane-v2" | "linux";

export interface Packets {
  fabric: Fabric;
  /** Tar files of the images that every node has. */
  images: string[];
  datapath: DatapathKind;
}

export interface RealParts {
  nodes: RealNodes;
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
  const { packets, controlPlane, emulator, gke } = o;
  const ports = { api: Number(new URL(controlPlane.server).port), cloud: emulator.port };
  const services = await startServices(socketFolder(o.dir), packets.fabric.services, ports);
  const forgetful: NodeListener = { nodeUp: () => undefined, nodeDown: (name, kind) => kind === "power" && google.forget(name) };
  const nodes = await realNodes({
    ...{ controlPlane, gke, tools: o.tools, logs: o.logs, fabric: packets.fabric, images: packets.images },
    listeners: [forgetful, gke],
    gatewayOf: (ip, subnetwork) => gatewayOf(rangeWith(emulator, ip, subnetwork)),
  });
  const google = new GoogleDatapath((name) => nodes.datapathNode(name));
  return { nodes, services, google };
}

function rangeWith(emulator: Emulator, ip: string, subnetwork?: string): string {
  const found = emulator
    .list("subnetworks")
    .find((one) => (subnetwork === undefined || one.name === subnetwork) && inRange(one.ipCidrRange, ip));
  if (!found) throw new RangeError(`no subnetwork has ${ip}`);
  return found.ipCidrRange;
}
