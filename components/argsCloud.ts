// SPDX-License-Identifier: Apache-2.0
// Arguments of what lives in Google Cloud: cluster, Pod networks, addresses. Interfaces only, naming nothing but @pulumi/pulumi types.
import type * as pulumi from "@pulumi/pulumi";
import type { AddressScope, DeviceMode, NetworkMode, NetworkTier, OnDestroy, ReleaseChannel } from "./enums";

export interface ClusterArgs {
  /** Make a cluster. Exactly one of `create` and `existing`. */
  create?: NewClusterArgs;
  /** Use a cluster that is there. */
  existing?: ExistingClusterArgs;
}

export interface NewClusterArgs {
  /** Name of the cluster. Default: the component's name. At most 40 characters. */
  name?: string;
  /** The region, or one of its zones. Default: the region. */
  location?: string;
  /** VPC network of the nodes: name or self link. */
  network: pulumi.Input<string>;
  /** Subnet of the nodes: name or self link. */
  subnetwork: pulumi.Input<string>;
  /** Name of the subnet's secondary range for Pods. */
  podRange: string;
  /** Name of the subnet's secondary range for Services. */
  serviceRange: string;
  /** Default: REGULAR. */
  releaseChannel?: ReleaseChannel;
  /** GKE's own guard against deletion. Default: true while `onDestroy` is Protect. Must be off, and applied, before a destroy. */
  deletionProtection?: boolean;
  /** Reach the API server by its DNS name instead of its IP address. Default: false. */
  dnsEndpoint?: boolean;
  /** Nodes have no external addresses. Default: true. */
  privateNodes?: boolean;
  /** Ranges that may reach the API server's IP endpoint, by a name of your choice. Default: no restriction. */
  authorizedNetworks?: { [name: string]: string };
  /** Project of the fleet that the cluster joins. Default: none. */
  fleetProject?: pulumi.Input<string>;
  /** Node pools by name. Default: one, `main`, with one node a zone. */
  pools?: { [name: string]: PoolArgs };
}

export interface ExistingClusterArgs {
  /** Name of the cluster. */
  name: pulumi.Input<string>;
  /** Region or zone of the cluster. */
  location: pulumi.Input<string>;
  /** How to reach it. Default: read from Google Cloud, with the gke-gcloud-auth-plugin. */
  kubeconfig?: pulumi.Input<string>;
}

export interface PoolArgs {
  /** Default: e2-standard-4. */
  machineType?: string;
  /** Nodes in each zone, fixed. Default: 1. Not together with `max`. */
  nodes?: number;
  /** Fewest nodes in each zone, when autoscaling. Default: 1. */
  min?: number;
  /** Most nodes in each zone; turns autoscaling on. */
  max?: number;
  /** Zones of the pool. Default: those of the cluster. */
  zones?: string[];
  /** Which of the Pod networks its nodes are on. Default: all. A node pool cannot change this later. */
  networks?: string[];
}

/** A Pod network as a node pool needs it. */
export interface NodeNetworkArgs {
  /** Name of the VPC network. */
  network: pulumi.Input<string>;
  /** Name of the subnet. */
  subnetwork: pulumi.Input<string>;
  /** Name of the secondary range for Pods; L3 networks only. */
  podRange?: pulumi.Input<string>;
  /** Default: 32. */
  maxPodsPerNode?: number;
}

export interface MultiNetworkClusterArgs {
  /** Default: `gcp:project`. */
  project?: pulumi.Input<string>;
  /** Region of the addresses and the cluster (SEED-31). */
  region: string;
  /** Make a cluster. Exactly one of `create` and `existing`. */
  create?: NewClusterArgs;
  /** Use a cluster that is there. */
  existing?: ExistingClusterArgs;
  /** Pod networks by name, for the node pools. */
  networks?: { [name: string]: NodeNetworkArgs };
  /** Labels on the cluster. Values must not be empty. */
  labels?: { [key: string]: pulumi.Input<string> };
  /** Default: Protect. */
  onDestroy?: OnDestroy;
  /** Paths of what may be replaced or removed, such as `create.pools.main`; everything else refuses. Default: nothing. */
  unlocked?: string[];
}

export interface NetworkArgs {
  /** L3: many Pods a card, addresses from a secondary range. Device: the card belongs to one Pod. Default: L3. */
  mode?: NetworkMode;
  /** Range of the subnet to make, for example 10.1.0.0/20. */
  cidr?: string;
  /** Range for Pods on the subnet to make; L3 only, for example 10.128.0.0/16. */
  podCidr?: string;
  /** Name of a VPC network to use. */
  existingNetwork?: pulumi.Input<string>;
  /** Name of its subnet to use. */
  existingSubnetwork?: pulumi.Input<string>;
  /** Name of that subnet's secondary range to use; L3 only. */
  existingPodRange?: string;
  /** Pods on this network that one node can hold; L3 only. Default: 32. */
  maxPodsPerNode?: number;
  /** Device only. Default: NetDevice. */
  deviceMode?: DeviceMode;
  /** What may reach the Pods of this network from outside, by a name of your choice. Default: nothing. */
  ingress?: { [name: string]: IngressArgs };
  /** The Network object is in the cluster already; none is made. Default: false. */
  existingObject?: boolean;
}

export interface IngressArgs {
  /** Source ranges, such as 198.51.100.0/24. The whole Internet must be spelled out: 0.0.0.0/0. */
  sources: string[];
  /** tcp, udp, icmp, esp, ah, sctp, ipip or a protocol number. */
  protocol: string;
  /** Ports or ranges, such as "443" or "5060-5080"; needed for tcp, udp and sctp. */
  ports?: string[];
  /** Destination ranges. Default: every address of the network. */
  destinations?: pulumi.Input<string>[];
}

export interface PodNetworksArgs {
  /** Project of the networks. Default: `gcp:project`. */
  project?: pulumi.Input<string>;
  /** Region of the subnets; that of the cluster. */
  region: string;
  /** By the name of the Network object, such as `blue-network`. */
  networks: { [name: string]: NetworkArgs };
  /** Networks whose subnets hold reserved addresses: with `onDestroy` Retain they stay as well. Default: all. */
  holding?: string[];
  /** Make the Network and GKENetworkParamSet objects with the Kubernetes provider of the options. Default: true. */
  kubernetesObjects?: boolean;
  /** Default: Protect. */
  onDestroy?: OnDestroy;
  /** Paths of what may be replaced or removed, such as `networks.blue`; everything else refuses. Default: nothing. */
  unlocked?: string[];
}

export interface AddressArgs {
  /** Default: Internal where a network or subnetwork is named, else External. */
  scope?: AddressScope;
  /** Name of the reserved address in Google Cloud. Default: the component's name and the key, or the former one. */
  name?: string;
  /** So many of a kind: KEY-0, KEY-1, … each an address of its own; see `statefulSet` of a route. Default: one, named KEY. */
  count?: number;
  /** Name that this address had in the program before, when it is renamed there; its reservation stays as it is. */
  formerly?: string;
  /** Ask for this very address. Default: Google chooses. */
  address?: pulumi.Input<string>;
  /** Internal: the Pod network whose subnet the address is in. */
  network?: string;
  /** Internal: the subnet (name or self link) that the address is in, where it is not that of a Pod network. */
  subnetwork?: pulumi.Input<string>;
  /** Internal: may sit on several forwarding rules (purpose SHARED_LOADBALANCER_VIP). Default: false. */
  shared?: boolean;
  /** External only. Default: the project's. */
  tier?: NetworkTier;
  /** Bring your own: URL of the public delegated prefix to take the address from (SEED-38). */
  fromPrefix?: pulumi.Input<string>;
  /** Use the reserved address of this name. It is read and never changed. */
  existing?: pulumi.Input<string>;
  /** Use this address as it is, without a reservation in this program. */
  literal?: pulumi.Input<string>;
}

/** A subnet that internal addresses can be taken from. */
export interface AddressNetworkArgs {
  /** Name or self link of the subnet. */
  subnetwork: pulumi.Input<string>;
  /** Its range, where known: fixed addresses are checked against it. */
  cidr?: string;
}

export interface AddressSetArgs {
  /** Default: `gcp:project`. */
  project?: pulumi.Input<string>;
  /** Project of the subnets. Default: the project. */
  networkProject?: pulumi.Input<string>;
  /** The cluster's region (SEED-20, SEED-30). */
  region: string;
  /** By a name of your choice; adding one never touches another. */
  addresses: { [name: string]: AddressArgs };
  /** Subnets for internal addresses, by the names that `addresses` use. */
  networks?: { [name: string]: AddressNetworkArgs };
  /** Labels on the addresses. Values must not be empty. */
  labels?: { [key: string]: pulumi.Input<string> };
  /** Default: Protect. */
  onDestroy?: OnDestroy;
  /** Paths of what may be replaced or removed, such as `addresses.web`; everything else refuses. Default: nothing. */
  unlocked?: string[];
}
