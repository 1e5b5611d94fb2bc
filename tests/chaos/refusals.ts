// SPDX-License-Identifier: Apache-2.0
// The bodies of injected refusals, as the API server and as Google write them.
import type { Fault, FaultKind } from "./faults";

export type Dialect = "kubernetes" | "google";
export interface Refusal {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const KUBERNETES: Partial<Record<FaultKind, [number, string]>> = {
  gone: [410, "Expired"],
  unauthorized: [401, "Unauthorized"],
  forbidden: [403, "Forbidden"],
  conflict: [409, "Conflict"],
  throttled: [429, "TooManyRequests"],
  error: [500, "InternalError"],
};
const GOOGLE: Partial<Record<FaultKind, [number, string]>> = {
  gone: [410, "deleted"],
  unauthorized: [401, "authError"],
  forbidden: [403, "rateLimitExceeded"],
  conflict: [409, "resourceNotReady"],
  throttled: [429, "rateLimitExceeded"],
  error: [503, "backendError"],
};

/** A Status object of the API machinery, as an answer or as the object of a watch's ERROR event. */
export function statusObject(fault: Fault): object {
  const [code, reason] = KUBERNETES[fault.kind] ?? [500, "InternalError"];
  const details = fault.retryAfterSeconds === undefined ? {} : { details: { retryAfterSeconds: fault.retryAfterSeconds } };
  const message = fault.message ?? `injected by the fault proxy: ${reason}`;
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code, ...details };
}

/** The answer of a fault that is one; undefined for those that are not an answer. */
export function refusalOf(fault: Fault, dialect: Dialect): Refusal | undefined {
  const known = (dialect === "kubernetes" ? KUBERNETES : GOOGLE)[fault.kind];
  if (!known) return undefined;
  const [status, reason] = known;
  const message = fault.message ?? `injected by the fault proxy: ${reason}`;
  const error = { code: status, message, errors: [{ message, domain: "global", reason }] };
  const body = JSON.stringify(dialect === "kubernetes" ? statusObject(fault) : { error });
  return {
    status,
    headers: {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
      ...(fault.retryAfterSeconds === undefined ? {} : { "retry-after": String(fault.retryAfterSeconds) }),
    },
    body,
  };
}
