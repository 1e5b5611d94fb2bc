// SPDX-License-Identifier: Apache-2.0
// Finalizers by JSON patch with `test`: only the one entry changes, and only if the list still is what we saw.
import { ApiError, isApiError } from "./errors";
import { type KubeObject, type ResourceKind, resourcePath } from "./resources";
import type { ApiClient } from "./transport";

interface JsonPatch {
  op: "test" | "add" | "remove";
  path: string;
  value?: unknown;
}

/**
 * Adds a finalizer, unless the object as given has it already (then there is no request).
 * @throws ApiError Conflict when the list has changed meanwhile: read again and repeat
 */
export async function addFinalizer<T extends KubeObject>(
  client: ApiClient,
  kind: ResourceKind,
  object: T,
  finalizer: string,
): Promise<T> {
  const current = object.metadata.finalizers ?? [];
  if (current.includes(finalizer)) return object;
  const list = "/metadata/finalizers";
  const change: JsonPatch[] =
    current.length === 0
      ? [
          { op: "test", path: list, value: null },
          { op: "add", path: list, value: [finalizer] },
        ]
      : [
          { op: "test", path: list, value: current },
          { op: "add", path: `${list}/-`, value: finalizer },
        ];
  return patch<T>(client, kind, object, change);
}

/**
 * Removes a finalizer; answers undefined when the object is gone already. No request when the object as given has no such finalizer.
 * @throws ApiError Conflict when the list has changed meanwhile: read again and repeat
 */
export async function removeFinalizer<T extends KubeObject>(
  client: ApiClient,
  kind: ResourceKind,
  object: T,
  finalizer: string,
): Promise<T | undefined> {
  const at = (object.metadata.finalizers ?? []).indexOf(finalizer);
  if (at < 0) return object;
  const path = `/metadata/finalizers/${at}`;
  try {
    return await patch<T>(client, kind, object, [
      { op: "test", path, value: finalizer },
      { op: "remove", path },
    ]);
  } catch (error) {
    if (isApiError(error, "NotFound")) return undefined;
    throw error;
  }
}

async function patch<T extends KubeObject>(client: ApiClient, kind: ResourceKind, object: T, change: JsonPatch[]): Promise<T> {
  const { namespace, name, uid } = object.metadata;
  const sameObject: JsonPatch[] = uid === undefined ? [] : [{ op: "test", path: "/metadata/uid", value: uid }];
  const path = resourcePath(kind, namespace, name);
  try {
    return await client.request<T>("PATCH", path, {
      body: [...sameObject, ...change],
      contentType: "application/json-patch+json",
    });
  } catch (error) {
    // A patch that cannot be applied, a failed `test` for one, is 422 like a bad object, but names no object (kube-apiserver 1.34).
    if (isApiError(error, "Invalid") && namesNoObject(error.body)) {
      throw new ApiError("Conflict", `${kind.kind} ${name ?? ""}: finalizers have changed meanwhile`, {
        status: error.status,
        cause: error,
      });
    }
    throw error;
  }
}

function namesNoObject(status: unknown): boolean {
  const details = typeof status === "object" && status !== null && "details" in status ? status.details : undefined;
  return typeof details !== "object" || details === null || !("name" in details);
}
