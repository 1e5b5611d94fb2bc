// SPDX-License-Identifier: Apache-2.0
// Errors in the three shapes Google uses: a thrown error, an HTTP error body, and the error of a finished operation.
import { asText } from "./text";
import type { JsonObject } from "./types";

interface ErrorClass {
  status: number;
  /** Code inside `operation.error.errors[]`. */
  operationCode: string;
  /** google.rpc.Code name, used by Container and serviceusage. */
  rpc: string;
  retry: boolean;
}

const CLASSES = {
  invalid: { status: 400, operationCode: "INVALID_FIELD_VALUE", rpc: "INVALID_ARGUMENT", retry: false },
  required: { status: 400, operationCode: "REQUIRED_FIELD_MISSING", rpc: "INVALID_ARGUMENT", retry: false },
  parseError: { status: 400, operationCode: "INVALID_USAGE", rpc: "INVALID_ARGUMENT", retry: false },
  failedPrecondition: { status: 400, operationCode: "INVALID_USAGE", rpc: "FAILED_PRECONDITION", retry: false },
  resourceInUseByAnotherResource: {
    status: 400,
    operationCode: "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE",
    rpc: "FAILED_PRECONDITION",
    retry: false,
  },
  resourceNotReady: { status: 400, operationCode: "RESOURCE_NOT_READY", rpc: "FAILED_PRECONDITION", retry: true },
  forbidden: { status: 403, operationCode: "PERMISSIONS_ERROR", rpc: "PERMISSION_DENIED", retry: false },
  quotaExceeded: { status: 403, operationCode: "QUOTA_EXCEEDED", rpc: "RESOURCE_EXHAUSTED", retry: false },
  rateLimitExceeded: { status: 403, operationCode: "RATE_LIMIT_EXCEEDED", rpc: "RESOURCE_EXHAUSTED", retry: true },
  notFound: { status: 404, operationCode: "RESOURCE_NOT_FOUND", rpc: "NOT_FOUND", retry: false },
  alreadyExists: { status: 409, operationCode: "RESOURCE_ALREADY_EXISTS", rpc: "ALREADY_EXISTS", retry: false },
  conditionNotMet: { status: 412, operationCode: "CONDITION_NOT_MET", rpc: "FAILED_PRECONDITION", retry: true },
  backendError: { status: 503, operationCode: "INTERNAL_ERROR", rpc: "UNAVAILABLE", retry: true },
} satisfies Record<string, ErrorClass>;

export type Reason = keyof typeof CLASSES;

/** A refusal by the emulator; `code` is Google's `reason`, `retry` says whether the same request can succeed later. */
export class ApiError extends Error {
  readonly retry: boolean;
  readonly status: number;

  constructor(
    readonly code: string,
    message: string,
    private readonly options: { status?: number; operationCode?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "ApiError";
    const known = classOf(code);
    this.status = options.status ?? known.status;
    this.retry = known.retry;
  }

  /** The HTTP body (`error.status` is added only where `rpc` is set, as Container does). */
  body(rpc = false): JsonObject {
    const error: JsonObject = {
      code: this.status,
      message: this.message,
      errors: [{ message: this.message, domain: "global", reason: this.code }],
    };
    if (rpc) error.status = classOf(this.code).rpc;
    return { error };
  }

  /** Fields that a finished operation carries when it failed for this reason. */
  operationFields(): JsonObject {
    const code = this.options.operationCode ?? classOf(this.code).operationCode;
    return {
      httpErrorStatusCode: this.status,
      httpErrorMessage: HTTP_TEXT[this.status] ?? "ERROR",
      error: { errors: [{ code, message: this.message }] },
    };
  }
}

const HTTP_TEXT: Record<number, string> = {
  400: "BAD REQUEST",
  403: "FORBIDDEN",
  404: "NOT FOUND",
  409: "CONFLICT",
  412: "PRECONDITION FAILED",
  500: "INTERNAL SERVER ERROR",
  503: "SERVICE UNAVAILABLE",
};

function classOf(code: string): ErrorClass {
  return (CLASSES as Record<string, ErrorClass>)[code] ?? { status: 400, operationCode: code, rpc: "UNKNOWN", retry: false };
}

export function notFound(path: string): ApiError {
  return new ApiError("notFound", `The resource '${path}' was not found`);
}

export function alreadyExists(path: string): ApiError {
  return new ApiError("alreadyExists", `The resource '${path}' already exists`);
}

export function inUse(noun: string, path: string, user: string): ApiError {
  return new ApiError("resourceInUseByAnotherResource", `The ${noun} resource '${path}' is already being used by '${user}'`);
}

/** `field` is the path inside the request, e.g. `resource.IPAddress`. */
export function invalid(field: string, value: unknown, why: string): ApiError {
  return new ApiError("invalid", `Invalid value for field '${field}': '${asText(value)}'. ${why}`);
}

/** Another rule or VM holds the address: an `invalid` of its own kind. */
export function addressInUse(field: string, ip: string, path: string): ApiError {
  const message = `Invalid value for field '${field}': '${ip}'. Specified IP address is in-use by '${path}' and would result in a conflict.`;
  return new ApiError("invalid", message, { operationCode: "IP_IN_USE_BY_ANOTHER_RESOURCE" });
}

export function required(field: string): ApiError {
  return new ApiError("required", `Required field '${field}' not specified`);
}

export function oneOfError(field: string, value: unknown, allowed: readonly string[]): ApiError {
  return invalid(field, value, `Allowed: ${allowed.join(", ")}.`);
}
