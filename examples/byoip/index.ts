// SPDX-License-Identifier: Apache-2.0
// Addresses that partners have in their firewalls came with you: a public delegated prefix of the project (SEED-38). Its addresses are reserved
// one by one, and the prefix itself is only named: making or deleting one takes weeks, which no program should be able to do by accident.
import * as pulumi from "@pulumi/pulumi";
import { PersistentPodIps, type OnDestroy } from "pulumi-gke-persistent-ip";

const config = new pulumi.Config();
const NAMESPACE = "partners";
const prefix = config.require("prefix");

const ips = new PersistentPodIps("partners", {
  region: config.require("region"),
  onDestroy: config.require<OnDestroy>("onDestroy"),
  cluster: { existing: { name: config.require("cluster"), location: config.require("location") } },
  networks: { "blue-network": { existingObject: true } },
  addresses: {
    // This very one: it is in a contract.
    gateway: { fromPrefix: prefix, address: "203.0.113.10" },
    // Any of the prefix.
    backup: { fromPrefix: prefix },
  },
  namespaces: { [NAMESPACE]: {} },
  routes: {
    // Both for one Pod: they move together.
    partners: { namespace: NAMESPACE, addresses: ["gateway", "backup"], podSelector: { matchLabels: { app: "partners" } } },
  },
});

export const addresses = ips.addresses;
