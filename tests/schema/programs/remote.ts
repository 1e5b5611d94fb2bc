// SPDX-License-Identifier: Apache-2.0
// The quickstart as a program that does not have the components, but the SDK generated from their schema: the engine asks the plugin to make them.
import { Network } from "@pulumi/gcp/compute/network";
import { Subnetwork } from "@pulumi/gcp/compute/subnetwork";
import * as pulumi from "@pulumi/pulumi";
import * as sdk from "../../../sdk/nodejs";

const region = "us-central1";
const vpc = new Network("edge", { name: "edge-nodes", autoCreateSubnetworks: false });
const subnet = new Subnetwork("edge", {
  name: "edge-nodes",
  network: vpc.name,
  region,
  ipCidrRange: "10.0.0.0/20",
  secondaryIpRanges: [
    { rangeName: "pods", ipCidrRange: "10.4.0.0/14" },
    { rangeName: "services", ipCidrRange: "10.8.0.0/20" },
  ],
});
const selector = (component: string) => ({ matchLabels: { component } });

const ips = new sdk.PersistentPodIps("edge", {
  region: process.env["WRONG_REGION"] ?? region,
  onDestroy: "Delete",
  cluster: {
    create: {
      location: "us-central1-a",
      network: vpc.name,
      subnetwork: subnet.name,
      podRange: "pods",
      serviceRange: "services",
      privateNodes: false,
      pools: { main: { nodes: 1 } },
    },
  },
  networks: {
    "blue-network": {
      mode: "L3",
      cidr: "10.1.0.0/20",
      podCidr: "10.128.0.0/16",
      ingress: { web: { sources: ["0.0.0.0/0"], protocol: "tcp", ports: ["8080"] } },
    },
  },
  addresses: { web: { address: process.env["OTHER_ADDRESS"] ?? "34.123.30.1" }, inside: { network: "blue-network" } },
  namespaces: { proxy: {} },
  routes: {
    proxy: { namespace: "proxy", addresses: ["web"], podSelector: selector("proxy") },
    store: { namespace: "proxy", addresses: ["inside"], podSelector: selector("store") },
  },
  controller: { crds: "Install", gkeClasses: "IfAbsent" },
});

export const addresses = ips.addresses;
export const gateways = ips.gatewayNames;
export const routes = ips.routeNames;
export const isSecret = pulumi.isSecret(ips.kubeconfig);
