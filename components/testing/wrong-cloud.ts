// SPDX-License-Identifier: Apache-2.0
// For tests: the likeliest mistakes about what lies in Google Cloud, each with its path and its remedy.
import type { PersistentPodIpsArgs } from "../argsPods";

export type Wrong = [title: string, change: (args: PersistentPodIpsArgs) => void, path: string, remedy: RegExp];

/** Types are left out where a user of plain JavaScript, or of another language, could get past them. */
export const as = <T>(value: unknown): T => value as T;

function addNetwork(a: PersistentPodIpsArgs, name: string, cidr: string): void {
  for (const r of Object.values(a.routes!)) r.network = "blue-network";
  a.networks![name] = { cidr, podCidr: "10.200.0.0/16" };
}

export const WRONG_CLOUD: Wrong[] = [
  [
    "both a new and an existing cluster",
    (a) => (a.cluster.existing = { name: "x", location: "europe-west3" }),
    "cluster",
    /exactly one of create, existing must be set; create and existing are/,
  ],
  ["no cluster at all", (a) => (a.cluster = {}), "cluster", /exactly one of create, existing must be set; none is/],
  [
    "SEED-30, SEED-31: a cluster in another region than its addresses",
    (a) => (a.cluster.create!.location = "us-central1"),
    "cluster.create.location",
    /"us-central1" is neither the region "europe-west3" nor one of its zones/,
  ],
  [
    "SEED-20: a zone for the region",
    (a) => (a.region = "europe-west3-a"),
    "region",
    /is a zone; persistent addresses are regional, so write "europe-west3"/,
  ],
  [
    "a name that Google Cloud refuses",
    (a) => (a.addresses["Web_1"] = {}),
    "addresses.Web_1",
    /use lower case letters, digits and "-"/,
  ],
  [
    "SEED-6: a Pod network that is called default",
    (a) => addNetwork(a, "default", "10.9.0.0/24"),
    "networks.default",
    /primary network, which every cluster has; give it another name/,
  ],
  [
    "SEED-13: a layer 2 network",
    (a) => (a.networks!["blue-network"]!.mode = as("L2")),
    "networks.blue-network.mode",
    /"L2" is not one of L3, Device/,
  ],
  [
    "SEED-12: an IPv6 address",
    (a) => (a.addresses["sip"]!.address = "2001:db8::1"),
    "addresses.sip.address",
    /only IPv4 addresses can be persistent/,
  ],
  [
    "SEED-58, E28: a range for an address",
    (a) => (a.addresses["sip"]!.address = "34.123.10.0/28"),
    "addresses.sip.address",
    /only single addresses, \/32, are supported/,
  ],
  [
    "SEED-36: an internal address outside its subnet",
    (a) => (a.addresses["inside"]!.address = "10.2.0.50"),
    "addresses.inside.address",
    /10\.2\.0\.50 is not in the subnet's range 10\.1\.0\.0\/20/,
  ],
  [
    "an internal address that Google keeps to itself",
    (a) => (a.addresses["inside"]!.address = "10.1.0.1"),
    "addresses.inside.address",
    /one of the four addresses of 10\.1\.0\.0\/20 that Google Cloud keeps/,
  ],
  [
    "SEED-35: an internal address without a subnet",
    (a) => (a.addresses["inside"] = { scope: "Internal" }),
    "addresses.inside.network",
    /name one of the networks \("blue-network"\) or a subnetwork/,
  ],
  [
    "E32: a private address that is to be external",
    (a) => (a.addresses["sip"]!.address = "192.168.1.7"),
    "addresses.sip.address",
    /is a private address, but the scope is External/,
  ],
  [
    "a network tier on an internal address",
    (a) => (a.addresses["inside"]!.tier = "STANDARD"),
    "addresses.inside.tier",
    /has no network tier; leave it out/,
  ],
  [
    "an address that is adopted and made at once",
    (a) => (a.addresses["sip"] = { existing: "mine", tier: "PREMIUM" }),
    "addresses.sip.tier",
    /is set beside existing/,
  ],
  [
    "one fixed address under two names",
    (a) => (a.addresses["again"] = { address: "34.123.10.2" }),
    "addresses.again",
    /34\.123\.10\.2 is addresses\.sip already/,
  ],
  [
    "one reservation under two names",
    (a) => (a.addresses["again"] = { existing: "edge-sip" }),
    "addresses.again",
    /"edge-sip" is the reservation of addresses\.sip already/,
  ],
  [
    "ranges that overlap",
    (a) => addNetwork(a, "green", "10.1.8.0/24"),
    "networks.green.cidr",
    /10\.1\.8\.0\/24 overlaps 10\.1\.0\.0\/20 of networks\.blue-network\.cidr/,
  ],
  [
    "host bits in a range",
    (a) => (a.networks!["blue-network"]!.cidr = "10.1.0.5/20"),
    "networks.blue-network.cidr",
    /with its host bits zero/,
  ],
  [
    "an L3 network without a range for Pods",
    (a) => delete a.networks!["blue-network"]!.podCidr,
    "networks.blue-network.podCidr",
    /takes its Pods' addresses from a secondary range/,
  ],
  [
    "a firewall rule without sources",
    (a) => (a.networks!["blue-network"]!.ingress!["web"]!.sources = []),
    "networks.blue-network.ingress.web.sources",
    /name the ranges that may connect, or "0\.0\.0\.0\/0" for the whole Internet/,
  ],
  [
    "a firewall rule without ports",
    (a) => delete a.networks!["blue-network"]!.ingress!["web"]!.ports,
    "networks.blue-network.ingress.web.ports",
    /tcp needs ports/,
  ],
  ["a label without a value", (a) => (a.labels = { team: "" }), 'labels["team"]', /give it a value or leave it out/],
];
