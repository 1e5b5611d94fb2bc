// SPDX-License-Identifier: Apache-2.0
// The Kubernetes side of Pod networks: one GKENetworkParamSet and one Network each. Neither can be edited in place (api.md 5.4).
import type * as pulumi from "@pulumi/pulumi";
import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource";
import { apiVersionOf, GKE_NETWORKING_GROUP, KINDS, type GKENetworkParamSet, type Network } from "../controller/api";
import { DeviceMode, NetworkMode } from "./enums";
import type { NetworkObject } from "./networkSide";

type ParamSpec = { [F in keyof GKENetworkParamSet["spec"]]: pulumi.Input<unknown> };
function paramSpec(n: NetworkObject): ParamSpec {
  const base = { vpc: n.vpc, vpcSubnet: n.subnetwork };
  return n.args.mode === NetworkMode.Device
    ? { ...base, deviceMode: n.args.deviceMode ?? DeviceMode.NetDevice }
    : { ...base, podIPv4Ranges: { rangeNames: [n.podRange!] } };
}

/** Registers the objects; those marked `existingObject` are left alone. */
export function registerNetworkObjects(
  name: string,
  networks: readonly NetworkObject[],
  opts: { parent: pulumi.Resource; provider?: pulumi.ProviderResource; dependsOn: pulumi.Input<pulumi.Resource>[] },
): CustomResource[] {
  return networks
    .filter((n) => n.args.existingObject !== true)
    .flatMap((n) => {
      const options = { ...opts, replaceOnChanges: ["spec"], deleteBeforeReplace: true };
      const params = new CustomResource(
        `${name}-${n.key}-params`,
        {
          apiVersion: apiVersionOf(KINDS.paramSet),
          kind: KINDS.paramSet.kind,
          metadata: { name: n.key },
          spec: paramSpec(n),
        },
        options,
      );
      const spec: Network["spec"] = {
        type: n.args.mode ?? NetworkMode.L3,
        parametersRef: { group: GKE_NETWORKING_GROUP, kind: KINDS.paramSet.kind, name: n.key },
      };
      const network = new CustomResource(
        `${name}-${n.key}`,
        { apiVersion: apiVersionOf(KINDS.network), kind: KINDS.network.kind, metadata: { name: n.key }, spec },
        { ...options, dependsOn: [...opts.dependsOn, params] },
      );
      return [params, network];
    });
}
