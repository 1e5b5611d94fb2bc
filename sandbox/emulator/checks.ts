// SPDX-License-Identifier: Apache-2.0
// Reading request bodies: names, labels, enums and fingerprints, each refused by name.
import type { Call } from "./env";
import { scopeOfCall } from "./env";
import { ApiError, invalid, oneOfError, required } from "./errors";
import { labelFingerprint, sameFingerprint, timestamp } from "./ids";
import { FAMILIES, selfLink } from "./links";
import type { JsonObject, Kind } from "./types";

const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_KEY = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u;
const LABEL_VALUE = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u;

/** What the server, not the client, decides about a new resource. */
export interface Identity {
  kind: string;
  id: string;
  name: string;
  creationTimestamp: string;
  selfLink: string;
  region?: string;
  zone?: string;
}

/** The server's part of a resource to insert. @throws ApiError for a missing or bad name */
export function newIdentity(call: Call, kind: Kind): Identity {
  const { env, body, params } = call;
  const name = checkedName(body.name);
  return {
    kind: `compute#${FAMILIES[kind].kind}`,
    id: env.ids.numeric(),
    name,
    creationTimestamp: timestamp(env.now()),
    selfLink: selfLink(`${scopeOfCall(call)}/${kind}/${name}`),
    ...(params.region === undefined ? {} : { region: selfLink(`projects/${env.project}/regions/${params.region}`) }),
    ...(params.zone === undefined ? {} : { zone: selfLink(`projects/${env.project}/zones/${params.zone}`) }),
  };
}

function checkedName(name: unknown): string {
  if (name === undefined || name === "") throw required("resource.name");
  if (typeof name !== "string" || !NAME.test(name)) {
    throw invalid("resource.name", name, `Must be a match of regex '${NAME.source}'.`);
  }
  return name;
}

/** `labels` (left out when empty) and their fingerprint. @throws ApiError `invalid` naming the label */
export function checkedLabels(value: unknown): { labels: Record<string, string> | undefined; labelFingerprint: string } {
  const labels = (value ?? {}) as Record<string, string>;
  for (const [key, text] of Object.entries(labels)) {
    if (!LABEL_KEY.test(key))
      throw invalid("resource.labels", key, "A label key is 1 to 63 of a-z, 0-9, _ and -, a letter first.");
    if (typeof text !== "string" || !LABEL_VALUE.test(text)) {
      throw invalid(`resource.labels.${key}`, text, "A label value is up to 63 of a-z, 0-9, _ and -.");
    }
  }
  return { labels: Object.keys(labels).length > 0 ? labels : undefined, labelFingerprint: labelFingerprint(labels) };
}

/** @throws ApiError `conditionNotMet` when a fingerprint was sent and is not the current one */
export function checkFingerprint(what: string, sent: unknown, current: string | undefined): void {
  if (typeof sent === "string" && !sameFingerprint(sent, current ?? "")) throw stale(what);
}

/** The 412 that Google gives for a fingerprint that is not the current one. */
export function stale(what: string): ApiError {
  return new ApiError("conditionNotMet", `${what} fingerprint either invalid or resource ${what.toLowerCase()} have changed`);
}

/** Copies the named fields of a body that are present. */
export function copied(body: JsonObject, fields: readonly string[]): JsonObject {
  return Object.fromEntries(fields.flatMap((field) => (body[field] === undefined ? [] : [[field, body[field]]])));
}

/** @throws ApiError `invalid` naming the field unless the value is one of `allowed` */
export function oneOf<T extends string>(field: string, value: unknown, allowed: readonly T[], fallback: T): T {
  if (value === undefined) return fallback;
  if (!allowed.includes(value as T)) throw oneOfError(field, value, allowed);
  return value as T;
}
