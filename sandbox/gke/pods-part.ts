// SPDX-License-Identifier: Apache-2.0
// Gives running Pods their addresses on additional networks, from the range of their node, and writes them on the Pod.
import { isApiError, type ApiClient } from "../../controller/kubernetes/transport";
import type { NodeSpec } from "../nodes";
import type { Cache } from "./cache";
import { connectedNetworks, type ConnectedNetwork } from "./node-rules";
import {
  AddressPool,
  DevicePool,
  gatewayIn,
  macOf,
  podAnnotations,
  requestedInterfaces,
  requestedNetworks,
  type PodAddress,
} from "./pod-rules";
import { ANNOTATIONS, type GkePod } from "./types";

/** One interface that a Pod is to get on an additional network. */
export interface PodInterface {
  network: string;
  /** Name inside the Pod, e.g. `eth1`. */
  name: string;
  type: "L3" | "Device";
  ip: string;
  mac: string;
  /** First address of the node's range: what the Pod sends to. */
  gateway: string;
  /** The VM's interface, e.g. `nic1`. */
  nic: string;
  /** Ranges that the Network object routes; everything, where the Pod has made this its default interface (SEED-72). */
  routes: string[];
}

export interface PodsPartOptions {
  client: ApiClient;
  cache: () => Cache;
  spec: (node: string) => NodeSpec | undefined;
  isNodeUp: (node: string) => boolean;
}

export class PodsPart {
  private readonly pools = new Map<string, AddressPool | DevicePool>();

  constructor(private readonly options: PodsPartOptions) {}

  /** One pass over all Pods that still lack addresses. @returns true when one could not be given its addresses yet */
  async reconcile(): Promise<boolean> {
    const pods = [...this.options.cache().pods.values()];
    const done = await Promise.all(pods.map((pod) => this.give(pod)));
    return done.some((ok) => !ok);
  }

  gone(pod: GkePod): void {
    for (const pool of this.pools.values()) pool.release(pod.metadata.uid);
  }

  /**
   * What GKE's CNI plug-in does when a Pod's sandbox is made: takes addresses and writes them on the Pod.
   * @throws Error naming the network that the node is not on
   */
  async attach(node: string, namespace: string, name: string): Promise<PodInterface[]> {
    const { client } = this.options;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    const pod = await client.request<GkePod>("GET", path);
    const cache = this.options.cache();
    const networkOf = (o: string): string | undefined => cache.interfaces.get(`${namespace}/${o}`)?.spec.networkName;
    const requests = requestedInterfaces(pod, networkOf);
    const addresses = this.addresses(
      pod,
      node,
      requests.map((request) => request.network),
    );
    if (addresses.length < requests.length)
      throw new Error(`node ${node} is not on every network of ${requests.map((r) => r.network).join(", ")}`);
    if (addresses.length === 0) return [];
    const body = { metadata: { uid: pod.metadata.uid, annotations: podAnnotations(addresses, cache.networks) } };
    await client.request("PATCH", path, { body, query: { fieldManager: "gke-cni" } });
    const main = pod.metadata.annotations?.[ANNOTATIONS.defaultInterface];
    return addresses.map(({ network, ip }, i) => {
      const found = this.describe(node, requests[i]?.name ?? `eth${i + 1}`, { network, ip });
      return found.name === main ? { ...found, routes: ["default"] } : found;
    });
  }

  private describe(node: string, name: string, { network, ip }: PodAddress): PodInterface {
    const nic = this.connected(node).find((one) => one.name === network);
    const spec = this.options.cache().networks.get(network)?.spec;
    if (!nic || !spec) throw new Error(`network ${network} went away`);
    return {
      ...{ network, name, ip, mac: macOf(ip), nic: nic.nic },
      type: spec.type === "Device" ? "Device" : "L3",
      gateway: spec.gateway4 ?? gatewayIn(nic.podCidr),
      routes: (spec.routes ?? []).map((route) => route.to),
    };
  }

  private async give(pod: GkePod): Promise<boolean> {
    const { metadata } = pod;
    const node = pod.spec.nodeName ?? "";
    if (metadata.annotations?.[ANNOTATIONS.podIps] !== undefined || !isUpAndRunning(pod)) return true;
    const cache = this.options.cache();
    const names = requestedNetworks(pod, (name) => cache.interfaces.get(`${metadata.namespace}/${name}`)?.spec.networkName);
    if (names.length === 0 || !this.options.isNodeUp(node)) return true; // the return of a node brings us back
    const addresses = this.addresses(pod, node, names);
    if (addresses.length < names.length) return false;
    const body = { metadata: { uid: metadata.uid, annotations: podAnnotations(addresses, cache.networks) } };
    const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
    await this.options.client.request("PATCH", path, { body, query: { fieldManager: "gke-cni" } }).catch((error: unknown) => {
      if (!isApiError(error, "NotFound", "Conflict")) throw error;
    });
    return true;
  }

  private addresses(pod: GkePod, node: string, names: string[]): PodAddress[] {
    const cache = this.options.cache();
    const connected = this.connected(node);
    return names.flatMap((name) => {
      const nic = connected.find((network) => network.name === name);
      const ip = nic && this.pool(node, nic, cache.networks.get(name)?.spec.type === "Device").take(pod.metadata.uid);
      return ip === undefined ? [] : [{ network: name, ip }];
    });
  }

  private connected(node: string): ConnectedNetwork[] {
    const cache = this.options.cache();
    const spec = this.options.spec(node);
    return spec ? connectedNetworks(spec, cache.networks.values(), cache.paramSets.values()) : [];
  }

  private pool(node: string, nic: ConnectedNetwork, device: boolean): AddressPool | DevicePool {
    const key = `${node}/${nic.name}/${device ? "device" : nic.podCidr}`;
    const pool = this.pools.get(key) ?? (device ? new DevicePool(nic) : new AddressPool(nic.podCidr));
    this.pools.set(key, pool);
    return pool;
  }
}

function isUpAndRunning({ metadata, status }: GkePod): boolean {
  return status?.phase === "Running" && Boolean(status.podIP) && metadata.deletionTimestamp === undefined;
}
