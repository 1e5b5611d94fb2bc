// SPDX-License-Identifier: Apache-2.0
// Rules that several components share: names, places, ranges, labels, closed sets. Pure; each answers with what is wrong.
import { parseRange, rangesOverlap } from "../controller/api";
import { problem, type Problem } from "./problems";

const RFC1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
export const show = (v: unknown): string => JSON.stringify(v) ?? String(v);
export const at = (path: string, field: string): string => {
  const step = /^[A-Za-z_][-\w]*$/.test(field) ? field : `[${show(field)}]`;
  return path === "" ? field : step.startsWith("[") ? `${path}${step}` : `${path}.${step}`;
};

/** Name of something in Google Cloud (RFC 1035). */
export function cloudNameProblems(value: string, path: string, max = 63): Problem[] {
  if (value.length > max)
    return [problem("Length", path, `${show(value)} has ${value.length} characters; at most ${max} are allowed`)];
  return RFC1035.test(value)
    ? []
    : [problem("Pattern", path, `${show(value)} is not a name: use lower case letters, digits and "-", begin with a letter`)];
}

/** Name of a Kubernetes object that is used as a label too (RFC 1123 label). */
export function kubeNameProblems(value: string, path: string, max = 63): Problem[] {
  if (value.length > max)
    return [problem("Length", path, `${show(value)} has ${value.length} characters; at most ${max} are allowed`)];
  return DNS_LABEL.test(value)
    ? []
    : [
        problem(
          "Pattern",
          path,
          `${show(value)} is not a name: use lower case letters, digits and "-", begin and end with a letter or digit`,
        ),
      ];
}

export function enumProblems(value: string | undefined, allowed: { [k: string]: string }, path: string): Problem[] {
  const values = Object.values(allowed);
  return value === undefined || values.includes(value)
    ? []
    : [problem("Enum", path, `${show(value)} is not one of ${values.join(", ")}`)];
}

/** A whole number within bounds; unset is fine. */
export function numberProblems(value: number | undefined, path: string, min: number, max: number): Problem[] {
  return value === undefined || (Number.isInteger(value) && value >= min && value <= max)
    ? []
    : [problem("Bounds", path, `${show(value)} is not a whole number from ${min} to ${max}`)];
}

const REGION = /^[a-z]+-[a-z]+\d+$/;
export function regionProblems(region: string, path = "region"): Problem[] {
  if (REGION.test(region)) return [];
  const zone = /^([a-z]+-[a-z]+\d+)-[a-z]$/.exec(region);
  const hint = zone
    ? `is a zone; persistent addresses are regional, so write ${show(zone[1])}`
    : `is not a region such as "europe-west3"`;
  return [problem("Location", path, `${show(region)} ${hint}`)];
}

/** The cluster must be in the region of its addresses, since forwarding rules are regional (SEED-31). */
export function locationProblems(location: string, region: string, path: string): Problem[] {
  return location === region || new RegExp(`^${region}-[a-z]$`).test(location)
    ? []
    : [
        problem(
          "Location",
          path,
          `${show(location)} is neither the region ${show(region)} nor one of its zones; addresses and cluster must be in one region`,
        ),
      ];
}

/** Empty label values come back from Google Cloud as a difference for ever (pulumi.md 8), so they are refused. */
export function labelProblems(labels: { [k: string]: unknown } | undefined, path = "labels"): Problem[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => {
    const here = `${path}[${show(key)}]`;
    if (!/^[a-z][-_a-z0-9]{0,62}$/.test(key))
      return [problem("Pattern", here, `the key is not 1 to 63 lower case letters, digits, "-" or "_", beginning with a letter`)];
    if (value === "") return [problem("Length", here, "is empty; give it a value or leave it out")];
    return typeof value === "string" && !/^[-_a-z0-9]{1,63}$/.test(value)
      ? [problem("Pattern", here, `${show(value)} is not 1 to 63 lower case letters, digits, "-" or "_"`)]
      : [];
  });
}

/** A range in a.b.c.d/n form, of a size within bounds. */
export function rangeProblems(text: string, path: string, widest = 0, narrowest = 32): Problem[] {
  const range = parseRange(text);
  if (!range || !text.includes("/"))
    return [problem("Pattern", path, `${show(text)} is not a range such as 10.1.0.0/20 with its host bits zero`)];
  return range.prefix < widest || range.prefix > narrowest
    ? [problem("Bounds", path, `${show(text)} has prefix /${range.prefix}; allowed are /${widest} to /${narrowest}`)]
    : [];
}

export interface NamedRange {
  path: string;
  text: string;
}
/** Each pair of ranges that share an address, reported at the later one. */
export function overlapProblems(ranges: readonly NamedRange[]): Problem[] {
  const known = ranges.flatMap((r) => ((range) => (range ? [{ ...r, range }] : []))(parseRange(r.text)));
  return known.flatMap((b, i) =>
    known
      .slice(0, i)
      .filter((a) => rangesOverlap(a.range, b.range))
      .map((a) =>
        problem(
          "Overlap",
          b.path,
          `${b.text} overlaps ${a.text} of ${a.path}; the Pod networks of a cluster must not share addresses`,
        ),
      ),
  );
}

/** Exactly one of some properties must be set. */
export function exactlyOne(values: { [name: string]: unknown }, path: string): Problem[] {
  const names = Object.keys(values);
  const set = names.filter((n) => values[n] !== undefined);
  if (set.length === 1) return [];
  const what = set.length === 0 ? "none is" : `${set.join(" and ")} are`;
  return [problem("Exclusive", path, `exactly one of ${names.join(", ")} must be set; ${what}`)];
}

export const known = (names: Iterable<string>): string => [...names].sort().map(show).join(", ") || "none";

export const saidBy = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
/** Whether what a provider said of a read means that there is no such thing. */
export const notFound = (said: string): boolean => /\b404\b|not ?found/i.test(said);
