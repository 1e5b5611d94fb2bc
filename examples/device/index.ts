// SPDX-License-Identifier: Apache-2.0
// A firewall appliance as a Pod: it owns the node's second card, and clients inside of the VPC know it by one internal address. On a Device
// network nobody programs the node: the card is the Pod's, and packets to the address reach it there.
import * as pulumi from "@pulumi/pulumi";
import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet";
import { persistentIpPodSpec, PersistentPodIps, type OnDestroy } from "pulumi-gke-persistent-ip";

const config = new pulumi.Config();
const NAMESPACE = "edge";
const NETWORK = "data-network";

const ips = new PersistentPodIps("appliance", {
  region: config.require("region"),
  onDestroy: config.require<OnDestroy>("onDestroy"),
  cluster: { existing: { name: config.require("cluster"), location: config.require("location") } },
  networks: {
    [NETWORK]: {
      mode: "Device",
      existingNetwork: "prod-data-network",
      existingSubnetwork: "prod-data-network",
      existingObject: true,
      ingress: { inside: { sources: ["10.0.0.0/8"], protocol: "tcp", ports: ["443"] } },
    },
  },
  // Internal, because it names a network: taken from that network's subnet.
  addresses: { next: { network: NETWORK } },
  namespaces: { [NAMESPACE]: {} },
  routes: { appliance: { namespace: NAMESPACE, addresses: ["next"], podSelector: { matchLabels: { app: "appliance" } } } },
  controller: { datapath: "Device" },
});

new StatefulSet(
  "appliance",
  {
    metadata: { name: "appliance", namespace: NAMESPACE },
    spec: {
      serviceName: "appliance",
      // One to serve and one to stand by, each on a node of its own: a card belongs to one Pod.
      replicas: 2,
      selector: { matchLabels: { app: "appliance" } },
      template: {
        metadata: {
          labels: { app: "appliance" },
          annotations: {
            "networking.gke.io/default-interface": "eth0",
            "networking.gke.io/interfaces": JSON.stringify([
              { interfaceName: "eth0", network: "default" },
              { interfaceName: "eth1", network: NETWORK },
            ]),
          },
        },
        spec: persistentIpPodSpec(
          { containers: [{ name: "appliance", image: "docker.io/library/appliance:1", ports: [{ containerPort: 443 }] }] },
          { addresses: [ips.addresses["next"]] },
        ),
      },
    },
  },
  { provider: ips.provider, dependsOn: [ips] },
);

export const address = ips.addresses["next"];
