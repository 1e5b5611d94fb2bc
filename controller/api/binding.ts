// SPDX-License-Identifier: Apache-2.0
// AddressBinding: the claim on an address (its name is unique in the API server), the fence (its resourceVersion) and the journal (its status).
import { conditionsSchema } from "./schema-parts";
import type { TypeOf } from "./schema-type";
import type { KubeObject } from "./kinds";

const holder = {
  type: "object",
  required: ["pod", "podUID", "node", "zone", "instance"],
  properties: {
    pod: { type: "string", description: "Name of the Pod, in the route's namespace." },
    podUID: { type: "string" },
    node: { type: "string" },
    zone: { type: "string" },
    instance: { type: "string", description: "Name of the VM behind the node." },
  },
} as const;

const former = {
  type: "object",
  required: holder.required,
  properties: {
    ...holder.properties,
    leftAt: {
      type: "string",
      format: "date-time",
      description:
        "When the address was known to have left it. Empty: a switch to it was begun and overtaken, and packets may still come.",
    },
  },
} as const;

const standby = {
  type: "object",
  required: [...holder.required, "since"],
  properties: {
    ...holder.properties,
    since: { type: "string", description: "When it was asked for; its node answers with the same text." },
  },
} as const;

const move = {
  type: "object",
  required: ["generation", "cause", "finishedAt", "durations"],
  properties: {
    generation: { type: "integer", format: "int64" },
    from: holder,
    to: holder,
    cause: { type: "string", description: "Why the address moved; docs/reasons.md." },
    startedAt: { type: "string", format: "date-time" },
    finishedAt: { type: "string", format: "date-time" },
    durations: {
      type: "object",
      description: "Milliseconds in each phase.",
      properties: {
        prepare: { type: "integer", format: "int64" },
        switch: { type: "integer", format: "int64" },
        prove: { type: "integer", format: "int64" },
        total: { type: "integer", format: "int64" },
      },
    },
  },
} as const;

const nodeEntry = {
  type: "object",
  required: ["node", "generation", "programmed"],
  properties: {
    node: { type: "string" },
    pod: { type: "string", description: "Name of the Pod that the node is programmed for." },
    podUID: { type: "string" },
    generation: { type: "integer", format: "int64", description: "Generation of the hand-over that the node has obeyed." },
    programmed: { type: "boolean", description: "Read back: packets reach the Pod and leave with the address." },
    standby: { type: "string", description: "`since` of the standby that this is the answer to; empty: the Pod is no standby." },
    conditions: conditionsSchema,
  },
} as const;

/** Phases of a hand-over (DESIGN 4.4). `Held`: proven. `Unserved`: claimed, no Pod. `Releasing`: being given back to nobody. */
export const PHASES = ["Claimed", "Preparing", "Prepared", "Switching", "Held", "Unserved", "Releasing"] as const;

export const addressBindingSchema = {
  type: "object",
  required: ["spec"],
  properties: {
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: { type: "object" },
    spec: {
      type: "object",
      required: ["address", "scope", "route"],
      properties: {
        address: { type: "string", "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "address is immutable" }] },
        scope: {
          type: "string",
          enum: ["External", "Internal"],
          "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "scope is immutable" }],
        },
        network: { type: "string", description: "Kubernetes Network that carries the address." },
        vpc: { type: "string", description: "VPC network behind it; empty for the primary one." },
        route: {
          type: "object",
          description: "The GKEIPRoute that owns the address now.",
          required: ["namespace", "name", "uid"],
          properties: { namespace: { type: "string" }, name: { type: "string" }, uid: { type: "string" } },
        },
      },
    },
    status: {
      type: "object",
      properties: {
        phase: { type: "string", enum: PHASES },
        generation: { type: "integer", format: "int64", description: "Counts hand-overs; only goes up." },
        holder,
        next: holder,
        former: {
          type: "array",
          maxItems: 8,
          description:
            "Pods that the address has left lately, newest first: their nodes go on serving it for a moment, since what is on its way to them must still be answered (datapath linux).",
          items: former,
        },
        standby: {
          type: "array",
          maxItems: 4,
          description:
            "Pods that would have the address next, the best first: their nodes are prepared ahead, so that losing the holder costs one call to the cloud (annotation hot-standby, datapath linux).",
          items: standby,
        },
        cause: { type: "string" },
        routeUid: {
          type: "string",
          description:
            "UID of the route that this journal was written for; differs from spec.route.uid right after the claim changed hands.",
        },
        startedAt: { type: "string", format: "date-time" },
        phaseStartedAt: { type: "string", format: "date-time" },
        routeVersion: {
          type: "string",
          description: "resourceVersion of the route after its DPV2Ready was reset for this generation.",
        },
        forwardingRule: { type: "string" },
        ready: { type: "string", enum: ["True", "False"] },
        reason: { type: "string" },
        message: { type: "string" },
        lastMove: move,
        history: { type: "array", maxItems: 10, items: move },
        nodes: {
          type: "array",
          description: "What the node agents say, each its own entry (datapath linux only). The controller writes none of them.",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["node"],
          items: nodeEntry,
        },
        conditions: conditionsSchema,
      },
    },
  },
} as const;

export type Holder = TypeOf<typeof holder>;
export type Former = TypeOf<typeof former>;
export type Standby = TypeOf<typeof standby>;
export type Move = TypeOf<typeof move>;
export type NodeEntry = TypeOf<typeof nodeEntry>;
export type Phase = (typeof PHASES)[number];
export type AddressBindingSpec = TypeOf<(typeof addressBindingSchema)["properties"]["spec"]>;
export type AddressBindingStatus = TypeOf<(typeof addressBindingSchema)["properties"]["status"]>;
export interface AddressBinding extends KubeObject {
  spec: AddressBindingSpec;
  status?: AddressBindingStatus;
}
/** How many Pods a binding remembers that it has left. */
export const FORMER_LIMIT = 8;
/** How many finished moves a binding remembers. */
export const HISTORY_LIMIT = 10;
