// SPDX-License-Identifier: Apache-2.0
// How a stored resource is shown: fields that follow from other resources are derived here and stored nowhere.
import type { Env } from "./env";
import { pathOf } from "./links";
import { ipKey } from "./store";
import type { Address, EndpointGroup, Kind, Network, Resource } from "./types";

export function view(env: Env, kind: Kind, resource: Resource): Resource {
  switch (kind) {
    case "addresses":
      return addressView(env, resource as Address);
    case "networks":
      return networkView(env, resource as Network);
    case "networkEndpointGroups": {
      const { endpoints: _endpoints, ...shown } = resource as EndpointGroup;
      return shown;
    }
    case "forwardingRules":
    case "targetInstances":
    case "instances":
    case "subnetworks":
    case "firewalls":
    case "publicDelegatedPrefixes":
    case "publicAdvertisedPrefixes":
    case "backendServices":
    case "healthChecks":
      return resource;
  }
}

/** Self links of the rules and VMs that use an address. */
export function addressUsers(env: Env, address: Address): string[] {
  const key = ipKey(address.address, address.addressType === "INTERNAL" ? address.network : undefined);
  const region = address.region;
  const rules = env.store.of("forwardingRules").by("ip", key);
  const vms = env.store.of("instances").by("ip", key);
  return [...rules.filter((rule) => rule.region === region), ...vms].map((user) => user.selfLink);
}

function addressView(env: Env, address: Address): Resource {
  const users = addressUsers(env, address);
  // The network of an internal address is kept for look-ups only; Compute shows the subnetwork.
  const { network: _network, ...shown } = address;
  return { ...shown, status: users.length > 0 ? "IN_USE" : "RESERVED", ...(users.length > 0 ? { users } : {}) };
}

function networkView(env: Env, network: Network): Resource {
  const subnetworks = env.store.of("subnetworks").by("network", pathOf(network.selfLink));
  return { ...network, ...(subnetworks.length > 0 ? { subnetworks: subnetworks.map((subnetwork) => subnetwork.selfLink) } : {}) };
}
