// SPDX-License-Identifier: Apache-2.0
// What the suites of this folder share: a namespace of one's own, a custom resource with conditions, a road to the server that can
// be cut, and waiting.
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiClient, isApiError, type KubeObject, type ResourceKind, resourcePath } from "../../controller/kubernetes";

export const CONFIG_MAPS: ResourceKind = { group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true };
export const NAMESPACES: ResourceKind = { group: "", version: "v1", plural: "namespaces", kind: "Namespace", namespaced: false };
export const PODS: ResourceKind = { group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true };
export const WIDGETS: ResourceKind = {
  group: "test.example.com",
  version: "v1",
  plural: "widgets",
  kind: "Widget",
  namespaced: true,
};

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

let serial = 0;

/** Makes a namespace and answers its name. */
export async function newNamespace(client: ApiClient): Promise<string> {
  const name = `t${process.pid}-${++serial}`;
  await client.request("POST", resourcePath(NAMESPACES), { body: { apiVersion: "v1", kind: "Namespace", metadata: { name } } });
  return name;
}

export function putConfigMap(client: ApiClient, namespace: string, name: string, value: string): Promise<ConfigMap> {
  const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data: { value } };
  const query = { fieldManager: "test", force: true };
  return client.request("PATCH", resourcePath(CONFIG_MAPS, namespace, name), {
    body,
    query,
    contentType: "application/apply-patch+yaml",
  });
}

export async function remove(client: ApiClient, kind: ResourceKind, namespace: string, name: string): Promise<void> {
  await client.request("DELETE", resourcePath(kind, namespace, name), { body: { gracePeriodSeconds: 0 } });
}

const CONDITION_LIST = {
  type: "array",
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["type"],
  items: {
    type: "object",
    required: ["type", "status"],
    properties: {
      type: { type: "string" },
      status: { type: "string" },
      reason: { type: "string" },
      message: { type: "string" },
      observedGeneration: { type: "integer" },
      lastTransitionTime: { type: "string", format: "date-time" },
    },
  },
};

const WIDGET_SCHEMA = {
  type: "object",
  properties: {
    spec: { type: "object", properties: { size: { type: "integer" } } },
    status: { type: "object", properties: { conditions: CONDITION_LIST, pods: { type: "array", items: { type: "string" } } } },
  },
};

/** A definition whose conditions are a map by type and whose status is a sub-resource. */
export function widgetDefinition(plural = "widgets", kind = "Widget"): object {
  const name = `${plural}.test.example.com`;
  const version = {
    name: "v1",
    served: true,
    storage: true,
    schema: { openAPIV3Schema: WIDGET_SCHEMA },
    subresources: { status: {} },
  };
  const names = { plural, singular: kind.toLowerCase(), kind };
  const spec = { group: "test.example.com", scope: "Namespaced", names, versions: [version] };
  return { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata: { name }, spec };
}

/** Installs it and waits until objects of it can be listed. */
export async function installWidgets(client: ApiClient, plural = "widgets", kind = "Widget"): Promise<void> {
  try {
    await client.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
      body: widgetDefinition(plural, kind),
    });
  } catch (error) {
    if (!isApiError(error, "AlreadyExists")) throw error;
  }
  await eventually(`${plural} are served`, () =>
    client.request("GET", resourcePath({ ...WIDGETS, plural })).then(
      () => true,
      () => false,
    ),
  );
}

/** Asks every 20 ms until the answer is true; fails after `ms`. */
export async function eventually(what: string, ask: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(20);
  }
}

/** A TCP road to a server that can be cut (nothing passes, open connections die) and mended. */
export class Road {
  private readonly sockets = new Set<net.Socket>();
  private open = true;

  private constructor(
    private readonly listener: net.Server,
    readonly server: string,
  ) {}

  static async to(server: string): Promise<Road> {
    const { hostname, port } = new URL(server);
    const listener = net.createServer();
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const road = new Road(listener, `https://127.0.0.1:${(listener.address() as AddressInfo).port}`);
    listener.on("connection", (near) => road.carry(near, net.connect(Number(port), hostname)));
    return road;
  }

  cut(): void {
    this.open = false;
    for (const socket of this.sockets) socket.destroy();
  }

  mend(): void {
    this.open = true;
  }

  async close(): Promise<void> {
    this.cut();
    this.listener.close();
    await once(this.listener, "close");
  }

  private carry(near: net.Socket, far: net.Socket): void {
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    if (!this.open) near.destroy();
    near.pipe(far).pipe(near);
  }
}
