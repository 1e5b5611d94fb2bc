// SPDX-License-Identifier: Apache-2.0
// Google's node agents: one logical agent per node that is up. It passes over all routes on every route event, at most every
// 2 s for new endpoints, and every 10 minutes; it writes status under the resource version that it read, as controller-runtime does.
import { isApiError, type ApiClient } from "../../controller/kubernetes/transport";
import { agentPass, type StatusWrite } from "./agent-rules";
import type { Cache } from "./cache";
import { repeater, type Repeater } from "./repeat";
import { ANNOTATIONS, isDefaultNetwork, type GkePod, type Route } from "./types";

export const ENDPOINT_SPACING_MS = 2_000;
export const RESYNC_MS = 600_000;
const RETRY_MS = 500;

/** A reason why a node's map refuses an address, or undefined. */
export type DatapathFault = (node: string, route: { namespace: string; name: string }, cidr: string) => string | undefined;

export interface AgentsOptions {
  client: ApiClient;
  cache: () => Cache;
  fault: () => DatapathFault | undefined;
  /** Told before the status is written; where packets are real, this is what makes the map more than a record. */
  program?: (node: string, entries: ReadonlyMap<string, string>) => Promise<void>;
}

interface Agent {
  pass: Repeater;
  endpoint: Repeater;
  resync: NodeJS.Timeout;
  /** The pinned BPF map. */
  entries: Map<string, string>;
  /** (namespace/pod/network) of routes that the last pass looked for and did not find here. */
  wanted: Set<string>;
}

export class AgentsPart {
  private readonly agents = new Map<string, Agent>();
  /** Maps of hung nodes survive their agent. */
  private readonly frozen = new Map<string, Map<string, string>>();

  constructor(private readonly options: AgentsOptions) {}

  up(node: string): void {
    if (this.agents.has(node)) return;
    const pass = repeater(() => this.run(node), { retryMs: RETRY_MS });
    const endpoint = repeater(() => this.run(node), { retryMs: RETRY_MS, spacingMs: ENDPOINT_SPACING_MS });
    const resync = setInterval(() => pass.kick(), RESYNC_MS).unref();
    const agent: Agent = {
      pass,
      endpoint,
      resync,
      entries: this.frozen.get(node) ?? new Map<string, string>(),
      wanted: new Set(),
    };
    this.frozen.delete(node);
    this.agents.set(node, agent);
    pass.kick();
  }

  down(node: string, keepMap: boolean): void {
    const agent = this.agents.get(node);
    if (!agent) return;
    this.agents.delete(node);
    agent.pass.stop();
    agent.endpoint.stop();
    clearInterval(agent.resync);
    if (keepMap) this.frozen.set(node, agent.entries);
  }

  routesChanged(): void {
    for (const agent of this.agents.values()) agent.pass.kick();
  }

  podChanged(pod: GkePod): void {
    const node = pod.spec.nodeName ?? "";
    const agent = this.agents.get(node);
    if (!agent || !pod.status?.podIP) return;
    const { namespace, name } = pod.metadata;
    const relevant = [...agent.wanted].filter((key) => key.startsWith(`${namespace}/${name}/`));
    if (relevant.some((key) => endpointAddress(pod, node, key.split("/")[2] ?? "") !== undefined)) agent.endpoint.kick();
  }

  /** What the node's map holds: address in CIDR form to the endpoint's address. */
  entries(node: string): ReadonlyMap<string, string> {
    return this.agents.get(node)?.entries ?? this.frozen.get(node) ?? new Map<string, string>();
  }

  stop(): void {
    for (const node of [...this.agents.keys()]) this.down(node, false);
  }

  /** @returns true when the pass must be done again */
  private async run(node: string): Promise<boolean> {
    const agent = this.agents.get(node);
    if (!agent) return false;
    const cache = this.options.cache();
    agent.wanted.clear();
    const result = agentPass({
      routes: cache.routes.values(),
      network: (name) => cache.networks.get(name),
      endpoint: (namespace, name, network) => {
        const pod = cache.pods.get(`${namespace}/${name}`);
        const address = pod && endpointAddress(pod, node, network);
        if (address === undefined) agent.wanted.add(`${namespace}/${name}/${network}`);
        return address;
      },
      mapError: (route, cidr) =>
        this.options.fault()?.(node, { namespace: route.metadata.namespace, name: route.metadata.name }, cidr),
      now: new Date().toISOString(),
    });
    if (result.entries) {
      agent.entries = result.entries;
      await this.options.program?.(node, result.entries);
    }
    let again = result.error !== undefined;
    for (const write of result.writes) {
      if (this.agents.get(node) !== agent) return false; // crashed meanwhile: silent
      again = !(await this.updateStatus(write)) || again;
    }
    return again;
  }

  private async updateStatus({ route, conditions }: StatusWrite): Promise<boolean> {
    const { namespace, name } = route.metadata;
    const path = `/apis/networking.gke.io/v1/namespaces/${namespace}/gkeiproutes/${name}/status`;
    const body: Route = {
      ...route,
      apiVersion: "networking.gke.io/v1",
      kind: "GKEIPRoute",
      status: { ...route.status, conditions },
    };
    try {
      await this.options.client.request("PUT", path, { body, query: { fieldManager: "cilium-agent" } });
      return true;
    } catch (error) {
      if (isApiError(error, "NotFound")) return true;
      if (isApiError(error, "Conflict")) return false; // a newer version is on its way to the cache
      throw error;
    }
  }
}

/** The Pod's address on a network, if it runs on this node. */
function endpointAddress(pod: GkePod, node: string, network: string): string | undefined {
  if (pod.spec.nodeName !== node || pod.spec.hostNetwork || pod.status?.phase !== "Running") return undefined;
  if (isDefaultNetwork(network)) return pod.status.podIP;
  const ips = JSON.parse(pod.metadata.annotations?.[ANNOTATIONS.podIps] ?? "[]") as { networkName: string; ip: string }[];
  return ips.find((entry) => entry.networkName === network)?.ip;
}
