// SPDX-License-Identifier: Apache-2.0
// A GKE cluster with Dataplane V2, multi-networking and the Gateway API, made or adopted, and the provider that reaches it.
import * as pulumi from "@pulumi/pulumi";
import { Cluster } from "@pulumi/gcp/container/cluster";
import { getCluster, getClusterOutput, type GetClusterResult } from "@pulumi/gcp/container/getCluster";
import { Provider } from "@pulumi/kubernetes/provider";
import type { ExistingClusterArgs, MultiNetworkClusterArgs, NewClusterArgs } from "./argsCloud";
import { adoptedClusterProblems, multiNetworkClusterProblems, unreadableCluster } from "./checksCluster";
import { locationProblems } from "./checks";
import { compact, guarded, projectOf, projectProblems, tidyLabels, typeOf } from "./common";
import { ReleaseChannel } from "./enums";
import { clusterFixed, keeping } from "./fixedFacts";
import { guard } from "./guard";
import { kubeconfigFor } from "./kubeconfig";
import { nodePools } from "./nodePools";
import { acceptLate, apart, checkedLater, isPlain, refuse, type Where } from "./problems";

const COMPONENT = "MultiNetworkCluster";
const providers = new WeakMap<MultiNetworkCluster, Provider>();

interface Reached {
  id: pulumi.Input<string>;
  name: pulumi.Output<string>;
  location: pulumi.Output<string>;
  kubeconfig: pulumi.Output<string>;
}

/**
 * A cluster whose Pods can have persistent addresses (SEED-5, SEED-19, SEED-26).
 * @throws ArgumentError with every problem of the arguments, before anything is registered
 */
export class MultiNetworkCluster extends pulumi.ComponentResource {
  /** Name of the cluster. */
  public readonly clusterName: pulumi.Output<string>;
  /** Region or zone of the cluster. */
  public readonly location: pulumi.Output<string>;
  /** Kubeconfig with the gke-gcloud-auth-plugin; no secret in it. */
  public readonly kubeconfig: pulumi.Output<string>;

  constructor(name: string, args: MultiNetworkClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    refuse({ component: COMPONENT, name }, [...projectProblems(args.project), ...multiNetworkClusterProblems(name, args)]);
    const watched = { fixed: clusterFixed(name, args), ...keeping(args) };
    const { inputs, opts: options } = guard({ component: COMPONENT, name }, opts, watched);
    super(typeOf(COMPONENT), name, inputs, options);
    const reached = args.create ? createCluster(this, name, args, args.create) : adoptCluster(this, name, args, args.existing!);
    providers.set(this, providerFor(this, name, reached));
    this.clusterName = reached.name;
    this.location = reached.location;
    this.kubeconfig = reached.kubeconfig;
    this.registerOutputs({ clusterName: this.clusterName, location: this.location, kubeconfig: this.kubeconfig });
  }

  /** Kubernetes provider of the cluster, for further resources in the same program. TypeScript and JavaScript only. */
  public get provider(): pulumi.ProviderResource {
    return providers.get(this)!;
  }
}

/** clusterIdentifier is what keeps a cluster edit from showing as a replacement of every Kubernetes object (pulumi.md 3.1). */
function providerFor(parent: MultiNetworkCluster, name: string, reached: Reached): Provider {
  return new Provider(
    `${name}-kubernetes`,
    { kubeconfig: reached.kubeconfig, clusterIdentifier: reached.id, enableServerSideApply: true },
    { parent },
  );
}

type ClusterInputs = ConstructorParameters<typeof Cluster>[1];

/** Who reaches the control plane and how, and what the nodes show of themselves. */
function reach(c: NewClusterArgs): ClusterInputs {
  const authorized = Object.entries(c.authorizedNetworks ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const cidrBlocks = authorized.map(([displayName, cidrBlock]) => ({ displayName, cidrBlock }));
  return compact({
    privateClusterConfig: (c.privateNodes ?? true) ? { enablePrivateNodes: true } : undefined,
    controlPlaneEndpointsConfig: c.dnsEndpoint ? { dnsEndpointConfig: { allowExternalTraffic: true } } : undefined,
    masterAuthorizedNetworksConfig: cidrBlocks.length > 0 ? { cidrBlocks } : undefined,
  });
}

function clusterArgs(name: string, args: MultiNetworkClusterArgs, c: NewClusterArgs): ClusterInputs {
  const project = projectOf(args.project)!;
  return compact({
    ...reach(c),
    name: c.name ?? name,
    location: c.location ?? args.region,
    project,
    network: c.network,
    subnetwork: c.subnetwork,
    networkingMode: "VPC_NATIVE",
    ipAllocationPolicy: { clusterSecondaryRangeName: c.podRange, servicesSecondaryRangeName: c.serviceRange },
    datapathProvider: "ADVANCED_DATAPATH",
    enableMultiNetworking: true,
    gatewayApiConfig: { channel: "CHANNEL_STANDARD" },
    releaseChannel: { channel: c.releaseChannel ?? ReleaseChannel.Regular },
    workloadIdentityConfig: { workloadPool: pulumi.interpolate`${project}.svc.id.goog` },
    // The provider's own pair for "no default pool": pools are resources of their own, so that one can change without the other.
    removeDefaultNodePool: true,
    initialNodeCount: 1,
    deletionProtection: c.deletionProtection ?? guarded(args, "create").protect === true,
    fleet: c.fleetProject === undefined ? undefined : { project: c.fleetProject },
    resourceLabels: tidyLabels(args.labels),
  });
}

function createCluster(parent: MultiNetworkCluster, name: string, args: MultiNetworkClusterArgs, c: NewClusterArgs): Reached {
  const cluster = new Cluster(name, clusterArgs(name, args, c), {
    parent,
    ...guarded(args, "create"),
    ignoreChanges: ["initialNodeCount", "nodePools", "nodeVersion"],
    customTimeouts: { create: "45m", update: "90m", delete: "45m" },
  });
  nodePools({ parent, name, cluster, args, create: c });
  const kubeconfig = pulumi
    .all([cluster.name, cluster.endpoint, cluster.masterAuth, cluster.controlPlaneEndpointsConfig])
    .apply(([clusterName, endpoint, auth, endpoints]) => {
      const dns = c.dnsEndpoint ? endpoints?.dnsEndpointConfig?.endpoint : undefined;
      return dns
        ? kubeconfigFor({ name: clusterName, endpoint: dns })
        : kubeconfigFor({ name: clusterName, endpoint, ca: auth.clusterCaCertificate });
    });
  // masterAuth may be a secret as a whole, for the client key that it can hold; what is taken from it is none.
  return { id: cluster.id, name: cluster.name, location: cluster.location, kubeconfig: pulumi.unsecret(kubeconfig) };
}

function adoptCluster(parent: MultiNetworkCluster, name: string, args: MultiNetworkClusterArgs, c: ExistingClusterArgs): Reached {
  const where = { component: COMPONENT, name };
  const project = projectOf(args.project)!;
  const location = pulumi.output(checkedLater(where, c.location, (v) => locationProblems(v, args.region, "existing.location")));
  const id = pulumi.interpolate`projects/${project}/locations/${location}/clusters/${c.name}`;
  const kubeconfig =
    c.kubeconfig === undefined
      ? findCluster(parent, where, { project, location: c.location, name: c.name }).apply((found) =>
          kubeconfigFor({ name: found.name, endpoint: found.endpoint, ca: found.masterAuths[0]?.clusterCaCertificate }),
        )
      : pulumi.output(c.kubeconfig);
  return { id, name: pulumi.output(c.name), location, kubeconfig };
}

interface ClusterPlace {
  project: pulumi.Input<string>;
  location: pulumi.Input<string>;
  name: pulumi.Input<string>;
}

/** The cluster as Google has it. Ends the program where there is none, or one that cannot have persistent addresses. */
function findCluster(parent: MultiNetworkCluster, where: Where, place: ClusterPlace): pulumi.Output<GetClusterResult> {
  const accept = (found: GetClusterResult): Promise<GetClusterResult> => acceptLate(where, adoptedClusterProblems(found), found);
  const { project, location, name } = place;
  if (!isPlain(project) || !isPlain(location) || !isPlain(name)) return getClusterOutput(place, { parent }).apply(accept);
  const read = (): Promise<GetClusterResult> =>
    getCluster({ project, location, name }, { parent }).then(accept, (cause: unknown) =>
      acceptLate(where, [unreadableCluster(cause, name, location)], undefined as never),
    );
  return pulumi.output(apart(read));
}
