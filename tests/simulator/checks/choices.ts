// SPDX-License-Identifier: Apache-2.0
// Whom an address is given to, against what the controller that decided it had been told by then: of the Pod, of a second controller that
// decides about the route, and of what stability the route asks for.
import { STABILITY_ANNOTATION, type AddressBinding, type GKEIPRoute, type Holder } from "../../../controller/api";
import { EPOCH } from "../engine/process";
import type { Write } from "../models/api";
import { collectionOf, pathOf } from "../world/objects";
import type { Journals } from "./journals";
import type { Truth } from "./judge";
import type { Known } from "./known";
import type { Tally } from "./tally";

/**
 * From a decision to its effect: one request that is slow, and repeated where node agents have written meanwhile, as long as the right to lead
 * lasts. Whatever else a pass has waited for, it must have looked again since.
 */
export const LATENCY_MS = 20_000;
const DECIDED: readonly (string | undefined)[] = ["Preparing", "Switching", "Unserved"];

interface Wish {
  app: string | undefined;
  exists: boolean;
  /** Annotations of stability, as they were when the route was made. */
  asks: Readonly<Record<string, string>>;
}
const NOTHING = {};
interface Move {
  who: string;
  old: AddressBinding;
  next: Holder;
  wish: Wish;
}

export class Choices {
  constructor(private readonly o: { tally: Tally; truth: Truth; known: Known; journals: Journals; second: boolean }) {}

  wrote({ who, before, after }: Write): void {
    const [old, now] = [before as AddressBinding | undefined, after as AddressBinding | undefined];
    if (!now) return;
    this.alone(who, old, now);
    const next = begins(old, now);
    const wish = next && this.wishOf(now);
    if (!next || !wish) return;
    if (!this.holds(old, next)) this.chosen(who, now, next, wish);
    if (old && old.status?.routeUid === now.spec.route.uid) this.stable({ who, old, next, wish });
  }
  /** A hand-over begins. */
  private chosen(who: string, now: AddressBinding, next: Holder, { app, exists }: Wish): void {
    const { tally, truth, known } = this.o;
    const lately = known.pods(who, next.podUID, truth.now() - LATENCY_MS);
    const good = lately.some((v) => !v.deleting && v.app === app && (exists || v.ready));
    tally.test(
      "1-choice",
      truth.now(),
      good,
      () => `${who} gives ${now.spec.address} to ${next.pod} ${next.podUID}, of which it knew ${JSON.stringify(lately)}`,
    );
  }
  /** While another controller decides about a route, nothing of it is decided here (DESIGN 6). */
  private alone(who: string, old: AddressBinding | undefined, { spec, status }: AddressBinding): void {
    const { tally, truth, known, second } = this.o;
    if (!second || !decides(old?.status, status)) return;
    const lately = known.routes(who, spec.route.uid, truth.now() - LATENCY_MS);
    const held = lately.length > 0 && lately.every((v) => v.others && !v.deleting);
    tally.test(
      "8-second",
      truth.now(),
      !held,
      () => `${who} decides about ${spec.address} (${status?.phase}) beside another controller`,
    );
  }

  /** A holder that could stay is left only as stability allows. */
  private stable({ who, old, next, wish }: Move): void {
    const { tally, truth } = this.o;
    const holder = old.status?.next ?? old.status?.holder;
    const asked = Object.keys(wish.asks).length > 0;
    if (!asked || !holder || holder.podUID === next.podUID || !this.couldStay(who, holder, wish)) return;
    const why = this.forbids(old, wish.asks);
    tally.test(
      "8-stable",
      truth.now(),
      why === undefined,
      () => `${who} moves ${old.spec.address} from ${holder.pod} to ${next.pod}, but ${why}`,
    );
  }
  private couldStay(who: string, { pod, podUID, node }: Holder, { app, exists }: Wish): boolean {
    const { truth, known } = this.o;
    const lately = known.pods(who, podUID, truth.now() - LATENCY_MS);
    const good = lately.length > 0 && lately.every((v) => !v.deleting && v.app === app && (exists || v.ready));
    // Of what has gone while a watch was cut off, a list says nothing: not being in it is how that is told.
    const there = truth.api.get(pathOf("pod", pod))?.metadata.uid === podUID;
    return good && there && truth.api.get(pathOf("node", node)) !== undefined;
  }
  private forbids(old: AddressBinding, asks: Wish["asks"]): string | undefined {
    if (asks[STABILITY_ANNOTATION.sticky] === "true") return "it is sticky";
    return this.dwells(old, asks) ?? this.spent(old, asks);
  }
  private dwells({ status }: AddressBinding, asks: Wish["asks"]): string | undefined {
    const seconds = Number(asks[STABILITY_ANNOTATION.minDwellSeconds] ?? 0);
    const since = Date.parse((status?.next ? status.startedAt : status?.lastMove?.finishedAt) ?? "");
    const ago = EPOCH + this.o.truth.now() - since;
    return ago < seconds * 1000 ? `it is there for ${ago} ms only` : undefined;
  }
  private spent({ spec }: AddressBinding, asks: Wish["asks"]): string | undefined {
    const [moves = 0, seconds = 0] = (asks[STABILITY_ANNOTATION.moveBudget] ?? "").split("/").map(Number);
    if (moves === 0) return undefined;
    // A move counts from the time in its journal, which is a request older than its effect.
    const since = this.o.truth.now() - seconds * 1000 + LATENCY_MS;
    const held = (this.o.journals.held.get(spec.address) ?? []).filter((h) => h.routeUid === spec.route.uid);
    const made = held.filter((h, i) => i > 0 && h.since >= since && h.moved && h.holder.podUID !== held[i - 1]!.holder.podUID);
    return made.length >= moves ? `it has moved ${made.length} times already` : undefined;
  }

  /** On bad news an address is held where it is, whatever becomes of the Pod. */
  private holds(old: AddressBinding | undefined, next: Holder): boolean {
    const all = [...this.o.truth.api.all<AddressBinding>(collectionOf("binding")), ...(old ? [old] : [])];
    return all.flatMap(({ status }) => [status?.holder, status?.lastMove?.to]).some((h) => h?.podUID === next.podUID);
  }
  private wishOf({ spec }: AddressBinding): Wish | undefined {
    const route = this.o.truth.api.get<GKEIPRoute>(pathOf("route", spec.route.name));
    if (route?.metadata.uid !== spec.route.uid) return undefined;
    return {
      app: route.spec.podSelector?.matchLabels?.app,
      exists: route.spec.reactionMode === "Exists",
      // Two addresses go together, as the one that moved last wants it: what that means for one of them is nothing to judge alone.
      asks: route.spec.addresses.length === 1 ? (route.metadata.annotations ?? NOTHING) : NOTHING,
    };
  }
}
/** Who is to hold the address, where this write begins a hand-over. */
function begins(old: AddressBinding | undefined, { status }: AddressBinding): Holder | undefined {
  return status?.phase === "Preparing" && status.generation !== old?.status?.generation ? status.next : undefined;
}
function decides(old: AddressBinding["status"], now: AddressBinding["status"]): boolean {
  const same = old?.phase === now?.phase && old?.generation === now?.generation;
  return !same && DECIDED.includes(now?.phase);
}
