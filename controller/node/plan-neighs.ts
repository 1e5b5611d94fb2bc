// SPDX-License-Identifier: Apache-2.0
// Permanent neighbours, so that a Pod with a strict rp_filter need not answer an ARP request that carries another network's address.
import { ways, type Line, type NeighRow, type Numbers, type OwnedPlan } from "./types";

const keyOf = (n: { dst: string; dev: string }): string => `${n.dst} ${n.dev}`;

function wantedNeighs(owned: readonly OwnedPlan[]): Map<string, { dst: string; dev: string; mac: string; of: OwnedPlan }> {
  return new Map(
    owned.flatMap((o) =>
      ways(o).flatMap(({ podIP: dst, veth: dev, mac }) => {
        const wanted = mac && { dst, dev, mac: mac.toLowerCase(), of: o };
        return wanted ? [[keyOf(wanted), wanted] as const] : [];
      }),
    ),
  );
}

/** What somebody else has fixed stays, even where it says another hardware address. */
export function neighLines(owned: readonly OwnedPlan[], neighs: readonly NeighRow[], { protocol }: Numbers): Line[] {
  const have = new Map(neighs.map((n) => [keyOf(n), n]));
  return [...wantedNeighs(owned).values()].flatMap(({ dst, dev, mac, of }) => {
    const there = have.get(keyOf({ dst, dev }));
    if (there?.fixed && (there.protocol !== protocol || there.lladdr === mac)) return [];
    const text = `neigh replace ${dst} lladdr ${mac} dev ${dev} nud permanent protocol ${protocol}`;
    return [{ text, network: of.network, address: of.address }];
  });
}

export function staleNeighs(owned: readonly OwnedPlan[], neighs: readonly NeighRow[], { protocol }: Numbers): Line[] {
  const wanted = wantedNeighs(owned);
  return neighs
    .filter((n) => n.fixed && n.protocol === protocol && !wanted.has(keyOf(n)))
    .map((n) => ({ text: `neigh del ${n.dst} dev ${n.dev}` }));
}
