// SPDX-License-Identifier: Apache-2.0
// For tests: the likeliest mistakes about routes, Gateways and the controller, each with its path and its remedy.
import { as, type Wrong } from "./wrong-cloud";

export const WRONG_PODS: Wrong[] = [
  [
    "an unknown address in a route",
    (a) => (a.routes!["proxy"]!.addresses = ["wbe"]),
    "routes.proxy.addresses[0]",
    /"wbe" is not one of the addresses: "inside", "sip", "web"/,
  ],
  [
    "an unknown network in a route (SEED-65)",
    (a) => (a.routes!["proxy"]!.network = "blue"),
    "routes.proxy.network",
    /"blue" is not one of the networks: "blue-network"/,
  ],
  [
    "SEED-8, E23: one address for two routes",
    (a) => (a.routes!["third"] = { ...a.routes!["proxy"]!, addresses: ["sip"] }),
    "routes.third.addresses",
    /"sip" is claimed by proxy\/edge-proxy too; an address belongs to one route at a time/,
  ],
  [
    "external and internal addresses in one route",
    (a) => (a.routes = { proxy: { ...a.routes!["proxy"]!, addresses: ["web", "inside"] } }),
    "routes.proxy.addresses[1]",
    /"inside" is offered by Gateway edge-internal, the others by edge-external.*make one route each/,
  ],
  [
    "E13: an empty selector",
    (a) => (a.routes!["proxy"]!.podSelector = {}),
    "routes.proxy.podSelector",
    /would select every Pod of the namespace; name at least one label/,
  ],
  [
    "E14: a selector that Kubernetes cannot read",
    (a) => (a.routes!["proxy"]!.podSelector = { matchExpressions: [{ key: "a", operator: "In" }] }),
    "routes.proxy.podSelector.matchExpressions[0].values",
    /operator In needs at least one value/,
  ],
  [
    "SEED-62: an unknown reaction mode",
    (a) => (a.routes!["proxy"]!.reactionMode = as("Ready")),
    "routes.proxy.reactionMode",
    /"Ready" is not one of ReadyCondition, Exists/,
  ],
  [
    "SEED-46: a Selector listener without a selector",
    (a) =>
      (a.gateways = {
        external: { scope: "External", listeners: { team: { from: "Selector" } } },
        internal: { scope: "Internal" },
      }),
    "gateways.external.listeners.team.selector",
    /name the labels of the namespaces, or use from: All/,
  ],
  [
    "SEED-21, E27: an address that no Gateway offers",
    (a) => (a.gateways = { external: { scope: "External" } }),
    "routes.store.addresses",
    /none of them is offered by a Gateway; list them in one of the gateways/,
  ],
  [
    "an internal address in an external Gateway",
    (a) => (a.gateways = { mixed: { scope: "External", addresses: ["web", "sip", "inside"] } }),
    "gateways.mixed.addresses[2]",
    /"inside" is Internal, but the Gateway is External/,
  ],
  [
    "E30: more addresses in one route than a Gateway holds, said once",
    (a) => {
      for (let i = 0; i < 15; i++) a.addresses[`more-${i}`] = {};
      a.routes!["proxy"]!.addresses.push(...Array.from({ length: 15 }, (_, i) => `more-${i}`));
    },
    "routes.proxy.addresses",
    /has 17 addresses; at most 16 are allowed in one object, so split them over several/,
  ],
  [
    "a heap that cannot hold the controller",
    (a) => (a.controller!.resources = { memory: "32Mi", memoryLimit: "64Mi" }),
    "controller.resources.memoryLimit",
    /64Mi leaves 48 MiB of heap; at least 64 are needed/,
  ],
  [
    "our CRD on a cluster whose controller is Google's",
    (a) => (a.controller = { kind: "GkeManaged", crds: "Install" }),
    "controller.crds",
    /where Google's controller runs, the CRD is Google's too/,
  ],
  [
    "a service account that is not named",
    (a) => (a.controller!.identity = { kind: "Existing" }),
    "controller.identity.serviceAccount",
    /name the service account's e-mail/,
  ],
];
