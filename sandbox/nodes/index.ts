// SPDX-License-Identifier: Apache-2.0
// The door of this room.
export { simulatedNodes, type SimulatedNodesOptions } from "./simulated";
export { processPods, CONTROLLER_NAMESPACE, type ProcessPod, type ProcessPods, type ProcessPodsOptions } from "./process-pods";
export { STEERING } from "./stages";
export { NETWORK_RESOURCE_PREFIX, networkResource } from "./node-object";
export type { CrashKind, NodeListener, NodeNetwork, NodeRuntime, NodeSpec } from "./types";
