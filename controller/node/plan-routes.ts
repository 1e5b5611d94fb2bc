// SPDX-License-Identifier: Apache-2.0
// Routes: one table a network and direction. A wanted route is there, or replaces the first with its key, or is added; the rest of ours goes.
import { METRIC, TYPE, type Line, type NetworkPlan, type Numbers, type OwnedPlan, type RouteRow } from "./types";

export interface WantedRoute {
  table: number;
  dst: string;
  type: number;
  metric: number;
  dev?: string;
  gateway?: string;
  network: string;
  address?: string;
}

/** @param networks whose tables are free of others; the default by a NIC is wanted only while the NIC is up */
export function wantedRoutes(
  { networks, owned }: { networks: readonly (NetworkPlan & { up: boolean })[]; owned: readonly OwnedPlan[] },
  _numbers: Numbers,
): WantedRoute[] {
  const byName = new Map(networks.map((n) => [n.name, n]));
  const pods = owned.map((o): WantedRoute => {
    const { network, address, podIP: gateway, veth: dev } = o;
    const table = byName.get(network)!.tableIn;
    return { table, dst: address, type: TYPE.unicast, metric: METRIC.pod, gateway, dev, network, address };
  });
  const ways = networks
    .filter((n) => n.up)
    .map((n): WantedRoute => {
      const { name: network, tableOut: table, gateway, nic: dev } = n;
      return { table, dst: "default", type: TYPE.unicast, metric: 0, gateway, dev, network };
    });
  const holes = networks.flatMap((n): WantedRoute[] => {
    const { name: network } = n;
    const hole = { type: TYPE.blackhole, metric: METRIC.blackhole, network };
    // The kernel throws the default away when the NIC goes down; without this the packets would leave by another one.
    const out = { ...hole, table: n.tableOut, dst: "default" };
    return [out, ...[...new Set(n.addresses)].map((address) => ({ ...hole, table: n.tableIn, dst: address, address }))];
  });
  return [...pods, ...ways, ...holes];
}

/** What the kernel takes for the same place: a `replace` there replaces. */
const keyOf = (r: { table: number; dst: string; metric: number; tos?: number }): string =>
  `${r.table} ${r.dst} ${r.metric} ${r.tos ?? 0}`;
const same = (have: RouteRow, want: WantedRoute): boolean =>
  !have.odd &&
  have.type === want.type &&
  have.dev === want.dev &&
  have.gateway === want.gateway &&
  have.onlink === (want.type === TYPE.unicast);

const prefix = (dst: string): string => (dst === "default" || dst.includes("/") ? dst : `${dst}/32`);
const about = (w: WantedRoute): Pick<Line, "network" | "address"> => ({
  network: w.network,
  ...(w.address ? { address: w.address } : {}),
});

function groups(rows: readonly RouteRow[]): Map<string, RouteRow[]> {
  const found = new Map<string, RouteRow[]>();
  for (const row of rows) found.set(keyOf(row), [...(found.get(keyOf(row)) ?? []), row]);
  return found;
}

export function routeLines(wanted: readonly WantedRoute[], ours: readonly RouteRow[], { protocol }: Numbers): Line[] {
  const have = groups(ours);
  return wanted.filter((w) => !have.get(keyOf(w))?.some((row) => same(row, w))).map((w) => replacing(w, protocol));
}
const replacing = (w: WantedRoute, protocol: number): Line => ({
  text: `route replace ${words(w)} table ${w.table} proto ${protocol}`,
  ...about(w),
});
function words(w: WantedRoute): string {
  const kind = w.type === TYPE.blackhole ? "blackhole " : "";
  const by = w.gateway === undefined ? "" : ` via ${w.gateway} dev ${w.dev} onlink`;
  return `${kind}${prefix(w.dst)}${by}${w.metric === 0 ? "" : ` metric ${w.metric}`}`;
}

/**
 * Ours and not wanted. Of several with one key the exact one stays, or the first, which a `replace` has made right. A row that differs only in
 * what a deletion does not name (an MTU) and stands behind it is not what the deletion hits; then the row is made the right one in its place.
 */
export function staleRoutes(wanted: readonly WantedRoute[], ours: readonly RouteRow[], { protocol }: Numbers): Line[] {
  const want = new Map(wanted.map((w) => [keyOf(w), w]));
  return [...groups(ours)].flatMap(([key, rows]) => {
    const w = want.get(key);
    const kept = w && (rows.find((row) => same(row, w)) ?? rows[0]);
    const missed = (row: RouteRow): boolean =>
      kept !== undefined && rows.indexOf(row) > rows.indexOf(kept) && exactly(row) === exactly({ ...w!, tos: 0 });
    return rows
      .filter((row) => row !== kept)
      .flatMap((row) => [
        { text: `route del ${exactly(row)} proto ${protocol}` },
        ...(missed(row) ? [replacing(w!, protocol)] : []),
      ]);
  });
}

const KINDS: { [type: number]: string } = { 2: "local", 3: "broadcast", 4: "anycast", 5: "multicast", 6: "blackhole" };
const MORE_KINDS: { [type: number]: string } = { 7: "unreachable", 8: "prohibit", 9: "throw" };
/** A route in the words that a deletion needs to hit it and no other. */
export function exactly(r: Pick<RouteRow, "type" | "dst" | "tos" | "gateway" | "dev" | "metric" | "table">): string {
  const kind = r.type === TYPE.unicast ? undefined : (KINDS[r.type] ?? MORE_KINDS[r.type] ?? String(r.type));
  return [
    ...(kind ? [kind] : []),
    prefix(r.dst),
    // ip reads this word as hexadecimal, with or without 0x.
    ...(r.tos ? [`tos 0x${r.tos.toString(16)}`] : []),
    ...(r.gateway ? [`via ${r.gateway}`] : []),
    ...(r.dev ? [`dev ${r.dev}`] : []),
    ...(r.metric ? [`metric ${r.metric}`] : []),
    `table ${r.table}`,
  ].join(" ");
}
