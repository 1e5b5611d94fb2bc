// SPDX-License-Identifier: Apache-2.0
// IPv4 and /32 arithmetic. One canonical form or a refusal that says why (E28); nothing is guessed.

export type AddressProblem =
  "Empty" | "Spaces" | "NotIPv4" | "LeadingZero" | "OctetRange" | "NotSlash32" | "Prefix" | "IPv6" | "Unusable";
export type ParsedAddress =
  { ok: true; address: string; value: number } | { ok: false; problem: AddressProblem; message: string };

const fail = (problem: AddressProblem, message: string): ParsedAddress => ({ ok: false, problem, message });

function octets(text: string): number[] | AddressProblem {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((p) => /^\d{1,3}$/.test(p))) return "NotIPv4";
  if (parts.some((p) => p.length > 1 && p.startsWith("0"))) return "LeadingZero";
  const numbers = parts.map(Number);
  return numbers.some((n) => n > 255) ? "OctetRange" : numbers;
}

const WHY: Record<"NotIPv4" | "LeadingZero" | "OctetRange", string> = {
  NotIPv4: "is not an IPv4 address; write four numbers, such as 34.123.10.1/32",
  LeadingZero: "has a leading zero, which some programs read as octal; write it without",
  OctetRange: "has a number over 255",
};

/** Addresses that no Pod can own: unspecified, loopback, link local, multicast, reserved (RFC 5735, RFC 3927, RFC 5771). */
const unusable = (value: number): boolean => {
  const first = value >>> 24;
  return first === 0 || first === 127 || first >= 224 || value >>> 16 === 0xa9fe;
};

function prefixProblem(quoted: string, prefix: string | undefined, rest: readonly string[]): ParsedAddress | undefined {
  if (rest.length > 0) return fail("Prefix", `${quoted} has more than one "/"; only /32 is supported`);
  if (prefix === undefined || prefix === "32") return undefined;
  return /^\d{1,2}$/.test(prefix)
    ? fail("NotSlash32", `${quoted} is a range; only single addresses, /32, are supported`)
    : fail("Prefix", `${quoted} has a prefix that is not a number from 0 to 32; only /32 is supported`);
}

/**
 * Reads `a.b.c.d` or `a.b.c.d/32` (SEED-12, SEED-58, E28, E29).
 * @returns the canonical dotted form without prefix, and its 32-bit value; or the problem and a message that names the value and what is allowed
 */
export function parseAddress(text: string): ParsedAddress {
  const quoted = JSON.stringify(text);
  if (text === "") return fail("Empty", "the address is empty; write an IPv4 address such as 34.123.10.1/32");
  if (/\s/.test(text)) return fail("Spaces", `${quoted} has spaces in it; write ${JSON.stringify(text.replace(/\s/g, ""))}`);
  if (text.includes(":")) return fail("IPv6", `${quoted} is an IPv6 address; only IPv4 addresses can be persistent`);
  const [body = "", prefix, ...rest] = text.split("/");
  const parts = octets(body);
  if (typeof parts === "string") return fail(parts, `${quoted} ${WHY[parts as keyof typeof WHY]}`);
  const problem = prefixProblem(quoted, prefix, rest);
  if (problem) return problem;
  const value = parts.reduce((sum, n) => sum * 256 + n, 0);
  if (unusable(value))
    return fail(
      "Unusable",
      `${quoted} is a reserved address (this network, loopback, link local or multicast) that no Pod can hold`,
    );
  return { ok: true, address: parts.join("."), value };
}

/** Dotted form of a 32-bit value. */
export const formatAddress = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");

export interface Range {
  first: number;
  last: number;
  prefix: number;
}

/** Reads `a.b.c.d/n`. Host bits must be zero, so that a typing error in a range is seen. Undefined where it is not one. */
export function parseRange(text: string): Range | undefined {
  const [body = "", prefixText = "32", ...rest] = text.split("/");
  const parts = octets(body);
  const prefix = Number(prefixText);
  if (rest.length > 0 || typeof parts === "string" || !/^\d{1,2}$/.test(prefixText) || prefix > 32) return undefined;
  const value = parts.reduce((sum, n) => sum * 256 + n, 0);
  const size = 2 ** (32 - prefix);
  return value % size === 0 ? { first: value, last: value + size - 1, prefix } : undefined;
}

export const rangeContains = (range: Range, value: number): boolean => value >= range.first && value <= range.last;
export const rangesOverlap = (a: Range, b: Range): boolean => a.first <= b.last && b.first <= a.last;

// RFC 1918 and RFC 6598: addresses that two VPCs may both have.
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"].flatMap((text) => parseRange(text) ?? []);

/** Is a literal a private address? Others, and text that is no address, are taken for public. */
export function isPrivate(address: string): boolean {
  const parsed = parseAddress(address);
  return parsed.ok && PRIVATE.some((range) => rangeContains(range, parsed.value));
}
