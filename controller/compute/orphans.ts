// SPDX-License-Identifier: Apache-2.0
// What of ours no claim stands behind: found by label, description and cluster, reported, and removed only when asked (E67). Claims are
// read AFTER the cloud, and once more right before each removal: a rule is made after its claim, so a rule whose claim is missing then is nobody's.
import { bindingName, forwardingRuleName, CLUSTER_LABEL, OWNER_LABEL, OWNER_VALUE, type AddressBinding } from "../api";
import { isComputeError } from "./errors";
import type { CloudSnapshot, Fabric, Fence, ObservedRule, ObservedTarget } from "./types";

/** What the cluster wants at this moment. */
export interface Wanted {
  bindings: readonly AddressBinding[];
  /** VMs that are nodes of the cluster now: a target instance of theirs is made ahead of need, and the controller sweeps it by itself. */
  vms: readonly { zone: string; instance: string }[];
}
export type Orphan =
  | { kind: "forwardingRule"; name: string; address: string; why: string; rule: ObservedRule }
  | { kind: "targetInstance"; name: string; zone: string; instance: string; why: string; target: ObservedTarget };

export interface OrphanReport {
  clusterUid: string;
  dryRun: boolean;
  orphans: Orphan[];
  removed: string[];
  /** What the cloud would not let go, with its words. */
  failed: { name: string; message: string }[];
  /** Rules of this project that carry the marks of other clusters, by cluster: never removed; run again with that cluster's UID when it is gone. */
  otherClusters: { clusterUid: string; rules: number; addresses: string[] }[];
}
export interface OrphanOptions {
  fabric: Pick<Fabric, "snapshot" | "deleteRule" | "deleteTarget">;
  fence: Fence;
  /** The same as the fabric's: only what carries it is ours. */
  clusterUid: string;
  /** Lists bindings and nodes afresh, past any cache; for a cluster that is gone: nothing. Throws where they cannot be listed. */
  wanted(): Promise<Wanted>;
  /** Default true: report only. */
  dryRun?: boolean;
}

const ruleNames = (clusterUid: string, { spec }: AddressBinding): string[] => {
  const base = forwardingRuleName(clusterUid, bindingName(spec.address, spec.scope, spec.vpc));
  return [base, `${base}-tcp`, `${base}-udp`];
};
const vmKey = (vm: { zone: string; instance: string }): string => `${vm.zone}/${vm.instance}`;

/** Pure: rules and target instances of this cluster that nothing wanted explains. Rules first, since a target in use cannot go. */
export function orphansIn(cloud: Pick<CloudSnapshot, "rules" | "targets">, wanted: Wanted, clusterUid: string): Orphan[] {
  const claimed = new Set(wanted.bindings.flatMap((b) => ruleNames(clusterUid, b)));
  const rules = cloud.rules
    .filter((rule) => rule.ours && !claimed.has(rule.name))
    .map((rule): Orphan => {
      const why = `no AddressBinding claims ${rule.address}`;
      return { kind: "forwardingRule", name: rule.name, address: rule.address, why, rule };
    });
  return [...rules, ...spareTargets(cloud, wanted, new Set(rules.map((r) => r.name)))];
}

function spareTargets(cloud: Pick<CloudSnapshot, "rules" | "targets">, wanted: Wanted, going: ReadonlySet<string>): Orphan[] {
  const held = wanted.bindings.flatMap(({ status }) => [status?.holder, status?.next].flatMap((h) => h ?? []));
  const needed = new Set([...wanted.vms, ...held].map(vmKey));
  const used = new Set(cloud.rules.filter((r) => !going.has(r.name)).flatMap((r) => r.target ?? []));
  return cloud.targets
    .filter(
      (t) => t.ours && !needed.has(vmKey(t)) && ![...used].some((path) => path.endsWith(`/${t.zone}/targetInstances/${t.name}`)),
    )
    .map((target): Orphan => {
      const { name, zone, instance } = target;
      const why = `VM ${instance} is no node of the cluster, and no AddressBinding names it`;
      return { kind: "targetInstance", name, zone, instance, why, target };
    });
}

function otherClusters(rules: readonly ObservedRule[], clusterUid: string): OrphanReport["otherClusters"] {
  const found = new Map<string, string[]>();
  for (const { labels, address } of rules) {
    const other = labels[OWNER_LABEL] === OWNER_VALUE ? labels[CLUSTER_LABEL] : undefined;
    if (other !== undefined && other !== clusterUid) found.set(other, [...(found.get(other) ?? []), address]);
  }
  return [...found].sort().map(([uid, addresses]) => ({ clusterUid: uid, rules: addresses.length, addresses: addresses.sort() }));
}

/**
 * Reports what of ours is left in the region without a claim, and removes it where `dryRun` is false. Reserved addresses are never touched.
 * @throws ComputeError where the cloud cannot be listed; whatever `wanted` throws: nothing is removed on half a picture
 */
export async function collectOrphans(o: OrphanOptions): Promise<OrphanReport> {
  const { fabric, clusterUid, dryRun = true } = o;
  const cloud = await fabric.snapshot();
  const orphans = orphansIn(cloud, await o.wanted(), clusterUid);
  const report: OrphanReport = {
    clusterUid,
    dryRun,
    orphans,
    removed: [],
    failed: [],
    otherClusters: otherClusters(cloud.rules, clusterUid),
  };
  if (dryRun) return report;
  for (const orphan of orphans) {
    if (!orphansIn(cloud, await o.wanted(), clusterUid).some((still) => still.name === orphan.name)) continue;
    await remove(o, orphan).then(
      () => report.removed.push(orphan.name),
      (error: unknown) => {
        if (!isComputeError(error) || error.code === "Fenced") throw error;
        report.failed.push({ name: orphan.name, message: error.message });
      },
    );
  }
  return report;
}

const remove = ({ fabric, fence }: OrphanOptions, orphan: Orphan): Promise<void> =>
  orphan.kind === "forwardingRule" ? fabric.deleteRule(orphan.rule, fence) : fabric.deleteTarget(orphan.target, fence);
