// SPDX-License-Identifier: Apache-2.0
// The Google Cloud emulator: one HTTP server on 127.0.0.1 that answers Compute v1, enough of Container v1, serviceusage, a
// metadata server, and a small store of its own for what the Pulumi stand-in keeps.
import type { Env } from "./env";
import type { FaultSwitches } from "./faults";
import { Faults } from "./faults";
import { listen } from "./http";
import { Ids } from "./ids";
import { ExchangeLog } from "./log";
import { Mutations } from "./mutate";
import { Operations } from "./operations";
import type { InstanceSpec } from "./resources/instances";
import { putInstance } from "./resources/instances";
import { addDefaultNetwork } from "./resources/networks";
import { Router } from "./router";
import type { ServiceOptions } from "./services";
import { services } from "./services";
import { Store } from "./store";
import type { Change, Exchange, Families, Instance, Kind } from "./types";
import { view } from "./views";

export type { InstanceSpec, InterfaceSpec } from "./resources/instances";
export type { Fault, FaultKind, FaultRule, FaultSwitches } from "./faults";
export type { ClusterView, ContainerHooks, NodePoolView } from "./container/types";
export type * from "./types";

export interface EmulatorOptions extends ServiceOptions {
  /** Default `sandbox-project`. */
  project?: string;
  /** Further projects, whose networks and subnets the first may use: hosts of a Shared VPC. They begin without a network. Default: none. */
  hostProjects?: readonly string[];
  /** Region to zones. Default us-central1 (a, b, c, f), us-east1 (b, c, d), europe-west1 (b, c, d). */
  regions?: Record<string, string[]>;
  /** How long an asynchronous operation takes, in milliseconds; 0 answers with a finished operation. Default 50. */
  operationLatencyMs?: number | ((operationType: string) => number);
  /** Longest time in milliseconds that `wait` holds the line. Default 120,000, as Google documents. */
  waitBoundMs?: number;
  /** Whether the project has Google's `default` network. Default true. */
  defaultNetwork?: boolean;
  /** Default: a free port. */
  port?: number;
  /** Milliseconds since the epoch. Default Date.now. */
  now?: () => number;
}

export interface Emulator {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string;
  readonly port: number;
  readonly project: string;
  readonly projectNumber: string;
  /** The latest exchanges in the order of their answers, bounded. */
  readonly log: readonly Exchange[];
  readonly faults: FaultSwitches;
  setLatency(latency: number | ((operationType: string) => number)): void;
  /** The current state of one family, as the API shows it. */
  list<K extends Kind>(kind: K): Families[K][];
  /** Adds a VM, or replaces the one of that name by a new one. @throws RangeError naming what cannot be */
  putInstance(spec: InstanceSpec): Instance;
  /** Removes a VM; target instances that name it stay. Returns whether it was there. */
  removeInstance(zone: string, name: string): boolean;
  /** Tells every change of state until the returned function is called. */
  onChange(listener: (change: Change) => void): () => void;
  close(): Promise<void>;
}

const DEFAULT_REGIONS: Record<string, string[]> = {
  "us-central1": ["us-central1-a", "us-central1-b", "us-central1-c", "us-central1-f"],
  "us-east1": ["us-east1-b", "us-east1-c", "us-east1-d"],
  "europe-west1": ["europe-west1-b", "europe-west1-c", "europe-west1-d"],
};

const PROJECT_NUMBER = "481516234299";

function environment(options: EmulatorOptions): Env & { faults: Faults } {
  const now = options.now ?? Date.now;
  const project = options.project ?? "sandbox-project";
  const ids = new Ids(now);
  const faults = new Faults();
  faults.setLatency(options.operationLatencyMs ?? 50);
  const env = {
    project,
    projectNumber: PROJECT_NUMBER,
    projects: new Map([project, ...(options.hostProjects ?? [])].map((id, n) => [id, String(Number(PROJECT_NUMBER) + n)])),
    places: new Map(Object.entries(options.regions ?? DEFAULT_REGIONS)),
    store: new Store(),
    operations: new Operations(ids, now),
    mutations: new Mutations(),
    faults,
    ids,
    now,
    waitBoundMs: options.waitBoundMs ?? 120_000,
    hosts: [],
  };
  if (options.defaultNetwork !== false) addDefaultNetwork(env);
  return env;
}

/** Starts an emulator. @throws the listen error when the port is taken */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const env = environment(options);
  const log = new ExchangeLog();
  const router = new Router(services(env, options));
  const { server, port } = await listen({ env, router, record: (exchange) => log.add(exchange) }, options.port ?? 0);
  env.hosts.push(`127.0.0.1:${port}`, `localhost:${port}`);
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    project: env.project,
    projectNumber: env.projectNumber,
    log: log.entries,
    faults: env.faults,
    setLatency: (latency) => env.faults.setLatency(latency),
    list: <K extends Kind>(kind: K) =>
      env.store
        .of(kind)
        .all()
        .map((resource) => view(env, kind, resource)),
    putInstance: (spec) => putInstance(env, spec),
    removeInstance: (zone, name) => env.store.of("instances").delete(`projects/${env.project}/zones/${zone}/instances/${name}`),
    onChange: (listener) => env.store.onChange(listener),
    close: async () => {
      env.operations.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
