// SPDX-License-Identifier: Apache-2.0
// One error class for everything that can go wrong between us and the API server, with a closed set of codes.
// `retry` answers one question: may the very same request succeed later? A Conflict may not (it must be recomputed).

export type ApiErrorCode =
  | "BadRequest"
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "Conflict"
  | "AlreadyExists"
  | "Gone"
  | "Invalid"
  | "TooManyRequests"
  | "ServerError"
  | "Unavailable"
  | "Timeout"
  | "Network"
  | "Unknown";

export interface ApiErrorDetails {
  status?: number;
  reason?: string;
  retryAfterSeconds?: number;
  body?: unknown;
  cause?: unknown;
}

/** What the API server, or the way to it, answered instead of a result. */
export class ApiError extends Error {
  readonly status?: number;
  readonly reason?: string;
  readonly retry: boolean;
  readonly retryAfterSeconds?: number;
  readonly body?: unknown;

  constructor(
    readonly code: ApiErrorCode,
    message: string,
    details: ApiErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "ApiError";
    this.status = details.status;
    this.reason = details.reason;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.body = details.body;
    this.retry = RETRYABLE.has(code) && details.reason !== ABORTED;
  }
}

/** `reason` of an error that only says that the caller's own signal was aborted. */
export const ABORTED = "Aborted";

const RETRYABLE: ReadonlySet<ApiErrorCode> = new Set<ApiErrorCode>([
  "Unauthorized", // tokens rotate
  "TooManyRequests",
  "ServerError",
  "Unavailable",
  "Timeout",
  "Network",
]);

const BY_STATUS: Readonly<Record<number, ApiErrorCode>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "BadRequest",
  406: "BadRequest",
  408: "Timeout",
  409: "Conflict",
  410: "Gone",
  413: "BadRequest",
  415: "BadRequest",
  422: "Invalid",
  429: "TooManyRequests",
  502: "Unavailable",
  503: "Unavailable",
  504: "Timeout",
};

interface StatusBody {
  message?: string;
  reason?: string;
  code?: number;
  details?: { retryAfterSeconds?: number };
}

/** True for an ApiError, of one of the given codes if any are given. */
export function isApiError(error: unknown, ...codes: ApiErrorCode[]): error is ApiError {
  return error instanceof ApiError && (codes.length === 0 || codes.includes(error.code));
}

/** Code of an HTTP status and the `reason` of the Status body (AlreadyExists shares 409 with Conflict). */
export function codeOf(status: number, reason?: string): ApiErrorCode {
  if (status === 409 && reason === "AlreadyExists") return "AlreadyExists";
  if (status === 500 && (reason === "Timeout" || reason === "ServerTimeout")) return "Timeout";
  return BY_STATUS[status] ?? (status >= 500 ? "ServerError" : "Unknown");
}

/**
 * Makes an ApiError of a response that is not 2xx, or of the `object` of a watch's ERROR event (same Status shape).
 * @param action what was tried, for the message, e.g. `GET /api/v1/pods`
 */
export function errorFromStatus(action: string, status: number, body: unknown, retryAfterHeader?: string): ApiError {
  const parsed: StatusBody = typeof body === "object" && body !== null ? body : {};
  const text = parsed.message ?? (typeof body === "string" && body.length > 0 ? body.slice(0, 300) : "no message");
  const retryAfterSeconds = parsed.details?.retryAfterSeconds ?? secondsOf(retryAfterHeader);
  return new ApiError(codeOf(status, parsed.reason), `${action}: ${status} ${text}`, {
    status,
    reason: parsed.reason,
    retryAfterSeconds,
    body,
  });
}

// Retry-After may also be an HTTP date (RFC 9110 10.2.3); the API server only ever sends seconds, so a date counts as absent.
function secondsOf(header: string | undefined): number | undefined {
  return header !== undefined && /^\d+$/.test(header.trim()) ? Number(header) : undefined;
}
