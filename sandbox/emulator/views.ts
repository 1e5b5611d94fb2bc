// SPDX-License-Identifier: Apache-2.0
// How a stored resource is shown: fields that follow from other resources are derived here and stored nowhere.
import type { Env } from "./env";
import { pathOf } from "./links";
import { ipKey } from "./store";
import type { Address, Families, Kind, Network, Resource } from "./types";

/** Families that are shown otherwise than stored. */
const VIEWS: { [K in Kind]?: (env: Env, resource: Families[K]) => Resource } = {
  addresses: addressView,
  networks: networkView,
  networkEndpointGroups: (_env, { endpoints: _endpoints, ...shown }) => shown,
};

export function view<K extends Kind>(env: Env, kind: K, resource: Families[K]): Families[K] {
  return (VIEWS[kind]?.(env, resource) ?? resource) as Families[K];
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
