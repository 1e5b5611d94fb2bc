// SPDX-License-Identifier: Apache-2.0
// Three SIP servers, each known by its own address: replica 0 always has the first, whichever node it runs on. Callers register with one of them.
import * as pulumi from "@pulumi/pulumi";
import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet";
import { Service } from "@pulumi/kubernetes/core/v1/service";
import { persistentIpPodSpec, PersistentPodIps, type OnDestroy } from "pulumi-gke-persistent-ip";

const config = new pulumi.Config();
const REPLICAS = 3;
const NAMESPACE = "sip";
const NETWORK = "blue-network";

const ips = new PersistentPodIps("sip", {
  region: config.require("region"),
  onDestroy: config.require<OnDestroy>("onDestroy"),
  cluster: { existing: { name: config.require("cluster"), location: config.require("location") } },
  networks: { [NETWORK]: { existingObject: true } },
  // sip-0, sip-1, sip-2: each an address of its own. One more replica adds one more, and touches none of these.
  addresses: { sip: { count: REPLICAS } },
  namespaces: { [NAMESPACE]: {} },
  routes: { sip: { namespace: NAMESPACE, addresses: ["sip"], statefulSet: { name: "sip" } } },
});

const labels = { app: "sip" };
const options = { provider: ips.provider, dependsOn: [ips] };
new Service(
  "sip",
  { metadata: { name: "sip", namespace: NAMESPACE }, spec: { clusterIP: "None", selector: labels, ports: [{ port: 5060 }] } },
  options,
);
new StatefulSet(
  "sip",
  {
    metadata: { name: "sip", namespace: NAMESPACE },
    spec: {
      serviceName: "sip",
      replicas: REPLICAS,
      // Replicas do not wait for each other: each has an address to serve.
      podManagementPolicy: "Parallel",
      selector: { matchLabels: labels },
      template: {
        metadata: {
          labels,
          annotations: {
            "networking.gke.io/default-interface": "eth0",
            "networking.gke.io/interfaces": JSON.stringify([
              { interfaceName: "eth0", network: "default" },
              { interfaceName: "eth1", network: NETWORK },
            ]),
          },
        },
        // Any replica may be asked to hold any of them while the set is renumbered, so all are put on.
        spec: persistentIpPodSpec(
          { containers: [{ name: "sip", image: "docker.io/library/sip-server:1", ports: [{ containerPort: 5060 }] }] },
          { addresses: Object.values(ips.addresses) },
        ),
      },
    },
  },
  options,
);

export const addresses = ips.addresses;
