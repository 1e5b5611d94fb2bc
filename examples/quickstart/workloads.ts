// SPDX-License-Identifier: Apache-2.0
// Two workloads on an additional network: a Deployment and a StatefulSet. Two annotations put their Pods on it (SEED-72), and
// persistentIpPodSpec makes them accept their addresses and answer with them (SEED-24).
import type * as pulumi from "@pulumi/pulumi";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment";
import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet";
import { Service } from "@pulumi/kubernetes/core/v1/service";
import { persistentIpPodSpec } from "pulumi-gke-persistent-ip";

export interface WorkloadOptions {
  /** Name of the additional network. */
  network: string;
  image: string | undefined;
  /** Image of the init container that puts the addresses on; default: busybox. */
  initImage: string | undefined;
  /** Addresses that the Deployment's Pods, and those of the StatefulSet, may hold. */
  proxy: pulumi.Input<string>[];
  store: pulumi.Input<string>[];
  provider: pulumi.ProviderResource;
  dependsOn: pulumi.Resource[];
}

const PORT = 8080;

function template(component: string, addresses: pulumi.Input<string>[], o: WorkloadOptions) {
  const interfaces = [
    { interfaceName: "eth0", network: "default" },
    { interfaceName: "eth1", network: o.network },
  ];
  return {
    metadata: {
      labels: { component },
      annotations: {
        "networking.gke.io/default-interface": "eth0",
        "networking.gke.io/interfaces": JSON.stringify(interfaces),
      },
    },
    spec: persistentIpPodSpec(
      {
        containers: [
          {
            name: component,
            image: o.image ?? "us-docker.pkg.dev/google-samples/containers/gke/hello-app:1.0",
            ports: [{ containerPort: PORT }],
            // With reactionMode ReadyCondition this probe decides who may hold the address (SEED-81).
            readinessProbe: { httpGet: { path: "/", port: PORT }, periodSeconds: 2 },
            resources: { requests: { cpu: "50m", memory: "32Mi" }, limits: { memory: "128Mi" } },
          },
        ],
      },
      { addresses, image: o.initImage },
    ),
  };
}

/** Registers both. */
export function workloads(namespace: string, o: WorkloadOptions): void {
  const options = { provider: o.provider, dependsOn: o.dependsOn };
  new Deployment(
    "proxy",
    {
      metadata: { name: "proxy", namespace },
      spec: { replicas: 2, selector: { matchLabels: { component: "proxy" } }, template: template("proxy", o.proxy, o) },
    },
    options,
  );
  new Service(
    "store",
    {
      metadata: { name: "store", namespace },
      spec: { clusterIP: "None", selector: { component: "store" }, ports: [{ name: "web", port: PORT }] },
    },
    options,
  );
  new StatefulSet(
    "store",
    {
      metadata: { name: "store", namespace },
      spec: {
        serviceName: "store",
        replicas: 2,
        selector: { matchLabels: { component: "store" } },
        template: template("store", o.store, o),
      },
    },
    options,
  );
}
