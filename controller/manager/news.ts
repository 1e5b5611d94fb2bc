// SPDX-License-Identifier: Apache-2.0
// Hold on bad news: while a watch is silent beyond its bound, or many nodes are lost at once, nothing moves, and condition, Event, metric, log and
// /readyz say so (DESIGN 4.3, C9). It ends by itself when they are back, or after the time-out; one annotation overrides it.
import { STABILITY_ANNOTATION, type GKEIPRoute } from "../api";
import { keyOf, nodeLoss, NODE_LOSS_DEFAULTS, type GoneNode, type NodeLoss, type NodeLossPolicy, type NodeView } from "../core";
import type { Clock, Logger } from "../kubernetes";
import type { Metrics } from "./metrics";

/** A watch says something about once a minute, and is opened anew after two silent ones: beyond this nobody knows what is true (DESIGN 9.7). */
export const MOST_STALE_MS = 300_000;
/** Where no node has changed, the nodes are looked over once in so many milliseconds at most. */
const MEMO_MS = 1_000;

export interface NewsOptions {
  caches: { nodes(): readonly NodeView[]; goneNodes(): readonly GoneNode[]; nodesVersion(): number; staleness(): number };
  clock: Pick<Clock, "now" | "monotonic">;
  metrics: Metrics;
  logger: Logger;
  policy?: NodeLossPolicy;
}
export type HoldCause = "NodesLost" | "WatchSilent";
export interface Hold {
  cause: HoldCause;
  message: string;
  /** Milliseconds since 1970; undefined: when the API server says something again. */
  until?: number;
}
type Tell = (route: GKEIPRoute, type: "Normal" | "Warning", reason: string, message: string) => void;

export class News {
  private loss: NodeLoss | undefined;
  private looked = { at: Number.NEGATIVE_INFINITY, version: -1 };
  private readonly said = new Map<HoldCause, string>();
  /** Routes that were told that they are held, by key. */
  private readonly told = new Map<string, HoldCause>();

  constructor(private readonly o: NewsOptions) {}

  /** Everything that holds now; for /readyz and the metric. */
  holds(): Hold[] {
    const all = [this.silence(), this.nodes()].flatMap((h) => h ?? []);
    for (const cause of ["NodesLost", "WatchSilent"] as const)
      this.record(
        cause,
        all.find((h) => h.cause === cause),
      );
    return all;
  }

  /** Nothing is known well enough to decide on. */
  silence(): Hold | undefined {
    const silentMs = this.o.caches.staleness();
    if (silentMs <= MOST_STALE_MS) return undefined;
    const message = `a watch has been silent for over ${MOST_STALE_MS / 1000} s, so what is known may be old and nothing moves until the API server answers again`;
    return { cause: "WatchSilent", message };
  }

  private nodes(): Hold | undefined {
    const { clock, caches, policy = NODE_LOSS_DEFAULTS } = this.o;
    const version = caches.nodesVersion();
    if (clock.monotonic() - this.looked.at >= MEMO_MS || version !== this.looked.version) {
      this.loss = nodeLoss(caches.nodes(), caches.goneNodes(), policy, clock.now());
      this.looked = { at: clock.monotonic(), version };
    }
    if (!this.loss) return undefined;
    const how = `kubectl annotate gkeiproute NAME ${STABILITY_ANNOTATION.nodeLossHold}=false`;
    return { cause: "NodesLost", message: `${this.loss.message}; to move it now: ${how}`, until: this.loss.until };
  }

  private record(cause: HoldCause, hold: Hold | undefined): void {
    const { metrics, logger } = this.o;
    metrics.holding.set({ cause }, hold ? 1 : 0);
    if (this.said.get(cause) === hold?.message) return;
    if (hold) this.said.set(cause, hold.message);
    else this.said.delete(cause);
    logger.warn({ cause, ...(hold ? { message: hold.message } : {}) }, hold ? "holding: nothing moves" : "holding no more");
  }

  /**
   * What holds a route. Tells it once when the hold begins and once when it is over.
   * @param nodeLossHold false where the user has overridden it
   */
  of(route: GKEIPRoute, nodeLossHold: boolean, tell: Tell): Hold | undefined {
    const hold = this.holds().find((h) => h.cause === "WatchSilent" || nodeLossHold);
    const key = keyOf(route);
    const before = this.told.get(key);
    if (hold?.cause === before) return hold;
    if (hold) this.told.set(key, hold.cause);
    else this.told.delete(key);
    if (hold) tell(route, "Warning", "Holding", `${hold.cause}: ${hold.message}`);
    else tell(route, "Normal", "HoldEnded", "addresses move again");
    return hold;
  }
  forget(key: string): void {
    this.told.delete(key);
  }
}
