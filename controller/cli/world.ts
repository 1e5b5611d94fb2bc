// SPDX-License-Identifier: Apache-2.0
// The World of the core over a dump: the same transforms and the same decisions as in the controller, with lists for caches.
import { CONTROLLER_NAME, GKE_CONTROLLER_NAMES, type AddressBinding, type Gateway, type KubeObject } from "../api";
import type { CloudSnapshot, Fabric } from "../compute";
import { keyOf, type NodeView, type PodView, type World } from "../core";
import { CloudView } from "../manager/cloud";
import { TRANSFORMS } from "../manager/caches";
import { addressesOf, gatewaysOf, type RouteObject } from "../manager/views";
import type { Dump } from "./dump";

export interface DumpWorld {
  world: World;
  routes: RouteObject[];
  gateways: Gateway[];
  bindings: AddressBinding[];
  pods: PodView[];
  nodes: NodeView[];
  /** What is known of Google Cloud; undefined where it was not read. */
  cloud?: CloudView;
}

/** The first of each key wins, so that a hand-edited dump cannot make two of one. */
function index<T>(items: readonly T[], key: (item: T) => string): Map<string, T> {
  const found = new Map<string, T>();
  for (const item of items) if (!found.has(key(item))) found.set(key(item), item);
  return found;
}
const byName = <T extends KubeObject>(items: readonly T[]): Map<string, T> => index(items, (o) => o.metadata.name);

/** The controller's own view of Google Cloud, over lists that were read before. */
async function cloudOf({ cloud, settings: { project, region, clusterUid } }: Dump): Promise<CloudView | undefined> {
  if (!cloud) return undefined;
  const lists: Pick<Fabric, "snapshot"> = { snapshot: (): Promise<CloudSnapshot> => Promise.resolve(cloud) };
  const view = new CloudView(lists as Fabric, { project, region, clusterUid });
  await view.refresh();
  return view;
}

/** The frozen view that `explain` and `replay` decide from. */
export async function worldOf(dump: Dump): Promise<DumpWorld> {
  const { objects: o, settings } = dump;
  const routes = o.route.map(TRANSFORMS.route);
  const gateways = o.gateway.map(TRANSFORMS.gateway);
  const classes = byName(o.gatewayClass.map(TRANSFORMS.gatewayClass));
  const pods = o.pod.map((p) => TRANSFORMS.pod(p).view);
  const nodes = o.node.map((n) => TRANSFORMS.node(n).view);
  const cloud = await cloudOf(dump);
  const [routeMap, gatewayMap] = [index(routes, keyOf), index(gateways, keyOf)];
  const [networks, paramSets] = [byName(o.network.map(TRANSFORMS.network)), byName(o.paramSet.map(TRANSFORMS.paramSet))];
  const interfaces = index(o.networkInterface.map(TRANSFORMS.networkInterface), keyOf);
  const namespaces = byName(o.namespace.map(TRANSFORMS.namespace));
  const nodeMap = index(nodes, (n) => n.name);
  const alone = ![...classes.values()].some((c) => GKE_CONTROLLER_NAMES.includes(c.spec.controllerName));
  const world: World = {
    settings: { ...settings, controllerName: CONTROLLER_NAME, alone },
    route: (namespace, name) => routeMap.get(`${namespace}/${name}`),
    routesClaiming: (address) => routes.filter((r) => addressesOf(r).includes(address)),
    routesOf: (gateway) => routes.filter((r) => gatewaysOf(r).includes(gateway)),
    gateway: (key) => gatewayMap.get(key),
    gatewaysListing: (address) => gateways.filter((g) => addressesOf(g).includes(address)),
    gatewayClass: (name) => classes.get(name),
    namespaceLabels: (name) => {
      const found = namespaces.get(name);
      return found && (found.metadata.labels ?? {});
    },
    network: (name) => networks.get(name),
    paramSet: (name) => paramSets.get(name),
    interfaceNetwork: (namespace, name) => interfaces.get(`${namespace}/${name}`)?.spec?.networkName,
    pods: (namespace) => pods.filter((p) => p.namespace === namespace),
    node: (name) => nodeMap.get(name),
    addressFact: (address, scope) => cloud?.fact({ address, scope }),
  };
  const bindings = o.binding.map(TRANSFORMS.binding);
  return { world, routes, gateways, bindings, pods, nodes, ...(cloud ? { cloud } : {}) };
}
