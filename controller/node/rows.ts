// SPDX-License-Identifier: Apache-2.0
// From the JSON of `ip -4 -N -j … show` to rows. Everything is numeric there, so no file of names in /etc/iproute2 can mislead us. Dumps are
// never filtered by table or protocol: a filtered dump leaves that very field out (datapath.md 4).
import { TYPE, type LinkRow, type NeighRow, type RouteRow, type RuleRow } from "./types";

type Json = { [key: string]: unknown };
const text = (v: unknown): string | undefined => (typeof v === "string" && v !== "" ? v : undefined);
const number = (v: unknown, otherwise: number): number => {
  const n = typeof v === "string" ? Number(v) : v;
  return typeof n === "number" && Number.isFinite(n) ? n : otherwise;
};
const flags = (v: unknown): readonly unknown[] => (Array.isArray(v) ? v : []);
const objects = (dump: unknown): Json[] =>
  (Array.isArray(dump) ? (dump as unknown[]) : []).filter(
    (o): o is Json => typeof o === "object" && o !== null && Object.keys(o).length > 0,
  );
const bare = (prefix: string): string => (prefix === "0.0.0.0/0" ? "default" : prefix.replace(/\/32$/, ""));

const ROUTE_FIELDS = ["type", "dst", "gateway", "dev", "table", "protocol", "metric", "flags", "scope", "tos"];

export function routeRows(dump: unknown): RouteRow[] {
  return objects(dump).map((o) => {
    const [dev, gateway] = [text(o.dev), text(o.gateway)];
    return {
      table: number(o.table, 254),
      dst: bare(text(o.dst) ?? "default"),
      type: number(o.type, TYPE.unicast),
      metric: number(o.metric, 0),
      tos: number(o.tos, 0),
      protocol: number(o.protocol, 0),
      onlink: flags(o.flags).includes("onlink"),
      odd: Object.keys(o).some((k) => !ROUTE_FIELDS.includes(k)),
      ...(dev ? { dev } : {}),
      ...(gateway ? { gateway } : {}),
    };
  });
}

const RULE_FIELDS = ["priority", "src", "srclen", "iif", "iif_detached", "table", "protocol"];
/** How a selector is written where it must be given back to the kernel. */
const SELECTORS: { [field: string]: (o: Json) => string } = {
  dst: (o) => `to ${String(o.dst)}${o.dstlen === undefined ? "" : `/${number(o.dstlen, 32)}`}`,
  oif: (o) => `oif ${String(o.oif)}`,
  fwmark: (o) => `fwmark ${String(o.fwmark)}${o.fwmask === undefined ? "" : `/${JSON.stringify(o.fwmask).replaceAll('"', "")}`}`,
  tos: (o) => `tos ${String(o.tos)}`,
};
const BESIDES = ["dstlen", "fwmask", "oif_detached"];

export function ruleRows(dump: unknown): RuleRow[] {
  return objects(dump).map((o) => {
    const iif = text(o.iif);
    const src = text(o.src) ?? "all";
    const known = Object.keys(o).filter((k) => k in SELECTORS);
    const strange = Object.keys(o).some((k) => !RULE_FIELDS.includes(k) && !BESIDES.includes(k) && !(k in SELECTORS));
    return {
      pref: number(o.priority, 0),
      src: o.srclen === undefined ? bare(src) : bare(`${src}/${number(o.srclen, 32)}`),
      table: number(o.table, 0),
      protocol: number(o.protocol, 0),
      others: [...known.map((k) => SELECTORS[k]!(o)), ...(strange ? ["?"] : [])].join(" "),
      ...(iif ? { iif } : {}),
    };
  });
}

export function neighRows(dump: unknown): NeighRow[] {
  return objects(dump).flatMap((o) => {
    const [dst, dev, lladdr] = [text(o.dst), text(o.dev), text(o.lladdr)];
    if (!dst || !dev) return [];
    const fixed = flags(o.state).some((s) => s === "PERMANENT" || s === "NOARP");
    return [{ dst, dev, fixed, protocol: number(o.protocol, 0), ...(lladdr ? { lladdr: lladdr.toLowerCase() } : {}) }];
  });
}

export function linkRows(dump: unknown): LinkRow[] {
  return objects(dump).flatMap((o) => {
    const name = text(o.ifname);
    if (!name) return [];
    const peer = number(o.link_index, 0);
    return [{ name, index: number(o.ifindex, 0), up: flags(o.flags).includes("UP"), ...(peer > 0 ? { peer } : {}) }];
  });
}

/** Addresses by interface name, from `ip -j addr show`. */
export function addressesByLink(dump: unknown): Map<string, string[]> {
  return new Map(
    objects(dump).flatMap((o) => {
      const name = text(o.ifname);
      const found = objects(o.addr_info).flatMap((a) => text(a.local) ?? []);
      return name ? [[name, found] as const] : [];
    }),
  );
}
