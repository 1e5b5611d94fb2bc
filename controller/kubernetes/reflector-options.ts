// SPDX-License-Identifier: Apache-2.0
// What a reflector can be told, with client-go's figures as defaults.
import type { Clock, Random } from "./clock";
import type { Logger } from "./logger";
import type { KubeObject, ResourceKind } from "./resources";
import type { Indexer } from "./store";
import type { StoreEvent } from "./sync";
import type { ApiClient } from "./transport";

export interface ReflectorTuning {
  /** No byte for this long: the connection is dead (default 120,000). */
  silenceMs: number;
  /** The same before the initial events are complete; after that the paged list is used (default 30,000). */
  initialSilenceMs: number;
  /** First and longest wait between attempts (default 800 and 30,000), jittered. */
  backoffBaseMs: number;
  backoffCapMs: number;
  /** A watch that lived this long has earned one retry without a wait (default 1,000). */
  healthyMs: number;
  /** A watch that lived this long starts the back-off over (default 30,000). */
  resetAfterMs: number;
  /** Longest wait while the kind does not exist (default 5,000). */
  missingKindCapMs: number;
  /** Page size of the fallback list (default 100): a page is parsed in one turn of the event loop, and this many Pods are over 1 MB. */
  pageLimit: number;
}

export interface ReflectorOptions<T extends KubeObject> {
  client: ApiClient;
  kind: ResourceKind;
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Trims an object before it is stored; must keep name, namespace, uid and resourceVersion of the metadata. */
  transform?(object: KubeObject): T;
  indexers?: Record<string, Indexer<T>>;
  /** Called after the store has changed; `initial` until the first sync is complete. What it throws is logged, not passed on. */
  onEvent?: (event: StoreEvent<T>) => void;
  /** Called when the server first says that the kind does not exist (404). */
  onMissingKind?: () => void;
  clock: Clock;
  random: Random;
  logger?: Logger;
  /** Keep metadata.managedFields (default: cut out before parsing). */
  keepManagedFields?: boolean;
  /** False: paged list from the start (default true). */
  watchList?: boolean;
  tuning?: Partial<ReflectorTuning>;
}

/** Defaults, in milliseconds where not said otherwise. */
export const REFLECTOR_TUNING: ReflectorTuning = {
  silenceMs: 120_000,
  initialSilenceMs: 30_000,
  backoffBaseMs: 800,
  backoffCapMs: 30_000,
  healthyMs: 1_000,
  resetAfterMs: 30_000,
  missingKindCapMs: 5_000,
  pageLimit: 100,
};
