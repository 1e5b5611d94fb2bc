// SPDX-License-Identifier: Apache-2.0
// The CustomResourceDefinitions made from the schemas. GKEIPRoute is for clusters that have none (never on GKE: there it is Google's).
import { addressBindingSchema } from "./binding";
import { gkeIpRouteSchema } from "./gkeiproute";
import { KINDS, type KindName } from "./kinds";
import type { Schema } from "./schema-type";

interface Column {
  name: string;
  type: "string" | "date" | "integer";
  jsonPath: string;
  priority?: number;
}
export interface CustomResourceDefinition {
  apiVersion: "apiextensions.k8s.io/v1";
  kind: "CustomResourceDefinition";
  metadata: { name: string };
  spec: {
    group: string;
    scope: "Namespaced" | "Cluster";
    names: { kind: string; listKind: string; plural: string; singular: string; shortNames?: string[] };
    versions: {
      name: string;
      served: true;
      storage: true;
      subresources: { status: Record<string, never> };
      additionalPrinterColumns: Column[];
      schema: { openAPIV3Schema: Schema };
    }[];
  };
}

function crd(k: KindName, schema: Schema, columns: Column[], shortNames: string[]): CustomResourceDefinition {
  const names = { kind: k.kind, listKind: `${k.kind}List`, plural: k.plural, singular: k.kind.toLowerCase(), shortNames };
  const version = {
    name: k.version,
    served: true,
    storage: true,
    subresources: { status: {} },
    additionalPrinterColumns: columns,
  } as const;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${k.plural}.${k.group}` },
    spec: {
      group: k.group,
      scope: k.namespaced ? "Namespaced" : "Cluster",
      names,
      versions: [{ ...version, schema: { openAPIV3Schema: schema } }],
    },
  };
}
const condition = (type: string, field: string): string => `.status.conditions[?(@.type=="${type}")].${field}`;
const AGE: Column = { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" };

export const gkeIpRouteCrd = (): CustomResourceDefinition =>
  crd(
    KINDS.route,
    gkeIpRouteSchema,
    [
      { name: "Addresses", type: "string", jsonPath: ".spec.addresses[*].value" },
      { name: "Pod", type: "string", jsonPath: ".status.pods[0]" },
      { name: "Ready", type: "string", jsonPath: condition("Ready", "status") },
      { name: "Reason", type: "string", jsonPath: condition("Ready", "reason") },
      { name: "Network", type: "string", jsonPath: ".spec.network", priority: 1 },
      AGE,
    ],
    ["gkeipr"],
  );

export const addressBindingCrd = (): CustomResourceDefinition =>
  crd(
    KINDS.binding,
    addressBindingSchema,
    [
      { name: "Address", type: "string", jsonPath: ".spec.address" },
      { name: "Pod", type: "string", jsonPath: ".status.holder.pod" },
      { name: "Node", type: "string", jsonPath: ".status.holder.node" },
      { name: "Ready", type: "string", jsonPath: ".status.ready" },
      { name: "Reason", type: "string", jsonPath: ".status.reason" },
      { name: "Last-Move", type: "date", jsonPath: ".status.lastMove.finishedAt" },
      AGE,
      { name: "Cause", type: "string", jsonPath: ".status.lastMove.cause", priority: 1 },
      { name: "Generation", type: "integer", jsonPath: ".status.generation", priority: 1 },
      { name: "Route", type: "string", jsonPath: ".spec.route.name", priority: 1 },
    ],
    ["pipb"],
  );
