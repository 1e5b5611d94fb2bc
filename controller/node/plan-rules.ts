// SPDX-License-Identifier: Apache-2.0
// Rules: one for each NIC (what came in by it may reach its addresses) and one for each owned address (what this Pod sends with it leaves by
// that NIC). The kernel counts rules one by one, so there are none for addresses that live elsewhere.
import type { Line, NetworkPlan, Numbers, OwnedPlan, RuleRow } from "./types";

export interface WantedRule {
  pref: number;
  iif: string;
  src: string;
  table: number;
  network: string;
  address?: string;
}

export function wantedRules(
  { networks, owned }: { networks: readonly (NetworkPlan & { present: boolean })[]; owned: readonly OwnedPlan[] },
  { prefIn, prefOut }: Numbers,
): WantedRule[] {
  const byName = new Map(networks.map((n) => [n.name, n]));
  const inward = networks
    .filter((n) => n.present)
    .map((n) => ({ pref: prefIn, iif: n.nic, src: "all", table: n.tableIn, network: n.name }));
  const outward = owned.map(({ veth, address, network }) => {
    const { tableOut } = byName.get(network)!;
    return { pref: prefOut, iif: veth, src: address, table: tableOut, network, address };
  });
  return [...inward, ...outward];
}

const keyOf = (r: { pref: number; iif?: string; src: string; table: number; others?: string }): string =>
  `${r.pref} ${r.iif ?? ""} ${r.src} ${r.table} ${r.others ?? ""}`;
/** Ours by preference and protocol, both. */
const isOurs = (r: RuleRow, n: Numbers): boolean => r.protocol === n.protocol && (r.pref === n.prefIn || r.pref === n.prefOut);
const words = (r: { pref: number; iif?: string; src: string; table: number }): string =>
  `pref ${r.pref}${r.iif ? ` iif ${r.iif}` : ""}${r.src === "all" ? "" : ` from ${r.src}`} lookup ${r.table}`;
const adding = (w: WantedRule, { protocol }: Numbers): Line => ({
  text: `rule add ${words(w)} protocol ${protocol}`,
  network: w.network,
  ...(w.address ? { address: w.address } : {}),
});

export function ruleLines(wanted: readonly WantedRule[], rules: readonly RuleRow[], numbers: Numbers): Line[] {
  const have = new Set(rules.filter((r) => isOurs(r, numbers)).map(keyOf));
  const fresh = new Map(wanted.filter((w) => !have.has(keyOf(w))).map((w) => [keyOf(w), w]));
  return [...fresh.values()].map((w) => adding(w, numbers));
}

/**
 * Takes away what is ours and not wanted. The kernel deletes the first rule that has all that was named, and what was not named may be
 * anything: the deletion of a short rule can hit a longer one before it. So the list is followed as the kernel would change it, and a wanted
 * rule that was hit is put back.
 */
export function staleRules(wanted: readonly WantedRule[], rules: readonly RuleRow[], numbers: Numbers): Line[] {
  const want = new Map(wanted.map((w) => [keyOf(w), w]));
  const { protocol } = numbers;
  const missing = wanted.filter((w) => !rules.some((r) => isOurs(r, numbers) && keyOf(r) === keyOf(w)));
  // What ruleLines has added stands behind what was there.
  const list: RuleRow[] = [
    ...rules.filter((r) => isOurs(r, numbers)),
    ...missing.map(({ pref, iif, src, table }) => ({ pref, iif, src, table, protocol, others: "" })),
  ];
  const lines: Line[] = [];
  for (const stale of list.filter((r) => !want.has(keyOf(r)))) {
    while (list.includes(stale)) {
      const hit = list.find((r) => covers(stale, r))!;
      list.splice(list.indexOf(hit), 1);
      lines.push({ text: `rule del ${deleting(stale)} protocol ${protocol}` });
      const again = want.get(keyOf(hit));
      if (!again) continue;
      lines.push(adding(again, numbers));
      list.push(hit);
    }
  }
  return lines;
}
/** Selectors that can be named; a rule with one that cannot is deleted by the rest of it. */
const named = (r: RuleRow): string => r.others.replaceAll("?", "").trim();
const deleting = (r: RuleRow): string => `${words(r)}${named(r) === "" ? "" : ` ${named(r)}`}`;
/** Whether a deletion in the words of `stale` would take `row`. */
const covers = (stale: RuleRow, row: RuleRow): boolean =>
  stale === row ||
  (stale.pref === row.pref &&
    stale.table === row.table &&
    (stale.iif === undefined || stale.iif === row.iif) &&
    (stale.src === "all" || stale.src === row.src) &&
    (named(stale) === "" || named(stale) === named(row)));
