// SPDX-License-Identifier: Apache-2.0
// What the parts of this room see of the cluster: one watch per kind, shared by all.
import type { ApiClient } from "../../controller/kubernetes/transport";
import { watchResource, type Watched } from "../controlplane";
import { PATHS, type GkeNode, type GkePod, type Network, type NetworkInterface, type ParamSet, type Route } from "./types";

export interface Cache {
  readonly networks: ReadonlyMap<string, Network>;
  readonly paramSets: ReadonlyMap<string, ParamSet>;
  readonly interfaces: ReadonlyMap<string, NetworkInterface>;
  readonly routes: ReadonlyMap<string, Route>;
  readonly pods: ReadonlyMap<string, GkePod>;
  readonly nodes: ReadonlyMap<string, GkeNode>;
  stop(): void;
}

export interface CacheEvents {
  /** Networks, parameter sets or network interfaces changed. */
  networks: () => void;
  nodes: () => void;
  routes: () => void;
  pod: (pod: GkePod, before: GkePod | undefined) => void;
  podGone: (pod: GkePod) => void;
}

/** Starts the watches; a kind whose CRD is not there yet is waited for. */
export function startCache(client: ApiClient, events: CacheEvents): Cache {
  const plain = (tell: () => void): { changed: () => void; gone: () => void } => ({ changed: tell, gone: tell });
  const networks = watchResource<Network>(client, PATHS.networks, plain(events.networks));
  const paramSets = watchResource<ParamSet>(client, PATHS.paramSets, plain(events.networks));
  const interfaces = watchResource<NetworkInterface>(client, PATHS.interfaces, plain(events.networks));
  const routes = watchResource<Route>(client, PATHS.routes, plain(events.routes));
  const pods = watchResource<GkePod>(client, PATHS.pods, { changed: events.pod, gone: events.podGone });
  const nodes = watchResource<GkeNode>(client, PATHS.nodes, plain(events.nodes));
  const all: Pick<Watched<never>, "stop">[] = [networks, paramSets, interfaces, routes, pods, nodes];
  return {
    networks: networks.items,
    paramSets: paramSets.items,
    interfaces: interfaces.items,
    routes: routes.items,
    pods: pods.items,
    nodes: nodes.items,
    stop: () => all.forEach((watch) => watch.stop()),
  };
}
