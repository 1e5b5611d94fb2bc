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

/** The first thing that stands in the way of using the address, as a sentence with the remedy. */
export function judgeAddress(found: FoundAddress | undefined, need: AddressNeed): AddressFact {
  if (!parseAddress(need.address).ok) return bad(`${need.address} is not an IPv4 address`);
  if (!found)
    return bad(`${need.address} is not a reserved address of project ${need.project}; reserve it (${howToReserve(need)})`);
  if (found.region === undefined)
    return bad(`${need.address} (address ${found.name}) is global; a persistent address must be regional, in ${need.region}`);
  if (found.region !== need.region)
    return bad(
      `${need.address} (address ${found.name}) is in region ${found.region}; it must be in ${need.region}, the region of the cluster`,
    );
  if (found.type !== need.scope)
    return bad(
      `${need.address} (address ${found.name}) is ${found.type.toLowerCase()}, but its Gateway is of the ${need.scope.toLowerCase()} class`,
    );
  if (need.scope === "Internal" && need.vpc !== undefined && found.network !== undefined && found.network !== need.vpc)
    return bad(
      `${need.address} (address ${found.name}) lies in VPC ${found.network}, but the route's network is in VPC ${need.vpc}`,
    );
  const foreign = found.users.find((u) => !need.ours(u));
  if (foreign)
    return bad(
      `${need.address} (address ${found.name}) is in use by ${foreign}, which is not ours and is left alone; free the address there first`,
    );
  return { usable: true };
}
