// SPDX-License-Identifier: Apache-2.0
// The whole: cluster, Pod networks, addresses, Gateways, routes and the controller, checked as one before anything is touched.
import * as pulumi from "@pulumi/pulumi";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace";
import { AddressSet } from "./addressSet";
import { checkSubnets } from "./adoptedSubnets";
import { afterAdoption, beginAdoption } from "./adoption";
import type { PersistentPodIpsArgs } from "./argsPods";
import { persistentPodIpsProblems } from "./checksAll";
import { compact, projectProblems, typeOf } from "./common";
import { expand } from "./expand";
import { unlockedBelow } from "./fixed";
import { everythingFixed, keeping } from "./fixedFacts";
import { guard, guardsInside } from "./guard";
import { layoutOf, type Layout } from "./layout";
import { MultiNetworkCluster } from "./multiNetworkCluster";
import { registerNetworkObjects } from "./networkObjects";
import { PodIpController } from "./podIpController";
import { PodIpGateway } from "./podIpGateway";
import { PodIpRoute } from "./podIpRoute";
import { networkObjectsOf } from "./networkSide";
import { PodNetworks } from "./podNetworks";
import { refuse } from "./problems";

const COMPONENT = "PersistentPodIps";
const providers = new WeakMap<PersistentPodIps, pulumi.ProviderResource>();

/**
 * Persistent IP addresses for Pods, with everything they need (SEED-1, SEED-18).
 * @throws ArgumentError with every problem of the arguments, before anything is registered
 */
export class PersistentPodIps extends pulumi.ComponentResource {
  /** Name of the cluster. */
  public readonly clusterName: pulumi.Output<string>;
  /** Kubeconfig with the gke-gcloud-auth-plugin; no secret in it. */
  public readonly kubeconfig: pulumi.Output<string>;
  /** The addresses, dotted, by their names. */
  public readonly addresses: { [name: string]: pulumi.Output<string> };
  /** Names of the Gateway objects, by the names of the addresses. */
  public readonly gatewayNames: { [address: string]: string };
  /** Names of the GKEIPRoute objects as namespace/name, by the names of the routes. */
  public readonly routeNames: { [name: string]: string };
  /** Namespace of the controller. */
  public readonly controllerNamespace: string;
  /** IAM member that the controller acts as; empty where it has no identity of its own. */
  public readonly controllerPrincipal: pulumi.Output<string>;

  constructor(name: string, args: PersistentPodIpsArgs, opts?: pulumi.ComponentResourceOptions) {
    const where = { component: COMPONENT, name };
    refuse(where, [...projectProblems(args.project), ...persistentPodIpsProblems(name, args)], true);
    const single = expand(args);
    const fixed = everythingFixed(name, single, layoutOf(name, single));
    const { inputs, opts: options } = guard(where, opts, { fixed, ...keeping(args) });
    super(typeOf(COMPONENT), name, inputs, options);
    const made = guardsInside(this, () => build(this, name, single));
    providers.set(this, made.cluster.provider);
    this.clusterName = made.cluster.clusterName;
    this.kubeconfig = made.cluster.kubeconfig;
    this.addresses = made.addresses.addresses;
    this.gatewayNames = Object.assign({}, ...[...made.gateways.values()].map((g) => g.gatewayNames)) as {
      [address: string]: string;
    };
    this.routeNames = Object.fromEntries(made.routes.map(([key, r]) => [key, `${r.namespace}/${r.routeName}`]));
    this.controllerNamespace = made.controller.namespace;
    this.controllerPrincipal = made.controller.principal;
    this.registerOutputs({
      clusterName: this.clusterName,
      kubeconfig: this.kubeconfig,
      addresses: this.addresses,
      gatewayNames: this.gatewayNames,
      routeNames: this.routeNames,
      controllerNamespace: this.controllerNamespace,
      controllerPrincipal: this.controllerPrincipal,
    });
  }

  /** Kubernetes provider of the cluster, for further resources in the same program. TypeScript and JavaScript only. */
  public get provider(): pulumi.ProviderResource {
    return providers.get(this)!;
  }
}

interface Parts {
  cluster: MultiNetworkCluster;
  networks: PodNetworks;
  addresses: AddressSet;
  controller: PodIpController;
  gateways: Map<string, PodIpGateway>;
  routes: [string, PodIpRoute][];
}

/** The order is that of creation; deletion runs backwards (docs/adr/0004-destroy-order.md). */
function build(parent: PersistentPodIps, name: string, args: PersistentPodIpsArgs): Parts {
  const layout = layoutOf(name, args);
  const { cloud, cluster, networks, addresses } = inCloud(parent, name, args);
  const kubernetes = cluster.provider;
  const controller = new PodIpController(
    name,
    {
      waitForCrds: args.cluster.create !== undefined,
      ...args.controller,
      ...cloud,
      ...compact({ networkProject: args.networkProject }),
      clusterName: cluster.clusterName,
      clusterLocation: cluster.location,
    },
    // The nodes that it runs on outlive it: it is needed until the last route is gone.
    { parent, providers: { kubernetes }, dependsOn: [cluster] },
  );
  const objects = registerNetworkObjects(name, networkObjectsOf(networks), {
    parent: networks,
    provider: kubernetes,
    dependsOn: [cluster, controller],
  });
  const namespaces = Object.entries(args.namespaces ?? {}).map(
    ([key, n]) =>
      new Namespace(
        `${name}-${key}`,
        { metadata: compact({ name: key, labels: n.labels }) },
        { parent, provider: kubernetes, dependsOn: [cluster] },
      ),
  );
  const options = { parent, providers: { kubernetes }, dependsOn: [cluster, controller, ...objects, ...namespaces] };
  const gateways = gatewaysOf(name, args, layout, { addresses, options });
  const routes = layout.routes.map((r): [string, PodIpRoute] => [
    r.key,
    new PodIpRoute(
      `${name}-${r.key}`,
      compact({
        ...r.args,
        name: undefined,
        podSelector: r.args.podSelector!,
        routeName: r.name,
        namespace: r.namespace,
        network: r.network,
        gateway: { name: r.gateway!.name, namespace: r.gateway!.namespace },
        addresses: r.args.addresses.map((a) => addresses.addresses[a]!),
      }),
      { ...options, dependsOn: [...options.dependsOn, ...gateways.values()] },
    ),
  ]);
  return { cluster, networks, addresses, controller, gateways, routes };
}

/** What lives in Google Cloud. Node pools come after the VPC networks they are on. */
function inCloud(parent: PersistentPodIps, name: string, args: PersistentPodIpsArgs) {
  const { unlocked } = args;
  const cloud = compact({ project: args.project, region: args.region, onDestroy: args.onDestroy });
  const podNetworks = args.networks ?? {};
  // With a wrong name among the adopted addresses nothing is made, here or beside it: children wait for their component.
  const adoption = beginAdoption(
    parent,
    { component: COMPONENT, name },
    { ...cloud, addresses: args.addresses, networks: podNetworks },
  );
  const subnets = checkSubnets(
    parent,
    { component: COMPONENT, name },
    { project: args.networkProject ?? args.project, region: args.region, networks: podNetworks, addresses: args.addresses },
  );
  const options = { parent, dependsOn: [...afterAdoption(adoption), ...subnets] };
  const networks = new PodNetworks(
    name,
    {
      ...cloud,
      ...compact({ project: args.networkProject ?? args.project }),
      ...compact({ unlocked: unlockedBelow("networks", unlocked) }),
      networks: podNetworks,
      holding: Object.values(args.addresses).flatMap((a) => a.network ?? []),
      kubernetesObjects: false,
    },
    options,
  );
  const keys = Object.keys(networks.networks);
  const addresses = new AddressSet(
    name,
    compact({
      ...cloud,
      networkProject: args.networkProject,
      unlocked: unlockedBelow("addresses", unlocked),
      addresses: args.addresses,
      networks: Object.fromEntries(
        keys.map((k) => [k, compact({ subnetwork: networks.subnetworks[k]!, cidr: podNetworks[k]!.cidr })]),
      ),
      labels: args.labels,
    }),
    options,
  );
  const cluster = new MultiNetworkCluster(
    name,
    compact({
      ...cloud,
      ...args.cluster,
      unlocked: unlockedBelow("cluster.create", unlocked)?.map((path) => path.replace(/^cluster\./, "")),
      networks: Object.fromEntries(
        keys.map((k) => [
          k,
          compact({
            network: hosted(args, networks.networks[k]!, "global/networks"),
            subnetwork: hosted(args, networks.subnetworks[k]!, `regions/${args.region}/subnetworks`),
            podRange: networks.podRanges[k],
            maxPodsPerNode: podNetworks[k]!.maxPodsPerNode,
          }),
        ]),
      ),
      labels: args.labels,
    }),
    options,
  );
  return { cloud, cluster, networks, addresses };
}

/** GKE takes a bare name for one of the cluster's own project (Shared VPC, E68). */
function hosted(args: PersistentPodIpsArgs, name: pulumi.Output<string>, collection: string): pulumi.Output<string> {
  if (args.networkProject === undefined) return name;
  return pulumi.all([name, args.networkProject]).apply(([n, p]) => (n.includes("/") ? n : `projects/${p}/${collection}/${n}`));
}

function gatewaysOf(
  name: string,
  args: PersistentPodIpsArgs,
  layout: Layout,
  { addresses, options }: { addresses: AddressSet; options: pulumi.ComponentResourceOptions },
): Map<string, PodIpGateway> {
  const wanted = layout.gateways.filter((g) => g.bins.length > 0);
  return new Map(
    wanted.map((g) => [
      g.key,
      new PodIpGateway(
        `${name}-${g.key}`,
        compact({
          scope: g.scope,
          addresses: Object.fromEntries(g.bins.flat().map((a) => [a, addresses.addresses[a]!])),
          together: g.together,
          gatewayName: g.name,
          namespace: g.namespace,
          listeners: g.listeners,
          controller: args.controller?.kind,
          className: g.args.className,
          stability: g.args.stability,
        }),
        options,
      ),
    ]),
  );
}
