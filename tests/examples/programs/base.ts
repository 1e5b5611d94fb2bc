// SPDX-License-Identifier: Apache-2.0
// What examples find: a cluster "prod" whose nodes are on an L3 and on a Device network, made as a platform team would, part by part.
import { Network } from "@pulumi/gcp/compute/network";
import { Subnetwork } from "@pulumi/gcp/compute/subnetwork";
import { MultiNetworkCluster, PodNetworks } from "../../../components";

const region = "us-central1";
const vpc = new Network("prod", { name: "prod-nodes", autoCreateSubnetworks: false });
const subnet = new Subnetwork("prod", {
  name: "prod-nodes",
  network: vpc.name,
  region,
  ipCidrRange: "10.0.0.0/20",
  secondaryIpRanges: [
    { rangeName: "pods", ipCidrRange: "10.4.0.0/14" },
    { rangeName: "services", ipCidrRange: "10.8.0.0/20" },
  ],
});
const onDestroy = "Delete" as const;
const made = new PodNetworks("prod", {
  region,
  onDestroy,
  kubernetesObjects: false,
  networks: {
    "blue-network": { cidr: "10.1.0.0/20", podCidr: "10.128.0.0/16" },
    "data-network": { mode: "Device", cidr: "10.2.0.0/24" },
  },
});
const side = (key: string) => ({ network: made.networks[key]!, subnetwork: made.subnetworks[key]! });
const cluster = new MultiNetworkCluster(
  "prod",
  {
    region,
    onDestroy,
    create: {
      location: `${region}-a`,
      network: vpc.name,
      subnetwork: subnet.name,
      podRange: "pods",
      serviceRange: "services",
      privateNodes: false,
      pools: { main: { nodes: 3 } },
    },
    networks: {
      "blue-network": { ...side("blue-network"), podRange: made.podRanges["blue-network"]! },
      "data-network": side("data-network"),
    },
  },
  { dependsOn: [made] },
);
const existing = (key: string) => ({ existingNetwork: made.networks[key]!, existingSubnetwork: made.subnetworks[key]! });
new PodNetworks(
  "objects",
  {
    region,
    onDestroy,
    networks: {
      "blue-network": { ...existing("blue-network"), existingPodRange: "pods" },
      "data-network": { mode: "Device", ...existing("data-network") },
    },
  },
  { providers: { kubernetes: cluster.provider }, dependsOn: [cluster] },
);
