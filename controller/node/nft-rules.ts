// SPDX-License-Identifier: Apache-2.0
// The agent's own nftables table and its few rules in others' FORWARD chains, as data. Pure. nft gives back what it was given, so what is there
// and what is wanted are compared as they are, without handles and counters.

export interface NftWish {
  /** Every persistent address known on this node's networks. */
  addresses: readonly string[];
  /** Who may send with which address. */
  own: readonly { veth: string; address: string }[];
  nics: readonly string[];
  /** Drop what others send with one of the addresses. */
  antiSpoof: boolean;
  /** Keep masquerading rules of others away from the addresses. */
  keepSource: boolean;
}
export interface ChainName {
  family: string;
  table: string;
  chain: string;
}
type Json = { [key: string]: unknown };

export const TABLE = "gkepip";
/** Comment on rules of ours in chains of others: the mark by which they are found and removed. */
export const MARK = "gke-persistent-ip";
const FAMILY = "ip";

const payload = (field: string): Json => ({ payload: { protocol: "ip", field } });
const iifname: Json = { meta: { key: "iifname" } };
const equals = (left: Json, right: unknown): Json => ({ match: { op: "==", left, right } });
const counter: Json = { counter: { packets: 0, bytes: 0 } };
const at = { family: FAMILY, table: TABLE };

/** Objects of our table in the order in which nft lists them; empty: no table is wanted. */
export function tableOf(wish: NftWish): Json[] {
  if (wish.addresses.length === 0 || (!wish.antiSpoof && !wish.keepSource)) return [];
  const rule = (chain: string, ...expr: Json[]): Json => ({ rule: { ...at, chain, expr } });
  const set = (name: string, type: unknown, elem: unknown[]): Json => ({
    set: { ...at, name, type, ...(elem.length > 0 ? { elem } : {}) },
  });
  const own = [...new Map(wish.own.map((o) => [`${o.veth} ${o.address}`, { concat: [o.veth, o.address] }])).values()];
  const spoof = [
    ...wish.nics.map((nic) => rule("spoof", equals(iifname, nic), { accept: null })),
    rule("spoof", equals({ concat: [iifname, payload("saddr")] }, "@own"), { accept: null }),
    rule("spoof", equals(payload("saddr"), "@addresses"), counter, { drop: null }),
  ];
  const keep = ["saddr", "daddr"].map((field) =>
    rule("keep", equals(payload(field), "@addresses"), { snat: { addr: payload("saddr") } }),
  );
  const base = (name: string, type: string, hook: string, prio: number): Json => ({
    chain: { ...at, name, type, hook, prio, policy: "accept" },
  });
  return [
    { table: { family: FAMILY, name: TABLE } },
    set("addresses", "ipv4_addr", [...new Set(wish.addresses)].sort()),
    ...(wish.antiSpoof ? [set("own", ["ifname", "ipv4_addr"], own), base("spoof", "filter", "prerouting", -300)] : []),
    ...(wish.keepSource ? [base("keep", "nat", "postrouting", 90)] : []),
    ...(wish.antiSpoof ? spoof : []),
    ...(wish.keepSource ? keep : []),
  ];
}

/** Commands that make our table what is wanted, in one transaction; undefined where it is so already. */
export function tableScript(listed: unknown, wish: NftWish): Json[] | undefined {
  const wanted = tableOf(wish);
  const have = objectsIn(listed).map(stripped);
  if (JSON.stringify(sorted(have)) === JSON.stringify(sorted(wanted.map(stripped)))) return undefined;
  const table = { table: { family: FAMILY, name: TABLE } };
  // Adding what may be there makes the deletion safe.
  return [{ add: table }, { delete: table }, ...wanted.map((object) => ({ add: object }))];
}

export const objectsIn = (listed: unknown): Json[] => {
  const all = (listed as { nftables?: unknown } | undefined)?.nftables;
  return (Array.isArray(all) ? (all as Json[]) : []).filter((o) => !("metainfo" in o));
};
/** Without what the kernel adds; elements of a set in one order, members in one order. */
function stripped(value: unknown): Json {
  return canonical(value) as Json;
}
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([k]) => k !== "handle" && k !== "packets" && k !== "bytes");
  const sorted = kept.sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, k === "elem" ? elements(v) : canonical(v)]);
  return Object.fromEntries(sorted) as Json;
}
const elements = (v: unknown): string[] => (Array.isArray(v) ? (v as unknown[]) : []).map((e) => JSON.stringify(e)).sort();
/** Chains come before rules, whatever the order in which nft lists them; rules keep theirs. */
function sorted(objects: readonly Json[]): Json[] {
  const rank = (o: Json): number => ["table", "set", "chain", "rule"].indexOf(Object.keys(o)[0] ?? "");
  const chainOf = (o: Json): string => textOf((o.rule as Json | undefined)?.chain);
  return [...objects].sort(
    (a, b) => rank(a) - rank(b) || (rank(a) === 3 ? chainOf(a).localeCompare(chainOf(b)) : nameOf(a).localeCompare(nameOf(b))),
  );
}
const nameOf = (o: Json): string => textOf((Object.values(o)[0] as Json | undefined)?.name);
const textOf = (v: unknown): string => (typeof v === "string" ? v : "");

/** Base chains of others that matter to us, from `nft -j list chains`. */
export interface ForeignChains {
  /** At `forward`, dropping what no rule accepts. */
  dropping: ChainName[];
  /** At `forward`, accepting: one that dropped before may still have rules of ours. */
  accepting: ChainName[];
  /** At `postrouting`, translating addresses. */
  translating: ChainName[];
  /** At the ingress of an interface. */
  ingress: ChainName[];
}
export function foreignChains(listed: unknown): ForeignChains {
  const chains = objectsIn(listed).flatMap((o) => (o.chain ? [o.chain as Json] : []));
  const others = chains.filter((c) => c.table !== TABLE || c.family !== FAMILY);
  const name = (c: Json): ChainName => ({ family: String(c.family), table: String(c.table), chain: String(c.name) });
  const ipv4 = (c: Json): boolean => c.family === "ip" || c.family === "inet";
  const forward = others.filter((c) => ipv4(c) && c.hook === "forward");
  return {
    dropping: forward.filter((c) => c.policy === "drop").map(name),
    accepting: forward.filter((c) => c.policy !== "drop").map(name),
    translating: others.filter((c) => ipv4(c) && c.hook === "postrouting" && c.type === "nat").map(name),
    ingress: others.filter((c) => c.family === "netdev" && c.hook === "ingress").map(name),
  };
}
export const hasRules = (listed: unknown): boolean => objectsIn(listed).some((o) => "rule" in o);
export const hasMark = (listed: unknown): boolean =>
  objectsIn(listed).some((o) => (o.rule as Json | undefined)?.comment === MARK);
/** Interfaces at whose ingress a chain drops packets, from its text: the JSON of nft 1.0.6 does not name them. */
export function dropsAt(text: string): string[] {
  const devices = /hook ingress devices? (?:= )?(\{[^}]*\}|\S+)/.exec(text)?.[1] ?? "";
  const names = devices.replace(/[{}";]/g, "").split(",");
  return /\bdrop\b/.test(text) ? names.map((n) => n.trim()).filter((n) => n !== "") : [];
}

/** Commands that let the addresses through a chain of somebody else's that drops: ours are added on top, stale ones of ours go. */
export function forwardScript(listed: unknown, chain: ChainName, addresses: readonly string[]): Json[] {
  const here = { family: chain.family, table: chain.table, chain: chain.chain };
  const ours = objectsIn(listed).flatMap((o) => {
    const rule = o.rule as (Json & { handle?: number; expr?: Json[] }) | undefined;
    return rule?.comment === MARK ? [{ handle: rule.handle, says: wordOf(rule.expr) }] : [];
  });
  const wanted = addresses.flatMap((address) =>
    ["saddr", "daddr"].map((field) => ({ field, address, says: `${field} ${address}` })),
  );
  const stale = ours.filter((o, i) => !wanted.some((w) => w.says === o.says) || ours.findIndex((p) => p.says === o.says) !== i);
  const missing = wanted.filter((w) => !ours.some((o) => o.says === w.says));
  return [
    ...missing.map(({ field, address }) => ({
      insert: { rule: { ...here, comment: MARK, expr: [equals(payload(field), address), counter, { accept: null }] } },
    })),
    ...stale.map((o) => ({ delete: { rule: { ...here, handle: o.handle } } })),
  ];
}
function wordOf(expr: readonly Json[] | undefined): string {
  const match = expr?.find((e) => e.match)?.match as { left?: { payload?: { field?: string } }; right?: unknown } | undefined;
  return `${match?.left?.payload?.field} ${String(match?.right)}`;
}
