// SPDX-License-Identifier: Apache-2.0
// Clusters, their operations, and the rule that a cluster or pool does one thing at a time.
import type { Call, Env } from "../env";
import { param, regionOfZone } from "../env";
import { ApiError } from "../errors";
import type { JsonObject } from "../types";
import type { Cluster, ContainerHooks, NodePool } from "./types";

const API = "https://container.googleapis.com/v1/";

export interface ContainerOperation extends JsonObject {
  name: string;
  status: "RUNNING" | "DONE";
}

interface Work {
  type: string;
  /** `projects/.../clusters/C` or `.../nodePools/P`. */
  target: string;
  run: () => Promise<void>;
}

export class ContainerState {
  readonly clusters = new Map<string, Cluster>();
  readonly operations = new Map<string, ContainerOperation>();
  private readonly busy = new Map<string, string>();

  constructor(
    readonly env: Env,
    readonly hooks: ContainerHooks,
  ) {}

  /** Starts an operation; what `run` rejects with becomes its error. @throws ApiError `failedPrecondition` while another runs */
  start(call: Call, work: Work): ContainerOperation {
    this.refuseBusy(work.target);
    const location = param(call, "location");
    const name = this.env.ids.operation();
    const path = `projects/${call.env.project}/locations/${location}/operations/${name}`;
    const begun: ContainerOperation = {
      name,
      zone: location,
      location,
      operationType: work.type,
      status: "RUNNING",
      selfLink: `${API}projects/${call.env.projectNumber}/locations/${location}/operations/${name}`,
      targetLink: link(call.env, work.target),
      startTime: rfc3339(this.env.now()),
    };
    this.operations.set(path, begun);
    this.busy.set(work.target, name);
    const fault = this.env.faults.forOperation(call.methodId, call.path);
    const refused = fault.error;
    const run = refused ? () => Promise.reject(refused) : work.run;
    void this.finish(path, work.target, this.env.faults.latencyOf(work.type) + fault.delayMs, run);
    return begun;
  }

  private async finish(path: string, target: string, latencyMs: number, run: () => Promise<void>): Promise<void> {
    let error: unknown;
    try {
      await pause(latencyMs);
      await run();
    } catch (failure) {
      error = failure;
    }
    this.busy.delete(target);
    const begun = this.operations.get(path);
    if (!begun) return;
    const message = error instanceof Error ? error.message : String(error);
    const failed = error === undefined ? {} : { error: { code: 13, message }, statusMessage: message };
    this.operations.set(path, { ...begun, status: "DONE", endTime: rfc3339(this.env.now()), ...failed });
  }

  /** A cluster's own operation excludes those of its pools, and the reverse; pools do not exclude each other. */
  private refuseBusy(target: string): void {
    const rival = [...this.busy].find(
      ([other]) => other === target || other.startsWith(`${target}/`) || target.startsWith(`${other}/`),
    );
    if (rival) throw new ApiError("failedPrecondition", `Cluster is running incompatible operation ${rival[1]}.`);
  }

  /** @throws ApiError `notFound` */
  cluster(call: Call): Cluster {
    const path = clusterPath(call);
    const found = this.clusters.get(path);
    if (!found) throw new ApiError("notFound", `Not found: ${path}.`);
    return found;
  }

  /** @throws ApiError `notFound` */
  pool(call: Call): NodePool {
    const name = param(call, "nodePool");
    const found = this.cluster(call).nodePools?.find((pool) => pool.name === name);
    if (!found) throw new ApiError("notFound", `Not found: ${clusterPath(call)}/nodePools/${name}.`);
    return found;
  }

  /** Replaces fields of a cluster that still exists. */
  patch(path: string, fields: JsonObject): void {
    const before = this.clusters.get(path);
    if (before) this.clusters.set(path, counted({ ...before, ...fields }));
  }

  patchPool(path: string, name: string, fields: JsonObject | undefined): void {
    const pools = this.clusters.get(path)?.nodePools ?? [];
    const next = pools.flatMap((pool) => (pool.name !== name ? [pool] : fields === undefined ? [] : [{ ...pool, ...fields }]));
    this.patch(path, { nodePools: next });
  }
}

function counted(cluster: Cluster): Cluster {
  const nodes = (cluster.nodePools ?? []).reduce((sum, pool) => sum + pool.initialNodeCount * pool.locations.length, 0);
  return { ...cluster, currentNodeCount: nodes };
}

async function pause(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms).unref());
}

export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}

export function link(env: Env, path: string): string {
  return API + path.replace(/^projects\/[^/]+/, `projects/${env.project}`);
}

export function clusterPath(call: Call): string {
  return `projects/${call.env.project}/locations/${param(call, "location")}/clusters/${param(call, "cluster")}`;
}

/** Zones of a location; a region has all of its zones but at most three, as GKE chooses. @throws ApiError `invalid` */
export function zonesOf(env: Env, location: string): string[] {
  const zones = env.places.get(location);
  if (zones) return zones.slice(0, 3);
  if (regionOfZone(env, location) !== undefined) return [location];
  throw new ApiError("invalid", `Location '${location}' does not exist. Regions: ${[...env.places.keys()].join(", ")}.`);
}

export function regionOfLocation(env: Env, location: string): string {
  return env.places.has(location) ? location : (regionOfZone(env, location) ?? location);
}
