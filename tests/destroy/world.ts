// SPDX-License-Identifier: Apache-2.0
// A sandbox with a stack whose addresses are held by Pods, and the question that every form of destroy must pass: do state, cloud and cluster agree?
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import type { Context } from "mocha";
import type { OnDestroy, PersistentPodIpsArgs } from "../../components";
import { ROOT, untilReady } from "../../sandbox/demo";
import { runPulumi, type RunOptions } from "../../sandbox/pulumi";
import { ensureTools, ToolsMissingError } from "../../sandbox/tools";
import { startWorld, type World, type WorldOptions } from "../../sandbox/world/world";

export const DIST = path.join(process.env.COMPONENTS_DIST ?? path.join(ROOT, "dist"), "components");
const NAME = "edge";

const PROGRAM = `"use strict";
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { Network } = require("@pulumi/gcp/compute/network");
const { Subnetwork } = require("@pulumi/gcp/compute/subnetwork");
const { Deployment } = require("@pulumi/kubernetes/apps/v1/deployment");
const kit = require(${JSON.stringify(DIST)});
const args = JSON.parse(readFileSync(join(__dirname, "args.json"), "utf8"));
const protect = (args.onDestroy ?? "Protect") === "Protect";
const project = args.networkProject ?? args.project;
const vpc = new Network("nodes", { name: "nodes", project, autoCreateSubnetworks: false }, { protect });
const subnet = new Subnetwork("nodes", { name: "nodes", project, network: vpc.name, region: args.region, ipCidrRange: "10.0.0.0/20",
  secondaryIpRanges: [{ rangeName: "pods", ipCidrRange: "10.4.0.0/14" }, { rangeName: "services", ipCidrRange: "10.8.0.0/20" }] }, { protect });
const where = (r) => args.networkProject ? r.id : r.name;
Object.assign(args.cluster.create, { network: where(vpc), subnetwork: where(subnet) });
const ips = new kit.PersistentPodIps("${NAME}", args);
const interfaces = JSON.stringify([{ interfaceName: "eth0", network: "default" }, { interfaceName: "eth1", network: "blue" }]);
const labels = { app: "proxy" };
new Deployment("proxy", { metadata: { name: "proxy", namespace: "proxy" }, spec: { replicas: 1, selector: { matchLabels: labels }, template: {
  metadata: { labels, annotations: { "networking.gke.io/default-interface": "eth0", "networking.gke.io/interfaces": interfaces } },
  spec: { containers: [{ name: "proxy", image: "proxy:1" }] } } } }, { provider: ips.provider, dependsOn: [ips] });
`;

export const programArgs = (world: World): PersistentPodIpsArgs => ({
  project: world.project,
  region: world.region,
  cluster: {
    create: {
      location: `${world.region}-a`,
      network: "",
      subnetwork: "",
      podRange: "pods",
      serviceRange: "services",
      privateNodes: false,
      pools: { main: { nodes: 1, networks: ["blue"] } },
    },
  },
  networks: { blue: { cidr: "10.1.0.0/20", podCidr: "10.128.0.0/16" } },
  addresses: { web: {}, inside: { network: "blue", address: "10.1.0.50" } },
  namespaces: { proxy: {} },
  routes: {
    proxy: { namespace: "proxy", addresses: ["web"], podSelector: { matchLabels: { app: "proxy" } } },
    inside: { namespace: "proxy", addresses: ["inside"], podSelector: { matchLabels: { app: "proxy" } } },
  },
  controller: { crds: "Install", replicas: 1 },
});

export interface Ran {
  code: number;
  text: string;
}
export interface InState {
  urn: string;
  type: string;
  inputs?: { name?: string; metadata?: { name: string; namespace?: string }; apiVersion?: string; kind?: string };
}

export interface Deployment {
  resources?: InState[];
  /** What was under way when the engine was killed. */
  pending_operations?: { type: "creating" | "updating" | "deleting" | "reading"; resource: InState }[];
}

export class Destroyed {
  private constructor(
    readonly world: World,
    readonly folder: string,
  ) {}

  static async open(context: Context, options: Partial<WorldOptions> = {}): Promise<Destroyed> {
    try {
      const world = await startWorld({ tools: await ensureTools(), operationLatencyMs: 50, ...options });
      const folder = mkdtempSync(path.join(tmpdir(), "destroy-"));
      mkdirSync(path.join(folder, "node_modules"));
      symlinkSync(path.join(ROOT, "node_modules", "@pulumi"), path.join(folder, "node_modules", "@pulumi"));
      writeFileSync(path.join(folder, "Pulumi.yaml"), "name: destroy\nruntime: nodejs\n");
      writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "destroy", main: "index.js" }));
      writeFileSync(path.join(folder, "index.js"), PROGRAM);
      const opened = new Destroyed(world, folder);
      // The stack's file before the stack: "stack init" keeps what is there, and each command of the CLI costs seconds.
      writeFileSync(path.join(folder, "Pulumi.dev.yaml"), JSON.stringify({ config: { "gcp:project": world.project } }));
      await opened.must(["stack", "init", "dev"]);
      return opened;
    } catch (error) {
      if (!(error instanceof ToolsMissingError)) throw error;
      console.log(`      skipped: ${error.message.split("\n")[0]}`);
      return context.skip();
    }
  }

  async close(): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    await this.world.stop();
  }

  /** @param until ends it, as Ctrl-C does, at the first line of output that has this */
  run(args: string[], until?: RegExp): Promise<Ran> {
    const stop = new AbortController();
    return this.stoppable(args, {
      signal: stop.signal,
      onLine: (line) => (until?.test(line) ? stop.abort() : undefined),
    });
  }
  /** Kills the engine (-9) as soon as it has asked a provider for this, such as `Create` of something of a name. */
  async killedAt(args: string[], rpc: string, name: string): Promise<Ran> {
    const stop = new AbortController();
    const { calls } = this.world.engine;
    const from = calls.length;
    const asked = (): boolean =>
      calls.slice(from).some((c) => c.rpc === rpc && c.preview !== true && c.urn?.endsWith(`::${name}`));
    const timer = setInterval(() => (asked() ? stop.abort() : undefined), 10);
    try {
      return await this.stoppable(args, { signal: stop.signal, stopWith: "SIGKILL" });
    } finally {
      clearInterval(timer);
    }
  }
  private async stoppable(args: string[], options: Omit<RunOptions, "cwd">): Promise<Ran> {
    const done = await runPulumi(this.world.engine, [...args, "--non-interactive"], { ...options, cwd: this.folder });
    return { code: done.code, text: done.stdout + done.stderr };
  }
  async must(args: string[]): Promise<Ran> {
    const ran = await this.run(args);
    expect(ran.code, ran.text).to.equal(0);
    return ran;
  }

  /** Tells the program its arguments. */
  tell(onDestroy: OnDestroy, change: (args: PersistentPodIpsArgs) => void = () => undefined): void {
    const args = { ...programArgs(this.world), onDestroy };
    change(args);
    writeFileSync(path.join(this.folder, "args.json"), JSON.stringify(args));
  }
  /** Brings everything up and waits until every route is Ready. */
  async up(): Promise<void> {
    await this.must(["up", "--yes", "--skip-preview"]);
    const rows = await untilReady(this.world, 60_000);
    expect(rows).to.have.length(2);
  }

  /** The state as it lies on the disk: "pulumi stack export" says the same, and takes seconds. */
  deployment(): Deployment {
    const file = path.join(this.world.dir, "pulumi", "state", ".pulumi", "stacks", "destroy", "dev.json");
    return (JSON.parse(readFileSync(file, "utf8")) as { checkpoint: { latest?: Deployment } }).checkpoint.latest ?? {};
  }
  state(): InState[] {
    return this.deployment().resources ?? [];
  }
  urnOf(type: string, name: string): string {
    const found = this.state().find((r) => r.type === type && r.urn.endsWith(`::${name}`));
    if (!found) throw new Error(`${type} ${name} is not in the state`);
    return found.urn;
  }

  /** What Google has of ours, without what every project has. */
  cloud(): string[] {
    const families = ["addresses", "networks", "subnetworks", "firewalls", "forwardingRules", "targetInstances"] as const;
    const compute = families.flatMap((f) => this.world.emulator.list(f).map((r) => `${f}/${r.name}`));
    return [
      ...compute.filter((n) => !n.endsWith("/default")),
      ...[...this.world.clusters.keys()].map((c) => `clusters/${c}`),
    ].sort();
  }

  /** Whatever the state has is there, and whatever is there is in the state or belongs to a route that is. Answers what does not agree. */
  async disagreements(kept: readonly string[] = []): Promise<string[]> {
    const state = this.state();
    const cloud = this.cloud();
    const recorded = state.flatMap((r) => {
      const family = /^gcp:(?:compute|container)\/(\w+):/.exec(r.type)?.[1];
      const plural = {
        address: "addresses",
        network: "networks",
        subnetwork: "subnetworks",
        firewall: "firewalls",
        cluster: "clusters",
      }[family ?? ""];
      return plural === undefined ? [] : [`${plural}/${r.inputs!.name!}`];
    });
    const lost = recorded.filter((r) => !cloud.includes(r)).map((r) => `${r} is in the state only`);
    const own = cloud.filter((c) => !/^(forwardingRules|targetInstances)\//.test(c));
    const orphaned = own.filter((c) => !recorded.includes(c) && !kept.includes(c)).map((c) => `${c} is in the cloud only`);
    const routes = state.filter((r) => r.type.endsWith(":GKEIPRoute")).length;
    const rules = cloud.filter((c) => c.startsWith("forwardingRules/")).length;
    const counted = rules <= routes ? [] : [`${rules} forwarding rules for ${routes} routes`];
    return [...lost, ...orphaned, ...counted, ...(await this.objectsLost(state))];
  }
  private async objectsLost(state: InState[]): Promise<string[]> {
    const objects = state.filter((r) => /^kubernetes:/.test(r.type) && r.inputs?.metadata);
    if (this.world.clusters.size === 0) return objects.map((o) => `${o.urn} is in the state, but there is no cluster`);
    const { admin } = this.world.cluster().controlPlane;
    const isThere = async (o: InState): Promise<boolean> => {
      const url = await pathOf(admin, o);
      return admin.request("GET", url).then(
        () => true,
        () => false,
      );
    };
    const there = await Promise.all(objects.map(isThere));
    return objects.filter((_, i) => !there[i]).map((o) => `${o.urn} is in the state only`);
  }
}

type Admin = ReturnType<World["cluster"]>["controlPlane"]["admin"];
export async function pathOf(admin: Admin, { inputs, urn }: InState): Promise<string> {
  const { apiVersion = "v1", kind, metadata } = inputs!;
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const found = await admin.request<{ resources: { name: string; kind: string; namespaced: boolean }[] }>("GET", root);
  const resource = found.resources.find((r) => r.kind === kind && !r.name.includes("/"));
  if (!resource) throw new Error(`${urn}: no ${kind} in ${apiVersion}`);
  const space = resource.namespaced ? `/namespaces/${metadata!.namespace ?? "default"}` : "";
  return `${root}${space}/${resource.name}/${metadata!.name}`;
}
