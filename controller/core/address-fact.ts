// SPDX-License-Identifier: Apache-2.0
// Whether a reserved address can be used, judged from what Google Cloud says of it (E25, E31, E32, SEED-30, SEED-31, SEED-36).
import { parseAddress, type Scope } from "../api";
import type { AddressFact } from "./world";

export interface FoundAddress {
  name: string;
  type: Scope;
  status: string;
  users: readonly string[];
  region?: string;
  network?: string;
}
export interface AddressNeed {
  address: string;
  scope: Scope;
  region: string;
  project: string;
  /** VPC network name of the route's network; internal addresses must lie in it. */
  vpc?: string;
  /** The delegated prefix (BYOIP) that holds the address, where it is not reserved. */
  prefix?: { name: string; cidr: string; status: string; usable: boolean };
  /** Path suffixes of the forwarding rules that are ours, such as `/forwardingRules/pip-fr-x`. */
  ours: (user: string) => boolean;
}
const bad = (message: string): AddressFact => ({ usable: false, reason: "GCPFailed", message });

function howToReserve(need: AddressNeed): string {
  const command = `gcloud compute addresses create NAME --region=${need.region}`;
  return need.scope === "External"
    ? `${command} --addresses=${need.address}`
    : `${command} --subnet=SUBNET --addresses=${need.address}`;
}

function unreserved(need: AddressNeed): string {
  const { address, project, prefix } = need;
  const lies = prefix ? `; it lies in delegated prefix ${prefix.name} (${prefix.cidr})` : "";
  const mute = prefix && !prefix.usable ? `, which is not announced yet (${prefix.status}): no packet arrives before that` : "";
  return `${address} is not a reserved address of project ${project}${lies}${mute}; reserve it (${howToReserve(need)})`;
}

type Check = (found: FoundAddress, need: AddressNeed) => string | undefined;
const name = (found: FoundAddress, need: AddressNeed): string => `${need.address} (address ${found.name})`;
const CHECKS: readonly Check[] = [
  (f, n) =>
    f.region === undefined ? `${name(f, n)} is global; a persistent address must be regional, in ${n.region}` : undefined,
  (f, n) =>
    f.region !== n.region
      ? `${name(f, n)} is in region ${f.region}; it must be in ${n.region}, the region of the cluster`
      : undefined,
  (f, n) =>
    f.type !== n.scope
      ? `${name(f, n)} is ${f.type.toLowerCase()}, but its Gateway is of the ${n.scope.toLowerCase()} class`
      : undefined,
  (f, n) =>
    n.scope === "Internal" && n.vpc !== undefined && f.network !== undefined && f.network !== n.vpc
      ? `${name(f, n)} lies in VPC ${f.network}, but the route's network is in VPC ${n.vpc}`
      : undefined,
  (f, n) => {
    const foreign = f.users.find((u) => !n.ours(u));
    return foreign
      ? `${name(f, n)} is in use by ${foreign}, which is not ours and is left alone; free the address there first`
      : undefined;
  },
];

/** The first thing that stands in the way of using the address, as a sentence with the remedy. */
export function judgeAddress(found: FoundAddress | undefined, need: AddressNeed): AddressFact {
  if (!parseAddress(need.address).ok) return bad(`${need.address} is not an IPv4 address`);
  if (!found) return bad(unreserved(need));
  const message = CHECKS.map((check) => check(found, need)).find((m) => m !== undefined);
  return message ? bad(message) : { usable: true };
}
