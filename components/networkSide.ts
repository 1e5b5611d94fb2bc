// SPDX-License-Identifier: Apache-2.0
// What a Pod network is made of in Google Cloud, kept beside the component: fields of a component class would be outputs (pulumi.md 7.2).
import type * as pulumi from "@pulumi/pulumi";
import type { NetworkArgs } from "./argsCloud";

export interface NetworkObject {
  key: string;
  args: NetworkArgs;
  vpc: pulumi.Input<string>;
  subnetwork: pulumi.Input<string>;
  podRange?: pulumi.Input<string>;
}

const objects = new WeakMap<pulumi.Resource, NetworkObject[]>();
export const keepNetworkObjects = (component: pulumi.Resource, made: NetworkObject[]): void => void objects.set(component, made);
/** For the component that makes the Network objects once there is a cluster. */
export const networkObjectsOf = (component: pulumi.Resource): NetworkObject[] => objects.get(component) ?? [];
