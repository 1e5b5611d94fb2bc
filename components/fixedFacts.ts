// SPDX-License-Identifier: Apache-2.0
// The facts of each part that an update cannot change in place: what `fixed.ts` compares. Only plain values; defaults are spelled out, so that
// writing one down is no edit. Pure.
import type { AddressArgs, MultiNetworkClusterArgs, NetworkArgs } from "./argsCloud";
import type { PersistentPodIpsArgs, PodIpRouteArgs } from "./argsPods";
import { at } from "./checks";
import { reservedName, scopeOf } from "./checksAddresses";
import { classFor } from "./checksPods";
import { compact, type Keeping } from "./common";
import { AddressScope, CrdSource, DeviceMode, NetworkMode, NetworkTier, ReactionMode } from "./enums";
import { type Fact, facts, type Fixed } from "./fixed";
import type { Layout } from "./layout";
import { isPlain } from "./problems";

/** The two switches, as a component hands them on. */
export const keeping = ({ onDestroy, unlocked }: Keeping): Keeping => compact({ onDestroy, unlocked });

type Facts = { [field: string]: Fact };
/** A default stands in for what is left out, not for what is not known yet. */
const or = (v: unknown, otherwise: string): unknown => (v === undefined ? otherwise : v);

function addressFacts(prefix: string, key: string, a: AddressArgs, region: string): Facts {
  const scope = scopeOf(a);
  return facts({
    name: reservedName(prefix, key, a),
    formerly: a.formerly,
    region,
    scope,
    // Google's choice may be written down later, which is no edit; another value is one.
    address: a.address,
    tier: scope === AddressScope.External ? (a.tier ?? NetworkTier.Premium) : undefined,
    network: or(a.network, "none"),
    subnetwork: or(a.subnetwork, "none"),
    shared: a.shared ?? false,
    fromPrefix: or(a.fromPrefix, "none"),
  });
}

/** Addresses that are reserved here; adopted and literal ones are nobody's to lose. */
export const addressesFixed = (prefix: string, addresses: { [name: string]: AddressArgs }, region: string): Fixed =>
  Object.fromEntries(
    Object.entries(addresses)
      .filter(([, a]) => a.existing === undefined && a.literal === undefined)
      .map(([key, a]) => [at("addresses", key), addressFacts(prefix, key, a, region)]),
  );

/** A cluster that is made here, and its pools; or which one it is, since another is another place for everything in it. */
export function clusterFixed(
  name: string,
  args: Omit<MultiNetworkClusterArgs, "networks">,
  networks?: readonly string[],
  prefix = "",
): Fixed {
  const c = args.create;
  if (!c) return args.existing ? { [at(prefix, "existing")]: facts({ ...args.existing, kubeconfig: undefined }) } : {};
  const all = networks ?? Object.keys((args as MultiNetworkClusterArgs).networks ?? {});
  const here = at(prefix, "create");
  const { network, subnetwork, podRange, serviceRange } = c;
  const place = { name: c.name ?? name, location: c.location ?? args.region, network, subnetwork, podRange, serviceRange };
  const pools = Object.entries(c.pools ?? { main: {} }).map(([key, pool]): [string, Facts] => [
    at(at(here, "pools"), key),
    facts({ networks: [...(pool.networks ?? all)].sort().join(" ") || "none" }),
  ]);
  return { [here]: facts(place), ...Object.fromEntries(pools) };
}

export const networksFixed = (networks: { [name: string]: NetworkArgs } | undefined): Fixed =>
  Object.fromEntries(
    Object.entries(networks ?? {}).map(([key, n]) => {
      const mode = n.mode ?? NetworkMode.L3;
      const device = mode === NetworkMode.Device;
      return [
        at("networks", key),
        facts({
          mode,
          deviceMode: device ? (n.deviceMode ?? DeviceMode.NetDevice) : undefined,
          cidr: n.cidr,
          podCidr: n.podCidr,
          existingNetwork: n.existingNetwork,
          existingSubnetwork: n.existingSubnetwork,
          existingPodRange: n.existingPodRange,
          existingObject: n.existingObject ?? false,
          maxPodsPerNode: device ? undefined : (n.maxPodsPerNode ?? 32),
        }),
      ];
    }),
  );

/** One route on its own. */
export function routeFacts(name: string, args: PodIpRouteArgs): Facts {
  const namespace = args.namespace ?? "default";
  return facts({
    routeName: args.routeName ?? name,
    namespace,
    gateway: `${args.gateway.namespace ?? namespace}/${args.gateway.name}`,
    network: args.network ?? "none",
    reactionMode: args.reactionMode ?? ReactionMode.ReadyCondition,
  });
}

/** Everything of the all-in-one, by the paths of its arguments. */
export function everythingFixed(name: string, args: PersistentPodIpsArgs, layout: Layout): Fixed {
  const gateways = layout.gateways
    .filter((g) => g.bins.length > 0)
    .map((g) => {
      const className = classFor(g.scope, args.controller?.kind, g.args.className);
      return [at("gateways", g.key), facts({ name: g.name, namespace: g.namespace, className })] as const;
    });
  const routes = layout.routes.map((r) => {
    const gateway = r.gateway ? `${r.gateway.namespace}/${r.gateway.name}` : undefined;
    const reactionMode = r.args.reactionMode ?? ReactionMode.ReadyCondition;
    const { namespace, network = "none" } = r;
    return [at("routes", r.key), facts({ name: r.name, namespace, gateway, network, reactionMode })] as const;
  });
  const where = { region: args.region, project: isPlain(args.project) ? args.project : undefined };
  return {
    "": facts(where),
    ...clusterFixed(name, { ...args.cluster, region: args.region }, Object.keys(args.networks ?? {}), "cluster"),
    ...networksFixed(args.networks),
    ...Object.fromEntries(Object.keys(args.namespaces ?? {}).map((key) => [at("namespaces", key), {}])),
    // With the definition goes every route of the cluster, whoever made it.
    ...(args.controller?.crds === CrdSource.Install ? { "controller.crds": {} } : {}),
    ...addressesFixed(name, args.addresses, args.region),
    ...Object.fromEntries(gateways),
    ...Object.fromEntries(routes),
  };
}
