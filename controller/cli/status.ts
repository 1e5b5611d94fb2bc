// SPDX-License-Identifier: Apache-2.0
// `status`: one line an address, from the AddressBindings; routes without one follow, with what their conditions say.
import { canonicalAddresses, type AddressBinding, type GKEIPRoute, type Move } from "../api";
import { keyOf } from "../core";
import { routeObject } from "../manager/views";
import type { Dump } from "./dump";
import { age, since, table } from "./print";

export interface StatusRow {
  address: string;
  route: string;
  pod: string;
  node: string;
  ready: string;
  reason: string;
  lastMove?: Pick<Move, "cause" | "finishedAt" | "durations">;
}

interface Said {
  status: string;
  reason: string;
}
const readyOf = (r: GKEIPRoute | undefined): Said | undefined => r?.status?.conditions?.find((c) => c.type === "Ready");
const row = (address: string, route: string, { status, reason }: Said): StatusRow => ({
  ...{ address, route, pod: "", node: "", ready: status, reason },
});
const UNSAID: Said = { status: "Unknown", reason: "" };

function claimed({ spec, status = {} }: AddressBinding, route: GKEIPRoute | undefined): StatusRow {
  const { holder, lastMove, ready, reason = "" } = status;
  const journal = ready ? { status: ready, reason } : UNSAID;
  const held = holder ? { pod: holder.pod, node: holder.node } : {};
  const key = `${spec.route.namespace}/${spec.route.name}`;
  return { ...row(spec.address, key, readyOf(route) ?? journal), ...held, ...(lastMove ? { lastMove } : {}) };
}
const unclaimed = (route: GKEIPRoute, address: string): StatusRow => row(address, keyOf(route), readyOf(route) ?? UNSAID);
const value = (address: string): number => address.split(".").reduce((n, part) => n * 256 + Number(part), 0);

/** Rows in order of address, then route. @param namespace undefined: every namespace */
export function statusRows(dump: Dump, namespace?: string): StatusRow[] {
  const routes = new Map(dump.objects.route.map((r) => [r.metadata.uid ?? "", routeObject(r)]));
  const bindings = dump.objects.binding as AddressBinding[];
  const held = bindings.map((b) => claimed(b, routes.get(b.spec.route.uid)));
  const owned = new Set(bindings.map((b) => `${b.spec.route.uid} ${b.spec.address}`));
  const rest = [...routes].flatMap(([uid, r]) =>
    canonicalAddresses(r.spec.addresses)
      .filter((a) => !owned.has(`${uid} ${a}`))
      .map((a) => unclaimed(r, a)),
  );
  return [...held, ...rest]
    .filter((r) => namespace === undefined || r.route.startsWith(`${namespace}/`))
    .sort((a, b) => value(a.address) - value(b.address) || (a.route < b.route ? -1 : a.route > b.route ? 1 : 0));
}

function moveText(move: StatusRow["lastMove"], now: number): string {
  if (!move) return "";
  return `${move.cause}, ${since(move.finishedAt, now)} ago, took ${took(move.durations.total)}`;
}
const took = (ms: number | undefined): string => (ms === undefined ? "?" : ms < 10_000 ? `${ms} ms` : age(ms));

export const statusLines = (rows: readonly StatusRow[], now: number): string[] =>
  rows.length === 0
    ? ["No GKEIPRoute has an address."]
    : table(
        ["ADDRESS", "ROUTE", "POD", "NODE", "READY", "REASON", "LAST-MOVE"],
        rows.map((r) => [r.address, r.route, r.pod, r.node, r.ready, r.reason, moveText(r.lastMove, now)]),
      );
