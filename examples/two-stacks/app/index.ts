// SPDX-License-Identifier: Apache-2.0
// An application team's half: its namespace with the label that the Gateway asks for, its Pods, and a route to the address it was given.
import * as pulumi from "@pulumi/pulumi";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace";
import { Provider } from "@pulumi/kubernetes/provider";
import { persistentIpPodSpec, PodIpRoute } from "pulumi-gke-persistent-ip";

const config = new pulumi.Config();
const platform = new pulumi.StackReference(config.require("platform"));
const address = platform.requireOutput("addresses").apply((all: Record<string, string>) => all["checkout"]);
const NAMESPACE = "checkout";
const labels = { app: "checkout" };

const kubernetes = new Provider("cluster", {
  kubeconfig: platform.requireOutput("kubeconfig"),
  // A name of your choice that stays: with it an edit of the cluster never shows as a replacement of every object.
  clusterIdentifier: "prod",
});
const namespace = new Namespace(
  NAMESPACE,
  { metadata: { name: NAMESPACE, labels: { "persistent-ip": "allowed" } } },
  { provider: kubernetes },
);

new PodIpRoute(
  "checkout",
  {
    gateway: { name: "platform-shared", namespace: "default" },
    addresses: [address],
    podSelector: { matchLabels: labels },
    namespace: NAMESPACE,
    network: "blue-network",
  },
  { providers: { kubernetes }, dependsOn: [namespace] },
);

new Deployment(
  "checkout",
  {
    metadata: { name: "checkout", namespace: NAMESPACE },
    spec: {
      replicas: config.requireNumber("replicas"),
      selector: { matchLabels: labels },
      template: {
        metadata: {
          labels,
          annotations: {
            "networking.gke.io/default-interface": "eth0",
            "networking.gke.io/interfaces": JSON.stringify([
              { interfaceName: "eth0", network: "default" },
              { interfaceName: "eth1", network: "blue-network" },
            ]),
          },
        },
        spec: persistentIpPodSpec(
          { containers: [{ name: "checkout", image: "docker.io/library/checkout:1", ports: [{ containerPort: 8443 }] }] },
          { addresses: [address] },
        ),
      },
    },
  },
  { provider: kubernetes, dependsOn: [namespace] },
);

export const reachedAt = address;
