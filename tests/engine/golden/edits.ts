// SPDX-License-Identifier: Apache-2.0
// Everyday edits of a program. What each does to a stack that is up is measured on the real engine, and kept in golden.json.
import type { PersistentPodIpsArgs } from "../../../components";
import type { Told } from "./project";

export interface Edit {
  title: string;
  change: (args: PersistentPodIpsArgs, told: Told) => void;
  /** Deployed before the preview of this edit, and taken back after it. */
  first?: (args: PersistentPodIpsArgs, told: Told) => void;
}

const pools = (args: PersistentPodIpsArgs) => args.cluster.create!.pools!;
const create = (args: PersistentPodIpsArgs) => args.cluster.create!;
const route = (args: PersistentPodIpsArgs, key = "proxy") => args.routes![key]!;
const sip = (args: PersistentPodIpsArgs): void => {
  delete args.addresses["sip"];
  route(args).addresses = ["web"];
};
const green = (args: PersistentPodIpsArgs): void => {
  args.networks!["green"] = { mode: "Device", cidr: "10.2.0.0/20" };
  for (const r of Object.values(args.routes!)) r.network = "blue";
};
const replicas =
  (count: number) =>
  (args: PersistentPodIpsArgs): void => {
    args.unlocked = [0, 1].map((i) => `addresses.replica-${i}`);
    args.addresses["replica"] = { count };
    args.routes!["replica"] = {
      namespace: "proxy",
      addresses: ["replica"],
      statefulSet: { name: "server" },
      waitForAccepted: false,
    };
  };

/** Edits of the base that are previews only. */
export const EDITS: Edit[] = [
  { title: "no edit", change: () => undefined },
  { title: "write the arguments in another order", change: (a) => reorder(a) },

  { title: "add an address", change: (a) => (a.addresses["more"] = {}) },
  {
    title: "add an address and a route for it",
    change: (a) => {
      a.addresses["more"] = {};
      a.routes!["more"] = {
        namespace: "proxy",
        addresses: ["more"],
        podSelector: { matchLabels: { app: "more" } },
        waitForAccepted: false,
      };
    },
  },
  {
    title: "rename an address in the program (formerly)",
    change: (a) => {
      a.addresses = { web: {}, phone: { formerly: "sip" }, inside: a.addresses["inside"]! };
      route(a).addresses = ["web", "phone"];
    },
  },
  {
    title: "rename an address without formerly",
    change: (a) => {
      sip(a);
      a.addresses["phone"] = {};
      route(a).addresses = ["web", "phone"];
    },
  },
  { title: "remove an address", change: sip },
  {
    title: "remove an address that is unlocked",
    first: (a) => (a.unlocked = ["addresses.sip"]),
    change: (a) => (sip(a), (a.unlocked = ["addresses.sip"])),
  },
  { title: "take an address out of a route", change: (a) => (route(a).addresses = ["web"]) },
  { title: "change the tier of an address", change: (a) => (a.addresses["web"]!.tier = "STANDARD") },
  { title: "change the value of an address", change: (a) => (a.addresses["inside"]!.address = "10.1.0.60") },
  {
    title: "unlock an address and change its tier at once",
    change: (a) => ((a.addresses["web"]!.tier = "STANDARD"), (a.unlocked = ["addresses.web"])),
  },
  {
    title: "adopt a reserved address",
    change: (a) => ((a.addresses["bought"] = { existing: "bought" }), route(a).addresses.push("bought")),
  },
  {
    title: "import a reserved address",
    change: (a, told) => {
      a.addresses["bought"] = { name: "bought" };
      told.imported = { "edge-bought": "us-central1/bought" };
    },
  },
  {
    title: "move an address of the program into the component (aliases)",
    first: (_, told) => (told.outside = ["legacy"]),
    change: (a, told) => {
      a.addresses["legacy"] = { name: "legacy" };
      told.moved = { "edge-legacy": "legacy" };
    },
  },

  { title: "remove a route", change: (a) => delete a.routes!["store"] },
  { title: "change a selector", change: (a) => (route(a).podSelector = { matchLabels: { app: "proxy", tier: "edge" } }) },
  { title: "change the reaction mode", change: (a) => (route(a).reactionMode = "Exists") },
  {
    title: "change the reaction mode of an unlocked route",
    change: (a) => ((route(a).reactionMode = "Exists"), (a.unlocked = ["routes.proxy"])),
  },
  {
    title: "change the reaction mode of a route of the program's own below the component (parent)",
    first: (_, told) => (told.below = "ReadyCondition"),
    change: (_, told) => (told.below = "Exists"),
  },
  { title: "set stability of a route", change: (a) => (route(a).stability = { sticky: true }) },
  { title: "move a route to another namespace", change: (a) => (route(a).namespace = "default") },
  { title: "remove a namespace", change: (a) => delete a.namespaces },
  { title: "add replicas of a StatefulSet with an address each", change: replicas(2) },
  { title: "scale them from two to three", first: replicas(2), change: replicas(3) },

  {
    title: "add a listener to the Gateway",
    change: (a) => {
      const listeners = {
        default: { from: "Selector", selector: { matchLabels: { team: "edge" } } },
        own: { from: "Same" },
      } as const;
      a.gateways = { external: { scope: "External", listeners }, internal: { scope: "Internal" } };
    },
  },
  {
    title: "rename a Gateway",
    change: (a) => (a.gateways = { external: { scope: "External", name: "front" }, internal: { scope: "Internal" } }),
  },

  {
    title: "add a source to a firewall rule",
    change: (a) => a.networks!["blue"]!.ingress!["web"]!.sources.push("203.0.113.0/24"),
  },
  {
    title: "add a firewall rule",
    change: (a) => (a.networks!["blue"]!.ingress!["sip"] = { sources: ["203.0.113.0/24"], protocol: "udp", ports: ["5060"] }),
  },
  { title: "grow the subnet of a Pod network", change: (a) => (a.networks!["blue"]!.cidr = "10.1.0.0/19") },
  { title: "change the range for Pods", change: (a) => (a.networks!["blue"]!.podCidr = "10.200.0.0/16") },
  {
    title: "add a Pod network and a pool on it",
    change: (a) => (green(a), (pools(a)["edge"] = { networks: ["blue", "green"] })),
  },
  {
    title: "put an existing pool on a new Pod network",
    change: (a) => (green(a), (pools(a)["main"]!.networks = ["blue", "green"])),
  },

  { title: "scale a pool", change: (a) => (pools(a)["main"]!.nodes = 3) },
  { title: "let a pool scale by itself", change: (a) => (pools(a)["main"] = { min: 1, max: 5, networks: ["blue"] }) },
  { title: "change the machine type of a pool", change: (a) => (pools(a)["main"]!.machineType = "n2-standard-4") },
  { title: "rename a pool", change: (a) => (create(a).pools = { edge: { networks: ["blue"] } }) },
  { title: "change the release channel", change: (a) => (create(a).releaseChannel = "RAPID") },
  { title: "add an authorised network", change: (a) => (create(a).authorizedNetworks = { office: "198.51.100.0/24" }) },
  { title: "reach the cluster by its DNS name", change: (a) => (create(a).dnsEndpoint = true) },
  { title: "change the cluster's location", change: (a) => (create(a).location = "us-central1-b") },
  { title: "add a label", change: (a) => (a.labels = { team: "edge" }) },
  { title: "change the region", change: (a) => (a.region = "us-east1") },

  { title: "upgrade the package (another controller)", change: (a, told) => (a.controller!.bundlePath = told.upgrade) },
  { title: "change the controller's replicas", change: (a) => (a.controller!.replicas = 3) },
  { title: "change the controller's image", change: (a) => (a.controller!.image = "registry.example/node:24") },
  { title: "change the controller's resources", change: (a) => (a.controller!.resources = { memoryLimit: "512Mi" }) },
  { title: "install the definition of routes no more", change: (a) => delete a.controller!.crds },
  { title: "leave the work to Google's controller", change: (a) => (a.controller = { kind: "GkeManaged" }) },
  { title: "keep nothing on destroy", change: (a) => (a.onDestroy = "Delete") },
];

/** The same program, keys the other way round. */
function reorder(value: object): void {
  const entries = Object.entries(value as Record<string, unknown>).reverse();
  for (const [key, v] of entries) {
    delete (value as Record<string, unknown>)[key];
    (value as Record<string, unknown>)[key] = v;
    if (typeof v === "object" && v !== null && !Array.isArray(v)) reorder(v);
  }
}
