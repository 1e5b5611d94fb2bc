// SPDX-License-Identifier: Apache-2.0
// The wrong programs: each is right in everything but one thing. The texts that a user reads are kept in refusals.json.

/** Right in everything: a new cluster, an L3 network, two external addresses and an internal one, two routes. */
const RIGHT = `
const pulumi = require("@pulumi/pulumi");
const { PersistentPodIps, AddressSet } = require("pulumi-gke-persistent-ip");
const args = {
  region: "us-central1",
  cluster: { create: { network: "default", subnetwork: "default", podRange: "pods", serviceRange: "services" } },
  networks: { blue: { cidr: "10.1.0.0/20", podCidr: "10.200.0.0/16",
    ingress: { web: { sources: ["198.51.100.0/24"], protocol: "tcp", ports: ["443"] } } } },
  addresses: { web: {}, sip: {}, inside: { network: "blue", address: "10.1.0.50" } },
  routes: {
    proxy: { addresses: ["web", "sip"], podSelector: { matchLabels: { app: "proxy" } } },
    store: { addresses: ["inside"], podSelector: { matchLabels: { app: "store" } } },
  },
};
`;
export const program = (change: string): string => `${RIGHT}${change}\nnew PersistentPodIps("edge", args);\n`;

export type Wrong = [title: string, change: string, field: string, value: RegExp, remedy: RegExp];
export const WRONG: Wrong[] = [
  [
    "a cluster that is made and adopted at once",
    `args.cluster.existing = { name: "prod", location: "us-central1" };`,
    "cluster",
    /create and existing are/,
    /exactly one of create, existing must be set/,
  ],
  [
    "SEED-8: a route to an address that is not there",
    `args.routes.proxy.addresses = ["wbe"];`,
    "routes.proxy.addresses[0]",
    /"wbe"/,
    /is not one of the addresses: "inside", "sip", "web"/,
  ],
  [
    "SEED-21: external and internal addresses in one Gateway",
    `args.gateways = { mixed: { scope: "External", addresses: ["web", "sip", "inside"] } }; delete args.routes.store;`,
    "gateways.mixed.addresses[2]",
    /"inside" is Internal, but the Gateway is External/,
    /a Gateway holds one sort/,
  ],
  [
    "SEED-8, E23: one address for two routes",
    `args.routes.other = { addresses: ["sip"], podSelector: { matchLabels: { app: "other" } } };`,
    "routes.other.addresses",
    /"sip" is claimed by default\/edge-proxy too/,
    /an address belongs to one route at a time/,
  ],
  [
    "ranges that overlap",
    `args.networks.green = { cidr: "10.1.8.0/24", podCidr: "10.201.0.0/16" }; for (const r of Object.values(args.routes)) r.network = "blue";`,
    "networks.green.cidr",
    /10\.1\.8\.0\/24 overlaps 10\.1\.0\.0\/20 of networks\.blue\.cidr/,
    /must not share addresses/,
  ],
  [
    "SEED-36: an internal address outside of its subnet",
    `args.addresses.inside.address = "10.2.0.50";`,
    "addresses.inside.address",
    /10\.2\.0\.50/,
    /is not in the subnet's range 10\.1\.0\.0\/20/,
  ],
  [
    "E13: an empty selector",
    `args.routes.proxy.podSelector = {};`,
    "routes.proxy.podSelector",
    /every Pod of the namespace/,
    /name at least one label/,
  ],
  [
    "SEED-12: an IPv6 address",
    `args.addresses.sip = { literal: "2001:db8::1" };`,
    "addresses.sip.literal",
    /2001:db8::1/,
    /only IPv4 addresses can be persistent/,
  ],
  [
    "SEED-58, E28: a range for an address",
    `args.addresses.sip.address = "34.123.10.0/24";`,
    "addresses.sip.address",
    /34\.123\.10\.0\/24/,
    /only single addresses, \/32, are supported/,
  ],
  [
    "E30: more than 16 addresses in one route",
    `for (let i = 0; i < 15; i++) { args.addresses["a" + i] = {}; args.routes.proxy.addresses.push("a" + i); }`,
    "routes.proxy.addresses",
    /17/,
    /at most 16/,
  ],
  [
    "SEED-31: a zonal cluster in another region",
    `args.cluster.create.location = "europe-west1-b";`,
    "cluster.create.location",
    /"europe-west1-b"/,
    /neither the region "us-central1" nor one of its zones/,
  ],
  ["SEED-13: a layer 2 network", `args.networks.blue.mode = "L2";`, "networks.blue.mode", /"L2"/, /is not one of L3, Device/],
  [
    "SEED-6: a Pod network with the name of the primary one",
    `args.networks = { default: args.networks.blue }; args.addresses.inside.network = "default";`,
    "networks.default",
    /primary network/,
    /give it another name/,
  ],
  [
    "a network tier on an internal address",
    `args.addresses.inside.tier = "PREMIUM";`,
    "addresses.inside.tier",
    /internal address, which has no network tier/,
    /leave it out/,
  ],
  [
    "SEED-62: a reaction mode that does not exist",
    `args.routes.proxy.reactionMode = "Ready";`,
    "routes.proxy.reactionMode",
    /"Ready"/,
    /is not one of ReadyCondition, Exists/,
  ],
  [
    "a source that is no range",
    `args.networks.blue.ingress.web.sources = ["198.51.100.7/24"];`,
    "networks.blue.ingress.web.sources[0]",
    /"198\.51\.100\.7\/24"/,
    /is not a range such as .* with its host bits zero/,
  ],
];

/** Found only by asking Google, so the components are in the state already; nothing else is. */
export const LATE: Wrong[] = [
  [
    "SEED-27: an adopted address that nobody reserved",
    `args.addresses.web = { existing: "wbe-address" };`,
    "addresses.web.existing",
    /"wbe-address" is not a reserved address of region us-central1/,
    /gcloud compute addresses create wbe-address --region us-central1/,
  ],
  [
    "E32: an adopted address of the other scope",
    `args.addresses.web = { existing: "taken-inside" };`,
    "addresses.web.existing",
    /taken-inside \(10\.128\.0\.99\) is INTERNAL/,
    /the scope here is External/,
  ],
];

/** More of them, which one run of the engine tries one after the other: refused by the constructor, so nothing of one is left for the next. */
export const MORE: [title: string, change: string][] = [
  ["no cluster at all", `delete args.cluster;`],
  ["SEED-20: a zone for the region", `args.region = "us-central1-a";`],
  ["no address", `args.addresses = {}; args.routes = {};`],
  [
    "E14: a selector that Kubernetes cannot read",
    `args.routes.proxy.podSelector = { matchExpressions: [{ key: "app", operator: "In" }] };`,
  ],
  ["a selector and a StatefulSet for one route", `args.routes.proxy.statefulSet = { name: "proxy" };`],
  ["neither a selector nor a StatefulSet", `delete args.routes.proxy.podSelector;`],
  ["SEED-65: a network that is not there", `args.routes.proxy.network = "green";`],
  ["several networks, and a route that names none", `args.networks.green = { mode: "Device", cidr: "10.9.0.0/24" };`],
  ["a count that is no number of addresses", `args.addresses.web.count = 0;`],
  ["a fixed value for several addresses", `args.addresses.web = { count: 2, address: "34.1.2.3" };`],
  ["E32: a private address that is to be external", `args.addresses.web.address = "10.0.0.1";`],
  ["SEED-35: an internal address without a subnet", `args.addresses.inside = { scope: "Internal" };`],
  ["an address that is adopted and reserved at once", `args.addresses.web = { existing: "web", tier: "PREMIUM" };`],
  ["an address that Google keeps to itself", `args.addresses.inside.address = "10.1.0.1";`],
  ["one address under two names", `args.addresses.web.address = args.addresses.sip.address = "34.1.2.3";`],
  ["a former name that is still in use", `args.addresses.phone = { formerly: "web" };`],
  [
    "a prefix of one's own for an internal address",
    `args.addresses.inside.fromPrefix = "projects/p/regions/us-central1/publicDelegatedPrefixes/mine";`,
  ],
  [
    "a network that is made and adopted at once",
    `args.networks.blue.existingNetwork = "blue"; args.networks.blue.existingSubnetwork = "blue";`,
  ],
  ["an L3 network without a range for Pods", `delete args.networks.blue.podCidr;`],
  ["a Device network with a range for Pods", `args.networks.blue.mode = "Device";`],
  ["a range for Pods that holds no node", `args.networks.blue.podCidr = "10.200.0.0/29";`],
  ["a firewall rule without sources", `args.networks.blue.ingress.web.sources = [];`],
  ["a firewall rule for tcp without ports", `delete args.networks.blue.ingress.web.ports;`],
  ["ports for icmp", `args.networks.blue.ingress.web.protocol = "icmp";`],
  ["a pool with a fixed size and bounds", `args.cluster.create.pools = { main: { nodes: 3, max: 5 } };`],
  ["a pool whose least is more than its most", `args.cluster.create.pools = { main: { min: 5, max: 3 } };`],
  ["a pool in a zone of another region", `args.cluster.create.pools = { main: { zones: ["europe-west1-b"] } };`],
  ["a pool on a network that is not there", `args.cluster.create.pools = { main: { networks: ["green"] } };`],
  ["an authorised network with host bits", `args.cluster.create.authorizedNetworks = { office: "198.51.100.7/24" };`],
  ["a release channel that does not exist", `args.cluster.create.releaseChannel = "FAST";`],
  [
    "SEED-46: a Selector listener without a selector",
    `args.gateways = { external: { scope: "External", listeners: { a: { from: "Selector" } } }, internal: { scope: "Internal" } };`,
  ],
  [
    "two listeners on one port",
    `args.gateways = { external: { scope: "External", listeners: { a: { port: 443 }, b: { port: 443 } } }, internal: { scope: "Internal" } };`,
  ],
  ["E27: an address that no Gateway offers", `args.gateways = { external: { scope: "External" } };`],
  ["a label without a value", `args.labels = { team: "" };`],
  ["a heap that cannot hold the controller", `args.controller = { resources: { memoryLimit: "64Mi" } };`],
  ["a service account that is not named", `args.controller = { identity: { kind: "Existing" } };`],
  ["our CRD where Google's controller runs", `args.controller = { kind: "GkeManaged", crds: "Install" };`],
  ["a stability that the controller would ignore", `args.routes.proxy.stability = { moveBudget: "often" };`],
  ["an unlocked path of nothing", `args.unlocked = ["adresses.web"];`],
  ["Network objects that a new cluster cannot have", `args.networks.blue.existingObject = true;`],
];

/** One program that tries them all; it keeps what each is told in a file beside it, and ends with the last of the errors. */
export const several = (changes: readonly string[]): string => `
const { writeFileSync } = require("node:fs");
const said = [];
let last;
${changes.map((change) => `try { (() => { ${program(change)} })(); said.push("accepted"); } catch (e) { last = e; said.push(e.message); }`).join("\n")}
writeFileSync(require("node:path").join(__dirname, "said.json"), JSON.stringify(said));
throw last;
`;
