// SPDX-License-Identifier: Apache-2.0
// Additional networks of Pods: VPC network, subnet and range (made or adopted), a firewall that is closed unless opened, and the Network objects.
import * as pulumi from "@pulumi/pulumi";
import { Firewall } from "@pulumi/gcp/compute/firewall";
import { Network } from "@pulumi/gcp/compute/network";
import { Subnetwork } from "@pulumi/gcp/compute/subnetwork";
import { checkSubnets } from "./adoptedSubnets";
import type { IngressArgs, NetworkArgs, PodNetworksArgs } from "./argsCloud";
import { at } from "./checks";
import { onlyNamed, podNetworksProblems } from "./checksNetworks";
import { addressOptions, compact, guarded, inherited, projectOf, projectProblems, typeOf } from "./common";
import { NetworkMode } from "./enums";
import { networksFixed, keeping } from "./fixedFacts";
import { guard } from "./guard";
import { explained } from "./kept";
import { registerNetworkObjects } from "./networkObjects";
import { keepNetworkObjects, type NetworkObject } from "./networkSide";
import { refuse } from "./problems";

const COMPONENT = "PodNetworks";
/** Name of the secondary range of a subnet that is made here; ranges are named within their subnet. */
const POD_RANGE = "pods";

/**
 * Networks that carry persistent addresses (SEED-13, SEED-52, SEED-53).
 * @throws ArgumentError with every problem of the arguments, before anything is registered
 */
export class PodNetworks extends pulumi.ComponentResource {
  /** Names of the VPC networks, by the names of the Network objects. */
  public readonly networks: { [name: string]: pulumi.Output<string> };
  /** Names of the subnets. */
  public readonly subnetworks: { [name: string]: pulumi.Output<string> };
  /** Names of the secondary ranges for Pods; L3 networks only. */
  public readonly podRanges: { [name: string]: pulumi.Output<string> };

  constructor(name: string, args: PodNetworksArgs, opts?: pulumi.ComponentResourceOptions) {
    refuse({ component: COMPONENT, name }, [...projectProblems(args.project), ...podNetworksProblems(name, args)]);
    const watched = { fixed: networksFixed(args.networks), ...keeping(args) };
    const { inputs, opts: options } = guard({ component: COMPONENT, name }, opts, watched);
    super(typeOf(COMPONENT), name, inputs, options);
    const after = checkSubnets(this, { component: COMPONENT, name }, args, opts?.parent);
    const made = Object.entries(args.networks)
      .filter(([, n]) => !onlyNamed(n))
      .map(([key, network]) => vpcSide(this, name, args, { key, network, after }));
    keepNetworkObjects(this, made);
    const table = (value: (n: NetworkObject) => pulumi.Input<string> | undefined): { [name: string]: pulumi.Output<string> } =>
      Object.fromEntries(made.flatMap((n) => ((v) => (v === undefined ? [] : [[n.key, pulumi.output(v)]]))(value(n))));
    this.networks = table((n) => n.vpc);
    this.subnetworks = table((n) => n.subnetwork);
    this.podRanges = table((n) => n.podRange);
    if (args.kubernetesObjects ?? true)
      registerNetworkObjects(name, made, { parent: this, dependsOn: [...inherited(opts), ...after] });
    this.registerOutputs({ networks: this.networks, subnetworks: this.subnetworks, podRanges: this.podRanges });
  }
}

interface Entry {
  key: string;
  network: NetworkArgs;
  /** What has to be judged first. */
  after: pulumi.Input<pulumi.Resource>[];
}

function vpcSide(parent: PodNetworks, name: string, args: PodNetworksArgs, { key, network, after }: Entry): NetworkObject {
  const device = network.mode === NetworkMode.Device;
  const side =
    network.existingNetwork === undefined
      ? createVpc(parent, `${name}-${key}`, args, { key, network, after })
      : { vpc: network.existingNetwork, subnetwork: network.existingSubnetwork! };
  for (const [rule, ingress] of Object.entries(network.ingress ?? {}))
    firewall(parent, `${name}-${key}-${rule}`, args, { vpc: side.vpc, ingress, after });
  const podRange = device ? undefined : (network.existingPodRange ?? POD_RANGE);
  return compact({ key, args: network, ...side, podRange });
}

/** A reserved address cannot do without its subnet: Google refuses to delete one that is in use. */
function options(parent: PodNetworks, key: string, args: PodNetworksArgs): pulumi.CustomResourceOptions {
  const holds = args.holding === undefined || args.holding.includes(key);
  return { parent, ...(holds ? addressOptions : guarded)(args, at("networks", key)) };
}

const whereTaken = (key: string, physical: string): pulumi.ResourceOptions => {
  const remedy = `adopt it with existingNetwork: "${physical}", existingSubnetwork: "${physical}" and existingPodRange: "${POD_RANGE}", or delete it`;
  return explained({ path: at("networks", key), name: physical }, remedy);
};

function createVpc(parent: PodNetworks, physical: string, args: PodNetworksArgs, { key, network: n, after }: Entry) {
  const project = projectOf(args.project);
  const vpc = new Network(physical, compact({ name: physical, project, autoCreateSubnetworks: false }), {
    ...options(parent, key, args),
    ...whereTaken(key, physical),
    dependsOn: after,
  });
  const subnet = new Subnetwork(
    physical,
    compact({
      name: physical,
      project,
      region: args.region,
      network: vpc.name,
      ipCidrRange: n.cidr!,
      secondaryIpRanges: n.podCidr === undefined ? undefined : [{ rangeName: POD_RANGE, ipCidrRange: n.podCidr }],
      privateIpGoogleAccess: true,
    }),
    options(parent, key, args),
  );
  return { vpc: vpc.name, subnetwork: subnet.name };
}

/** VPC networks let nothing in by themselves, so an address without a rule is silent (DESIGN 5): each rule is spelled out by the user. */
function firewall(
  parent: PodNetworks,
  physical: string,
  args: PodNetworksArgs,
  { vpc, ingress, after }: { vpc: pulumi.Input<string>; ingress: IngressArgs; after: Entry["after"] },
): void {
  new Firewall(
    physical,
    compact({
      name: physical,
      project: projectOf(args.project),
      network: vpc,
      direction: "INGRESS",
      sourceRanges: [...ingress.sources].sort(),
      destinationRanges: ingress.destinations,
      allows: [compact({ protocol: ingress.protocol, ports: ingress.ports })],
    }),
    { parent, dependsOn: after },
  );
}
