// SPDX-License-Identifier: Apache-2.0
// A hot and a warm Pod of one Deployment. The address stays where it is as long as its Pod is Ready, and goes to the other one when it is not:
// `sticky` keeps an update of the warm Pod from moving it, `minDwellSeconds` keeps a flapping probe from throwing it to and fro.
import * as pulumi from "@pulumi/pulumi";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment";
import { persistentIpPodSpec, PersistentPodIps, type OnDestroy } from "pulumi-gke-persistent-ip";

const config = new pulumi.Config();
const NAMESPACE = "proxy";
const NETWORK = "blue-network";

const ips = new PersistentPodIps("proxy", {
  region: config.require("region"),
  onDestroy: config.require<OnDestroy>("onDestroy"),
  cluster: { existing: { name: config.require("cluster"), location: config.require("location") } },
  networks: { [NETWORK]: { existingObject: true } },
  addresses: { vip: {} },
  namespaces: { [NAMESPACE]: {} },
  routes: {
    proxy: {
      namespace: NAMESPACE,
      addresses: ["vip"],
      podSelector: { matchLabels: { app: "proxy" } },
      stability: { sticky: true, minDwellSeconds: 30 },
    },
  },
});

new Deployment(
  "proxy",
  {
    metadata: { name: "proxy", namespace: NAMESPACE },
    spec: {
      replicas: 2,
      // One at a time, and a new one before an old one goes: there is always a Ready Pod for the address.
      strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector: { matchLabels: { app: "proxy" } },
      template: {
        metadata: {
          labels: { app: "proxy" },
          annotations: {
            "networking.gke.io/default-interface": "eth0",
            "networking.gke.io/interfaces": JSON.stringify([
              { interfaceName: "eth0", network: "default" },
              { interfaceName: "eth1", network: NETWORK },
            ]),
          },
        },
        spec: persistentIpPodSpec(
          {
            // Two Pods on one node would fail together.
            topologySpreadConstraints: [
              {
                maxSkew: 1,
                topologyKey: "kubernetes.io/hostname",
                whenUnsatisfiable: "ScheduleAnyway",
                labelSelector: { matchLabels: { app: "proxy" } },
              },
            ],
            containers: [
              {
                name: "proxy",
                image: "docker.io/library/haproxy:3.0",
                ports: [{ containerPort: 443 }],
                readinessProbe: { httpGet: { path: "/ready", port: 8404 }, periodSeconds: 1, failureThreshold: 2 },
              },
            ],
          },
          { addresses: [ips.addresses["vip"]] },
        ),
      },
    },
  },
  { provider: ips.provider, dependsOn: [ips] },
);

export const address = ips.addresses["vip"];
