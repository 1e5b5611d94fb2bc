// SPDX-License-Identifier: Apache-2.0
// Arbitrary worlds for properties: a wish, and a kernel in any state, with objects of ours that are right, wrong, double and stale among
// objects of others.
import * as fc from "fast-check";
import type { World } from "./testing-kernel";
import type { Desired, NeighRow, NetworkPlan, OwnedPlan, RouteRow, RuleRow } from "./types";

const NICS = ["nic1", "nic2"];
const VETHS = ["lxc-a", "lxc-b", "lxc-c", "lxc-gone"];
const ADDRESSES = ["34.123.10.1", "34.123.10.2", "34.123.10.3", "34.123.10.4"];
const POD_IPS = ["10.201.1.10", "10.201.1.11"];
const MACS = ["02:00:00:00:00:0a", "02:00:00:00:00:0b"];
const pick = <T>(list: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...list);

const networkAt = (i: number): fc.Arbitrary<NetworkPlan> =>
  fc.record({
    name: fc.constant(`net-${i}`),
    nic: fc.constant(NICS[i - 1]!),
    gateway: fc.constant(`10.${i}.0.1`),
    tableIn: fc.constant(7100 + i),
    tableOut: fc.constant(7200 + i),
    addresses: fc.subarray(ADDRESSES),
  });
const ownedOn = (network: NetworkPlan): fc.Arbitrary<OwnedPlan[]> =>
  fc.array(
    fc.record(
      {
        address: pick(network.addresses.length > 0 ? network.addresses : ADDRESSES),
        network: fc.constant(network.name),
        veth: pick(VETHS),
        podIP: pick(POD_IPS),
        mac: pick(MACS),
        standby: fc.boolean(),
        leaving: fc.array(fc.record({ veth: pick(VETHS), podIP: pick(POD_IPS) }), { maxLength: 2 }),
      },
      { requiredKeys: ["address", "network", "veth", "podIP"] },
    ),
    { maxLength: 4 },
  );
/** Neighbours are kept by Pod IP and interface, so one such pair has one hardware address. */
const oneMac = (owned: OwnedPlan[]): OwnedPlan[] => {
  const macs = new Map<string, string | undefined>();
  return owned.map(({ mac, ...o }) => {
    const key = `${o.podIP} ${o.veth}`;
    if (!macs.has(key)) macs.set(key, mac);
    const known = macs.get(key);
    return known ? { ...o, mac: known } : o;
  });
};
export const desired: fc.Arbitrary<Desired> = fc
  .tuple(networkAt(1), networkAt(2), fc.integer({ min: 0, max: 2 }))
  .chain(([a, b, n]) =>
    fc.tuple(ownedOn(a), ownedOn(b)).map(([x, y]) => ({
      networks: [a, b].slice(0, n),
      owned: oneMac([...(n > 0 ? x : []), ...(n > 1 ? y : [])]),
    })),
  );

const route: fc.Arbitrary<RouteRow> = fc
  .record({
    table: pick([254, 255, 7101, 7101, 7102, 7201, 7202, 7150, 1001]),
    dst: pick([...ADDRESSES, "default", "10.9.0.0/16"]),
    type: pick([1, 1, 6]),
    metric: pick([0, 100, 65535, 7]),
    tos: pick([0, 0, 0, 16]),
    protocol: pick([122, 122, 122, 122, 4, 66]),
    dev: pick([...NICS, ...VETHS.slice(0, 3)]),
    gateway: pick([...POD_IPS, "10.1.0.1"]),
    onlink: fc.constant(true),
    odd: pick([false, false, false, true]),
  })
  .map(({ dev, gateway, ...r }): RouteRow => {
    // A local route has an interface and no gateway, a blackhole neither.
    if (r.table === 255) return { ...r, type: 2, dst: r.dst === "default" ? ADDRESSES[0]! : r.dst, onlink: false, dev };
    return r.type === 6 ? { ...r, onlink: false } : { ...r, dev, gateway };
  });
const rule: fc.Arbitrary<RuleRow> = fc.record(
  {
    pref: pick([90, 91, 91, 2000]),
    iif: pick([...NICS, ...VETHS]),
    src: pick(["all", ...ADDRESSES]),
    table: pick([7101, 7102, 7201, 7202, 1001]),
    protocol: pick([122, 122, 122, 4]),
    others: pick(["", "", "", "", "fwmark 0x5", "to 198.51.100.0/24", "oif nic2"]),
  },
  { requiredKeys: ["pref", "src", "table", "protocol", "others"] },
);
const neigh: fc.Arbitrary<NeighRow> = fc.record({
  dst: pick(POD_IPS),
  dev: pick(VETHS.slice(0, 3)),
  lladdr: pick(MACS),
  fixed: fc.boolean(),
  protocol: pick([0, 122, 122]),
});
const unique = <T>(list: T[], key: (t: T) => string): T[] => [...new Map(list.map((t) => [key(t), t])).values()];
const json = (o: object): string => JSON.stringify(Object.entries(o).sort(([a], [b]) => (a < b ? -1 : 1)));

export const world: fc.Arbitrary<World> = fc
  .record({
    routes: fc.array(route, { maxLength: 14 }),
    rules: fc.array(rule, { maxLength: 10 }),
    neighs: fc.array(neigh, { maxLength: 4 }),
    localFirst: fc.boolean(),
    down: fc.subarray([...NICS, ...VETHS.slice(0, 3)]),
    missing: fc.subarray([...NICS, "lxc-c"]),
  })
  .map(({ routes, rules, neighs, localFirst, down, missing }) => {
    const names = [...NICS, ...VETHS.slice(0, 3)].filter((n) => !missing.includes(n));
    const links = names.map((name, i) => ({ name, index: i + 2, up: !down.includes(name) }));
    const carries = (dev: string | undefined): boolean => dev === undefined || links.some((l) => l.name === dev && l.up);
    const local: RuleRow = { pref: localFirst ? 0 : 100, src: "all", table: 255, protocol: 2, others: "" };
    return {
      // The kernel keeps no route and no neighbour through a link that is down.
      routes: unique(routes, json)
        .filter((r) => carries(r.dev))
        .sort((a, b) => a.metric - b.metric),
      rules: [local, ...unique(rules, json)].sort((a, b) => a.pref - b.pref),
      neighs: unique(neighs, (n) => `${n.dst} ${n.dev}`).filter((n) => carries(n.dev)),
      links,
    };
  });
