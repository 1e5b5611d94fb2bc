// SPDX-License-Identifier: Apache-2.0
// Inputs whose change replaces the resource, one line per type. A wrong line here makes a preview lie, so each names its source.
// Paths are those of the Pulumi inputs; a path covers everything below it. "*" alone means every input but those in `except`.

export interface ImmutableRule {
  paths: readonly string[];
  /** In-place exceptions of a type that is immutable as a whole. */
  except?: readonly string[];
}

// Switches of the provider itself: they never reach the cloud, so they never replace anything.
const LOCAL = ["deletionPolicy", "deletionProtection", "ignoreNodeCountChanges", "skipNodePoolRefresh"];

const CLUSTER =
  "name location project network subnetwork description nodePools initialNodeCount clusterIpv4Cidr ipAllocationPolicy networkingMode datapathProvider dataplaneOptimizationMode enableAutopilot enableKubernetesAlpha enableTpu confidentialNodes defaultMaxPodsPerNode";
const POOL =
  "name namePrefix cluster location project initialNodeCount maxPodsPerNode placementPolicy queuedProvisioning networkConfig.additionalNodeNetworkConfigs networkConfig.additionalPodNetworkConfigs networkConfig.createPodRange networkConfig.podRange networkConfig.podIpv4CidrBlock networkConfig.subnetwork networkConfig.acceleratorNetworkProfile networkConfig.podCidrOverprovisionConfig";
const FIREWALL = "name project network direction";

const some = (paths: string): ImmutableRule => ({ paths: paths.split(" ") });
const all = (except = ""): ImmutableRule => ({ paths: ["*"], except: [...LOCAL, ...except.split(" ").filter(Boolean)] });

const TABLE: Readonly<Record<string, ImmutableRule>> = {
  "gcp:container/cluster:Cluster": some(CLUSTER), // pulumi.md 4.1 (resource_container_cluster.go.tmpl)
  "gcp:container/nodePool:NodePool": some(POOL), // pulumi.md 4.2
  "gcp:compute/address:Address": all("labels"), // pulumi.md 4.3 and 1.2 (Address.yaml `immutable: true`)
  "gcp:compute/globalAddress:GlobalAddress": all("labels"), // same file family as Address
  "gcp:compute/publicAdvertisedPrefix:PublicAdvertisedPrefix": all(), // pulumi.md 4.3 and 1.2
  "gcp:compute/publicDelegatedPrefix:PublicDelegatedPrefix": all(), // pulumi.md 4.3 and 1.2
  "gcp:compute/forwardingRule:ForwardingRule": all("target labels allowGlobalAccess"), // pulumi.md 4.3
  "gcp:compute/targetInstance:TargetInstance": all("securityPolicy"), // pulumi.md 4.3 and 1.2
  "gcp:compute/subnetwork:Subnetwork": some("name project network region"), // pulumi.md 4.3 (ipCidrRange may only grow: see shrinks)
  "gcp:compute/network:Network": some("name project autoCreateSubnetworks description"), // pulumi.md 4.3, Network.yaml
  "gcp:compute/firewall:Firewall": some(FIREWALL), // Firewall.yaml `immutable`
  "gcp:compute/router:Router": some("name project region network"), // Router.yaml `immutable`
  "gcp:compute/routerNat:RouterNat": some("name project region router"), // RouterNat.yaml `immutable`
  "gcp:projects/iAMMember:IAMMember": all(), // pulumi.md 4.4: every field of an IAM member is ForceNew
  "gcp:serviceaccount/iAMMember:IAMMember": all(), // pulumi.md 4.4
  "gcp:projects/iAMCustomRole:IAMCustomRole": some("roleId project"), // pulumi.md 4.4
  "gcp:serviceaccount/account:Account": some("accountId project"), // pulumi.md 4.4
  "gcp:projects/service:Service": some("service project"), // resource_google_project_service.go ForceNew
  "gcp:gkehub/membership:Membership": some("membershipId location project endpoint"), // pulumi.md 4.4, Membership.yaml `immutable`
};

// Types without a line: what names a resource anywhere in Google Cloud.
const OTHERS = some("name project region zone location");

/** The rule of a type. */
export function immutableRule(type: string): ImmutableRule {
  return TABLE[type] ?? OTHERS;
}

/** Types that have a line of their own. */
export const tabled: readonly string[] = Object.keys(TABLE);

/** Of all inputs, those whose change replaces. */
export function immutableOf(type: string, inputs: Iterable<string>): string[] {
  const rule = immutableRule(type);
  if (!rule.paths.includes("*")) return [...rule.paths];
  return [...inputs].filter((name) => rule.except?.includes(name) !== true);
}
