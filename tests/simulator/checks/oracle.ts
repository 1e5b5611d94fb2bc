// SPDX-License-Identifier: Apache-2.0
// What must be true of a world when nothing goes wrong any more (invariant 5), told from its true state by rules of its own: nothing of the
// code under test is asked.
import {
  type Condition,
  ROUTE_FINALIZER,
  STABILITY_ANNOTATION,
  type AddressBinding,
  type Gateway,
  type GKEIPRoute,
  type Holder,
  type Pod,
} from "../../../controller/api";
import type { KubeObject } from "../../../controller/kubernetes";
import { BAD, GATEWAY, vmOf, zoneOf } from "../world/objects";
import { isForeign, isOutlived, pathOf, ruleAt, vmOfRule, vmOfUrl } from "../world/reading";
import type { SimWorld } from "../world/world";

export interface Problem {
  /** True for what is left over in the cloud, false for what is missing or wrong. */
  leak: boolean;
  message: string;
}
type Verdict = "refused" | "unserved" | "blocked" | "served";
interface Expected {
  route: GKEIPRoute;
  verdict: Verdict;
  pod?: Pod;
}
const addressesOf = (o: { spec?: { addresses?: { value?: string }[] } }): string[] =>
  (o.spec?.addresses ?? []).map((a) => (a.value ?? "").replace(/\/32$/, ""));
const isReady = (p: Pod): boolean => p.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
const isBad = (name: string): boolean => name.startsWith("bad-");

/** Everything that is not as it must be; empty: the world is right. */
export function problemsOf(w: SimWorld, robbed: (address: string) => boolean): Problem[] {
  const expected = expectations(w);
  const wrong = [...expected.flatMap((e) => routeProblems(w, e)), ...gatewayProblems(w, expected)];
  return [
    ...wrong.map((message) => ({ leak: false, message })),
    ...leaks(w, expected, robbed).map((message) => ({ leak: true, message })),
  ];
}

/** Oldest first; a route has all of its addresses or none. */
function expectations(w: SimWorld): Expected[] {
  const gateway = w.cluster.all<Gateway & KubeObject>("gateway").find((g) => g.metadata.name === GATEWAY);
  const given = gateway && !gateway.metadata.deletionTimestamp ? addressesOf(gateway) : [];
  const age = (r: GKEIPRoute): string => `${r.metadata.creationTimestamp} default/${r.metadata.name}`;
  const routes = (w.cluster.all<KubeObject>("route") as GKEIPRoute[]).sort((a, b) => (age(a) < age(b) ? -1 : 1));
  const taken = new Set<string>();
  return routes.map((route): Expected => {
    const addresses = addressesOf(route);
    const good =
      !isBad(route.metadata.name) &&
      !route.metadata.deletionTimestamp &&
      addresses.every((a) => given.includes(a) && !taken.has(a));
    if (!good) return { route, verdict: "refused" };
    addresses.forEach((a) => taken.add(a));
    const pod = chosen(w, route);
    if (!pod) return { route, verdict: "unserved" };
    const foreign = addresses.some((a) => [...w.cloud.rules.values()].some((r) => r.IPAddress === a && isForeign(r)));
    return { route, verdict: foreign ? "blocked" : "served", pod };
  });
}
function possible(w: SimWorld, route: GKEIPRoute): Pod[] {
  const app = route.spec.podSelector?.matchLabels?.app;
  const nodes = new Set(
    w.cluster
      .all("node")
      .map((n) => n.metadata.name)
      .filter((n) => !isBad(n ?? "")),
  );
  return w.cluster
    .pods()
    .filter(
      (p) =>
        p.metadata.labels?.app === app && !p.metadata.deletionTimestamp && !isBad(p.metadata.name) && nodes.has(p.spec.nodeName),
    );
}
/** Where the route asks for a sticky holder: whoever holds its first address and could be chosen. */
function kept(w: SimWorld, route: GKEIPRoute, all: readonly Pod[]): Pod | undefined {
  if (route.metadata.annotations?.[STABILITY_ANNOTATION.sticky] !== "true") return undefined;
  const claims = (w.cluster.all<KubeObject>("binding") as AddressBinding[]).filter(
    (b) => b.spec.route.uid === route.metadata.uid,
  );
  const first = claims.find((b) => addressesOf(route)[0] === b.spec.address)?.status?.holder;
  return all.find((p) => p.metadata.uid === first?.podUID);
}
/** The newest Ready Pod; of two that are as new the Ready one, then by name and UID. */
function chosen(w: SimWorld, route: GKEIPRoute): Pod | undefined {
  const all = possible(w, route).filter((p) => route.spec.reactionMode === "Exists" || isReady(p));
  const sticky = kept(w, route, all);
  if (sticky) return sticky;
  const rank = (p: Pod): [string, number, string, string] => [
    p.metadata.creationTimestamp ?? "",
    isReady(p) ? 1 : 0,
    p.metadata.name,
    p.metadata.uid ?? "",
  ];
  return all.sort((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    if (x[0] !== y[0]) return x[0] > y[0] ? -1 : 1;
    if (x[1] !== y[1]) return y[1] - x[1];
    if (x[2] !== y[2]) return x[2] < y[2] ? -1 : 1;
    return x[3] < y[3] ? -1 : 1;
  })[0];
}

function routeProblems(w: SimWorld, e: Expected): string[] {
  const { name, deletionTimestamp } = e.route.metadata;
  if (deletionTimestamp) return [`route ${name} is still here, deleted at ${deletionTimestamp}`];
  const status = statusProblems(e);
  const claims = e.verdict === "refused" ? [] : addressesOf(e.route).flatMap((a) => claimProblems(w, e, a));
  const finalizer = e.route.metadata.finalizers?.includes(ROUTE_FINALIZER) ?? false;
  const held = finalizer === (e.verdict !== "refused") ? [] : [`finalizer of ${name} is ${finalizer ? "there" : "missing"}`];
  return [...status, ...claims, ...held].map((p) => `${name} (${e.verdict}): ${p}`);
}
const READY: Record<Verdict, { gcp: string; ready: string }> = {
  refused: { gcp: "False/CleanupComplete", ready: "False" },
  unserved: { gcp: "False/NoPodsFound", ready: "False/NoPodsFound" },
  blocked: { gcp: "False/GCPFailed", ready: "False/GCPFailed" },
  served: { gcp: "True/GCPReady", ready: "True/ProgrammingComplete" },
};
function statusProblems({ route, verdict, pod }: Expected): string[] {
  const { generation = 0 } = route.metadata;
  const said = (type: string): string => {
    const c = route.status?.conditions?.find((x) => x.type === type);
    return c ? `${c.status}/${c.reason}@${c.observedGeneration}` : "nothing";
  };
  const want = (type: string, text: string, good: (have: string) => boolean): string[] =>
    good(said(type)) ? [] : [`${type} is ${said(type)}, not ${text}`];
  const accepted = verdict === "refused" ? "False" : "True/Accepted";
  const pods = (route.status?.pods ?? []).join();
  const wanted = pod?.metadata.name ?? "";
  return [
    ...want("Accepted", accepted, (s) => s.startsWith(accepted) && s.endsWith(`@${generation}`)),
    ...want("GCPReady", READY[verdict].gcp, (s) => s === `${READY[verdict].gcp}@${generation}`),
    ...want("Ready", READY[verdict].ready, (s) => s.startsWith(READY[verdict].ready) && s.endsWith(`@${generation}`)),
    ...(verdict === "served" ? want("DPV2Ready", "True", (s) => s === `True/DPV2Ready@${generation}`) : []),
    ...(pods === wanted ? [] : [`status.pods is ${pods}, not ${wanted}`]),
  ];
}
function claimProblems(w: SimWorld, e: Expected, address: string): string[] {
  const binding = (w.cluster.all<KubeObject>("binding") as AddressBinding[]).find((b) => b.spec.address === address);
  if (!binding) return [`${address} has no claim`];
  if (binding.spec.route.uid !== e.route.metadata.uid) return [`${address} is claimed by ${binding.spec.route.name}`];
  const { phase, holder } = binding.status ?? {};
  if (e.verdict === "unserved") return phase === "Unserved" && !holder ? [] : [`journal of ${address} is ${phase}`];
  return e.verdict === "blocked" ? [] : [...journalProblems(binding, e), ...ruleProblems(w, e, address)];
}
function journalProblems({ spec: { address }, status = {} }: AddressBinding, { route, pod }: Expected): string[] {
  const { phase, holder, next, routeUid } = status;
  const strange = routeUid === route.metadata.uid ? [] : [`journal of ${address} is another route's`];
  if (phase === "Held" && next === undefined && isHolder(holder, pod!)) return strange;
  const right = `${pod!.metadata.name} ${pod!.metadata.uid} on ${pod!.spec.nodeName}`;
  return [...strange, `journal of ${address} is ${phase}, holder ${named(holder)}, next ${named(next)}; right is ${right}`];
}
const named = (h: Holder | undefined): string => (h ? `${h.pod} ${h.podUID} on ${h.node}` : "nobody");
function ruleProblems(w: SimWorld, { pod }: Expected, address: string): string[] {
  const rule = ruleAt(w.cloud, address);
  const vm = vmOfRule(w.cloud, rule);
  const node = pod!.spec.nodeName ?? "";
  if (isOutlived(w.cloud, rule)) return [`rule of ${address} points at a VM ${vm?.instance} that was replaced`];
  if (vm?.instance === vmOf(node) && vm.zone === zoneOf(node)) return [];
  return [`rule of ${address} points at ${vm?.instance ?? "nothing"}, not at ${vmOf(node)}`];
}
function isHolder(holder: Holder | undefined, pod: Pod): boolean {
  const node = pod.spec.nodeName ?? "";
  if (holder?.podUID !== pod.metadata.uid) return false;
  return holder?.node === node && holder.instance === vmOf(node) && holder.zone === zoneOf(node);
}

function gatewayProblems(w: SimWorld, expected: readonly Expected[]): string[] {
  const gateway = w.cluster.all<KubeObject>("gateway").find((g) => g.metadata.name === GATEWAY) as Gateway | undefined;
  if (!gateway) return ["the Gateway is missing"];
  const attached = gateway.status?.listeners?.[0]?.attachedRoutes;
  const right = expected.filter((e) => e.verdict !== "refused").length;
  const counted = attached === right ? [] : [`Gateway counts ${attached} routes, not ${right}`];
  return [...counted, ...gatewaySays(gateway, [...w.cloud.rules.values()].some(isForeign))];
}
function gatewaySays({ metadata, status }: Gateway, foreign: boolean): string[] {
  const of = (type: string): Condition | undefined => status?.conditions?.find((c) => c.type === type);
  const accepted = of("Accepted");
  const programmed = of("Programmed")?.status;
  const good = accepted?.status === "True" && accepted.observedGeneration === metadata.generation;
  return [
    ...(good ? [] : [`Gateway is not accepted: ${JSON.stringify(accepted)}`]),
    ...(programmed === (foreign ? "False" : "True") ? [] : [`Gateway says Programmed=${programmed}`]),
  ];
}

function leaks(w: SimWorld, expected: readonly Expected[], robbed: (address: string) => boolean): string[] {
  const serving = expected.filter((e) => e.verdict !== "refused");
  const wanted = new Set(serving.flatMap((e) => addressesOf(e.route)));
  const claims = (w.cluster.all<KubeObject>("binding") as AddressBinding[]).filter((b) => !wanted.has(b.spec.address));
  const rules = [...w.cloud.rules.values()].filter((r) => !isForeign(r) && !wanted.has(r.IPAddress) && !robbed(r.IPAddress));
  const used = new Set([...w.cloud.rules.values()].map((r) => pathOf(r.target)));
  const nodes = new Set(serving.flatMap((e) => possible(w, e.route).map((p) => vmOf(p.spec.nodeName ?? ""))));
  const targets = [...w.cloud.targets].filter(([path, t]) => !used.has(path) && !nodes.has(vmOfUrl(t.instance).instance));
  return [
    ...claims.map((b) => `claim ${b.metadata.name} of ${b.spec.route.name} is left`),
    ...rules.map((r) => `rule ${r.name} on ${r.IPAddress} is left`),
    ...targets.map(([, t]) => `target instance ${t.name} of ${vmOfUrl(t.instance).instance} is left`),
  ];
}
/** Number of bad objects in the world. */
export const badObjects = (w: SimWorld): number =>
  [...new Set(BAD.map((b) => b.kind))].reduce(
    (n, kind) => n + w.cluster.all(kind).filter((o) => isBad(o.metadata.name ?? "")).length,
    0,
  );
