// SPDX-License-Identifier: Apache-2.0
// Arguments of what lives in Kubernetes: Gateways, routes, the controller, and the component that holds all. Interfaces only.
import type * as pulumi from "@pulumi/pulumi";
import type { AddressArgs, ClusterArgs, NetworkArgs } from "./argsCloud";
import type * as e from "./enums";

export interface LabelSelectorArgs {
  /** Labels that must be there with these values. */
  matchLabels?: { [key: string]: string };
  /** Further conditions; all must hold. */
  matchExpressions?: LabelExpressionArgs[];
}

export interface LabelExpressionArgs {
  /** The label's key. */
  key: string;
  /** In and NotIn take values, Exists and DoesNotExist take none. */
  operator: e.LabelOperator;
  /** Values for In and NotIn. */
  values?: string[];
}

export interface ListenerArgs {
  /** Whose routes may attach. Default: Same. */
  from?: e.NamespacesFrom;
  /** Labels of the namespaces, when `from` is Selector. */
  selector?: LabelSelectorArgs;
  /** Only tells listeners apart; means nothing for traffic. Default: 443, 444, … */
  port?: number;
}

export interface StabilityArgs {
  /** Keep the holder as long as it can be selected, whatever else could be. Default: false. */
  sticky?: boolean;
  /** No planned move within so many seconds of the last one. Default: 0. */
  minDwellSeconds?: number;
  /** Planned moves wait while so many lie within so many seconds: MOVES/SECONDS, such as 3/600. Default: no budget. */
  moveBudget?: string;
  /** Weights, from 1 to 100, of labels written key=value; the Pod of most weight is preferred. Default: none. */
  preferredPods?: { [label: string]: number };
  /** A Pod of more weight takes the address back from a holder that is well. Default: false. */
  reclaim?: boolean;
  /** Prefer Pods on nodes that are not cordoned, and move before a drain evicts. Default: false. */
  avoidCordoned?: boolean;
  /** Hold still while many nodes are lost at once. Default: true. */
  nodeLossHold?: boolean;
  /** Prepare so many nodes, 0 to 4, with the next best Pods ahead; needs datapath Linux. Default: 0. */
  hotStandby?: number;
}

export interface GatewayArgs {
  /** Default: that of its addresses. Needed where `addresses` is left out. */
  scope?: e.AddressScope;
  /** Names of the addresses that it offers. Default: all of its scope that no other Gateway lists. */
  addresses?: string[];
  /** Name of the Gateway object. Default: the component's name and the key. */
  name?: string;
  /** Default: `default`. */
  namespace?: string;
  /** Listeners by name. Default: the namespaces of the routes in this program, and no others. */
  listeners?: { [name: string]: ListenerArgs };
  /** GatewayClass. Default: ours, or Google's where the controller is GkeManaged or Observe. */
  className?: string;
  /** When addresses stay where they are. Default: as GKE moves them. */
  stability?: StabilityArgs;
}

export interface PodIpGatewayArgs {
  /** External or internal addresses; a Gateway holds one sort. */
  scope: e.AddressScope;
  /** The addresses, by a name of your choice. More than 16 are split over several Gateways. */
  addresses: { [name: string]: pulumi.Input<string> };
  /** Sets of addresses that a route uses together, and that a split must not part. */
  together?: string[][];
  /** Name of the (first) Gateway object. Default: the component's name. */
  gatewayName?: string;
  /** Default: `default`. */
  namespace?: string;
  /** Listeners by name. Default: one for the Gateway's own namespace. */
  listeners?: { [name: string]: ListenerArgs };
  /** Who acts on it: decides the class. Default: Bundled. */
  controller?: e.ControllerKind;
  /** GatewayClass, where neither default fits. */
  className?: string;
  /** When addresses stay where they are. Default: as GKE moves them. */
  stability?: StabilityArgs;
  /** Class, name and namespace may be changed, which makes the Gateway anew. Default: false. */
  unlocked?: boolean;
}

export interface GatewayRefArgs {
  /** Name of the Gateway. */
  name: string;
  /** Default: the route's. */
  namespace?: string;
}

export interface StatefulSetArgs {
  /** Name of the StatefulSet, in the route's namespace. */
  name: string;
  /** First ordinal. Default: 0. */
  start?: number;
}

export interface RouteArgs {
  /** Names of the addresses; the name of counted ones stands for all of them. */
  addresses: string[];
  /** Labels of the Pods, in the route's namespace, of which one holds the addresses. Exactly one of this and `statefulSet`. */
  podSelector?: LabelSelectorArgs;
  /** An address a replica: the first address goes to the first Pod of this StatefulSet, and so on, each by a route KEY-ORDINAL (SEED-68). */
  statefulSet?: StatefulSetArgs;
  /** Default: `default`. */
  namespace?: string;
  /** Name of the Pod network. Default: the only one there is. Cannot be changed (SEED-65). */
  network?: string;
  /** Default: ReadyCondition. Cannot be changed (SEED-64). */
  reactionMode?: e.ReactionMode;
  /** Name of the GKEIPRoute object. Default: the component's name and the key. */
  name?: string;
  /** Internal addresses: clients of other regions may reach them. */
  allowGlobalAccess?: boolean;
  /** Wait until the route is accepted. Default: true. */
  waitForAccepted?: boolean;
  /** When addresses stay where they are. Default: that of the Gateway. */
  stability?: StabilityArgs;
}

export interface PodIpRouteArgs {
  /** The Gateway that offers the addresses. Cannot be changed (SEED-56). */
  gateway: GatewayRefArgs;
  /** The addresses, alone or with /32. */
  addresses: pulumi.Input<string>[];
  /** Labels of the Pods, in the route's namespace, of which one holds the addresses. */
  podSelector: LabelSelectorArgs;
  /** Default: `default`. */
  namespace?: string;
  /** Name of the Pod network. Default: the Pods' primary network. Cannot be changed (SEED-65). */
  network?: string;
  /** Default: ReadyCondition. Cannot be changed (SEED-64). */
  reactionMode?: e.ReactionMode;
  /** Name of the GKEIPRoute object. Default: the component's name. */
  routeName?: string;
  /** Internal addresses: clients of other regions may reach them. */
  allowGlobalAccess?: boolean;
  /** Wait until the route is accepted. Default: true. */
  waitForAccepted?: boolean;
  /** When addresses stay where they are. Default: that of the Gateway. */
  stability?: StabilityArgs;
  /** What cannot be changed in place may be changed, which makes the route anew. Default: false. */
  unlocked?: boolean;
}

export interface IdentityArgs {
  /** ServiceAccount: one is made and bound. Direct: the Kubernetes account itself. Existing: yours. None: that of the node. Default: ServiceAccount. */
  kind?: e.IdentityKind;
  /** Existing: e-mail of the Google service account. Its roles are yours to give. */
  serviceAccount?: pulumi.Input<string>;
  /** Direct: number of the project. */
  projectNumber?: pulumi.Input<string>;
  /** Id of the custom role. Default: made from the component's name. A deleted id cannot be used again for weeks. */
  roleId?: string;
}

export interface ControllerResourcesArgs {
  /** CPU request. Default: 100m. */
  cpu?: string;
  /** Memory request. Default: 128Mi. */
  memory?: string;
  /** Memory limit; three quarters of it are the program's heap. Default: 256Mi. */
  memoryLimit?: string;
}

export interface NodeAgentArgs {
  /** An image with Node.js 20 or later, iproute2 5 or later, and nft. */
  image: string;
  /** NIC of the nodes by network, where the nodes do not carry GKE's annotation (north-interfaces). */
  networks?: { [network: string]: string };
}

export interface ControllerArgs {
  /** Default: Bundled. */
  kind?: e.ControllerKind;
  /** An image with Node.js 20 or later; the program itself comes from this package. Default: docker.io/library/node:24-slim. */
  image?: string;
  /** One leads, the others stand by. Default: 2. */
  replicas?: number;
  /** Namespace of the controller. Default: persistent-ip-system. */
  namespace?: string;
  /** Requests and limits. */
  resources?: ControllerResourcesArgs;
  /** Who the controller is in Google Cloud. */
  identity?: IdentityArgs;
  /** Default: FromGke. */
  crds?: e.CrdSource;
  /** Default: Never. */
  gkeClasses?: e.GkeClasses;
  /** Default: DataplaneV2. */
  datapath?: e.Datapath;
  /** The node agent; needed with datapath Linux, and only there. */
  nodeAgent?: NodeAgentArgs;
  /** Base URL of the Compute API. Default: Google's. */
  computeEndpoint?: pulumi.Input<string>;
  /** Default: info. */
  logLevel?: e.LogLevel;
  /** Routes that are worked on at once. Default: the controller's own. */
  workers?: number;
  /** Default: system-cluster-critical. Empty: none. */
  priorityClass?: string;
  /** GkeManaged: wait, by a Job in the cluster, until GKE serves the kinds that are needed. Default: true; an adopted cluster has them. */
  waitForCrds?: boolean;
  /** Path of another controller bundle (controller.js.br). Default: that of this package. */
  bundlePath?: string;
}

export interface PodIpControllerArgs extends ControllerArgs {
  /** Project of the addresses and the cluster. Default: `gcp:project`. */
  project?: pulumi.Input<string>;
  /** Project of the networks, with Shared VPC. Default: the project. */
  networkProject?: pulumi.Input<string>;
  /** Region of the addresses. */
  region: string;
  /** Name of the cluster. */
  clusterName: pulumi.Input<string>;
  /** Region or zone of the cluster. */
  clusterLocation: pulumi.Input<string>;
  /** Default: Protect. */
  onDestroy?: e.OnDestroy;
}

export interface NamespaceArgs {
  /** Labels of the namespace. */
  labels?: { [key: string]: string };
}

export interface PersistentPodIpsArgs {
  /** Project of the addresses and the cluster. Default: `gcp:project`. */
  project?: pulumi.Input<string>;
  /** Project of the networks, with Shared VPC. Default: the project. */
  networkProject?: pulumi.Input<string>;
  /** Region of the addresses and the cluster (SEED-31). */
  region: string;
  /** The cluster: made, or adopted. */
  cluster: ClusterArgs;
  /** Pod networks by the name of the Network object. */
  networks?: { [name: string]: NetworkArgs };
  /** Addresses by a name of your choice. */
  addresses: { [name: string]: AddressArgs };
  /** Gateways by a name of your choice. Default: one for each scope that is used. */
  gateways?: { [name: string]: GatewayArgs };
  /** Routes by a name of your choice. */
  routes?: { [name: string]: RouteArgs };
  /** Namespaces to make for the routes and their Pods. */
  namespaces?: { [name: string]: NamespaceArgs };
  /** Who moves the addresses. */
  controller?: ControllerArgs;
  /** Labels on the cluster and the addresses. Values must not be empty. */
  labels?: { [key: string]: pulumi.Input<string> };
  /** What a destroy may take away. Default: Protect. */
  onDestroy?: e.OnDestroy;
  /** Paths of what may be replaced or removed, such as `addresses.web` or `routes.proxy`; everything else refuses. Default: nothing. */
  unlocked?: string[];
}
