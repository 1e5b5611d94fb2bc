// SPDX-License-Identifier: Apache-2.0
// Conditions that say True, against what the controller that wrote them had really seen (invariant 3).
import type { Condition, GKEIPRoute } from "../../../controller/api";
import type { Write } from "../models/api";
import type { Rule } from "../models/cloud";
import { pathOf, vmOfUrl } from "../world/reading";
import type { Held, Journals } from "./journals";
import type { Truth } from "./judge";
import type { Tally } from "./tally";

/** How old an observation may be at most when a status is written from it; a reconcile with a slow operation takes this long. */
const RECENT_MS = 150_000;

interface Seen {
  instance: string;
  zone: string;
  at: number;
  arrivedAt: number;
}
export interface ConditionsOptions {
  tally: Tally;
  truth: Truth;
  journals: Journals;
  datapath: "dataplane-v2" | "device";
}

export class Conditions {
  /** What each process has seen of each address's rule. */
  private readonly seen = new Map<string, Seen[]>();

  constructor(private readonly o: ConditionsOptions) {}

  saw(process: string, rule: Rule, at: number): void {
    const target = this.o.truth.cloud.targets.get(pathOf(rule.target));
    const vm = target ? vmOfUrl(target.instance) : { zone: "", instance: "" };
    const key = `${process} ${rule.IPAddress}`;
    this.seen.set(key, [...(this.seen.get(key) ?? []).slice(-12), { ...vm, at, arrivedAt: this.o.truth.now() }]);
  }

  wrote({ who, before, after, body }: Write): void {
    const { truth, tally } = this.o;
    const route = after as GKEIPRoute;
    const said = ((body as { status?: { conditions?: Condition[] } }).status?.conditions ?? []).filter(
      (c) => c.status === "True" && !isOld(c, before as GKEIPRoute | undefined, route),
    );
    for (const c of said) {
      const generation = before?.metadata.generation;
      tally.test(
        "3-condition",
        truth.now(),
        c.observedGeneration === generation,
        () =>
          `${who} says ${c.type}=True of ${route.metadata.name} at generation ${c.observedGeneration}, which has ${generation}`,
      );
    }
    this.facts(who, route, new Set(said.map((c) => c.type)));
  }
  private facts(who: string, route: GKEIPRoute, types: ReadonlySet<string>): void {
    const { truth, tally } = this.o;
    if (types.has("GCPReady")) this.cloudReady(who, route);
    if (types.has("DPV2Ready") && this.o.datapath === "dataplane-v2") this.datapathReady(who, route);
    const all = new Set((route.status?.conditions ?? []).filter((c) => c.status === "True").map((c) => c.type));
    if (types.has("Ready"))
      tally.test(
        "3-condition",
        truth.now(),
        all.has("Accepted") && all.has("GCPReady") && all.has("DPV2Ready"),
        () => `${who} says Ready of ${route.metadata.name} with ${[...all].join(" ")}`,
      );
  }
  private heldBy(route: GKEIPRoute, address: string): Held[] {
    const recent = this.o.truth.now() - RECENT_MS;
    const pod = route.status?.pods?.[0];
    return (this.o.journals.held.get(address) ?? []).filter(
      (h) => h.routeUid === route.metadata.uid && h.holder.pod === pod && h.until >= recent,
    );
  }
  private cloudReady(who: string, route: GKEIPRoute): void {
    const { truth, tally } = this.o;
    for (const { value = "" } of route.spec.addresses) {
      const address = value.replace(/\/32$/, "");
      const seen = this.seen.get(`${who} ${address}`) ?? [];
      const latest = seen.reduce<Seen | undefined>((best, s) => (!best || s.at >= best.at ? s : best), undefined);
      const proof = this.heldBy(route, address).some(({ holder }) =>
        seen.some(
          (s) =>
            s.instance === holder.instance && s.zone === holder.zone && (s === latest || s.arrivedAt >= truth.now() - RECENT_MS),
        ),
      );
      tally.test(
        "3-condition",
        truth.now(),
        proof,
        () =>
          `${who} says GCPReady=True of ${route.metadata.name} with ${address} for Pod ${route.status?.pods?.[0]}; it saw ${seen.map((s) => s.instance).join(", ") || "nothing"}, the journal held ${JSON.stringify(this.o.journals.held.get(address)?.map((h) => [h.holder.pod, h.holder.instance, h.until]))}`,
      );
    }
  }
  private datapathReady(who: string, route: GKEIPRoute): void {
    const { truth, tally, journals } = this.o;
    const said = journals.prepared.get(route.metadata.uid ?? "") ?? [];
    const resets = route.spec.addresses.flatMap(({ value = "" }) =>
      this.heldBy(route, value.replace(/\/32$/, "")).map((h) => h.routeVersion),
    );
    const pod = route.status?.pods?.[0];
    const since = resets.length > 0 ? Math.min(...resets) : 0;
    tally.test(
      "3-condition",
      truth.now(),
      said.some((s) => s.pod === pod && s.version > since),
      () =>
        `${who} says DPV2Ready=True of ${route.metadata.name} for Pod ${pod}, reset at version ${since}; the node agent said ${JSON.stringify(said)}`,
    );
  }
}
/** What is only written again, of the same Pod, because an apply that leaves it out would delete it, claims nothing. */
function isOld(c: Condition, before: GKEIPRoute | undefined, after: GKEIPRoute): boolean {
  const was = before?.status?.conditions?.find((o) => o.type === c.type);
  const samePod = JSON.stringify(before?.status?.pods) === JSON.stringify(after.status?.pods);
  const word = ({ status, observedGeneration, message }: Condition): string => `${status} ${observedGeneration} ${message}`;
  return samePod && was !== undefined && word(was) === word(c);
}
