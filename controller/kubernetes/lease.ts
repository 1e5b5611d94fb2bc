// SPDX-License-Identifier: Apache-2.0
// The Lease object of coordination.k8s.io/v1, as far as leader election uses it.
import type { ObjectMeta, ResourceKind } from "./resources";

export interface LeaseSpec {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
}

export interface Lease {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec: LeaseSpec;
}

export const LEASES: ResourceKind = {
  group: "coordination.k8s.io",
  version: "v1",
  plural: "leases",
  kind: "Lease",
  namespaced: true,
};

/** A copy with some of the spec changed; the resourceVersion stays, so that a PUT of it is a compare and swap. */
export function leaseBody(lease: Lease, spec: LeaseSpec): Lease {
  return { ...lease, apiVersion: "coordination.k8s.io/v1", kind: "Lease", spec: { ...lease.spec, ...spec } };
}

/** RFC 3339 with microseconds, as the API's MicroTime wants it. */
export function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace("Z", "000Z");
}
