// SPDX-License-Identifier: Apache-2.0
// A leader that is frozen with SIGSTOP right before its setTarget, and what may not come from it any more once another leads.
import { LEASE, NAMESPACE } from "../../controller/api";
import type { Lab } from "./lab";
import type { Passed } from "./proxy";
import type { Replica } from "./replica";

const LEASES = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases`;

/** @throws Error while nobody of them leads */
export async function leaderOf(lab: Lab, replicas: readonly Replica[]): Promise<Replica> {
  const lease = await lab.admin.request<{ spec: { holderIdentity: string } }>("GET", `${LEASES}/${LEASE}`);
  const found = replicas.find((r) => lease.spec.holderIdentity.startsWith(`${r.name}_`));
  if (!found) throw new Error(`nobody leads: ${lease.spec.holderIdentity}`);
  return found;
}

/** Stops the process when it has written down that it will switch the address of a claim now. Answers when that was. */
export function freezeBeforeSwitch(replica: Replica): Promise<number> {
  return new Promise((resolve) => {
    replica.api.onWrite = ({ path, body }) => {
      if (!path.includes("/addressbindings/") || !body.includes('"Switching"')) return;
      replica.api.onWrite = undefined;
      replica.signal("SIGSTOP");
      resolve(Date.now());
    };
  });
}

/** Writes of a replica since a time that could do harm: anything to Google Cloud, and status or journals that the API server took. */
export const writesOf = (replica: Replica, since: number): { cloud: Passed[]; accepted: Passed[] } => ({
  cloud: replica.compute.log.filter((p) => p.at >= since && !p.path.endsWith("/wait")),
  accepted: replica.api.log.filter((p) => p.at >= since && p.status < 300 && /gkeiproutes|addressbindings|gateways/.test(p.path)),
});
