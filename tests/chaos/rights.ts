// SPDX-License-Identifier: Apache-2.0
// Rights as words, granted and used, and what is in one of the two only. Pure.
import type { Rule } from "../../components/rbac";

export interface AuditEvent {
  user: { username: string };
  verb: string;
  requestURI: string;
  responseStatus?: { code: number };
  objectRef?: { apiGroup?: string; resource: string; subresource?: string };
}
export interface Differences {
  /** Used, or asked for and refused, but not granted. */
  missing: string[];
  /** Granted, but never used. */
  unused: string[];
}

export const granted = (rules: readonly Rule[]): string[] =>
  rules.flatMap((r) =>
    r.apiGroups.flatMap((g) => r.resources.flatMap((res) => r.verbs.map((v) => `${g || "core"}/${res} ${v}`))),
  );

/** Requests of one user to resources, out of the API server's audit log (one JSON object a line). */
export const requestsOf = (user: string, log: string): AuditEvent[] =>
  log
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter((e) => e.user.username === user && e.objectRef !== undefined);

export function used(events: readonly AuditEvent[]): string[] {
  const words = events.map(({ verb, objectRef }) => {
    const { apiGroup = "core", resource, subresource } = objectRef!;
    return `${apiGroup}/${resource}${subresource ? `/${subresource}` : ""} ${verb}`;
  });
  return [...new Set(words)];
}

export function differences(have: readonly string[], need: readonly string[]): Differences {
  const [a, b] = [new Set(have), new Set(need)];
  return { missing: [...b].filter((w) => !a.has(w)).sort(), unused: [...a].filter((w) => !b.has(w)).sort() };
}
/** Every right taken away alone must be missed, and a right added alone must be found unused. Answers those that were not. */
export function overlooked(have: readonly string[], need: readonly string[]): string[] {
  const taken = have.filter(
    (right) =>
      !differences(
        [...have].filter((w) => w !== right),
        need,
      ).missing.includes(right),
  );
  const added = have
    .map((right) => `${right} too`)
    .filter((right) => !differences([...have, right], need).unused.includes(right));
  return [...taken, ...added];
}
