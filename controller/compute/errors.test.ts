// SPDX-License-Identifier: Apache-2.0
import { expect } from "chai";
import { ComputeError, fromHttp, fromOperation, fromTransport, retryAfterMs, type ComputeErrorCode } from "./errors";

const NOW = Date.UTC(2026, 0, 1);
const http = (status: number, reason?: string, message = "said so") =>
  fromHttp(
    "forwardingRules.insert",
    { status, body: { error: { code: status, message, errors: reason ? [{ reason, message }] : [] } } },
    NOW,
  );

describe("compute errors", () => {
  const table: [number, string | undefined, ComputeErrorCode, boolean][] = [
    [403, "rateLimitExceeded", "RateLimited", true],
    [403, "userRateLimitExceeded", "RateLimited", true],
    [403, "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED", "ConcurrentOperations", true],
    [403, "quotaExceeded", "QuotaExceeded", false],
    [403, "forbidden", "PermissionDenied", false],
    [403, "insufficientPermissions", "PermissionDenied", false],
    [403, undefined, "PermissionDenied", false],
    [401, "authError", "PermissionDenied", true],
    [404, "notFound", "NotFound", false],
    [409, "alreadyExists", "AlreadyExists", false],
    [409, undefined, "Conflict", false],
    [412, "conditionNotMet", "PreconditionFailed", true],
    [429, "rateLimitExceeded", "RateLimited", true],
    [429, undefined, "RateLimited", true],
    [400, "invalid", "Invalid", false],
    [400, "resourceInUseByAnotherResource", "InUse", true],
    [400, "resourceNotReady", "Unavailable", true],
    [500, "backendError", "Unavailable", true],
    [503, "notFound", "Unavailable", true],
    [418, undefined, "Unknown", false],
  ];
  for (const [status, reason, code, retry] of table)
    it(`reads HTTP ${status} with reason ${reason ?? "none"} as ${code} (E50)`, () => {
      const error = http(status, reason);
      expect([error.code, error.retry, error.status]).to.deep.equal([code, retry, status]);
      expect(error.message).to.contain("forwardingRules.insert").and.contain("said so").and.contain(String(status));
    });

  it("reads a refused second rule on one address as InUse although its reason is invalid", () => {
    const said =
      "Invalid value for field 'resource.IPAddress': '1.2.3.4'. Specified IP address is in-use and would result in a conflict with 'projects/p'.";
    expect(http(400, "invalid", said).code).to.equal("InUse");
    expect(fromOperation("m", { error: { errors: [{ code: "INVALID_FIELD_VALUE", message: said }] } }).code).to.equal("InUse");
  });

  it("copes with answers that are not Google's: text, nothing, null", () => {
    for (const body of ["<html>Bad Gateway</html>", undefined, null, 7, { error: "text" }])
      expect(fromHttp("m", { status: 502, body }, NOW)).to.include({ code: "Unavailable", retry: true });
  });

  const operations: [string, number | undefined, ComputeErrorCode][] = [
    ["QUOTA_EXCEEDED", 403, "QuotaExceeded"],
    ["RESOURCE_NOT_FOUND", 404, "NotFound"],
    ["RESOURCE_ALREADY_EXISTS", 409, "AlreadyExists"],
    ["RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", 400, "InUse"],
    ["IP_IN_USE_BY_ANOTHER_RESOURCE", 400, "InUse"],
    ["RATE_LIMIT_EXCEEDED", undefined, "RateLimited"],
    ["INTERNAL_ERROR", undefined, "Unavailable"],
    ["PERMISSIONS_ERROR", 403, "PermissionDenied"],
    ["SOMETHING_NEW", undefined, "Unknown"],
    ["SOMETHING_NEW", 409, "Conflict"],
  ];
  for (const [code, status, expected] of operations)
    it(`reads a failed operation ${code} (${status ?? "no status"}) as ${expected}`, () => {
      const error = fromOperation("targetInstances.insert", {
        name: "operation-1",
        httpErrorStatusCode: status,
        error: { errors: [{ code, message: "because" }] },
      });
      expect(error.code).to.equal(expected);
      expect(error.message).to.contain("because").and.contain("operation-1").and.contain(code);
    });

  it("keeps the cause and the system's code of a broken connection", () => {
    const cause = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    expect(fromTransport("m", cause)).to.include({ code: "Network", retry: true, reason: "ECONNRESET", cause });
    expect(fromTransport("m", new Error("outer", { cause })).reason).to.equal("ECONNRESET");
    expect(fromTransport("m", "text").message).to.contain("text");
  });

  it("reads Retry-After in seconds and as a date, and ignores nonsense (RFC 9110 10.2.3)", () => {
    expect(retryAfterMs("7", NOW)).to.equal(7000);
    expect(retryAfterMs(new Date(NOW + 5000).toUTCString(), NOW)).to.equal(5000);
    expect(retryAfterMs(new Date(NOW - 5000).toUTCString(), NOW)).to.equal(0);
    expect(retryAfterMs("soon", NOW)).to.equal(undefined);
    expect(retryAfterMs(undefined, NOW)).to.equal(undefined);
  });

  it("lets the thrower overrule whether a retry makes sense", () => {
    expect(new ComputeError({ code: "Conflict", method: "m", message: "x", retry: true }).retry).to.equal(true);
    expect(new ComputeError({ code: "Fenced", method: "m", message: "x" }).retry).to.equal(false);
  });
});
