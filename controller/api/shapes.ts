// SPDX-License-Identifier: Apache-2.0
// The shape of each custom resource as far as decisions read it, and `fit`, which makes any JSON have it: what is of another type is left out.
// The API server guards types by a CRD, but these CRDs are other people's; one object that is otherwise must not stop the rest (invariant 6).
import { addressBindingSchema } from "./binding";
import { gkeIpRouteSchema } from "./gkeiproute";
import { selectorSchema } from "./schema-parts";
import type { Schema } from "./schema-type";

const text: Schema = { type: "string" };
const object = (properties: Record<string, Schema>, required: readonly string[] = []): Schema => ({
  type: "object",
  required,
  properties,
});
const list = (items: Schema): Schema => ({ type: "array", items });
const conditions = list(
  object(
    { type: text, status: text, reason: text, message: text, lastTransitionTime: text, observedGeneration: { type: "integer" } },
    ["type", "status"],
  ),
);
const addresses = list(object({ type: text, value: text }));
const kinds = list(object({ group: text, kind: text }, ["kind"]));
const listener = object(
  {
    ...{ name: text, port: { type: "integer" }, protocol: text, hostname: text },
    allowedRoutes: object({ namespaces: object({ from: text, selector: selectorSchema }), kinds }),
  },
  ["name"],
);
const reference = object({ group: text, kind: text, name: text, namespace: text });

/** By the key of `KINDS`. */
export const SHAPES = {
  route: object({
    spec: gkeIpRouteSchema.properties.spec,
    status: object({ pods: list(text), conditions }),
  }),
  gateway: object({
    spec: object({ gatewayClassName: text, listeners: list(listener), addresses }),
    status: object({
      ...{ addresses, conditions },
      listeners: list(object({ name: text, supportedKinds: kinds, attachedRoutes: { type: "integer" }, conditions }, ["name"])),
    }),
  }),
  gatewayClass: object({ spec: object({ controllerName: text, description: text }), status: object({ conditions }) }),
  network: object({ spec: object({ type: text, parametersRef: reference, provider: text }), status: object({ conditions }) }),
  paramSet: object({
    spec: object({ vpc: text, vpcSubnet: text, deviceMode: text, networkAttachment: text }),
    status: object({ conditions, networkName: text }),
  }),
  networkInterface: object({ spec: object({ networkName: text }) }),
  binding: object({
    spec: addressBindingSchema.properties.spec,
    status: addressBindingSchema.properties.status,
  }),
} as const satisfies Record<string, Schema>;

const kindOf = (v: unknown): string =>
  Array.isArray(v) ? "array" : v === null ? "null" : Number.isInteger(v) ? "integer" : typeof v;
type Bag = Record<string, unknown>;

function fitItem(schema: Schema | undefined, item: unknown): unknown[] {
  const fitted = schema ? fit(schema, item) : item;
  const whole = (schema?.required ?? []).every((k) => (fitted as Bag | undefined)?.[k] !== undefined);
  return fitted !== undefined && whole ? [fitted] : [];
}
function fitObject(schema: Schema, value: Bag): Bag {
  const kept = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
    const rule =
      schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : schema.additionalProperties;
    const fitted = rule ? fit(rule, item) : item;
    return fitted === undefined ? [] : [[key, fitted]];
  });
  return Object.fromEntries(kept);
}

/**
 * The value without the parts that are of another type than the schema says; undefined where nothing is left. Members of lists that lack what
 * they need are left out too; fields that the schema does not name are kept. Only types are looked at: what a text says is for the rules.
 */
export function fit(schema: Schema, value: unknown): unknown {
  const kind = kindOf(value);
  const wanted = schema.type ?? kind;
  if (kind !== wanted && !(wanted === "number" && kind === "integer")) return undefined;
  if (kind === "array") return (value as unknown[]).flatMap((item) => fitItem(schema.items, item));
  return kind === "object" ? fitObject(schema, value as Bag) : value;
}
