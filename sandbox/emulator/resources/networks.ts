// SPDX-License-Identifier: Apache-2.0
// VPC networks, custom mode or automatic (one subnetwork per region, in Google's own ranges).
import { copied, type Identity, oneOf } from "../checks";
import { deleteRow, existing, getRow, insertRow, listRow, row, updateRow } from "../crud";
import type { Call, Env, Row } from "../env";
import { inUse, invalid } from "../errors";
import { timestamp } from "../ids";
import { formatIp } from "../ipv4";
import { pathOf, selfLink } from "../links";
import type { JsonObject, Network, Subnetwork } from "../types";
import { completed } from "./subnetworks";

/** First addresses of Google's ranges for automatic subnetworks, all /20; other regions follow from 10.200.0.0. */
const AUTO_RANGES: Record<string, string> = {
  "us-central1": "10.128.0.0",
  "europe-west1": "10.132.0.0",
  "us-east1": "10.142.0.0",
};

export const NETWORK_ROWS: readonly Row[] = [
  getRow("networks"),
  listRow("networks"),
  insertRow("networks", build, addAutomatic),
  deleteRow("networks", refuseInUse, deleteAutomatic),
  updateRow("networks", { name: "patch", verb: "PATCH", type: "patch" }, patched),
  updateRow(
    "networks",
    { name: "switchToCustomMode", verb: "POST", type: "switchToCustomMode", suffix: "/switchToCustomMode" },
    (_call, n) => ({
      ...n,
      autoCreateSubnetworks: false,
    }),
  ),
  row("networks", "GET getEffectiveFirewalls", "/{network}/getEffectiveFirewalls", (call) => {
    const firewalls = call.env.store.of("firewalls").by("network", pathOf(existing(call, "networks").selfLink));
    return { firewalls };
  }),
];

function build(call: Call, identity: Identity): Network {
  const { body } = call;
  if (body.IPv4Range !== undefined) throw invalid("resource.IPv4Range", body.IPv4Range, "Legacy networks cannot be made.");
  const mtu = body.mtu === undefined ? 1460 : Number(body.mtu);
  if (!(mtu >= 1300 && mtu <= 8896)) throw invalid("resource.mtu", body.mtu, "It must be between 1300 and 8896.");
  return {
    ...identity,
    ...copied(body, ["description"]),
    autoCreateSubnetworks: body.autoCreateSubnetworks !== false,
    mtu,
    selfLinkWithId: selfLink(`projects/${call.env.project}/global/networks/${identity.id}`),
    routingConfig: routing(body.routingConfig),
    networkFirewallPolicyEnforcementOrder: oneOf(
      "resource.networkFirewallPolicyEnforcementOrder",
      body.networkFirewallPolicyEnforcementOrder,
      ["AFTER_CLASSIC_FIREWALL", "BEFORE_CLASSIC_FIREWALL"],
      "AFTER_CLASSIC_FIREWALL",
    ),
  };
}

function routing(value: unknown): JsonObject {
  const config = (value ?? {}) as JsonObject;
  return {
    ...config,
    routingMode: oneOf("resource.routingConfig.routingMode", config.routingMode, ["REGIONAL", "GLOBAL"], "REGIONAL"),
  };
}

/** Makes the subnetworks of an automatic network, as Google does right after the network. */
export function addAutomatic(env: Env, network: Network): void {
  if (!network.autoCreateSubnetworks) return;
  [...env.places.keys()].forEach((region, index) => {
    const base = AUTO_RANGES[region] ?? formatIp(0x0ac80000 + index * 0x40000);
    const subnetwork: Subnetwork = completed({
      kind: "compute#subnetwork",
      id: env.ids.numeric(),
      name: network.name,
      creationTimestamp: timestamp(env.now()),
      selfLink: selfLink(`projects/${env.project}/regions/${region}/subnetworks/${network.name}`),
      region: selfLink(`projects/${env.project}/regions/${region}`),
      network: network.selfLink,
      ipCidrRange: `${base}/20`,
    });
    env.store.of("subnetworks").put(subnetwork);
  });
}

function automatic(env: Env, network: Network): Subnetwork[] {
  return network.autoCreateSubnetworks ? env.store.of("subnetworks").by("network", pathOf(network.selfLink)) : [];
}

function refuseInUse(env: Env, network: Network): void {
  const path = pathOf(network.selfLink);
  const { store } = env;
  const own = automatic(env, network).map((s) => s.selfLink);
  const users = [
    ...store.of("instances").by("network", path),
    ...store
      .of("subnetworks")
      .by("network", path)
      .filter((s) => !own.includes(s.selfLink)),
    ...own.flatMap((url) => [
      ...store.of("addresses").by("subnetwork", pathOf(url)),
      ...store.of("forwardingRules").by("subnetwork", pathOf(url)),
    ]),
    ...store.of("firewalls").by("network", path),
    ...store.of("networkEndpointGroups").by("network", path),
  ];
  if (users[0]) throw inUse("network", path, pathOf(users[0].selfLink));
}

function deleteAutomatic(env: Env, path: string): void {
  for (const subnetwork of env.store.of("subnetworks").by("network", path))
    env.store.of("subnetworks").delete(pathOf(subnetwork.selfLink));
}

function patched(call: Call, network: Network): Network {
  const { routingConfig, ...rest } = copied(call.body, ["mtu", "routingConfig", "networkFirewallPolicyEnforcementOrder"]);
  return { ...network, ...rest, ...(routingConfig === undefined ? {} : { routingConfig: routing(routingConfig) }) };
}

/** The network every new project has. */
export function addDefaultNetwork(env: Env): void {
  const network = env.store.of("networks").put({
    kind: "compute#network",
    id: env.ids.numeric(),
    name: "default",
    description: "Default network for the project",
    creationTimestamp: timestamp(env.now()),
    selfLink: selfLink(`projects/${env.project}/global/networks/default`),
    autoCreateSubnetworks: true,
    mtu: 1460,
    routingConfig: { routingMode: "REGIONAL" },
    networkFirewallPolicyEnforcementOrder: "AFTER_CLASSIC_FIREWALL",
  });
  addAutomatic(env, network);
}
