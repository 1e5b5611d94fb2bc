// SPDX-License-Identifier: Apache-2.0
// The platform team's half: addresses, a Gateway that namespaces with a label may use, and the controller. No route: those are the teams' own.
import * as pulumi from "@pulumi/pulumi";
import { PersistentPodIps, type OnDestroy } from "pulumi-gke-persistent-ip";

const config = new pulumi.Config();

const ips = new PersistentPodIps("platform", {
  region: config.require("region"),
  onDestroy: config.require<OnDestroy>("onDestroy"),
  cluster: { existing: { name: config.require("cluster"), location: config.require("location") } },
  networks: { "blue-network": { existingObject: true } },
  addresses: { checkout: {}, search: {} },
  gateways: {
    shared: {
      addresses: ["checkout", "search"],
      // Whoever may label a namespace may use the addresses: that is the platform team's to give.
      listeners: { teams: { from: "Selector", selector: { matchLabels: { "persistent-ip": "allowed" } } } },
    },
  },
});

/** What a team's stack needs, and nothing that would be a secret. */
export const kubeconfig = ips.kubeconfig;
export const addresses = ips.addresses;
export const gateways = ips.gatewayNames;
