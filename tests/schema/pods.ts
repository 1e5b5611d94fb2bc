// SPDX-License-Identifier: Apache-2.0
// Pods for routes to choose from, as an application team would run them: on the Pod network, with the labels that the routes ask for.
import type { World } from "../../sandbox/world/world";

const pod = (name: string, network: string): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    labels: { app: name, component: name },
    annotations: {
      "networking.gke.io/default-interface": "eth0",
      "networking.gke.io/interfaces": JSON.stringify([
        { interfaceName: "eth0", network: "default" },
        { interfaceName: "eth1", network },
      ]),
    },
  },
  spec: { containers: [{ name, image: "example.test/app:1" }] },
});

/** One Pod a component in the namespace of the routes. */
export async function proxyPods(
  world: World,
  o = { namespace: "proxy", network: "blue-network", names: ["proxy", "store"] },
): Promise<void> {
  for (const name of o.names)
    await world
      .cluster()
      .controlPlane.admin.request("POST", `/api/v1/namespaces/${o.namespace}/pods`, { body: pod(name, o.network) });
}
