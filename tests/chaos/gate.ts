// SPDX-License-Identifier: Apache-2.0
// A gate that is open, or holds everybody up until it is opened; and how a connection is cut.
import { once, type EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";

export class Gate {
  private waiting: (() => void)[] | undefined;

  shut(): void {
    this.waiting ??= [];
  }
  open(): void {
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    waiting.forEach((go) => go());
  }
  /** Resolves at once, or when the gate opens. */
  async passed(): Promise<void> {
    while (this.waiting) await new Promise<void>((go) => this.waiting?.push(go));
  }
}

/** Cuts a connection: a TCP reset where the socket is plain; one under TLS is only closed, halfway through whatever it says. */
export function cutSocket(socket: Socket | null | undefined): void {
  if (!socket) return;
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

/** Resolves with the first of these events, or after a time, and leaves no listener and no timer behind. */
export async function firstOf(
  emitter: EventEmitter,
  events: readonly string[],
  limit?: { ms: number; signal: AbortSignal },
): Promise<void> {
  const done = new AbortController();
  const { signal } = done;
  const waits = events.map((event) => once(emitter, event, { signal }));
  const stop = (): void => done.abort();
  limit?.signal.addEventListener("abort", stop, { once: true });
  const timers = limit ? [sleep(limit.ms, undefined, { signal })] : [];
  await Promise.race<unknown>([...waits, ...timers]).catch(() => undefined);
  limit?.signal.removeEventListener("abort", stop);
  done.abort();
}
