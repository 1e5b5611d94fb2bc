// SPDX-License-Identifier: Apache-2.0
// What a test puts into the lab: reserved addresses, Gateways, routes and Pods on chosen nodes, and waiting for what should become of them.
import { bindingName, GKE_CLASSES, type AddressBinding, type Condition, type GKEIPRoute } from "../../controller/api";
import { isApiError } from "../../controller/kubernetes";
import { eventually } from "../support/clients";
import { gateway, route } from "../support/workloads";
import { REGION, type Lab } from "./lab";

export const routePath = (namespace: string, name = ""): string =>
  `/apis/networking.gke.io/v1/namespaces/${namespace}/gkeiproutes${name && `/${name}`}`;
export const bindingPath = (name = ""): string => `/apis/gke-persistent-ip.dev/v1alpha1/addressbindings${name && `/${name}`}`;
const podPath = (namespace: string, name = ""): string => `/api/v1/namespaces/${namespace}/pods${name && `/${name}`}`;
const GATEWAYS = (namespace: string): string => `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/gateways`;

export interface ScenePod {
  name: string;
  node: string;
  app: string;
}

/** A namespace of its own with a Gateway; routes and Pods come with its methods. */
export class Scene {
  private readonly made = new Map<string, number>();

  private constructor(
    readonly lab: Lab,
    readonly namespace: string,
  ) {}

  static async open(lab: Lab, namespace: string, addresses: readonly string[]): Promise<Scene> {
    const scene = new Scene(lab, namespace);
    await lab.admin.request("POST", "/api/v1/namespaces", { body: { metadata: { name: namespace } } });
    await Promise.all(addresses.map((address) => scene.reserve(address)));
    for (let i = 0; i < addresses.length; i += 16) {
      const body = gateway(namespace, `gw-${i / 16}`, addresses.slice(i, i + 16), { className: GKE_CLASSES.External });
      await lab.admin.request("POST", GATEWAYS(namespace), { body });
    }
    return scene;
  }

  reserve(address: string): Promise<unknown> {
    const name = `a-${address.replaceAll(".", "-")}`;
    return this.lab.cloud("POST", `regions/${REGION}/addresses`, { name, address });
  }
  /** A route for one address; its Pods carry the label `app: NAME`. @param at index of the address in the scene */
  async route(name: string, address: string, at = 0): Promise<void> {
    const body = route(this.namespace, name, {
      ...{ addresses: [address], selector: { app: name }, network: "default", gateway: `gw-${Math.floor(at / 16)}` },
    });
    await this.lab.admin.request("POST", routePath(this.namespace), { body });
  }

  /** Makes a Pod. The newest wins, and the API counts in whole seconds: so this waits until a second later than the last of the same app. */
  async pod({ name, node, app }: ScenePod): Promise<void> {
    const before = this.made.get(app) ?? 0;
    const wait = before === 0 ? 0 : Math.floor(before / 1000) * 1000 + 1_020 - Date.now();
    if (wait > 0) await new Promise((r) => setTimeout(r, wait));
    this.made.set(app, Date.now());
    const body = {
      metadata: { name, labels: { app } },
      spec: {
        nodeName: node,
        terminationGracePeriodSeconds: 0,
        containers: [{ name: "main", image: "registry.example/app:1" }],
        tolerations: [{ operator: "Exists" }],
      },
    };
    await this.lab.admin.request("POST", podPath(this.namespace), { body });
  }
  async removePod(name: string): Promise<void> {
    const body = { gracePeriodSeconds: 0 };
    await this.lab.admin.request("DELETE", podPath(this.namespace, name), { body }).catch(unlessGone);
  }
  getRoute(name: string): Promise<GKEIPRoute> {
    return this.lab.admin.request("GET", routePath(this.namespace, name));
  }
  getBinding(address: string): Promise<AddressBinding> {
    return this.lab.admin.request("GET", bindingPath(bindingName(address, "External")));
  }
  async removeRoute(name: string): Promise<void> {
    await this.lab.admin.request("DELETE", routePath(this.namespace, name)).catch(unlessGone);
  }
  async condition(name: string, type: string): Promise<Condition | undefined> {
    return (await this.getRoute(name)).status?.conditions?.find((c) => c.type === type);
  }

  /** Waits until the route is Ready with this Pod. @throws Error with what it says instead */
  async untilHeld(name: string, pod: string, ms = 30_000): Promise<void> {
    await eventually(
      async () => {
        const { status, metadata } = await this.getRoute(name);
        const ready = status?.conditions?.find((c) => c.type === "Ready");
        const good = ready?.status === "True" && ready.observedGeneration === metadata.generation && status?.pods?.[0] === pod;
        if (!good) throw new Error(`${this.namespace}/${name}: wanted ${pod}, is ${JSON.stringify(status)}`);
      },
      ms,
      60,
    );
  }

  /** The VM that the cloud sends an address to; undefined where no rule does. */
  vmOf(address: string): string | undefined {
    const rules = this.lab.emulator.list("forwardingRules").filter((r) => r.IPAddress === address);
    if (rules.length > 1) throw new Error(`${rules.length} rules on ${address}`);
    const target = rules[0]?.target?.split("/").at(-1);
    return this.lab.emulator
      .list("targetInstances")
      .find((t) => t.name === target)
      ?.instance.split("/")
      .at(-1);
  }
}

const unlessGone = (error: unknown): void => {
  if (!isApiError(error, "NotFound")) throw error;
};
