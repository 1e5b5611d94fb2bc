// SPDX-License-Identifier: Apache-2.0
// `gc`: what of ours lies in Google Cloud without a claim, by the same function that the manager could use; removed only with --delete.
// Reserved addresses are never touched.
import { KINDS, parseProviderId, type AddressBinding, type KubeObject, type Node } from "../api";
import { collectOrphans, type Fabric, type Orphan, type OrphanReport, type Wanted } from "../compute";
import { listAll, resourcePath, type ApiClient } from "../kubernetes";
import { table } from "./print";

async function list(client: ApiClient, kind: "binding" | "node"): Promise<KubeObject[]> {
  const items: KubeObject[] = [];
  await listAll({ client, path: resourcePath(KINDS[kind]) }, (o) => void items.push(o as KubeObject));
  return items;
}
/** Claims and nodes, read past any cache. @throws ApiError: without them nothing may be called an orphan */
export async function wantedOf(client: ApiClient): Promise<Wanted> {
  const [bindings, nodes] = await Promise.all([list(client, "binding"), list(client, "node")]);
  const vms = nodes.flatMap((n) => parseProviderId((n as Node).spec?.providerID) ?? []);
  return { bindings: bindings as AddressBinding[], vms };
}

export interface GcOptions {
  client: ApiClient;
  fabric: Fabric;
  clusterUid: string;
  /** Another cluster's UID was given: that one is gone, so nothing of it is wanted. */
  goneCluster: boolean;
  remove: boolean;
}
/** Reports, and removes where asked. @throws ApiError, ComputeError */
export function collect(o: GcOptions): Promise<OrphanReport> {
  return collectOrphans({
    fabric: o.fabric,
    // Claims are read again before each removal; a person at a terminal holds no lease.
    fence: { check: () => undefined },
    clusterUid: o.clusterUid,
    wanted: () => (o.goneCluster ? Promise.resolve({ bindings: [], vms: [] }) : wantedOf(o.client)),
    dryRun: !o.remove,
  });
}

function fate(report: OrphanReport, orphan: Orphan): string {
  if (report.dryRun) return "would be removed";
  const failed = report.failed.find((f) => f.name === orphan.name);
  if (failed) return `not removed: ${failed.message}`;
  return report.removed.includes(orphan.name) ? "removed" : "kept: it is claimed now";
}
export function gcLines(report: OrphanReport): string[] {
  const rows = report.orphans.map((o) => [
    o.kind,
    o.name,
    o.kind === "forwardingRule" ? o.address : o.instance,
    fate(report, o),
    o.why,
  ]);
  const found = rows.length === 0 ? ["Nothing of this cluster is left over."] : table(["KIND", "NAME", "OF", "", "WHY"], rows);
  const others = report.otherClusters.map(
    (c) =>
      `Cluster ${c.clusterUid} has ${c.rules} rule(s) here (${c.addresses.join(", ")}); if it is gone: gc --cluster-uid ${c.clusterUid}`,
  );
  const hint =
    report.dryRun && rows.length > 0
      ? ["", "Nothing was removed; add --delete to do it. Reserved addresses stay in any case."]
      : [];
  return [...found, ...others, ...hint];
}
