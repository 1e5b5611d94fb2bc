// SPDX-License-Identifier: Apache-2.0
// GKEIPRoute, networking.gke.io/v1: one schema from which the CRD, the type and the validator derive (DESIGN 3; api.md 1).
import { addressSchema, conditionsSchema, parentRefSchema, selectorSchema } from "./schema-parts";
import type { TypeOf } from "./schema-type";
import type { KubeObject } from "./kinds";

// Google's schema leaves these to its controller (api.md 1.2); with our CRD the API server itself refuses the edit (SEED-56, SEED-64, SEED-65).
const immutable = (field: string): readonly [{ readonly rule: string; readonly message: string }] => [
  { rule: "self == oldSelf", message: `${field} is immutable; delete the route and create it again` },
];

export const gkeIpRouteSchema = {
  type: "object",
  properties: {
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: { type: "object" },
    spec: {
      type: "object",
      required: ["addresses", "podSelector"],
      properties: {
        parentRefs: {
          type: "array",
          description: "The Gateway whose addresses are used. Not to be changed.",
          maxItems: 32,
          items: parentRefSchema,
          "x-kubernetes-validations": immutable("parentRefs"),
        },
        addresses: {
          type: "array",
          description: "The persistent addresses; each must be in the Gateway.",
          minItems: 1,
          items: addressSchema,
        },
        network: {
          type: "string",
          description: "Name of the Network that carries the addresses. Not to be changed.",
          default: "default",
          "x-kubernetes-validations": immutable("network"),
        },
        podSelector: { ...selectorSchema, description: "Labels of the Pods that may hold the addresses; one of them is chosen." },
        reactionMode: {
          type: "string",
          description: "ReadyCondition: a Pod must be Ready. Exists: it must have a node. Not to be changed.",
          enum: ["ReadyCondition", "Exists"],
          default: "ReadyCondition",
          "x-kubernetes-validations": immutable("reactionMode"),
        },
        loadBalancing: { type: "object", required: ["healthCheckName"], properties: { healthCheckName: { type: "string" } } },
        allowGlobalAccess: { type: "boolean", description: "Internal addresses: clients of other regions may reach them." },
        haPolicy: {
          type: "boolean",
          "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "HAPolicy is immutable" }],
        },
        nodeSelector: { ...selectorSchema, description: "Labels of the nodes that may carry the addresses." },
      },
    },
    status: {
      type: "object",
      properties: {
        pods: { type: "array", description: "The chosen Pod, of the route's own namespace.", items: { type: "string" } },
        conditions: conditionsSchema,
      },
    },
  },
} as const;

export type GKEIPRouteSpec = TypeOf<(typeof gkeIpRouteSchema)["properties"]["spec"]>;
/** As a user writes it: fields with a default may be left out. */
export type GKEIPRouteSpecInput = TypeOf<(typeof gkeIpRouteSchema)["properties"]["spec"], false>;
export type GKEIPRouteStatus = TypeOf<(typeof gkeIpRouteSchema)["properties"]["status"]>;
export type Condition = NonNullable<GKEIPRouteStatus["conditions"]>[number];
export type ParentRef = NonNullable<GKEIPRouteSpec["parentRefs"]>[number];
export interface GKEIPRoute extends KubeObject {
  spec: GKEIPRouteSpec;
  status?: GKEIPRouteStatus;
}
/**
 * The spec with its defaults. Google's schema does not require `spec` (api.md 1.2), so an object without any is in the cluster like every
 * other, and must not stop the others (invariant 6).
 */
export const specOf = (route: { spec?: Partial<GKEIPRouteSpec> | null }): GKEIPRouteSpec => ({
  addresses: [],
  podSelector: {},
  network: gkeIpRouteSchema.properties.spec.properties.network.default,
  reactionMode: gkeIpRouteSchema.properties.spec.properties.reactionMode.default,
  ...route.spec,
});
/** Fields of the spec that must keep their first value (SEED-56, SEED-64, SEED-65). */
export const IMMUTABLE_ROUTE_FIELDS = ["parentRefs", "network", "reactionMode", "haPolicy"] as const;
