// SPDX-License-Identifier: Apache-2.0
// Writes what the node has read back into the journals: its own entry of each, by server-side apply under a field manager of its own, so that no
// other node and no controller can lose it, nor it theirs. One write at a time for each binding, and only the newest.
import { KINDS, type AddressBinding, type NodeEntry } from "../api";
import {
  apiVersionOf,
  isApiError,
  ownConditions,
  resourcePath,
  sameStatus,
  type ApiClient,
  type Clock,
  type Logger,
} from "../kubernetes";
import type { AddressStatus } from "../node";

export interface ReporterOptions {
  client: ApiClient;
  node: string;
  clock: Clock;
  logger: Logger;
  /** The binding as the watch shows it. */
  binding(name: string): AddressBinding | undefined;
}
/** Names of field managers end at 128 bytes; names of nodes can be longer. */
export const fieldManagerOf = (node: string): string => `persistent-ip-node-${node}`.slice(0, 128);
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 30_000;

export class Reporter {
  private readonly wanted = new Map<string, AddressStatus | undefined>();
  private readonly written = new Map<string, NodeEntry | undefined>();
  private readonly busy = new Set<string>();
  private stopped = false;

  constructor(private readonly o: ReporterOptions) {}

  /** What is to be said of a binding from now on; undefined: nothing, an entry of ours goes. */
  say(name: string, status: AddressStatus | undefined): void {
    this.wanted.set(name, status);
    if (!this.busy.has(name)) void this.work(name);
  }
  /** A binding that is gone has no entries; one of the same name is another. */
  forget(name: string): void {
    this.written.delete(name);
    this.wanted.delete(name);
  }
  stop(): void {
    this.stopped = true;
  }

  private async work(name: string): Promise<void> {
    this.busy.add(name);
    let wait = FIRST_RETRY_MS;
    while (!this.stopped && this.wanted.has(name)) {
      const status = this.wanted.get(name);
      this.wanted.delete(name);
      try {
        await this.write(name, status);
        wait = FIRST_RETRY_MS;
      } catch (error) {
        // A binding that is gone needs no answer.
        if (isApiError(error, "NotFound")) continue;
        this.o.logger.warn({ binding: name, error: String(error), retryInMs: wait }, "status of the node could not be written");
        if (!this.wanted.has(name)) this.wanted.set(name, status);
        await this.o.clock.sleep(wait);
        wait = Math.min(wait * 2, LAST_RETRY_MS);
      }
    }
    this.busy.delete(name);
  }
  private async write(name: string, status: AddressStatus | undefined): Promise<void> {
    const { node, clock, client } = this.o;
    const shown = this.o.binding(name)?.status?.nodes?.find((n) => n.node === node);
    const before = this.written.has(name) ? this.written.get(name) : shown;
    const entry = status && entryOf(node, status, before, clock.now());
    if (sameStatus(before, entry) && sameStatus(shown, entry)) return;
    await client.request("PATCH", resourcePath(KINDS.binding, undefined, name, "status"), {
      query: { fieldManager: fieldManagerOf(node), force: true },
      contentType: "application/apply-patch+yaml",
      body: {
        apiVersion: apiVersionOf(KINDS.binding),
        kind: KINDS.binding.kind,
        metadata: { name },
        status: { nodes: entry ? [entry] : [] },
      },
    });
    this.written.set(name, entry);
  }
}

function entryOf(node: string, s: AddressStatus, before: NodeEntry | undefined, nowMs: number): NodeEntry {
  const conditions = ownConditions(
    before?.conditions,
    s.conditions.map((c) => ({ ...c, observedGeneration: s.generation })),
    nowMs,
  );
  return {
    node,
    generation: s.generation,
    programmed: s.programmed,
    conditions: conditions as NonNullable<NodeEntry["conditions"]>,
    ...(s.since === undefined ? {} : { standby: s.since }),
    ...(s.pod ? { pod: s.pod.name, podUID: s.pod.uid } : {}),
  };
}
