// SPDX-License-Identifier: Apache-2.0
// The network that carries a route's addresses: it exists, is of a type that can, and is Ready (SEED-6, SEED-13, E46, api.md 5.1).
import { isDefaultNetwork, specOf, type GKEIPRoute, type Network } from "../api";
import { refusal, type Refusal } from "./refusal";
import type { World } from "./world";

export interface RouteNetwork {
  /** Kubernetes Network name. */
  name: string;
  type: "L3" | "Device" | "Default";
  /** VPC network and subnet behind it; undefined for the primary one. */
  vpc?: string;
  subnet?: string;
}

function primary(world: World, name: string): RouteNetwork | Refusal {
  if (world.settings.defaultNetwork) return { name, type: "Default" };
  return refusal(
    "NetworkNotReady",
    `network ${JSON.stringify(name)} is the Pods' primary network, which carries persistent addresses only on GKE 1.31 or later; name a Network of type L3 or Device`,
  );
}

function unready(network: Network): Refusal | undefined {
  const { name } = network.metadata;
  const ready = network.status?.conditions?.find((c) => c.type === "Ready");
  if (ready?.status === "True") return undefined;
  const said = ready ? ` (${ready.reason}): ${ready.message}` : "";
  return refusal(
    "NetworkNotReady",
    `Network ${name} is not Ready${said}; kubectl describe network ${name} says what it waits for`,
  );
}

function placed(world: World, network: Network, type: "L3" | "Device"): RouteNetwork | Refusal {
  const { name } = network.metadata;
  const ref = network.spec.parametersRef;
  const params = ref ? world.paramSet(ref.name) : undefined;
  if (!params)
    return refusal(
      "NetworkNotReady",
      `Network ${name} has no GKENetworkParamSet ${ref?.name ?? "(spec.parametersRef is unset)"}, so its VPC is not known; create it`,
    );
  const { vpc, vpcSubnet } = params.spec ?? {};
  // Without this a network behind a network attachment would pass for the primary VPC, and its addresses for that one's.
  if (!vpc)
    return refusal(
      "NetworkNotReady",
      `GKENetworkParamSet ${params.metadata.name} of Network ${name} has no spec.vpc, so its VPC is not known; name vpc and vpcSubnet`,
    );
  return { name, type, vpc, ...(vpcSubnet ? { subnet: vpcSubnet } : {}) };
}

/** The network of a route, or why its addresses cannot be carried there. */
export function networkOf(world: World, route: GKEIPRoute): RouteNetwork | Refusal {
  const name = specOf(route).network;
  if (isDefaultNetwork(name)) return primary(world, name);
  const network = world.network(name);
  if (!network) return refusal("NetworkNotFound", `Network ${name} does not exist; create it, or correct spec.network`);
  // The schema of Network does not require spec.
  const type = (network.spec as Partial<Network["spec"]> | undefined)?.type;
  if (type !== "L3" && type !== "Device")
    return refusal(
      "NetworkNotReady",
      `Network ${name} is of type ${type ?? "(unset)"}; only L3 and Device networks carry persistent addresses`,
    );
  return unready(network) ?? placed(world, network, type);
}
