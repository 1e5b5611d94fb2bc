// SPDX-License-Identifier: Apache-2.0
// Asynchronous operations: a mutation is accepted at once and takes effect when its operation is done.
import { ApiError, notFound } from "./errors";
import type { Ids } from "./ids";
import { timestamp } from "./ids";
import { selfLink } from "./links";
import type { JsonObject, Resource } from "./types";

/** Finished operations are forgotten beyond this number, oldest first. */
const KEPT = 5000;

export interface OperationRequest {
  /** `projects/P/regions/R` and the like. */
  scope: string;
  /** `insert`, `delete`, `SetTarget`, ... */
  type: string;
  targetPath: string;
  targetId?: string;
  requestId?: string;
}

export interface Operation extends Resource {
  operationType: string;
  status: "RUNNING" | "DONE";
}

interface Entry {
  operation: Operation;
  waiters: Set<() => void>;
}

export class Operations {
  private readonly entries = new Map<string, Entry>();
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(
    private readonly ids: Ids,
    private readonly now: () => number,
  ) {}

  /**
   * Starts an operation whose effect runs after `latencyMs` milliseconds; with 0 it is done before this returns.
   * An {@link ApiError} thrown by `effect` becomes the operation's error.
   */
  start(request: OperationRequest, latencyMs: number, effect: () => void): Operation {
    const operation = this.created(request);
    const path = `${request.scope}/operations/${operation.name}`;
    this.entries.set(path, { operation, waiters: new Set() });
    const finish = () => this.finish(path, effect);
    if (latencyMs <= 0) finish();
    else {
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        finish();
      }, latencyMs);
      this.timers.add(timer);
    }
    return this.get(path);
  }

  /** @throws ApiError `notFound` */
  get(path: string): Operation {
    return this.entry(path).operation;
  }

  find(path: string): Operation | undefined {
    return this.entries.get(path)?.operation;
  }

  /** The operation when it is done, or as it stands after `boundMs` milliseconds. */
  async wait(path: string, boundMs: number): Promise<Operation> {
    const entry = this.entry(path);
    if (entry.operation.status !== "DONE") {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          this.timers.delete(timer);
          entry.waiters.delete(done);
          resolve();
        };
        const timer = setTimeout(done, boundMs);
        this.timers.add(timer);
        entry.waiters.add(done);
      });
    }
    return entry.operation;
  }

  inScope(scope: string): Operation[] {
    const prefix = `${scope}/operations/`;
    return [...this.entries].flatMap(([path, { operation }]) => (path.startsWith(prefix) ? [operation] : []));
  }

  /** @throws ApiError `notFound` */
  delete(path: string): void {
    this.entry(path);
    this.entries.delete(path);
  }

  /** Drops what is under way and lets every waiter go. */
  close(): void {
    this.timers.forEach((timer) => clearTimeout(timer));
    this.timers.clear();
    for (const entry of this.entries.values()) [...entry.waiters].forEach((release) => release());
  }

  private entry(path: string): Entry {
    const entry = this.entries.get(path);
    if (!entry) throw notFound(path);
    return entry;
  }

  private created(request: OperationRequest): Operation {
    const name = this.ids.operation();
    const at = timestamp(this.now());
    const [, project = "", scope = "global", place] = request.scope.split("/");
    const where = scope === "global" ? {} : { [scope.slice(0, -1)]: selfLink(`projects/${project}/${scope}/${place}`) };
    return {
      kind: "compute#operation",
      id: this.ids.numeric(),
      name,
      operationType: request.type,
      targetLink: selfLink(request.targetPath),
      ...(request.targetId === undefined ? {} : { targetId: request.targetId }),
      ...(request.requestId === undefined ? {} : { clientOperationId: request.requestId }),
      status: "RUNNING",
      progress: 0,
      user: `sandbox@${project}.iam.gserviceaccount.com`,
      insertTime: at,
      startTime: at,
      creationTimestamp: at,
      selfLink: selfLink(`${request.scope}/operations/${name}`),
      ...where,
    };
  }

  private finish(path: string, effect: () => void): void {
    const entry = this.entries.get(path);
    if (!entry) return;
    entry.operation = { ...entry.operation, status: "DONE", progress: 100, endTime: timestamp(this.now()), ...outcome(effect) };
    [...entry.waiters].forEach((release) => release());
    this.forgetOld();
  }

  private forgetOld(): void {
    for (const [path, { operation }] of this.entries) {
      if (this.entries.size <= KEPT) return;
      if (operation.status === "DONE") this.entries.delete(path);
    }
  }
}

function outcome(effect: () => void): JsonObject {
  try {
    effect();
    return {};
  } catch (error) {
    if (error instanceof ApiError) return error.operationFields();
    return new ApiError("INTERNAL_ERROR", String(error), { status: 500, cause: error }).operationFields();
  }
}
