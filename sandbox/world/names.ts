// SPDX-License-Identifier: Apache-2.0
// Names of VMs as GKE makes them, and which zone each gets. Pure, so that the same pool gives the same nodes.
import { createHash } from "node:crypto";

export interface PlannedNode {
  name: string;
  zone: string;
}

const short = (...parts: string[]): string => createHash("sha256").update(parts.join("/")).digest("hex").slice(0, 8);

/** The VMs of a pool: `perZone` in each zone, named `gke-CLUSTER-POOL-HASH-XXXX` and at most 40 characters before the hash. */
export function plannedNodes(cluster: string, pool: string, zones: readonly string[], perZone: number): PlannedNode[] {
  const stem = `gke-${cluster}-${pool}`.slice(0, 40).replace(/-+$/, "");
  return zones.flatMap((zone) =>
    Array.from({ length: perZone }, (_, i) => ({
      zone,
      name: `${stem}-${short(cluster, pool)}-${short(zone, String(i)).slice(0, 4)}`,
    })),
  );
}
