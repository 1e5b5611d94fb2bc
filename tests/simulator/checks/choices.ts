// SPDX-License-Identifier: Apache-2.0
// Whom an address is given to, against what the controller that decided it had been told of the Pods by then.
import type { GKEIPRoute, Holder, Pod } from "../../../controller/api";
import type { Write } from "../models/api";
import type { AddressBinding } from "../../../controller/api";
import { collectionOf, pathOf } from "../world/objects";
import type { Truth } from "./judge";
import type { Tally } from "./tally";

/**
 * From a decision to its effect: one request that is slow, and repeated where node agents have written meanwhile, as long as the right to lead
 * lasts. Whatever else a pass has waited for, it must have looked again since.
 */
const LATENCY_MS = 20_000;
interface View {
  ready: boolean;
  deleting: boolean;
  app: string | undefined;
  at: number;
}
const PODS = collectionOf("pod");

export class Choices {
  /** What each process was told of each Pod, by UID, the newest last. */
  private readonly views = new Map<string, View[]>();

  constructor(
    private readonly tally: Tally,
    private readonly truth: Truth,
  ) {}

  heard(process: string, collection: string, line: Buffer): void {
    if (collection !== PODS) return;
    const { type, object } = JSON.parse(line.toString()) as { type: string; object: Pod };
    if (type === "BOOKMARK") return;
    const { uid, deletionTimestamp, labels } = object.metadata;
    const ready = object.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
    const key = `${process} ${uid}`;
    const deleting = type === "DELETED" || deletionTimestamp !== undefined;
    this.views.set(key, [...(this.views.get(key) ?? []).slice(-6), { ready, deleting, app: labels?.app, at: this.truth.now() }]);
  }
  /** A hand-over begins. */
  wrote({ who, before, after }: Write): void {
    const [old, now] = [before as AddressBinding | undefined, after as AddressBinding | undefined];
    const next = now && begins(old, now);
    if (!next || this.holds(old, next)) return;
    const wish = this.wishOf(now);
    if (!wish) return;
    const { app, exists } = wish;
    const views = this.views.get(`${who} ${next.podUID}`) ?? [];
    const since = this.truth.now() - LATENCY_MS;
    // Each view holds until the next one; only those that held lately could be decided from.
    const lately = views.filter((_v, i) => (views[i + 1]?.at ?? Infinity) >= since);
    const good = lately.some((v) => !v.deleting && v.app === app && (exists || v.ready));
    this.tally.test(
      "1-choice",
      this.truth.now(),
      good,
      () => `${who} gives ${now.spec.address} to ${next.pod} ${next.podUID}, of which it knew ${JSON.stringify(lately)}`,
    );
  }
  /** On bad news an address is held where it is, whatever becomes of the Pod. */
  private holds(old: AddressBinding | undefined, next: Holder): boolean {
    const all = [...this.truth.api.all<AddressBinding>(collectionOf("binding")), ...(old ? [old] : [])];
    return all.flatMap(({ status }) => [status?.holder, status?.lastMove?.to]).some((h) => h?.podUID === next.podUID);
  }
  private wishOf({ spec }: AddressBinding): { app: string | undefined; exists: boolean } | undefined {
    const route = this.truth.api.get<GKEIPRoute>(pathOf("route", spec.route.name));
    if (route?.metadata.uid !== spec.route.uid) return undefined;
    return { app: route.spec.podSelector?.matchLabels?.app, exists: route.spec.reactionMode === "Exists" };
  }
}
/** Who is to hold the address, where this write begins a hand-over. */
function begins(old: AddressBinding | undefined, { status }: AddressBinding): Holder | undefined {
  return status?.phase === "Preparing" && status.generation !== old?.status?.generation ? status.next : undefined;
}
