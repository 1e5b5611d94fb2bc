// SPDX-License-Identifier: Apache-2.0
// Answers are Google's, or those of whatever stands in between: a login page, a broken proxy. What is no JSON object is no answer; a field of
// another type than the API documents is left out, so that one odd object does not spoil a whole list (invariant 6).
import type { Schema } from "../api/schema-type";
import { fit } from "../api/shapes";
import { ComputeError } from "./errors";

const text: Schema = { type: "string" };
const flag: Schema = { type: "boolean" };
const number: Schema = { type: "number" };
const list = (items: Schema): Schema => ({ type: "array", items });
const object = (properties: Record<string, Schema>): Schema => ({ type: "object", properties });
const map = (values: Schema): Schema => ({ type: "object", additionalProperties: values });
const texts = (...names: string[]): Record<string, Schema> => Object.fromEntries(names.map((n) => [n, text]));

const address = object({
  ...texts("name", "address", "addressType", "status", "region", "networkTier", "subnetwork", "network", "purpose", "selfLink"),
  ...{ users: list(text), prefixLength: number },
});
const ports = list(object({ IPProtocol: text, ports: list(text) }));
/** By the resource of the method's name. */
const SHAPES: Readonly<Record<string, Schema>> = {
  addresses: address,
  forwardingRules: object({
    ...texts("name", "IPAddress", "target", "loadBalancingScheme", "IPProtocol", "network", "labelFingerprint", "description"),
    ...{ labels: map(text), allowGlobalAccess: flag },
  }),
  targetInstances: object(texts("name", "zone", "instance", "network", "description", "creationTimestamp")),
  firewalls: object({
    ...texts("name", "network", "direction"),
    ...{ priority: number, disabled: flag, allowed: ports, denied: ports },
    ...{ sourceRanges: list(text), destinationRanges: list(text), targetTags: list(text), targetServiceAccounts: list(text) },
  }),
  publicDelegatedPrefixes: object(texts("name", "status", "ipCidrRange")),
  instances: object({ ...texts("name", "creationTimestamp"), networkInterfaces: list(object(texts("network", "name"))) }),
  subnetworks: object(texts("network", "region")),
  regionOperations: object(texts("name", "operationType", "status", "targetLink")),
  regions: object({ zones: list(text) }),
};
const OPERATION = object({
  ...texts("name", "status", "region", "zone", "httpErrorMessage"),
  httpErrorStatusCode: number,
  error: object({ errors: list(object(texts("code", "message"))) }),
});

const isBag = (v: unknown): v is Record<string, unknown> => typeof v === "object" && v !== null && !Array.isArray(v);

/** A list may lack an odd object's field, never a page: then nobody knows what is missing. */
function listShape(method: string, data: Record<string, unknown>, item: Schema): Schema {
  const { items, nextPageToken } = data;
  const token = nextPageToken ?? "";
  if (!Array.isArray(items ?? []) || typeof token !== "string") throw unreadable(method, "is a list without items or page token");
  return object({ items: list(item), nextPageToken: text });
}

function shapeOf(method: string, data: Record<string, unknown>): Schema {
  const [resource = "", verb = ""] = method.split(".");
  const own = SHAPES[resource];
  if (verb === "get") return own ?? {};
  if (verb === "list") return listShape(method, data, own ?? {});
  return verb === "aggregatedList" ? listShape(method, data, object({ addresses: list(address) })) : OPERATION;
}

function unreadable(method: string, how: string): ComputeError {
  return new ComputeError({
    code: "Unavailable",
    method,
    message: `${method}: the answer ${how}; what stands between us and Google Cloud?`,
  });
}

/** The data of a good answer, with the types that the rest of this room relies on. @throws ComputeError Unavailable where it is no answer */
export function readAnswer<T>(method: string, data: T): T {
  if (!isBag(data)) throw unreadable(method, "is not a JSON object");
  return fit(shapeOf(method, data), data) as T;
}
