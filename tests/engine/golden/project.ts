// SPDX-License-Identifier: Apache-2.0
// One stack with the all-in-one, kept up and edited: the program reads its arguments from a file, so that an edit is an edit of data.
import { writeFileSync } from "node:fs";
import * as path from "node:path";
import { brotliCompressSync } from "node:zlib";
import type { PersistentPodIpsArgs } from "../../../components";
import type { Stack } from "../stack";
import { REGION, type EngineWorld } from "../world";

/** The compiled components; another folder is for whoever works on them beside others. */
export const DIST = path.join(process.env.COMPONENTS_DIST ?? path.resolve(__dirname, "../../../dist"), "components");

/** What the program is told. */
export interface Told {
  args: PersistentPodIpsArgs;
  /** Former registrations outside of the component, by the names of its addresses. */
  moved?: { [resource: string]: string };
  /** Reservations to import, by the names of the resources. */
  imported?: { [resource: string]: string };
  /** Addresses that the program reserves by itself, beside the component. */
  outside?: string[];
  /** Reaction mode of a route that the program makes by itself, with the component as its parent. */
  below?: string;
  /** Bundle of the next release. */
  upgrade: string;
}

/** A cluster of its own, an L3 network, three addresses and two routes: what most programs have. */
export const PROGRAM = `
"use strict";
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const pulumi = require("@pulumi/pulumi");
const { Network } = require("@pulumi/gcp/compute/network");
const { Subnetwork } = require("@pulumi/gcp/compute/subnetwork");
const kit = require(${JSON.stringify(DIST)});
const told = JSON.parse(readFileSync(join(__dirname, "told.json"), "utf8"));
const vpc = new Network("nodes", { name: "nodes", autoCreateSubnetworks: false });
const subnet = new Subnetwork("nodes", { name: "nodes", network: vpc.name, region: "${REGION}", ipCidrRange: "10.0.0.0/20",
  secondaryIpRanges: [{ rangeName: "pods", ipCidrRange: "10.4.0.0/14" }, { rangeName: "services", ipCidrRange: "10.8.0.0/20" }] });
const create = told.args.cluster.create;
if (create) Object.assign(create, { network: vpc.name, subnetwork: subnet.name });
const aliases = (name) => told.moved?.[name] ? [{ name: told.moved[name], parent: pulumi.rootStackResource }] : [];
const transforms = [async ({ name, opts, props, type }) => type === "gcp:compute/address:Address" && (told.moved?.[name] || told.imported?.[name])
  ? { props, opts: { ...opts, aliases: [...(opts.aliases ?? []), ...aliases(name)], import: told.imported?.[name] } } : undefined];
const { Address } = require("@pulumi/gcp/compute/address");
for (const name of told.outside ?? []) new Address(name, { name, region: "${REGION}", labels: told.args.labels });
const ips = new kit.PersistentPodIps("edge", told.args, told.moved || told.imported ? { transforms } : undefined);
if (told.below) new kit.PodIpRoute("app", { gateway: { name: "edge-external" }, addresses: [ips.addresses.web], podSelector: { matchLabels: { app: "app" } },
  network: "blue", reactionMode: told.below, waitForAccepted: false }, { parent: ips, providers: { kubernetes: ips.provider } });
exports.addresses = ips.addresses;
exports.kubeconfig = ips.kubeconfig;
exports.gatewayNames = ips.gatewayNames;
`;

export const base = (project: string, bundlePath: string): PersistentPodIpsArgs => ({
  project,
  region: REGION,
  cluster: {
    create: {
      network: "",
      subnetwork: "",
      podRange: "pods",
      serviceRange: "services",
      deletionProtection: false,
      pools: { main: { nodes: 1, networks: ["blue"] } },
    },
  },
  networks: {
    blue: {
      cidr: "10.1.0.0/20",
      podCidr: "10.128.0.0/16",
      ingress: { web: { sources: ["198.51.100.0/24"], protocol: "tcp", ports: ["443"] } },
    },
  },
  addresses: { web: {}, sip: {}, inside: { network: "blue", address: "10.1.0.50" } },
  namespaces: { proxy: {} },
  routes: {
    proxy: {
      namespace: "proxy",
      addresses: ["web", "sip"],
      podSelector: { matchLabels: { app: "proxy" } },
      waitForAccepted: false,
    },
    store: { namespace: "proxy", addresses: ["inside"], podSelector: { matchLabels: { app: "store" } }, waitForAccepted: false },
  },
  controller: { bundlePath, crds: "Install" },
});

function bundles(folder: string): [string, string] {
  return ["one", "two"].map((text) => {
    const file = path.join(folder, `${text}.js.br`);
    writeFileSync(file, brotliCompressSync(`console.log("${text}")`));
    return file;
  }) as [string, string];
}

export class Edited {
  constructor(
    private readonly stack: Stack,
    private readonly project: string,
    /** Two releases of the controller, as far as an upgrade can tell. */
    readonly bundles: [string, string],
  ) {}

  static async create(world: EngineWorld, name: string): Promise<Edited> {
    const stack = await world.stack({ name, program: PROGRAM, entry: "index.js" });
    return new Edited(stack, world.emulator.project, bundles(stack.folder));
  }

  /** The same in another folder (see Stack.twin). */
  twin(env: Record<string, string>): Edited {
    return new Edited(this.stack.twin(env), this.project, this.bundles);
  }

  /** The base, changed. */
  told(change: (args: PersistentPodIpsArgs, told: Told) => void): Told {
    const [bundle, upgrade] = this.bundles;
    const told: Told = { args: base(this.project, bundle), upgrade };
    change(told.args, told);
    return told;
  }
  tell(told: Told): void {
    writeFileSync(path.join(this.stack.folder, "told.json"), JSON.stringify(told));
  }
  get of(): Stack {
    return this.stack;
  }
}
