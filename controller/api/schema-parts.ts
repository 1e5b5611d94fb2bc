// SPDX-License-Identifier: Apache-2.0
// Pieces that several of our schemas share: conditions, selectors, parent references. Bounds as in Google's CRD and Gateway API.

const DNS = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const DOMAIN = `${DNS}(\\.${DNS})*`;

export const addressSchema = {
  type: "object",
  required: ["value"],
  properties: {
    type: {
      type: "string",
      description: 'Kind of the value: "gke.networking.io/cidr" or "IPAddress".',
      default: "IPAddress",
      minLength: 1,
      maxLength: 253,
      // Badly anchored at the origin (api.md 6.3); kept, so that the same objects pass.
      pattern: `^Hostname|IPAddress|NamedAddress|${DOMAIN}\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$`,
    },
    value: { type: "string", description: "An IPv4 address, alone or with /32.", minLength: 1, maxLength: 253 },
  },
} as const;

export const selectorSchema = {
  type: "object",
  "x-kubernetes-map-type": "atomic",
  properties: {
    matchLabels: { type: "object", additionalProperties: { type: "string" } },
    matchExpressions: {
      type: "array",
      "x-kubernetes-list-type": "atomic",
      items: {
        type: "object",
        required: ["key", "operator"],
        properties: {
          key: { type: "string" },
          operator: { type: "string" },
          values: { type: "array", "x-kubernetes-list-type": "atomic", items: { type: "string" } },
        },
      },
    },
  },
} as const;

export const parentRefSchema = {
  type: "object",
  required: ["name"],
  properties: {
    group: { type: "string", default: "gateway.networking.k8s.io", maxLength: 253, pattern: `^$|^${DOMAIN}$` },
    kind: { type: "string", default: "Gateway", minLength: 1, maxLength: 63, pattern: "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$" },
    name: { type: "string", minLength: 1, maxLength: 253 },
    namespace: { type: "string", minLength: 1, maxLength: 63, pattern: `^${DNS}$` },
    sectionName: { type: "string", minLength: 1, maxLength: 253, pattern: `^${DOMAIN}$` },
    port: { type: "integer", format: "int32", minimum: 1, maximum: 65535 },
  },
} as const;

export const conditionsSchema = {
  type: "array",
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["type"],
  items: {
    type: "object",
    required: ["lastTransitionTime", "message", "reason", "status", "type"],
    properties: {
      type: { type: "string", maxLength: 316, pattern: `^(${DOMAIN}/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$` },
      status: { type: "string", enum: ["True", "False", "Unknown"] },
      reason: { type: "string", minLength: 1, maxLength: 1024, pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$" },
      message: { type: "string", maxLength: 32768 },
      observedGeneration: { type: "integer", format: "int64", minimum: 0 },
      lastTransitionTime: { type: "string", format: "date-time" },
    },
  },
} as const;
