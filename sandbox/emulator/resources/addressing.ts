// SPDX-License-Identifier: Apache-2.0
// Who holds which IP address, and the next free one of a range.
import type { Env } from "../env";
import { ApiError } from "../errors";
import type { Cidr } from "../ipv4";
import { EXTERNAL_POOL, formatIp, parseCidr } from "../ipv4";
import { ipKey } from "../store";
import type { Address, Prefix, Resource, Subnetwork } from "../types";

/** States of a delegated prefix in which addresses can be made from it (api.md 4.4). */
const USABLE_PREFIX = ["ANNOUNCED", "ACTIVE", "ANNOUNCED_TO_INTERNET", "ANNOUNCED_TO_GOOGLE"];

/** The reservation, rule or VM that holds an IP address. */
export function holder(env: Env, key: string): Resource | undefined {
  return env.store.of("addresses").by("ip", key)[0] ?? user(env, key);
}

/** The rule or VM that uses an IP address. */
export function user(env: Env, key: string): Resource | undefined {
  return env.store.of("forwardingRules").by("ip", key)[0] ?? env.store.of("instances").by("ip", key)[0];
}

/** The reservation of an IP address. */
export function reservation(env: Env, key: string): Address | undefined {
  return env.store.of("addresses").by("ip", key)[0];
}

/** The range of a stored resource, which was checked when it was made. */
export function rangeOf(text: string): Cidr {
  const range = parseCidr(text);
  if (!range) throw new RangeError(`stored range is not IPv4: ${text}`);
  return range;
}

/** @throws ApiError `quotaExceeded` when the pool is used up */
export function freeExternal(env: Env): string {
  return firstFree(env, { range: EXTERNAL_POOL, skip: 1, name: "external address pool" });
}

/** @throws ApiError `quotaExceeded` when the subnetwork is full */
export function freeInternal(env: Env, subnetwork: Subnetwork): string {
  // Google keeps the first two and the last two addresses of a primary range for itself.
  return firstFree(env, { range: rangeOf(subnetwork.ipCidrRange), skip: 2, name: subnetwork.name }, subnetwork.network);
}

/** @throws ApiError `quotaExceeded` when the prefix is used up */
export function freeInPrefix(env: Env, prefix: Prefix): string {
  return firstFree(env, { range: rangeOf(prefix.ipCidrRange), skip: 0, name: prefix.name });
}

/** `skip` addresses at either end are not given. */
function firstFree(env: Env, pool: { range: Cidr; skip: number; name: string }, networkUrl?: string): string {
  for (let ip = pool.range.base + pool.skip; ip <= pool.range.last - pool.skip; ip += 1) {
    const text = formatIp(ip);
    if (!holder(env, ipKey(text, networkUrl))) return text;
  }
  throw new ApiError("quotaExceeded", `IP space of '${pool.name}' is exhausted`, { status: 400 });
}

export function usablePrefix(prefix: Prefix): boolean {
  return USABLE_PREFIX.includes(prefix.status);
}
