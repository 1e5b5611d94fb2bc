// SPDX-License-Identifier: Apache-2.0
// Every problem of the all-in-one at once: each part's own, references between parts, and the contract's rules over the whole plan. Pure.
import { planFindings, type Finding } from "../controller/api";
import type { NetworkArgs } from "./argsCloud";
import type { PersistentPodIpsArgs } from "./argsPods";
import { at, cloudNameProblems, enumProblems, known, kubeNameProblems, labelProblems, regionProblems, show } from "./checks";
import { addressesProblems, scopeOf } from "./checksAddresses";
import { clusterProblems, networksProblems, onlyNamed } from "./checksCloud";
import { controllerProblems } from "./checksController";
import { listenersProblems, routeReferenceProblems, routeSpec } from "./checksPods";
import { AddressScope, OnDestroy } from "./enums";
import { splitName } from "./gatewaySplit";
import { gatewayScope, layoutOf, type Layout, type PlannedPodRoute } from "./layout";
import { problem, type Problem } from "./problems";

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

/** Addresses as the plan's rules want them: real where known, stand-ins where Google has yet to choose. */
function standIns(args: PersistentPodIpsArgs): { value: (key: string) => string; names: Map<string, string> } {
  const names = new Map<string, string>();
  const values = new Map<string, string>();
  Object.keys(args.addresses ?? {}).forEach((key, i) => {
    // From the range for benchmarks (RFC 2544), which no reserved address is in.
    const value = `198.${18 + (i >>> 16)}.${(i >>> 8) & 255}.${i & 255}`;
    values.set(key, value);
    names.set(value, key);
  });
  return { value: (key) => values.get(key) ?? "", names };
}

/** The contract's wording, with our names for addresses and our paths. */
function readable(f: Finding, names: Map<string, string>): Problem {
  const message = f.message.replace(/\b198\.1[89]\.\d{1,3}\.\d{1,3}\b/g, (ip) => (names.has(ip) ? show(names.get(ip)) : ip));
  return { ...f, message, path: f.path.replace(/(\.addresses\[\d+\])\.value$/, "$1") };
}

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

function routesProblems(args: PersistentPodIpsArgs, layout: Layout): Problem[] {
  const { value, names } = standIns(args);
  const references = { addresses: Object.keys(args.addresses ?? {}), networks: Object.keys(args.networks ?? {}) };
  const own = layout.routes.flatMap((r) => {
    const here = at("routes", r.key);
    const found = [
      ...kubeNameProblems(r.name, r.args.name === undefined ? here : at(here, "name")),
      ...routeReferenceProblems(r.args, here, references),
      ...spansGateways(r, layout, here),
    ];
    const offered = (r.args.addresses ?? []).some((a) => references.addresses.includes(a));
    if (!r.gateway && offered)
      found.push(
        problem(
          "UnknownReference",
          at(here, "addresses"),
          "none of them is offered by a Gateway; list them in one of the gateways",
        ),
      );
    if (r.args.network === undefined && references.networks.length > 1)
      found.push(
        problem("Required", at(here, "network"), `is missing; there are several networks: ${known(references.networks)}`),
      );
    return found;
  });
  const planned = layout.routes.map((r) => {
    const gateway = r.gateway ?? { name: "none", namespace: r.namespace };
    const keys = (r.args.addresses ?? []).filter((a) => references.addresses.includes(a));
    // A list that only names unknown addresses is reported above; a stand-in keeps the contract from calling it empty as well.
    const addresses = keys.length === 0 && (r.args.addresses ?? []).length > 0 ? ["198.19.255.255"] : keys.map(value);
    const facts = { ...r.args, namespace: r.namespace, gateway, ...(r.network === undefined ? {} : { network: r.network }) };
    return { key: `${r.namespace}/${r.name}`, path: at("routes", r.key), spec: routeSpec(facts, addresses) };
  });
  const gateways = layout.gateways.flatMap((g) =>
    g.bins.map((bin, n) => ({
      key: `${g.namespace}/${splitName(g.name, n)}`,
      path: at("gateways", g.key),
      addresses: bin.map(value),
    })),
  );
  const spanning = new Set(layout.routes.filter((r) => spansGateways(r, layout, "").length > 0).map((r) => at("routes", r.key)));
  const plan = planFindings(planned, gateways)
    .filter((f) => !(f.code === "AddressNotInGateway" && [...spanning].some((p) => f.path.startsWith(p))))
    .map((f) => readable(f, names));
  return [...own, ...plan, ...duplicateNames(layout)];
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

/**
 * Every problem of the arguments.
 * @param name the component's name, of which physical names are made
 */
export function persistentPodIpsProblems(name: string, args: PersistentPodIpsArgs): Problem[] {
  const layout = layoutOf(name, args);
  const networks = args.networks ?? {};
  const addresses = args.addresses ?? {};
  const found = [
    // Room for a key in names like NAME-KEY.
    ...cloudNameProblems(name, "name", 40),
    ...regionProblems(args.region ?? ""),
    ...enumProblems(args.onDestroy, OnDestroy, "onDestroy"),
    ...labelProblems(args.labels),
    ...clusterProblems(args.cluster ?? {}, "cluster", { name, region: args.region ?? "", networks: Object.keys(networks) }),
    ...networksProblems(name, networks),
    ...addressesProblems(name, addresses, addressNetworks(networks)),
    ...gatewayProblems(args, layout),
    ...routesProblems(args, layout),
    ...controllerProblems(args.controller ?? {}),
  ];
  for (const [key, n] of Object.entries(networks))
    if (args.cluster?.create && n.existingObject)
      found.push(
        problem(
          "Exclusive",
          at(at("networks", key), "existingObject"),
          "is set, but the cluster is a new one, which has no Network objects",
        ),
      );
  for (const key of Object.keys(args.namespaces ?? {})) found.push(...kubeNameProblems(key, at("namespaces", key)));
  if (Object.keys(addresses).length === 0) found.push(problem("Required", "addresses", "is empty; name at least one address"));
  return found;
}
