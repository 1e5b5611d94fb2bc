// SPDX-License-Identifier: Apache-2.0
// The part of the kernel that the planner talks to, as a pure model: what `ip` lines do to routes, rules and neighbours (net/ipv4/fib_trie.c,
// net/core/fib_rules.c). tests/packets/fuzz.test.ts runs the same worlds on the real one.
import { NUMBERS, TYPE, type Kernel, type LinkRow, type NeighRow, type RouteRow, type RuleRow } from "./types";

export interface World {
  routes: RouteRow[];
  rules: RuleRow[];
  links: LinkRow[];
  neighs: NeighRow[];
}
const TYPES: { [word: string]: number } = { local: 2, broadcast: 3, blackhole: 6, unreachable: 7, prohibit: 8, throw: 9 };

export const copy = (w: Kernel): World => structuredClone(w) as World;

/** Runs the lines as `ip -force -batch` does: an error ends its line only. @returns the errors */
export function run(world: World, lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const [object, verb, ...rest] = line.split(" ");
    const deed = DEEDS[`${object} ${verb}`];
    const error = deed ? deed(world, rest) : "unknown command";
    return error === undefined ? [] : [`${line}: ${error}`];
  });
}

type Deed = (w: World, words: string[]) => string | undefined;
const DEEDS: { [command: string]: Deed } = {
  "route replace": replaceRoute,
  "route del": deleteRoute,
  "rule add": addRule,
  "rule del": deleteRule,
  "neigh replace": replaceNeigh,
  "neigh del": deleteNeigh,
};

function options(words: string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i]!;
    if (word === "onlink") found.set("onlink", "yes");
    else if (word in TYPES) found.set("type", String(TYPES[word]));
    else if (word === "default" || /^\d+\.\d+/.test(word)) found.set("dst", word.replace(/\/32$/, ""));
    else found.set(word, words[++i] ?? "");
  }
  return found;
}
const table = (o: Map<string, string>): number => (o.get("table") === "local" ? 255 : Number(o.get("table") ?? 254));
/** As ip reads it: hexadecimal, with or without 0x. */
const tosOf = (o: Map<string, string>): number => Number.parseInt(o.get("tos") ?? "0", 16);

function routeOf(o: Map<string, string>): RouteRow {
  const [dev, gateway] = [o.get("dev"), o.get("via")];
  return {
    table: table(o),
    dst: o.get("dst")!,
    type: Number(o.get("type") ?? TYPE.unicast),
    metric: Number(o.get("metric") ?? 0),
    tos: tosOf(o),
    protocol: Number(o.get("proto") ?? 3),
    onlink: o.has("onlink"),
    odd: false,
    ...(dev ? { dev } : {}),
    ...(gateway ? { gateway } : {}),
  };
}
const place = (r: RouteRow): string => `${r.table} ${r.dst} ${r.metric} ${r.tos}`;
const equal = (a: RouteRow, b: RouteRow): boolean => JSON.stringify(entries(a)) === JSON.stringify(entries(b));
const entries = (r: object): [string, unknown][] => Object.entries(r).sort(([a], [b]) => (a < b ? -1 : 1));

function replaceRoute(w: World, words: string[]): string | undefined {
  const route = routeOf(options(words));
  if (route.dev && !w.links.some((l) => l.name === route.dev && l.up)) return "Network is down";
  const rivals = w.routes.filter((r) => place(r) === place(route));
  const exact = rivals.findIndex((r) => equal(r, route));
  if (exact > 0) return "File exists";
  if (exact === 0) return undefined;
  if (rivals[0]) w.routes[w.routes.indexOf(rivals[0])] = route;
  else w.routes.push(route);
  return undefined;
}
function deleteRoute(w: World, words: string[]): string | undefined {
  const o = options(words);
  const given: [string, (r: RouteRow) => string | undefined][] = [
    ["metric", (r) => String(r.metric)],
    ["type", (r) => String(r.type)],
    ["dev", (r) => r.dev],
    ["via", (r) => r.gateway],
    ["proto", (r) => String(r.protocol)],
  ];
  const fits = (r: RouteRow): boolean =>
    r.table === table(o) &&
    r.dst === o.get("dst") &&
    r.tos === tosOf(o) &&
    given.every(([k, of]) => !o.has(k) || o.get(k) === of(r));
  const hit = w.routes.filter(fits).sort((a, b) => a.metric - b.metric)[0];
  if (!hit) return "No such process";
  w.routes.splice(w.routes.indexOf(hit), 1);
  return undefined;
}

function ruleOf(words: string[]): { rule: RuleRow; proto: boolean } {
  const o = new Map<string, string>();
  const others: string[] = [];
  for (let i = 0; i < words.length; i += 2)
    if (["fwmark", "to", "oif", "tos"].includes(words[i]!)) others.push(`${words[i]} ${words[i + 1]}`);
    else o.set(words[i]!, words[i + 1]!);
  const iif = o.get("iif");
  const rule = {
    pref: Number(o.get("pref")),
    src: o.get("from") ?? "all",
    table: Number(o.get("lookup")),
    protocol: Number(o.get("protocol") ?? 3),
    others: others.join(" "),
    ...(iif ? { iif } : {}),
  };
  return { rule, proto: o.has("protocol") };
}
function addRule(w: World, words: string[]): string | undefined {
  const { rule } = ruleOf(words);
  // fib4_rule_compare: a source, destination or TOS that the new one does not name may be anything.
  const same = (r: RuleRow): boolean =>
    r.pref === rule.pref &&
    r.table === rule.table &&
    r.protocol === rule.protocol &&
    r.iif === rule.iif &&
    (rule.src === "all" || r.src === rule.src) &&
    (rule.others === r.others || (rule.others === "" && /^(to|tos) \S+$/.test(r.others)));
  if (w.rules.some(same)) return "File exists";
  const at = w.rules.findIndex((r) => r.pref > rule.pref);
  w.rules.splice(at < 0 ? w.rules.length : at, 0, rule);
  return undefined;
}
function deleteRule(w: World, words: string[]): string | undefined {
  const { rule, proto } = ruleOf(words);
  const hit = w.rules.findIndex(
    (r) =>
      r.pref === rule.pref &&
      r.table === rule.table &&
      (!proto || r.protocol === rule.protocol) &&
      (rule.iif === undefined || r.iif === rule.iif) &&
      (rule.src === "all" || r.src === rule.src) &&
      (rule.others === "" || r.others === rule.others),
  );
  if (hit < 0) return "No such file or directory";
  w.rules.splice(hit, 1);
  return undefined;
}

function replaceNeigh(w: World, [dst, ...words]: string[]): string | undefined {
  const o = new Map<string, string>();
  for (let i = 0; i < words.length; i += 2) o.set(words[i]!, words[i + 1]!);
  const row: NeighRow = {
    dst: dst!,
    dev: o.get("dev")!,
    lladdr: o.get("lladdr")!,
    fixed: true,
    protocol: Number(o.get("protocol") ?? 0),
  };
  if (!w.links.some((l) => l.name === row.dev && l.up)) return "Network is down";
  const at = w.neighs.findIndex((n) => n.dst === row.dst && n.dev === row.dev);
  if (at < 0) w.neighs.push(row);
  else w.neighs[at] = row;
  return undefined;
}
function deleteNeigh(w: World, [dst, , dev]: string[]): string | undefined {
  const at = w.neighs.findIndex((n) => n.dst === dst && n.dev === dev);
  if (at < 0) return "No such file or directory";
  w.neighs.splice(at, 1);
  return undefined;
}

const ours = (protocol: number, table: number): boolean => protocol === NUMBERS.protocol && table >= 7100 && table < 7300;
/** Everything that the agent has no business with; must be the same before and after. */
export const foreign = (w: Kernel): object => ({
  routes: w.routes.filter((r) => !ours(r.protocol, r.table) && !(r.table === 255 && r.protocol === 66)),
  rules: w.rules.filter((r) => r.protocol !== NUMBERS.protocol || (r.pref !== 90 && r.pref !== 91)),
  neighs: w.neighs.filter((n) => n.fixed && n.protocol !== NUMBERS.protocol),
});
