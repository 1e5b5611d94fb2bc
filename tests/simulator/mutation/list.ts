// SPDX-License-Identifier: Apache-2.0
// Small deliberate bugs, each an exact piece of text and what stands there instead. The simulator must notice every one of them.

import type { Focus } from "../world/events";

export interface Patch {
  file: string;
  from: string;
  to: string;
}
export interface Mutant {
  name: string;
  patches: readonly Patch[];
  /** What the worlds concentrate on in which it is hunted. */
  focus?: Focus;
}
/** @param change file, text and what stands there instead; then further patches */
const mutant = (name: string, ...change: [file: string, from: string, to: string, ...more: Patch[]]): Mutant => {
  const [file, from, to, ...more] = change;
  const focus = WHERE[name];
  return { name, patches: [{ file, from, to }, ...more], ...(focus ? { focus } : {}) };
};
/** Worlds in which a mutant has something to do; any world for all others. */
const WHERE: Readonly<Record<string, Focus>> = {
  "terminating Pod selectable": "pods",
  "release does not ask what is being made": "making",
  "Pod selectable before it is Ready": "pods",
  "tie by chance": "pods",
  "a reset does not name the Pod's UID": "names",
  "stale DPV2Ready believed": "takeover",
  "a version that is gone is asked for again": "gaps",
  "a move finished without a look at the rule": "drift",
  "an unserved address loses its rule": "pods",
  "another route's journal believed": "routes",
  "finalizer goes although something is stuck": "routes",
  "claims of older routes ignored": "routes",
  "work goes on while watches are silent": "silence",
  "fence not asked by the writer": "leaders",
  "fence not asked by the cloud's client": "leaders",
  "fence without the lease": "leaders",
  "what a list does not contain is kept": "gaps",
  "status of a generation that nobody judged": "routes",
  "what was accepted holds for an edited route too": "edits",
  "a wish is never looked at again": "late",
  "a claim of an unknown route is given back": "behind",
  "heirs are not looked for": "heirs",
  "a second controller is not heeded": "second",
  "sticky is forgotten": "stable",
  "dwell is counted in milliseconds": "stable",
  "budget is never spent": "stable",
  "Pod's UID ignored, its name believed": "names",
  "a rule moved by hand is not repaired": "drift",
  "foreign rule stolen": "drift",
  "no reset before a hand-over": "names",
};
const SELECT = "controller/core/select.ts";
const HANDOVER = "controller/core/handover.ts";
const CONDITIONS = "controller/core/conditions.ts";
const ACCEPT = "controller/core/accept.ts";
const ADDRESS = "controller/manager/address.ts";
const ROUTE = "controller/manager/route.ts";
const STABILITY = "controller/core/stability.ts";
const RELEASE = "controller/manager/release.ts";
const LEADER = "controller/kubernetes/leader.ts";

export const MUTANTS: readonly Mutant[] = [
  mutant("terminating Pod selectable", SELECT, `p.deleting ? no("Terminating"`, `p.name === "" ? no("Terminating"`),
  mutant(
    "Pod selectable before it is Ready",
    SELECT,
    `r.mode === "Exists" || p.ready ? undefined`,
    `r.mode === "Exists" || p.name ? undefined`,
  ),
  mutant(
    "tie by chance",
    SELECT,
    `if (a.name !== b.name) return a.name < b.name ? -1 : 1;`,
    `if (a.name !== b.name) return Math.random() < 0.5 ? -1 : 1;`,
  ),
  mutant("oldest Pod wins", SELECT, `return a.created > b.created ? -1 : 1;`, `return a.created < b.created ? -1 : 1;`),
  mutant(
    "one malformed Pod ends the reconcile",
    SELECT,
    `if (!p.interfaces.ok) return no(`,
    `if (!p.interfaces.ok) throw new TypeError("interfaces");\n  if (!p.interfaces.ok) return no(`,
  ),
  mutant("Pod's UID ignored, its name believed", HANDOVER, `const SAME = ["podUID",`, `const SAME = ["pod",`),
  mutant(
    "switch before the node is prepared",
    HANDOVER,
    `return i.prepared ? { do: "switch" } : { do: "await-datapath" };`,
    `return { do: "switch" };`,
  ),
  mutant("no reset before a hand-over", HANDOVER, `if (status.routeVersion === undefined) return { do: "reset" };`, ``),
  mutant(
    "generation not raised by a move",
    HANDOVER,
    `generation: (status.generation ?? 0) + 1, routeUid`,
    `generation: status.generation ?? 1, routeUid`,
  ),
  mutant(
    "generation not raised when nobody holds",
    HANDOVER,
    `generation: (status?.generation ?? 0) + 1,`,
    `generation: status?.generation ?? 1,`,
  ),
  mutant(
    "another route's journal believed",
    HANDOVER,
    `if (inherited(status, i.routeUid)) return { ...begin, cause: "RouteChanged" };`,
    ``,
  ),
  mutant(
    "committed before the rule was set",
    HANDOVER,
    `return programmed(i) ? { do: "commit" } : { do: "program", repair: false };`,
    `return { do: "commit" };`,
  ),
  mutant(
    "a rule moved by hand is not repaired",
    HANDOVER,
    `if (!programmed(i)) return { do: "program", repair: true };`,
    `if (!programmed(i)) return { do: "nothing" };`,
  ),
  mutant("youngest route wins", ACCEPT, `byAge(r, route) < 0);`, `byAge(r, route) > 0);`),
  mutant("claims of older routes ignored", ACCEPT, `    if (winner)\n`, `    if (winner?.metadata.name === "")\n`),
  mutant("status before observation", CONDITIONS, `if (held.size === 0 || missing.length > 0)`, `if (held.size > 99)`),
  mutant(
    "observedGeneration is made up",
    CONDITIONS,
    `message: message.slice(0, 32768), observedGeneration: f.generation };`,
    `message: message.slice(0, 32768), observedGeneration: 1 };`,
  ),
  mutant(
    "stale DPV2Ready believed",
    ADDRESS,
    `return datapathOf(route, wanted.pod)?.status === "True" && atLeast(route?.metadata.resourceVersion, status?.routeVersion);`,
    `return route?.status?.conditions?.some((c) => c.type === "DPV2Ready" && c.status === "True") ?? false;`,
  ),
  mutant(
    "target of the old holder",
    ADDRESS,
    `wantedTarget: this.deeds.targetOf(wanted, network)`,
    `wantedTarget: this.deeds.targetOf(status?.holder ?? wanted, network)`,
  ),
  mutant(
    "a move finished without a look at the rule",
    ADDRESS,
    `if (!looked && (step.do === "blocked" || step.do === "commit")) {`,
    `if (!looked && step.do === "blocked") {`,
  ),
  mutant(
    "status of a generation that nobody judged",
    ROUTE,
    `if (!latest || !sameGeneration(latest, route)) return undefined;`,
    `if (!latest) return undefined;`,
  ),
  mutant("what was accepted holds for an edited route too", ROUTE, `if (!sameGeneration(route, found)) return AGAIN;`, ``, {
    file: "controller/manager/plan.ts",
    from: `if (!now || !sameGeneration(now, route) ||`,
    to: `if (!now ||`,
  }),
  mutant("a wish is never looked at again", ROUTE, `stands: () => this.planner.stands(plan)`, `stands: () => true`),
  mutant(
    "a claim of an unknown route is given back",
    "controller/manager/reconciler.ts",
    `if (owner) {`,
    `if (owner?.metadata.name === "") {`,
  ),
  mutant("heirs are not looked for", RELEASE, `.find((r) => wants(world, r, binding));`, `.find((r) => r.metadata.name === "");`),
  mutant(
    "a second controller is not heeded",
    "controller/manager/second-writer.ts",
    `datapath === "dataplane-v2" ? (route.writers?.others ?? []) : [];`,
    `datapath === "dataplane-v2" ? (route.writers?.others ?? []).slice(1) : [];`,
  ),
  mutant("sticky is forgotten", STABILITY, `if (s.policy.sticky && !heavier)`, `if (s.policy.sticky && heavier)`),
  mutant("dwell is counted in milliseconds", STABILITY, `policy.minDwellSeconds * 1000;`, `policy.minDwellSeconds;`),
  mutant(
    "budget is never spent",
    STABILITY,
    `if (free.length === 0) return undefined;`,
    `if (free.length < 99) return undefined;`,
  ),
  mutant("finalizer goes although something is stuck", ROUTE, `    if (stuck.length > 0) {\n`, `    if (stuck.length > 99) {\n`),
  mutant(
    "deleted route served on",
    ROUTE,
    `const duty = route.metadata.deletionTimestamp ? "release" :`,
    `const duty = route.metadata.name === "" ? "release" :`,
    { file: ACCEPT, from: `const alone = route.metadata.deletionTimestamp`, to: `const alone = route.metadata.name === ""` },
  ),
  mutant("release keeps the rule", RELEASE, `    await fabric.deleteRule(rule, fence);\n`, ``),
  mutant(
    "release does not ask what is being made",
    "controller/manager/cloud.ts",
    `const making = await this.fabric.rulesBeingMade();`,
    `const making: string[] = await Promise.resolve([]);`,
  ),
  mutant("release keeps the claim", RELEASE, `  await writer.release(marked);\n`, ``),
  mutant(
    "a VM that was made anew goes unnoticed",
    "controller/compute/targets.ts",
    `return vmReplaced ? { ...target, vmReplaced } : target;`,
    `return target;`,
  ),
  mutant("target instances never swept", "controller/manager/targets.ts", `if (this.silent.size > 0) return;`, `return;`),
  mutant("fence without the lease", "controller/manager/index.ts", `if (!isLeaderNow()) refuse(`, `if (method === "") refuse(`),
  mutant(
    "work goes on while watches are silent",
    "controller/manager/news.ts",
    `MOST_STALE_MS = 300_000;`,
    `MOST_STALE_MS = 1e12;`,
  ),
  mutant("fence not asked by the cloud's client", "controller/compute/client.ts", `fence?.check(method);`, ``),
  mutant("fence not asked by the writer", "controller/manager/writer.ts", `    this.o.fence.check(method);\n`, ``),
  mutant(
    "status written without its version",
    "controller/manager/writer.ts",
    `const { namespace, name, resourceVersion = "", uid } = object.metadata;`,
    `const { namespace, name, uid } = object.metadata;\n    const resourceVersion = undefined as unknown as string;`,
  ),
  mutant(
    "foreign rule stolen",
    HANDOVER,
    `if (i.rule.state === "foreign") return { do: "blocked", message: i.rule.message };`,
    ``,
    {
      file: "controller/manager/deeds.ts",
      from: `    const target = this.targetOf(wish.wanted!, wish.network);\n`,
      to: `    const target = this.targetOf(wish.wanted!, wish.network);\n    for (const r of await fabric.rulesOn(key.address)) if (!r.ours) await fabric.deleteRule(r, fence);\n`,
    },
    { file: "controller/compute/rules.ts", from: `if (!current.ours) throw foreign("forwardingRules.delete", current);`, to: `` },
  ),
  mutant("another's lease taken at once", LEADER, `return this.now() >= this.othersUntil(lease);`, `return true;`),
  mutant(
    "leads for too long after a renewal",
    LEADER,
    `this.heldUntil = started + this.renewMs;`,
    `this.heldUntil = started + this.renewMs * 4;`,
  ),
  mutant(
    "what a list does not contain is kept",
    "controller/kubernetes/sync.ts",
    `if (old === undefined) continue;\n      this.drop(key, old);`,
    `if (old === undefined) continue;`,
  ),
  mutant(
    "a version that is gone is asked for again",
    "controller/kubernetes/reflector.ts",
    `if (!isApiError(error, ...KEEPS_VERSION)) this.version = undefined;`,
    ``,
  ),
  mutant(
    "unchanged truth written again",
    "controller/kubernetes/status.ts",
    `const unchanged = before?.status === condition.status && before.lastTransitionTime !== undefined;`,
    `const unchanged = before?.status === "never" && before.lastTransitionTime !== undefined;`,
  ),
  mutant("a reset does not name the Pod's UID", CONDITIONS, '${f.podUid ? ` (UID ${f.podUid})` : ""}', ""),
  mutant(
    "an unserved address loses its rule",
    "controller/manager/deeds.ts",
    `unserve: (job) => this.journal(`,
    `unserve: async (job) => {\n      for (const r of this.parts.cloud.rulesOf(job.key)) await this.parts.fabric.deleteRule(r, this.parts.fence);\n      return this.journal(`,
    { file: "controller/manager/deeds.ts", from: `job.wish.noPods, this.now())),`, to: `job.wish.noPods, this.now()));\n    },` },
  ),
];
