// SPDX-License-Identifier: Apache-2.0
// Hot standby: who would have the address next is written into the journal, and its node is prepared ahead; then a failover waits for no node.
// The order is that of the one selection rule. Pure.
import type { AddressBindingStatus, Holder, Standby } from "../api";
import type { Candidate } from "./stability";

/** Whether two holders are one Pod: whatever else is said of its VM. */
export const samePod = (a: Holder, b: Holder | undefined): boolean => a.podUID === b?.podUID && a.node === b.node;

/**
 * The best Pod of each other node. One beside the holder needs no preparation: the fabric points at its node already.
 * @param order who would have the address, the best first; the holder may be among them
 */
export function heirs(order: readonly Candidate[], holderNode: string | undefined, most: number): Candidate[] {
  const nodes = new Set([holderNode]);
  return order.filter(({ node }) => !nodes.has(node.name) && nodes.add(node.name)).slice(0, most);
}

/** Whether the journal names these standbys, in this order. */
export const sameStandbys = (status: AddressBindingStatus, wanted: readonly Holder[]): boolean => {
  const have = status.standby ?? [];
  return have.length === wanted.length && have.every((h, i) => samePod(h, wanted[i]));
};

/** Journal with these standbys. One that was there already keeps its `since`: what its node has said of it still holds. */
export function standingBy(status: AddressBindingStatus, wanted: readonly Holder[], now: string): AddressBindingStatus {
  const { standby = [], ...rest } = status;
  const list = wanted.map((h): Standby => ({ ...h, since: standby.find((s) => samePod(s, h))?.since ?? now }));
  return list.length > 0 ? { ...rest, standby: list } : rest;
}

/** What a new generation keeps: everybody who was prepared stays so. @param except who holds the address now */
export function keptStandbys(status: AddressBindingStatus, except?: Holder): Standby[] | undefined {
  const left = (status.standby ?? []).filter((s) => !samePod(s, except));
  return left.length > 0 ? left : undefined;
}

/**
 * Whether the node of a standby has said that it is programmed, for this very order: an answer to an earlier one may be out of date, since a Pod
 * that is asked for no more is let go.
 */
export function standbyProven(status: AddressBindingStatus | undefined, holder: Holder): boolean {
  const asked = status?.standby?.find((s) => samePod(s, holder));
  const said = status?.nodes?.find((n) => n.node === holder.node && n.podUID === holder.podUID);
  return asked !== undefined && said?.programmed === true && said.standby === asked.since;
}
