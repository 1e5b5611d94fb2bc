// SPDX-License-Identifier: Apache-2.0
// Holds a route still while another controller decides about it too (DESIGN 6): said once on the route, by Event, in the log and as a metric.
import { secondWriterMessage } from "../core";
import type { Parts } from "./address";
import type { RouteObject } from "./views";

/** Who decides about a route besides us. In the other modes nobody but us has a reason to write status.pods: no node agent reads it. */
export const otherDeciders = (route: RouteObject, { datapath }: Parts["settings"]): readonly string[] =>
  datapath === "dataplane-v2" ? (route.writers?.others ?? []) : [];

export class SecondWriters {
  /** Routes that stand still, by key, with what was said about them. */
  private readonly held = new Map<string, string>();
  /** Routes that were told; each is written once, whatever becomes of what we wrote. */
  private readonly told = new Set<string>();

  constructor(private readonly parts: Parts) {}

  /** True where the route must be left as it is. @param key `namespace/name` */
  async holds(key: string, route: RouteObject): Promise<boolean> {
    const others = otherDeciders(route, this.parts.settings);
    if (others.length === 0) return this.free(key);
    const message = secondWriterMessage(others);
    if (this.held.get(key) === message) return true;
    const uid = route.metadata.uid ?? key;
    if (!this.told.has(uid)) await this.parts.writer.secondWriter(route, message);
    this.told.add(uid);
    this.count(() => this.held.set(key, message));
    this.parts.logger.warn({ route: key, others }, "another controller writes the status of this route too; nothing moves");
    this.parts.tell(route, "Warning", "SecondWriter", message);
    return true;
  }
  /** The route is gone, or nobody else writes it any more. */
  free(key: string): false {
    this.count(() => this.held.delete(key));
    return false;
  }
  private count(change: () => unknown): void {
    change();
    this.parts.metrics.secondWriters.set(this.held.size);
  }
}
