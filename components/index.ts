// SPDX-License-Identifier: Apache-2.0
// The public surface: seven components, their arguments, and the one error they throw.
export * from "./argsCloud";
export * from "./argsPods";
export * from "./enums";
export { AddressSet } from "./addressSet";
export { MultiNetworkCluster } from "./multiNetworkCluster";
export { PersistentPodIps } from "./persistentPodIps";
export { PodIpController } from "./podIpController";
export { PodIpGateway } from "./podIpGateway";
export { PodIpRoute } from "./podIpRoute";
export { persistentIpPodSpec } from "./podSpec";
export type { PersistentIpContainer, PersistentIpPod, PersistentIpPodArgs } from "./podSpec";
export { PodNetworks } from "./podNetworks";
export { ArgumentError } from "./argumentError";
export type { ArgumentProblem } from "./argumentError";
