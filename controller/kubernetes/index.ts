// SPDX-License-Identifier: Apache-2.0
// The door of this room: talking to the API server.
export * from "./clock";
export * from "./stopper";
export { ConfigError, inClusterConfig, kubeconfigClient, kubeconfigNamespace, type KubeconfigOptions } from "./config";
export { runWorkers, type ReconcileResult, type WorkerOptions } from "./controller";
export * from "./errors";
export { EventRecorder, type EventRecorderOptions, type EventTarget, type EventType } from "./events";
export { addFinalizer, removeFinalizer } from "./finalizers";
export { LeaderElector, type LeaderElectorOptions } from "./leader";
export { listAll, type ListOptions } from "./list";
export { type Logger, silentLogger } from "./logger";
export { Reflector, type ReflectorOptions, type ReflectorTuning, type StoreEvent } from "./reflector";
export * from "./resources";
export { applyStatus, type Condition, mergeConditions, ownConditions, sameStatus, type StatusTarget } from "./status";
export { type Indexer, type ReadStore, Store } from "./store";
export {
  type ApiClient,
  type ByteStream,
  type ClientConfig,
  createApiClient,
  type Method,
  type RequestOptions,
  type RequestRecord,
  type TokenProvider,
} from "./transport";
export { type Priority, type QueueItem, WorkQueue, type WorkQueueMetrics, type WorkQueueOptions } from "./workqueue";
