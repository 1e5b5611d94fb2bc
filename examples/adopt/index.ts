// SPDX-License-Identifier: Apache-2.0
// Nothing of the cluster is made here: it, its Pod network and one address are there. The program adds a second address, the Gateway, two routes
// and the controller. README.md has the picture.
import * as pulumi from "@pulumi/pulumi";
import { PersistentPodIps, type OnDestroy } from "pulumi-gke-persistent-ip";

const config = new pulumi.Config();
const NAMESPACE = "shop";

const ips = new PersistentPodIps("shop", {
  region: config.require("region"),
  onDestroy: config.require<OnDestroy>("onDestroy"),
  // Read, checked (Dataplane V2, multi-networking, Gateway API, region) and never changed.
  cluster: { existing: { name: config.require("cluster"), location: config.require("location") } },
  networks: {
    "blue-network": {
      existingNetwork: "prod-blue-network",
      existingSubnetwork: "prod-blue-network",
      existingPodRange: "pods",
      // The Network object is in the cluster as well. Without this line it would be made.
      existingObject: true,
      ingress: { web: { sources: ["0.0.0.0/0"], protocol: "tcp", ports: ["443"] } },
    },
  },
  addresses: {
    // Reserved long ago, by hand: known in DNS, so it must not change. It is read and never changed or deleted.
    web: { existing: "shop-web" },
    // A new one, protected.
    api: {},
  },
  namespaces: { [NAMESPACE]: {} },
  routes: {
    web: { namespace: NAMESPACE, addresses: ["web"], podSelector: { matchLabels: { app: "web" } } },
    api: { namespace: NAMESPACE, addresses: ["api"], podSelector: { matchLabels: { app: "api" } } },
  },
});

export const addresses = ips.addresses;
export const routes = ips.routeNames;
