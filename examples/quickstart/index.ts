// SPDX-License-Identifier: Apache-2.0
// A cluster, two external addresses and an internal one, and two workloads whose Pods hold them: the newest of a Deployment, and replica 0 of a
// StatefulSet. README.md has the picture.
import * as pulumi from "@pulumi/pulumi";
import { Network } from "@pulumi/gcp/compute/network";
import { Subnetwork } from "@pulumi/gcp/compute/subnetwork";
import { PersistentPodIps, type ControllerArgs, type OnDestroy } from "pulumi-gke-persistent-ip";
import { workloads } from "./workloads";

const config = new pulumi.Config();
const text = (key: string): string | undefined => config.get(key) || undefined;
const name = text("name") ?? "edge";
const region = text("region") ?? "europe-west3";
const project = new pulumi.Config("gcp").require("project");
const protect = config.getBoolean("protect") ?? true;
const onDestroy: OnDestroy = protect ? "Protect" : config.getBoolean("giveAddressesBack") ? "Delete" : "Retain";
const [first, second] = config.getObject<string[]>("externalAddresses") ?? [];
const BLUE = "blue-network";
const NAMESPACE = "proxy";

// The network of the nodes. A persistent address is never on it, but on a Pod network of its own (SEED-6).
const vpc = new Network(name, { name: `${name}-nodes`, autoCreateSubnetworks: false, project }, { protect });
const subnet = new Subnetwork(
  name,
  {
    name: `${name}-nodes`,
    network: vpc.name,
    region,
    project,
    ipCidrRange: "10.0.0.0/20",
    secondaryIpRanges: [
      { rangeName: "pods", ipCidrRange: "10.4.0.0/14" },
      { rangeName: "services", ipCidrRange: "10.8.0.0/20" },
    ],
    privateIpGoogleAccess: true,
  },
  { protect },
);

const ips = new PersistentPodIps(name, {
  project,
  region,
  onDestroy,
  cluster: {
    create: {
      location: text("zone") ?? region,
      network: vpc.name,
      subnetwork: subnet.name,
      podRange: "pods",
      serviceRange: "services",
      // Keeps the example small: private nodes would need a Cloud NAT to fetch images.
      privateNodes: false,
      pools: { main: { machineType: text("machineType"), nodes: config.getNumber("nodes") ?? 1 } },
    },
  },
  networks: {
    [BLUE]: {
      mode: "L3",
      cidr: "10.1.0.0/20",
      podCidr: "10.128.0.0/16",
      // Closed by default: what is not listed here is dropped before it reaches a node.
      ingress: {
        web: { sources: config.getObject<string[]>("allowFrom") ?? ["0.0.0.0/0"], protocol: "tcp", ports: ["8080"] },
      },
    },
  },
  addresses: {
    web: { address: first },
    sip: { address: second },
    inside: { network: BLUE, address: text("internalAddress") },
  },
  namespaces: { [NAMESPACE]: {} },
  routes: {
    // Of the Deployment's Pods, the newest that is Ready holds both addresses.
    proxy: { namespace: NAMESPACE, addresses: ["web", "sip"], podSelector: { matchLabels: { component: "proxy" } } },
    // One replica of a StatefulSet, found by the label that Kubernetes gives it.
    store: {
      namespace: NAMESPACE,
      addresses: ["inside"],
      podSelector: { matchLabels: { "statefulset.kubernetes.io/pod-name": "store-0" } },
    },
  },
  controller: {
    kind: text("controller") as ControllerArgs["kind"],
    image: text("image"),
    crds: text("crds") as ControllerArgs["crds"],
    gkeClasses: text("gkeClasses") as ControllerArgs["gkeClasses"],
    datapath: text("datapath") as ControllerArgs["datapath"],
    computeEndpoint: text("computeEndpoint"),
  },
});

workloads(NAMESPACE, {
  network: BLUE,
  image: text("workloadImage"),
  initImage: text("initImage"),
  proxy: [ips.addresses["web"], ips.addresses["sip"]],
  store: [ips.addresses["inside"]],
  provider: ips.provider,
  dependsOn: [ips],
});

export const clusterName = ips.clusterName;
export const kubeconfig = ips.kubeconfig;
/** One row an address: what it is, which Gateway offers it, which route uses it, and whose Pods hold it. */
export const addresses = Object.fromEntries(
  Object.entries({ web: "proxy", sip: "proxy", inside: "store" }).map(([key, route]) => [
    key,
    { address: ips.addresses[key], gateway: ips.gatewayNames[key], route: ips.routeNames[route], workload: route },
  ]),
);
