// SPDX-License-Identifier: Apache-2.0
// One pass of Google's node agent over all GKEIPRoutes, for one node: which map entries it wants, and which DPV2Ready it writes.
// The rules, their order and their weak spots (one bad route stops the pass; a move on a True condition writes nothing) are the
// agent's own, see the reference, section 3.1. Pure.
import { isDefaultNetwork, withCondition, type Condition, type Network, type Route } from "./types";

export interface NodeView {
  /** All routes, in any order. */
  routes: Iterable<Route>;
  network(name: string): Network | undefined;
  /** The Pod, if it runs on this node and has its endpoint there; with its address on the given network. */
  endpoint(namespace: string, pod: string, network: string): string | undefined;
  /** A reason why the map refuses a write, for fault tests. */
  mapError?(route: Route, cidr: string): string | undefined;
  now: string;
}

export interface StatusWrite {
  route: Route;
  conditions: Condition[];
}

export interface PassResult {
  /** Wanted entries of the route map: address in CIDR form to endpoint address. Undefined when the pass was given up. */
  entries?: Map<string, string>;
  writes: StatusWrite[];
  /** Why the pass was given up, or must be done again. */
  error?: string;
}

interface Found {
  route: Route;
  endpoint: string;
}

/** Runs the pass. */
export function agentPass(view: NodeView): PassResult {
  const writes: StatusWrite[] = [];
  const local: Found[] = [];
  for (const route of [...view.routes].filter(accepted)) {
    const step = lookAt(route, view);
    if (step.kind === "device") writes.push(...write(route, true, "", view.now));
    if (step.kind === "local") local.push({ route, endpoint: step.endpoint });
    if (step.kind !== "noNetwork") continue;
    // Said once on the route, which is then left out; a pass that finds it said already gives up.
    const said = route.status?.pods?.length === 1 ? write(route, false, step.error, view.now) : [];
    if (said.length === 0) return { writes, error: step.error };
    writes.push(...said);
  }
  return program(local, writes, view);
}

type Step = { kind: "skip" | "device" } | { kind: "local"; endpoint: string } | { kind: "noNetwork"; error: string };

function lookAt(route: Route, view: NodeView): Step {
  const name = route.spec.network ?? "default";
  const type = networkType(name, view);
  if (type === undefined) return { kind: "noNetwork", error: `networks.networking.gke.io "${name}" not found` };
  const [pod, ...more] = route.status?.pods ?? [];
  if (pod === undefined || more.length > 0) return { kind: "skip" };
  if (type === "Device") return { kind: "device" };
  const endpoint = view.endpoint(route.metadata.namespace, pod, name);
  return endpoint === undefined ? { kind: "skip" } : { kind: "local", endpoint };
}

function networkType(name: string, view: NodeView): Network["spec"]["type"] | undefined {
  return isDefaultNetwork(name) ? "L3" : view.network(name)?.spec.type;
}

function program(local: Found[], writes: StatusWrite[], view: NodeView): PassResult {
  const entries = new Map<string, string>();
  let error: string | undefined;
  for (const { route, endpoint } of local) {
    const cidrs = route.spec.addresses.map((address) => address.value);
    const bad = cidrs.find((cidr) => !isCidr(cidr));
    if (bad !== undefined) return { writes, error: `invalid CIDR address: ${bad}` };
    const refused = cidrs.map((cidr) => view.mapError?.(route, cidr)).find((text) => text !== undefined);
    if (refused !== undefined) error = refused;
    else cidrs.forEach((cidr) => entries.set(cidr, endpoint));
    writes.push(...write(route, refused === undefined, refused ?? "", view.now));
  }
  return { entries, writes, error };
}

function accepted(route: Route): boolean {
  const condition = route.status?.conditions?.find((c) => c.type === "Accepted");
  return condition?.status === "True" && condition.observedGeneration === route.metadata.generation;
}

/** The write, or none where the condition says it already: presence, generation, status and message count, the reason does not. */
function write(route: Route, ready: boolean, message: string, now: string): StatusWrite[] {
  const status = ready ? "True" : "False";
  const observedGeneration = route.metadata.generation;
  const conditions = route.status?.conditions ?? [];
  const said = conditions.some(
    (c) => c.type === "DPV2Ready" && c.observedGeneration === observedGeneration && c.status === status && c.message === message,
  );
  if (said) return [];
  const wanted = {
    type: "DPV2Ready",
    status,
    reason: ready ? "DPV2Ready" : "DPV2NotReady",
    message,
    observedGeneration,
  } as const;
  return [{ route, conditions: withCondition(conditions, wanted, now) }];
}

function isCidr(text: string): boolean {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  return match !== null && match.slice(1, 5).every((octet) => Number(octet) <= 255) && Number(match[5]) <= 32;
}
