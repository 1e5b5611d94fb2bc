// SPDX-License-Identifier: Apache-2.0
// IPv4 arithmetic over unsigned 32-bit numbers: only what address and range checks need.

export interface Cidr {
  /** First address, host bits cleared. */
  base: number;
  prefix: number;
  /** Last address. */
  last: number;
}

/** Parses a dotted quad without leading zeros; undefined when it is anything else. */
export function parseIp(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((p) => /^(0|[1-9]\d{0,2})$/.test(p) && Number(p) <= 255)) return undefined;
  return parts.reduce((sum, p) => sum * 256 + Number(p), 0);
}

export function formatIp(ip: number): string {
  return [24, 16, 8, 0].map((shift) => (ip >>> shift) & 255).join(".");
}

/** Parses `a.b.c.d/n` with clear host bits; undefined otherwise. */
export function parseCidr(text: string): Cidr | undefined {
  const [ipText = "", prefixText = ""] = text.split("/");
  const base = parseIp(ipText);
  if (base === undefined || !/^\d{1,2}$/.test(prefixText) || text.split("/").length !== 2) return undefined;
  const prefix = Number(prefixText);
  if (prefix > 32) return undefined;
  const size = 2 ** (32 - prefix);
  return base % size === 0 ? { base, prefix, last: base + size - 1 } : undefined;
}

export function contains(range: Cidr, ip: number): boolean {
  return ip >= range.base && ip <= range.last;
}

export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.base <= b.last && b.base <= a.last;
}

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed) throw new RangeError(`not an IPv4 range: ${text}`);
  return parsed;
}

// RFC 1918, 6598, 1122, 3927, 5771 and 1112: never an external address.
const NOT_EXTERNAL = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "224.0.0.0/3",
].map(cidr);

export function isExternal(ip: number): boolean {
  return !NOT_EXTERNAL.some((range) => contains(range, ip));
}

/**
 * Where automatically assigned external addresses come from: the benchmark range of RFC 2544, so that none can be
 * mistaken for an address that someone owns.
 */
export const EXTERNAL_POOL = cidr("198.18.0.0/15");
