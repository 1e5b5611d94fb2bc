// SPDX-License-Identifier: Apache-2.0
// What Google Compute and its callers say to each other: objects, refusals with Google's reasons, links and paths.

export type Json = Record<string, unknown>;
export interface Rule extends Json {
  name: string;
  id: string;
  IPAddress: string;
  IPProtocol: string;
  target: string;
  selfLink: string;
  labels?: Record<string, string>;
  labelFingerprint: string;
  description?: string;
  loadBalancingScheme: string;
}
export interface Target extends Json {
  name: string;
  id: string;
  instance: string;
  zone: string;
  selfLink: string;
}
export interface Address extends Json {
  name: string;
  address: string;
  addressType: string;
}
export interface Operation extends Json {
  name: string;
  status: "RUNNING" | "DONE";
}
/** A refusal with Google's reason; `retryAfter` in seconds. */
export class CloudRefusal extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    readonly retryAfter?: number,
  ) {
    super(message);
  }
  body(): Json {
    return { error: { code: this.status, message: this.message, errors: [{ reason: this.reason, message: this.message }] } };
  }
}
export const ROOT = "https://www.googleapis.com/compute/v1/";
export const last = (path: unknown): string => String(path).split("/").at(-1) ?? "";
export const pathOf = (url: unknown): string => String(url).slice(Math.max(0, String(url).indexOf("projects/")));

export const missing = (what: string): CloudRefusal => new CloudRefusal(404, "notFound", `The resource '${what}' was not found`);
export const exists = (path: string): CloudRefusal =>
  new CloudRefusal(409, "alreadyExists", `The resource '${path}' already exists`);
export const inUseAddress = (ip: string, user: string): CloudRefusal =>
  new CloudRefusal(
    400,
    "invalid",
    `'${ip}'. Specified IP address is in-use by '${pathOf(user)}' and would result in a conflict.`,
  );
/** @throws CloudRefusal 404 */
export function found<T>(value: T | undefined, name: unknown): T {
  if (value === undefined) throw missing(String(name));
  return value;
}
