// SPDX-License-Identifier: Apache-2.0
// The one way to change Compute state. A mutation is planned twice: when it is asked for (a refusal is then an HTTP
// error) and when its operation ends (the world may have changed; a refusal is then the operation's error).
import type { Call } from "./env";
import { scopeOfCall } from "./env";
import { ApiError, alreadyExists, invalid } from "./errors";
import type { Operation } from "./operations";

export interface Mutation {
  type: string;
  /** Path of the resource that is locked until the operation ends. */
  path: string;
  targetId?: string;
  /** Checks everything, changes nothing, and returns what changes the state. @throws ApiError */
  plan: () => () => void;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface Remembered {
  request: string;
  operationPath: string;
}

/** Locks and request ids of one emulator. */
export class Mutations {
  private readonly busy = new Set<string>();
  private readonly remembered = new Map<string, Remembered>();

  /**
   * Accepts a mutation and returns its operation. The same `requestId` returns the operation of the first request.
   * @throws ApiError what `plan` throws; `resourceNotReady` (or `alreadyExists` for an insert) while another mutation of
   * the resource is under way; `invalid` for a bad or re-used requestId.
   */
  run(call: Call, mutation: () => Mutation): Operation {
    const requestId = checkedRequestId(call.query.requestId);
    const known = requestId === undefined ? undefined : this.recall(call, requestId);
    if (known) return known;
    const wanted = mutation();
    if (this.busy.has(wanted.path)) throw busy(wanted);
    wanted.plan();
    return this.accept(call, wanted, requestId);
  }

  private accept(call: Call, wanted: Mutation, requestId: string | undefined): Operation {
    const { operations, faults } = call.env;
    const fault = faults.forOperation(call.methodId, call.path);
    const scope = scopeOfCall(call);
    this.busy.add(wanted.path);
    const operation = operations.start(
      { scope, type: wanted.type, targetPath: wanted.path, targetId: wanted.targetId, requestId },
      faults.latencyOf(wanted.type) + fault.delayMs,
      () => {
        this.busy.delete(wanted.path);
        if (fault.error) throw fault.error;
        wanted.plan()();
      },
    );
    if (requestId !== undefined) {
      this.remembered.set(requestId, { request: requestOf(call), operationPath: `${scope}/operations/${operation.name}` });
    }
    return operation;
  }

  private recall(call: Call, requestId: string): Operation | undefined {
    const known = this.remembered.get(requestId);
    if (!known) return undefined;
    if (known.request !== requestOf(call)) throw invalid("requestId", requestId, "It was used for another request before.");
    return call.env.operations.find(known.operationPath);
  }
}

function requestOf(call: Call): string {
  return `${call.methodId} ${call.path}`;
}

function checkedRequestId(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (!UUID.test(value) || /^[0-]+$/.test(value)) throw invalid("requestId", value, "It must be a UUID that is not zero.");
  return value.toLowerCase();
}

function busy(wanted: Mutation): ApiError {
  if (wanted.type === "insert") return alreadyExists(wanted.path);
  return new ApiError("resourceNotReady", `The resource '${wanted.path}' is not ready`);
}
