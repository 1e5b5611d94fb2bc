// SPDX-License-Identifier: Apache-2.0
// From what is wanted and what is there to the lines that make the one the other. Pure: no I/O, no clock; the same input gives the same lines.
// Only objects with our marks are ever touched, and nothing is flushed. Order is safety (datapath.md 9): rules, neighbours, Pod routes,
// blackholes, then what is stale; so a Pod is replaced by another on one node without a gap, and nothing ever falls through to another NIC.
import { staleNeighs, neighLines } from "./plan-neighs";
import { exactly, routeLines, staleRoutes, wantedRoutes } from "./plan-routes";
import { ruleLines, wantedRules } from "./plan-rules";
import { GUEST_AGENT_PROTOCOL, NUMBERS, TABLE_LOCAL, TYPE } from "./types";
import type { Conflict, Desired, Kernel, Line, NetworkPlan, Numbers, OwnedPlan, Plan, RouteRow, Skip, Way } from "./types";

/** What remains of the wish where links are missing and where somebody else's routes are in the way. */
interface Possible {
  networks: readonly (NetworkPlan & { present: boolean; up: boolean })[];
  owned: readonly OwnedPlan[];
  /** Tables that must not be touched. */
  closed: ReadonlySet<number>;
}

/**
 * Lines for one `ip -force -batch`, in order; empty where all is as wanted.
 * @param kernel unfiltered dumps of one moment
 */
export function plan(desired: Desired, kernel: Kernel, numbers: Numbers = NUMBERS): Plan {
  const conflicts = desired.networks.flatMap((n) => conflictsOf(n, kernel.routes, numbers));
  const skipped: Skip[] = [];
  const possible = whatIsPossible(desired, kernel, conflicts, skipped);
  const routes = wantedRoutes(possible, numbers);
  const rules = wantedRules(possible, numbers);
  const named = new Set(desired.networks.flatMap((n) => [n.tableIn, n.tableOut]));
  const isOpen = ({ table }: { table: number }): boolean => !possible.closed.has(table) && (!desired.hold || named.has(table));
  const open = kernel.routes.filter((r) => isOurs(r, numbers) && isOpen(r));
  const openRules = kernel.rules.filter(isOpen);
  const { first, last } = ruleLines(rules, openRules, numbers);
  const lines: Line[] = [
    ...first,
    ...neighLines(possible.owned, kernel.neighs, numbers),
    ...routeLines(routes, open, numbers),
    ...guestAgentLines(possible.owned, kernel),
    ...staleRoutes(routes, open, numbers),
    ...(desired.hold ? [] : staleNeighs(desired.owned, kernel.neighs, numbers)),
    ...last,
  ];
  return { lines, conflicts, skipped };
}

/** True for a route with our marks: protocol and table. */
export const isOurs = (r: { table: number; protocol: number }, n: Numbers): boolean =>
  r.protocol === n.protocol && isOurTable(r.table, n);
export const isOurTable = (table: number, n: Numbers): boolean =>
  (table >= n.tableIn && table < n.tableIn + n.span) || (table >= n.tableOut && table < n.tableOut + n.span);

function conflictsOf(network: NetworkPlan, routes: readonly RouteRow[], numbers: Numbers): Conflict[] {
  const tables = [network.tableIn, network.tableOut];
  const foreign = routes.find((r) => tables.includes(r.table) && r.protocol !== numbers.protocol);
  if (!foreign) return [];
  const message = `table ${foreign.table} of network ${network.name} holds a route of protocol ${foreign.protocol} to ${foreign.dst}; nothing of this network is touched until it is gone`;
  return [{ network: network.name, table: foreign.table, message }];
}

function whatIsPossible(desired: Desired, kernel: Kernel, conflicts: readonly Conflict[], skipped: Skip[]): Possible {
  const links = new Map(kernel.links.map((l) => [l.name, l]));
  const blocked = new Set(conflicts.map((c) => c.network));
  const networks = desired.networks
    .filter((n) => !blocked.has(n.name))
    .map((n) => ({ ...n, present: links.has(n.nic), up: links.get(n.nic)?.up === true }));
  for (const n of networks.filter((x) => !x.up))
    skipped.push({
      reason: n.present ? "NicDown" : "NicMissing",
      network: n.name,
      message: `NIC ${n.nic} ${n.present ? "is down" : "is not there"}`,
    });
  const open = new Set(networks.map((n) => n.name));
  const isUp = ({ veth }: Way): boolean => links.get(veth)?.up === true;
  const owned = firstOfEach(desired.owned.filter((o) => open.has(o.network))).flatMap((o) => {
    const link = links.get(o.veth);
    const leaving = (o.leaving ?? []).filter(isUp);
    if (link?.up) return [{ ...o, leaving }];
    const message = `host interface ${o.veth} ${link ? "is down" : "is not there"}`;
    skipped.push({ reason: link ? "VethDown" : "VethMissing", network: o.network, address: o.address, message });
    const [instead, ...rest] = leaving;
    return instead ? [{ address: o.address, network: o.network, ...instead, leaving: rest }] : [];
  });
  const closed = new Set(desired.networks.filter((n) => blocked.has(n.name)).flatMap((n) => [n.tableIn, n.tableOut]));
  return { networks, owned, closed };
}

/** One owner for each address; a second one is a mistake of the caller's, and the first stays. */
function firstOfEach(owned: readonly OwnedPlan[]): OwnedPlan[] {
  const seen = new Set<string>();
  return owned.filter((o) => {
    const key = `${o.network} ${o.address}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Local routes of Google's guest agent swallow an address before our rules are asked; exactly these are taken away (datapath.md 4). */
function guestAgentLines(owned: readonly OwnedPlan[], kernel: Kernel): Line[] {
  if (!localFirst(kernel)) return [];
  const addresses = new Map(owned.map((o) => [o.address, o.network]));
  return kernel.routes
    .filter((r) => r.table === TABLE_LOCAL && r.type === TYPE.local && r.protocol === GUEST_AGENT_PROTOCOL)
    .filter((r) => addresses.has(r.dst))
    .map((r) => ({
      text: `route del ${exactly(r)} proto ${GUEST_AGENT_PROTOCOL}`,
      address: r.dst,
      network: addresses.get(r.dst)!,
    }));
}
/** True where the kernel looks into table `local` before it comes to our rules. */
export const localFirst = (kernel: Pick<Kernel, "rules">, numbers: Numbers = NUMBERS): boolean =>
  kernel.rules.some((r) => r.table === TABLE_LOCAL && r.pref < numbers.prefIn);
