// SPDX-License-Identifier: Apache-2.0
// What the controller may do in Google Cloud, method by method. The component builds its custom role from this list, so it can neither
// lack a permission nor carry an unused one: controller/compute/permissions.test.ts compares it with the methods that the room calls.

export interface MethodPermissions {
  /** Method of the Compute v1 client. */
  method: string;
  permissions: readonly string[];
  /** The object lies in the Shared VPC host project, where there is one: these are needed there as well. */
  host?: readonly string[];
}

/** Permissions by method (api.md 4.9; the ones for `insert` follow Google's "use" pattern and are unverified against a live project). */
export const PERMISSIONS_BY_METHOD: readonly MethodPermissions[] = [
  { method: "addresses.list", permissions: ["compute.addresses.list"], host: ["compute.addresses.list"] },
  { method: "addresses.aggregatedList", permissions: ["compute.addresses.list"], host: ["compute.addresses.list"] },
  { method: "firewalls.list", permissions: ["compute.firewalls.list"], host: ["compute.firewalls.list"] },
  { method: "forwardingRules.delete", permissions: ["compute.forwardingRules.delete"] },
  { method: "forwardingRules.get", permissions: ["compute.forwardingRules.get"] },
  {
    method: "forwardingRules.insert",
    permissions: [
      "compute.forwardingRules.create",
      "compute.forwardingRules.setLabels",
      "compute.targetInstances.use",
      "compute.addresses.use",
      "compute.addresses.useInternal",
      "compute.networks.use",
      "compute.subnetworks.use",
    ],
    host: ["compute.addresses.useInternal", "compute.networks.use", "compute.subnetworks.use"],
  },
  { method: "forwardingRules.list", permissions: ["compute.forwardingRules.list"] },
  { method: "forwardingRules.patch", permissions: ["compute.forwardingRules.update"] },
  { method: "forwardingRules.setLabels", permissions: ["compute.forwardingRules.setLabels"] },
  {
    method: "forwardingRules.setTarget",
    permissions: ["compute.forwardingRules.setTarget", "compute.targetInstances.use"],
  },
  { method: "instances.get", permissions: ["compute.instances.get"] },
  { method: "publicDelegatedPrefixes.list", permissions: ["compute.publicDelegatedPrefixes.list"] },
  { method: "regionOperations.list", permissions: ["compute.regionOperations.list"] },
  { method: "regionOperations.wait", permissions: ["compute.regionOperations.get"] },
  { method: "regions.get", permissions: ["compute.regions.get"] },
  { method: "subnetworks.get", permissions: ["compute.subnetworks.get"], host: ["compute.subnetworks.get"] },
  { method: "targetInstances.delete", permissions: ["compute.targetInstances.delete"] },
  { method: "targetInstances.get", permissions: ["compute.targetInstances.get"] },
  {
    method: "targetInstances.insert",
    permissions: ["compute.targetInstances.create", "compute.instances.use", "compute.networks.use"],
    host: ["compute.networks.use"],
  },
  { method: "targetInstances.list", permissions: ["compute.targetInstances.list"] },
  { method: "zoneOperations.wait", permissions: ["compute.zoneOperations.get"] },
];

const sorted = (permissions: readonly string[]): readonly string[] => [...new Set(permissions)].sort();

/** Permissions in the project of the cluster and its addresses; sorted, each once. No permission to delete or change an address is among them. */
export const REQUIRED_PERMISSIONS: readonly string[] = sorted(PERMISSIONS_BY_METHOD.flatMap((each) => each.permissions));

/** Permissions in the Shared VPC host project, where the networks lie in another project (E68). */
export const HOST_PROJECT_PERMISSIONS: readonly string[] = sorted(PERMISSIONS_BY_METHOD.flatMap((each) => each.host ?? []));
