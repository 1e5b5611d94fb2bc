// SPDX-License-Identifier: Apache-2.0
// One closed union of what can go wrong with Google Compute. HTTP errors, operation errors and broken connections all end here,
// told apart by Google's reason first and by HTTP status second, because 403 alone means four different things (E50).

export const COMPUTE_ERROR_CODES = [
  "NotFound",
  "AlreadyExists",
  "RateLimited",
  "ConcurrentOperations",
  "QuotaExceeded",
  "Conflict",
  "PreconditionFailed",
  "PermissionDenied",
  "Invalid",
  "InUse",
  "Unavailable",
  "Timeout",
  "Network",
  "Fenced",
  "Unknown",
] as const;
export type ComputeErrorCode = (typeof COMPUTE_ERROR_CODES)[number];

export interface ComputeErrorInit {
  code: ComputeErrorCode;
  method: string;
  message: string;
  retry?: boolean;
  retryAfterMs?: number;
  reason?: string;
  status?: number;
  cause?: unknown;
}

// "May the same call succeed later although nobody changed anything?" InUse, PreconditionFailed and Timeout are for the caller to try again
// after a fresh look; retry.ts has its own, smaller list.
const MAY_PASS: ReadonlySet<ComputeErrorCode> = new Set([
  "RateLimited",
  "ConcurrentOperations",
  "PreconditionFailed",
  "InUse",
  "Unavailable",
  "Timeout",
  "Network",
]);

/** Any failure of a Compute call. `retry`: the same call may succeed later. `retryAfterMs`: not before so many milliseconds. */
export class ComputeError extends Error {
  readonly code: ComputeErrorCode;
  readonly retry: boolean;
  readonly retryAfterMs?: number;
  /** Google's reason or operation error code, as received. */
  readonly reason?: string;
  readonly status?: number;
  readonly method: string;
  override readonly cause?: unknown;

  constructor(init: ComputeErrorInit) {
    super(init.message);
    this.name = "ComputeError";
    this.code = init.code;
    this.method = init.method;
    this.retry = init.retry ?? MAY_PASS.has(init.code);
    this.retryAfterMs = init.retryAfterMs;
    this.reason = init.reason;
    this.status = init.status;
    this.cause = init.cause;
  }
}

export const isComputeError = (error: unknown, code?: ComputeErrorCode): error is ComputeError =>
  error instanceof ComputeError && (code === undefined || error.code === code);

/** Another operation on the same resource is still under way: Google queues nothing, it refuses (`resourceNotReady`). */
export const isBusy = (error: unknown): boolean =>
  error instanceof ComputeError && /^resource_?(not_?ready|operation_?in_?progress)$/i.test(error.reason ?? "");

/** What an HTTP answer says about itself; `body` is parsed JSON, or text where a proxy answered. */
export interface HttpFailure {
  status: number;
  body: unknown;
  /** Value of `Retry-After`, if any. */
  retryAfter?: string;
}

// Keys are reasons with case and `_` taken out, so that `rateLimitExceeded` (HTTP) and RATE_LIMIT_EXCEEDED (operation) are one entry.
const BY_REASON: Readonly<Record<string, ComputeErrorCode>> = {
  notfound: "NotFound",
  resourcenotfound: "NotFound",
  alreadyexists: "AlreadyExists",
  duplicate: "AlreadyExists",
  resourcealreadyexists: "AlreadyExists",
  ratelimitexceeded: "RateLimited",
  userratelimitexceeded: "RateLimited",
  resourceoperationrateexceeded: "RateLimited",
  operationratelimitexceeded: "RateLimited",
  concurrentoperationsquotaexceeded: "ConcurrentOperations",
  quotaexceeded: "QuotaExceeded",
  limitexceeded: "QuotaExceeded",
  dailylimitexceeded: "QuotaExceeded",
  forbidden: "PermissionDenied",
  insufficientpermissions: "PermissionDenied",
  permissionserror: "PermissionDenied",
  permissiondenied: "PermissionDenied",
  accessnotconfigured: "PermissionDenied",
  conditionnotmet: "PreconditionFailed",
  resourceinuse: "InUse",
  resourceinusebyanotherresource: "InUse",
  ipinusebyanotherresource: "InUse",
  ipaddressinuse: "InUse",
  resourcenotready: "Unavailable",
  resourceoperationinprogress: "Unavailable",
  internalerror: "Unavailable",
  backenderror: "Unavailable",
  timeout: "Unavailable",
  invalid: "Invalid",
  invalidfieldvalue: "Invalid",
  invalidparameter: "Invalid",
  invalidusage: "Invalid",
  badrequest: "Invalid",
  required: "Invalid",
  requiredfield: "Invalid",
  unsupportedoperation: "Invalid",
};

const BY_STATUS: Readonly<Record<number, ComputeErrorCode>> = {
  400: "Invalid",
  401: "PermissionDenied",
  403: "PermissionDenied",
  404: "NotFound",
  408: "Unavailable",
  409: "Conflict",
  410: "NotFound",
  412: "PreconditionFailed",
  422: "Invalid",
  429: "RateLimited",
};

/** A reason may be called like something that every object has. */
function byReason(reason: string): ComputeErrorCode | undefined {
  const key = reason.replace(/[_\s-]/g, "").toLowerCase();
  return Object.hasOwn(BY_REASON, key) ? BY_REASON[key] : undefined;
}
function codeOf(reason: string | null | undefined, status: number | undefined): ComputeErrorCode {
  const known = byReason(reason ?? "");
  // A 5xx is the server's trouble whatever the body says; a 429 is a rate whatever it is called.
  if (status !== undefined && status >= 500) return "Unavailable";
  if (status === 429 && known !== "ConcurrentOperations" && known !== "QuotaExceeded") return "RateLimited";
  return known ?? (status === undefined ? "Unknown" : (BY_STATUS[status] ?? "Unknown"));
}

// Two rules on one address are refused as `invalid`; only the text says that the address is taken and the request was well-formed.
const refined = (code: ComputeErrorCode, said: string): ComputeErrorCode =>
  code === "Invalid" && /in-use and would result in a conflict/i.test(said) ? "InUse" : code;

/**
 * Milliseconds of a `Retry-After` header: delta seconds or an HTTP date (RFC 9110 10.2.3). Undefined where it is neither.
 * @param nowMs wall clock, for the date form
 */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

interface ErrorBody {
  error?: { message?: string; status?: string; errors?: { reason?: string; message?: string }[] };
}

/** Nobody promises that a proxy's answer has texts where Google's has. */
const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

function errorOf(body: unknown): NonNullable<ErrorBody["error"]> {
  return (typeof body === "object" && body !== null ? (body as ErrorBody).error : undefined) ?? {};
}

/** What Google says in the body; nothing where a proxy or a broken server answered. */
function said(body: unknown): { reason?: string; message: string } {
  const { message, status, errors } = errorOf(body);
  const first = errors?.[0];
  return {
    reason: textOf(first?.reason) ?? textOf(status),
    message: textOf(message) ?? textOf(first?.message) ?? "no explanation in the answer",
  };
}

const named = (reason: string | null | undefined): string => (reason ? `, ${reason}` : "");

/** Maps an HTTP answer of 400 and above. Reasons: api.md 4.8, gcloud-requests.md 3. */
export function fromHttp(method: string, failure: HttpFailure, nowMs: number): ComputeError {
  const { status } = failure;
  const { reason, message } = said(failure.body);
  return new ComputeError({
    code: refined(codeOf(reason, status), message),
    method,
    status,
    reason,
    retryAfterMs: retryAfterMs(failure.retryAfter, nowMs),
    // A token may have been revoked between two calls: a fresh one is worth one more try.
    ...(status === 401 ? { retry: true } : {}),
    message: `${method}: ${message} (HTTP ${status}${named(reason)})`,
  });
}

export interface OperationFailure {
  name?: string | null;
  httpErrorStatusCode?: number | null;
  httpErrorMessage?: string | null;
  error?: { errors?: { code?: string | null; message?: string | null }[] | null } | null;
}

/** Maps an operation that is DONE with an error. */
export function fromOperation(method: string, operation: OperationFailure): ComputeError {
  const first = operation.error?.errors?.[0];
  const reason = textOf(first?.code);
  const { httpErrorStatusCode: code } = operation;
  const status = typeof code === "number" ? code : undefined;
  const text = textOf(first?.message) ?? textOf(operation.httpErrorMessage) ?? "the operation failed without an explanation";
  return new ComputeError({
    code: refined(codeOf(reason, status), text),
    method,
    status,
    reason,
    message: `${method}: ${text} (operation ${textOf(operation.name) ?? "without a name"}${named(reason)})`,
  });
}

/** Maps a request that got no (whole) answer: refused, reset, timed out, unresolvable. The effect may have happened. */
export function fromTransport(method: string, cause: unknown): ComputeError {
  const text = cause instanceof Error ? cause.message : (JSON.stringify(cause) ?? "nothing was said");
  const inner = cause as { code?: unknown; cause?: { code?: unknown } } | undefined;
  const reason = [inner?.code, inner?.cause?.code].find((code): code is string => typeof code === "string");
  return new ComputeError({
    code: "Network",
    method,
    reason,
    cause,
    message: `${method}: no answer from the Compute API: ${text}`,
  });
}
