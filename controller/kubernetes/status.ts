// SPDX-License-Identifier: Apache-2.0
// Writing status by server-side apply, under an optimistic lock: what was computed from one version must not land on another.
import { isDeepStrictEqual } from "node:util";
import { apiVersionOf, type KubeObject, type ResourceKind, resourcePath } from "./resources";
import type { ApiClient } from "./transport";

export interface StatusTarget {
  namespace?: string;
  name: string;
  /** Version that the status was computed from. */
  resourceVersion: string;
  /**
   * So that the metadata of an object that was read will do as a target. It is not sent: the server ignores it in an apply (1.34), and
   * needs it not, as no two objects ever have the same version.
   */
  uid?: string;
}

export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason?: string;
  message?: string;
  observedGeneration?: number;
  /** RFC 3339, seconds. */
  lastTransitionTime?: string;
}

/**
 * Applies the status fields of `fieldManager`, all of them: what it applied before and leaves out now is removed by the server.
 * Conditions of others stay where the schema makes the list a map by `type`; give only own ones (`ownConditions`). Where the list is
 * atomic, give the merged one (`mergeConditions`).
 * @throws ApiError Conflict when the object has changed since `resourceVersion`, or is another one by now: recompute, then apply
 */
export function applyStatus<T extends KubeObject>(
  client: ApiClient,
  kind: ResourceKind,
  target: StatusTarget,
  write: { status: object; fieldManager: string; signal?: AbortSignal },
): Promise<T> {
  const { namespace, name, resourceVersion } = target;
  return client.request<T>("PATCH", resourcePath(kind, namespace, name, "status"), {
    query: { fieldManager: write.fieldManager, force: true },
    contentType: "application/apply-patch+yaml",
    body: {
      apiVersion: apiVersionOf(kind),
      kind: kind.kind,
      metadata: { namespace, name, resourceVersion },
      status: write.status,
    },
    signal: write.signal,
  });
}

/** Whether two statuses say the same: absent and undefined are one, and the order of `conditions` does not matter. */
export function sameStatus(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(normal(a), normal(b));
}

/** The owned conditions as they are to be written: `lastTransitionTime` is kept where `status` has not changed (T2). */
export function ownConditions(
  existing: readonly Condition[] | undefined,
  owned: readonly Condition[],
  nowMs: number,
): Condition[] {
  return owned.map((condition) => {
    const before = existing?.find((other) => other.type === condition.type);
    const unchanged = before?.status === condition.status && before.lastTransitionTime !== undefined;
    return {
      ...condition,
      lastTransitionTime: unchanged ? before.lastTransitionTime : (condition.lastTransitionTime ?? timeOf(nowMs)),
    };
  });
}

/** The whole list: foreign conditions as they are and where they are, owned ones in place or at the end (T2, T7). */
export function mergeConditions(
  existing: readonly Condition[] | undefined,
  owned: readonly Condition[],
  nowMs: number,
): Condition[] {
  const mine = new Map(ownConditions(existing, owned, nowMs).map((condition) => [condition.type, condition]));
  const kept = (existing ?? []).map((condition) => take(mine, condition.type) ?? condition);
  return [...kept, ...mine.values()];
}

function take(mine: Map<string, Condition>, type: string): Condition | undefined {
  const condition = mine.get(type);
  mine.delete(type);
  return condition;
}

function timeOf(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}

function normal(value: unknown, field?: string): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => normal(item));
    return field === "conditions" ? items.sort((a, b) => typeOf(a).localeCompare(typeOf(b))) : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries.map(([name, member]) => [name, normal(member, name)]));
}

function typeOf(value: unknown): string {
  return typeof value === "object" && value !== null && "type" in value ? String(value.type) : "";
}
