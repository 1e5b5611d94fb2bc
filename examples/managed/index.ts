// SPDX-License-Identifier: Apache-2.0
// Google's own controller moves the addresses. Ours runs beside it and only looks: it explains, counts and alerts, and has no right to write.
import * as pulumi from "@pulumi/pulumi";
import { PersistentPodIps, type OnDestroy } from "pulumi-gke-persistent-ip";

const config = new pulumi.Config();
const NAMESPACE = "games";

const ips = new PersistentPodIps("games", {
  region: config.require("region"),
  onDestroy: config.require<OnDestroy>("onDestroy"),
  cluster: { existing: { name: config.require("cluster"), location: config.require("location") } },
  networks: { "blue-network": { existingObject: true } },
  addresses: { lobby: {} },
  namespaces: { [NAMESPACE]: {} },
  routes: {
    lobby: {
      namespace: NAMESPACE,
      addresses: ["lobby"],
      podSelector: { matchLabels: { app: "lobby" } },
      waitForAccepted: config.requireBoolean("wait"),
    },
  },
  // The GatewayClass follows from it: gke-persistent-regional-external-managed.
  controller: { kind: config.requireBoolean("watch") ? "Observe" : "GkeManaged" },
});

export const addresses = ips.addresses;
export const watcher = ips.controllerNamespace;
