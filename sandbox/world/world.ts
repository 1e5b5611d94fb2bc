// SPDX-License-Identifier: Apache-2.0
// A world on one machine: Google's API by the emulator, GKE clusters by a real control plane behind it, and the Pulumi engine's providers.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { startEmulator, type Emulator, type EmulatorOptions } from "../emulator";
import { environmentOf } from "../environment";
import { startEngineParts, type EngineParts } from "../pulumi";
import type { Tools } from "../tools";
import { ensureImages, ImageError, programPath } from "../image";
import { Fabric, SERVICE_ADDRESSES } from "../vpc";
import { Cluster, type ClusterOptions } from "./cluster";
import type { DatapathKind, NodeStuff, PacketNodes, Packets } from "./packets";

export interface WorldOptions {
  tools: Tools;
  /** State folder; a fresh one under the system's temporary folder unless given. */
  dir?: string;
  project?: string;
  /** Hosts of a Shared VPC beside the project (see EmulatorOptions). */
  hostProjects?: readonly string[];
  region?: string;
  /** How long an operation of Google Cloud takes here, milliseconds (default 400). */
  operationLatencyMs?: EmulatorOptions["operationLatencyMs"];
  /** Told what happens in the world, one line each. */
  note?: (line: string) => void;
  /** GKE installs the CRDs of Gateway API and networks this late, milliseconds. */
  crdDelayMs?: number;
  /** CRD manifests (files or folders) that GKE installs with the others, such as Google's GKEIPRoute. */
  extraCrds?: string[];
  onProgramOutput?: (text: string) => void;
  /** Real packets, with this datapath. One cluster at a time. */
  packets?: DatapathKind;
  /** With `packets`. Default: kubelets (root; see missingForRealNodes); namespaces: see missingForNamespaces. */
  nodes?: PacketNodes;
}

export interface World {
  readonly dir: string;
  readonly emulator: Emulator;
  readonly engine: EngineParts;
  readonly project: string;
  readonly region: string;
  readonly tools: Tools;
  /** Google Cloud's network, where packets are real. */
  readonly fabric?: Fabric;
  /** Who programs the nodes, where packets are real. */
  readonly datapath?: DatapathKind;
  /** What nodes are, where packets are real. */
  readonly nodes?: PacketNodes;
  /** Clusters that exist now, by name. */
  readonly clusters: ReadonlyMap<string, Cluster>;
  /** The only cluster, or the newest. @throws Error while there is none */
  cluster(): Cluster;
  /** Variables for kubectl, gcloud and pulumi. */
  env(): Record<string, string>;
  stop(): Promise<void>;
}

const PROJECT = "sandbox-project";
const REGION = "us-central1";

/** Starts the emulator and the providers. Clusters appear when the Container API is asked for one. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const dir = options.dir ?? mkdtempSync(path.join(tmpdir(), "gke-pip-"));
  mkdirSync(dir, { recursive: true });
  const { project = PROJECT, region = REGION, tools } = options;
  const clusters = new Map<string, Cluster>();
  const clusterOptions = (): ClusterOptions => ({
    dir,
    tools,
    emulator,
    note: options.note ?? (() => undefined),
    ...(options.crdDelayMs ? { crdDelayMs: options.crdDelayMs } : {}),
    ...(options.extraCrds ? { extraCrds: options.extraCrds } : {}),
    ...(packets ? { packets } : {}),
  });
  const known = (name: string): Cluster => {
    const found = clusters.get(name);
    if (!found) throw new Error(`cluster ${name} has no control plane in this sandbox`);
    return found;
  };
  const emulator: Emulator = await startEmulator({
    project,
    hostProjects: options.hostProjects ?? [],
    operationLatencyMs: options.operationLatencyMs ?? 400,
    hooks: {
      clusterCreated: async (view) => {
        const cluster = await Cluster.create(view, clusterOptions());
        clusters.set(view.name, cluster);
        return cluster.endpoint();
      },
      clusterDeleted: async (view) => {
        await clusters.get(view.name)?.stop();
        clusters.delete(view.name);
      },
      nodePoolCreated: (view, pool) => known(view.name).addPool(pool),
      nodePoolResized: (view, pool, count) => known(view.name).resizePool(pool, count),
      nodePoolDeleted: (view, pool) => known(view.name).removePool(pool),
    },
  });
  const packets = options.packets && (await startPackets(options.packets, emulator, dir, options));
  const newest = (): Cluster | undefined => [...clusters.values()].at(-1);
  const engine = await startEngineParts({
    dir: path.join(dir, "pulumi"),
    pulumiBinary: tools.pulumi,
    emulatorUrl: emulator.url,
    project,
    region,
    kubernetesToken: () => newest()?.controlPlane.adminToken,
    ...(options.onProgramOutput ? { onProgramOutput: options.onProgramOutput } : {}),
  });
  const bin = [...new Set([tools.pulumi, tools.kubectl].map((f) => path.dirname(f)))];
  return {
    dir,
    emulator,
    engine,
    project,
    region,
    tools,
    ...(packets ? { fabric: packets.fabric, datapath: packets.datapath, nodes: packets.stuff.kind } : {}),
    clusters,
    cluster: () => {
      const found = newest();
      if (!found)
        throw new Error("this sandbox has no cluster yet; create one with pulumi up or gcloud container clusters create");
      return found;
    },
    env: () => {
      const kubeconfig = newest()?.controlPlane.adminKubeconfigPath;
      return environmentOf({
        dir,
        emulatorUrl: emulator.url,
        project,
        region,
        bin,
        pulumi: engine.env({}),
        ...(kubeconfig ? { kubeconfig } : {}),
      });
    },
    stop: async () => {
      await engine.stop();
      await Promise.all([...clusters.values()].map((c) => c.stop()));
      await packets?.fabric.stop();
      await emulator.close();
      if (!options.dir) rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function startPackets(
  datapath: DatapathKind,
  emulator: Emulator,
  dir: string,
  { note, nodes = "kubelets" }: Pick<WorldOptions, "note" | "nodes">,
): Promise<Packets> {
  const stuff = await stuffOf(nodes);
  const fabric = await Fabric.start({ emulator, logs: dir, serviceAddresses: SERVICE_ADDRESSES, ...(note ? { note } : {}) });
  return { fabric, stuff, datapath };
}

async function stuffOf(kind: PacketNodes): Promise<NodeStuff> {
  if (kind === "kubelets") {
    const { pause, sandbox } = await ensureImages();
    return { kind, images: [pause, sandbox] };
  }
  const busybox = await programPath("busybox");
  if (busybox === undefined) throw new ImageError("busybox is not on this machine; Pods have ping and hostname from it");
  return { kind, busybox };
}
