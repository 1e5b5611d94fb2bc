// SPDX-License-Identifier: Apache-2.0
// Every problem of the all-in-one at once: each part's own, references between parts, and the contract's rules over the whole plan. Pure.
import { planFindings, type PlannedRoute } from "../controller/api";
import type { NetworkArgs } from "./argsCloud";
import type { PersistentPodIpsArgs } from "./argsPods";
import { at, cloudNameProblems, enumProblems, known, kubeNameProblems, labelProblems, regionProblems, show } from "./checks";
import { addressesProblems, scopeOf } from "./checksAddresses";
import { clusterProblems } from "./checksCluster";
import { controllerProblems } from "./checksController";
import { networksProblems, onlyNamed } from "./checksNetworks";
import { listenersProblems, routeReferenceProblems, routeSpec } from "./checksPods";
import { compact } from "./common";
import { AddressScope, ControllerKind, Datapath, OnDestroy } from "./enums";
import { countProblems, expand, inWrittenPaths, replicaProblems } from "./expand";
import { unlockedProblems } from "./fixed";
import { splitName } from "./gatewaySplit";
import { gatewayScope, layoutOf, type Layout, type PlannedPodRoute } from "./layout";
import { problem, type Problem, when } from "./problems";
import { stabilityProblems } from "./stability";
import { asArgument, standIn } from "./standIns";

/** Subnets that internal addresses can name: those of the Pod networks. */
const addressNetworks = (networks: { [name: string]: NetworkArgs } | undefined) =>
  Object.fromEntries(
    Object.entries(networks ?? {})
      .filter(([, n]) => !onlyNamed(n))
      .map(([key, n]) => [key, { subnetwork: "", ...(n.cidr === undefined ? {} : { cidr: n.cidr }) }]),
  );

function gatewayProblems(args: PersistentPodIpsArgs, layout: Layout): Problem[] {
  const owner = new Map<string, string>();
  const keys = Object.keys(args.addresses ?? {});
  return layout.gateways
    .filter((g) => !g.derived)
    .flatMap((g) => {
      const here = at("gateways", g.key);
      const found = [
        ...kubeNameProblems(g.name, g.args.name === undefined ? here : at(here, "name"), 60),
        ...kubeNameProblems(g.namespace, at(here, "namespace")),
        ...enumProblems(g.args.scope, AddressScope, at(here, "scope")),
        ...listenersProblems(g.args.listeners, at(here, "listeners")),
        ...stabilityProblems(g.args.stability, at(here, "stability")),
      ];
      if (gatewayScope(g.args, args.addresses ?? {}) === undefined)
        found.push(problem("Required", at(here, "scope"), "is missing; say External or Internal, or list addresses"));
      (g.args.addresses ?? []).forEach((a, i) => {
        const path = `${here}.addresses[${i}]`;
        const address = args.addresses[a];
        const first = owner.get(a);
        owner.set(a, first ?? here);
        if (!address) found.push(problem("UnknownReference", path, `${show(a)} is not one of the addresses: ${known(keys)}`));
        else if (scopeOf(address) !== g.scope)
          found.push(
            problem(
              "ScopeMismatch",
              path,
              `${show(a)} is ${scopeOf(address)}, but the Gateway is ${g.scope}; a Gateway holds one sort`,
            ),
          );
        if (first !== undefined)
          found.push(problem("Exclusive", path, `${show(a)} is in ${first} too; an address is offered by one Gateway`));
      });
      return found;
    });
}

/** Stand-ins by the names of the addresses: whether two routes claim one does not depend on what Google will choose. */
const standInsOf = (args: PersistentPodIpsArgs): Map<string, string> =>
  new Map(Object.keys(args.addresses ?? {}).map((key, i) => [key, standIn(i)]));

function spansGateways(r: PlannedPodRoute, layout: Layout, here: string): Problem[] {
  if (!r.gateway) return [];
  const bins = layout.gateways.flatMap((g) => g.bins.map((bin, n) => ({ name: splitName(g.name, n), bin })));
  const others = (r.args.addresses ?? []).flatMap((a, i) => {
    const bin = bins.find((b) => b.bin.includes(a));
    return bin && bin.name !== r.gateway!.name ? [{ a, i, gateway: bin.name }] : [];
  });
  return others.map(({ a, i, gateway }) =>
    problem(
      "ScopeMismatch",
      `${here}.addresses[${i}]`,
      `${show(a)} is offered by Gateway ${gateway}, the others by ${r.gateway!.name}; a route uses the addresses of one Gateway, so make one route each`,
    ),
  );
}

/** What a route names must exist, and there must be no doubt which network and Gateway it uses. */
function ownRouteProblems(r: PlannedPodRoute, names: { addresses: string[]; networks: string[] }, layout: Layout): Problem[] {
  const here = at("routes", r.key);
  const exists = (r.args.addresses ?? []).some((a) => names.addresses.includes(a));
  return [
    ...kubeNameProblems(r.name, r.args.name === undefined ? here : at(here, "name")),
    ...routeReferenceProblems(r.args, here, names),
    ...stabilityProblems(r.args.stability, at(here, "stability")),
    ...spansGateways(r, layout, here),
    ...when(
      exists && !r.gateway,
      "UnknownReference",
      at(here, "addresses"),
      "none of them is offered by a Gateway; list them in one of the gateways",
    ),
    ...when(
      r.args.network === undefined && names.networks.length > 1,
      "Required",
      at(here, "network"),
      `is missing; there are several networks: ${known(names.networks)}`,
    ),
  ];
}

/** A route as the contract's rules want it. */
function plannedRoute(r: PlannedPodRoute, standIns: ReadonlyMap<string, string>): PlannedRoute {
  const known = (r.args.addresses ?? []).flatMap((a) => standIns.get(a) ?? []);
  // Where every name is unknown that is said already; a stand-in keeps the contract from calling the list empty as well.
  const addresses = known.length === 0 && (r.args.addresses ?? []).length > 0 ? [standIn(0x1ffff)] : known;
  const gateway = r.gateway ?? { name: "none", namespace: r.namespace };
  // A selector that is missing is told so already.
  const podSelector = r.args.podSelector ?? { matchLabels: { missing: "selector" } };
  const facts = compact({ ...r.args, podSelector, namespace: r.namespace, gateway, network: r.network });
  return { key: `${r.namespace}/${r.name}`, path: at("routes", r.key), spec: routeSpec(facts, addresses) };
}

function routesProblems(args: PersistentPodIpsArgs, layout: Layout): Problem[] {
  const standIns = standInsOf(args);
  const names = { addresses: [...standIns.keys()], networks: Object.keys(args.networks ?? {}) };
  const gateways = layout.gateways.flatMap((g) =>
    g.bins.map((bin, n) => ({
      key: `${g.namespace}/${splitName(g.name, n)}`,
      path: at("gateways", g.key),
      addresses: bin.map((a) => standIns.get(a)!),
    })),
  );
  const spanning = layout.routes.filter((r) => spansGateways(r, layout, "").length > 0).map((r) => at("routes", r.key));
  const nameOf = new Map([...standIns].map(([key, ip]) => [ip, key]));
  const plan = planFindings(
    layout.routes.map((r) => plannedRoute(r, standIns)),
    gateways,
  )
    // A route over two Gateways is told so above, with the remedy.
    .filter((f) => !(f.code === "AddressNotInGateway" && spanning.some((p) => f.path === `${p}.addresses`)))
    // A Gateway is split where it can be: it holds too many only where a route does, which is told so.
    .filter((f) => !(f.code === "TooManyAddresses" && gateways.some((g) => f.path === g.path)))
    .map((f) => asArgument(f, nameOf));
  return [...layout.routes.flatMap((r) => ownRouteProblems(r, names, layout)), ...plan, ...duplicateNames(layout)];
}

/** Only a node agent of ours prepares anything ahead; the controller would ignore the wish. */
function standbyProblems({ controller = {} }: PersistentPodIpsArgs, { gateways, routes }: Layout): Problem[] {
  const bundled = (controller.kind ?? ControllerKind.Bundled) === ControllerKind.Bundled;
  if (bundled && controller.datapath === Datapath.Linux) return [];
  const asked = [
    ...gateways.filter((g) => !g.derived).map((g) => ({ of: at("gateways", g.key), stability: g.args.stability })),
    ...routes.map((r) => ({ of: at("routes", r.key), stability: r.args.stability })),
  ];
  return asked.flatMap(({ of, stability }) =>
    when(
      (stability?.hotStandby ?? 0) > 0,
      "Exclusive",
      at(at(of, "stability"), "hotStandby"),
      "is set, but nodes are prepared ahead only by the bundled controller with controller.datapath Linux; leave it out, or use that",
    ),
  );
}

/** Two routes that would be one object. */
function duplicateNames(layout: Layout): Problem[] {
  const first = new Map<string, string>();
  return layout.routes.flatMap((r) => {
    const id = `${r.namespace}/${r.name}`;
    const other = first.get(id);
    first.set(id, other ?? r.key);
    return other === undefined
      ? []
      : [problem("Exclusive", at(at("routes", r.key), "name"), `${id} is the object of ${at("routes", other)} too`)];
  });
}

function namespacesAndObjects(args: PersistentPodIpsArgs): Problem[] {
  const made = args.cluster?.create !== undefined;
  const objects = Object.entries(args.networks ?? {}).flatMap(([key, n]) =>
    when(
      made && n.existingObject === true,
      "Exclusive",
      at(at("networks", key), "existingObject"),
      "is set, but the cluster is a new one, which has no Network objects",
    ),
  );
  return [...objects, ...Object.keys(args.namespaces ?? {}).flatMap((key) => kubeNameProblems(key, at("namespaces", key)))];
}

/**
 * Every problem of the arguments.
 * @param name the component's name, of which physical names are made
 */
export function persistentPodIpsProblems(name: string, given: PersistentPodIpsArgs): Problem[] {
  // From another language, or plain JavaScript, anything can be missing.
  const filled = { ...given, region: given.region ?? "", cluster: given.cluster ?? {}, addresses: given.addresses ?? {} };
  const declared = [
    ...countProblems(filled.addresses),
    ...replicaProblems(filled.routes ?? {}),
    ...unlockedProblems(filled.unlocked, UNLOCKABLE),
  ];
  return [...declared, ...inWrittenPaths(expandedProblems(name, expand(filled)), filled)];
}

/** What `unlocked` can name. */
const UNLOCKABLE = [
  "addresses",
  "cluster.create",
  "cluster.existing",
  "controller.crds",
  "gateways",
  "namespaces",
  "networks",
  "routes",
];

function expandedProblems(name: string, args: PersistentPodIpsArgs): Problem[] {
  const networks = args.networks ?? {};
  const layout = layoutOf(name, args);
  return [
    // Room for a key in names like NAME-KEY.
    ...cloudNameProblems(name, "name", 40),
    ...regionProblems(args.region),
    ...enumProblems(args.onDestroy, OnDestroy, "onDestroy"),
    ...labelProblems(args.labels),
    ...clusterProblems(args.cluster, "cluster", { name, region: args.region, networks: Object.keys(networks) }),
    ...networksProblems(name, networks),
    ...addressesProblems(name, args.addresses, addressNetworks(networks)),
    ...when(Object.keys(args.addresses).length === 0, "Required", "addresses", "is empty; name at least one address"),
    ...gatewayProblems(args, layout),
    ...standbyProblems(args, layout),
    ...routesProblems(args, layout),
    ...namespacesAndObjects(args),
    ...controllerProblems(args.controller ?? {}),
  ];
}
