// SPDX-License-Identifier: Apache-2.0
// Rules: one for each NIC (what came in by it may reach its addresses) and one for each owned address (what this Pod sends with it leaves by
// that NIC). The kernel counts rules one by one, so there are none for addresses that live elsewhere.
import { ways, type Line, type NetworkPlan, type Numbers, type OwnedPlan, type RuleRow } from "./types";

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
  const outward = owned.flatMap((o) => {
    const { address, network } = o;
    const { tableOut } = byName.get(network)!;
    return ways(o).map(({ veth }) => ({ pref: prefOut, iif: veth, src: address, table: tableOut, network, address }));
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

/**
 * Lines for rules: `first` brings what is missing, `last` takes away what is ours and not wanted.
 *
 * The kernel deletes the first rule that has all that was named, and what was not named may be anything: the deletion of a short rule can hit a
 * longer one before it. So the list is followed as the kernel would change it, and a wanted rule that was hit is put back. For the same reason
 * it refuses a rule while a narrower one of its kind is there (`fib4_rule_compare`): such a one goes first.
 */
export function ruleLines(
  wanted: readonly WantedRule[],
  rules: readonly RuleRow[],
  numbers: Numbers,
): { first: Line[]; last: Line[] } {
  const want = new Map(wanted.map((w) => [keyOf(w), w]));
  const list = rules.filter((r) => isOurs(r, numbers));
  const have = new Set(list.map(keyOf));
  const missing = [...want.values()].filter((w) => !have.has(keyOf(w)));
  const stale = list.filter((r) => !want.has(keyOf(r))).sort((a, b) => length(b) - length(a));
  const inTheWay = stale.filter((r) => missing.some((w) => refusedBy(w, r)));
  const first = [...removed(inTheWay, { list, want, numbers }), ...missing.map((w) => adding(w, numbers))];
  list.push(...missing.map((w) => rowOf(w, numbers)));
  return { first, last: removed(stale, { list, want, numbers }) };
}
interface Following {
  /** Our rules in the kernel's order; changed as the lines would change it. */
  list: RuleRow[];
  want: ReadonlyMap<string, WantedRule>;
  numbers: Numbers;
}
function removed(stale: readonly RuleRow[], { list, want, numbers }: Following): Line[] {
  const lines: Line[] = [];
  for (const row of stale) {
    while (list.includes(row)) {
      const hit = list.find((r) => covers(row, r))!;
      list.splice(list.indexOf(hit), 1);
      lines.push({ text: `rule del ${deleting(row)} protocol ${numbers.protocol}` });
      const again = want.get(keyOf(hit));
      if (!again) continue;
      lines.push(adding(again, numbers));
      list.push(hit);
    }
  }
  return lines;
}
const rowOf = ({ pref, iif, src, table }: WantedRule, { protocol }: Numbers): RuleRow => ({
  ...{ pref, iif, src, table, protocol },
  others: "",
});
/** How much a rule names: a narrower one names more. */
const length = (r: RuleRow): number => (r.iif === undefined ? 0 : 1) + (r.src === "all" ? 0 : 1) + r.others.split(" ").length;
const refusedBy = (w: WantedRule, r: RuleRow): boolean =>
  r.pref === w.pref && r.table === w.table && r.iif === w.iif && (w.src === "all" || w.src === r.src);
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
