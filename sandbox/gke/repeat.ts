// SPDX-License-Identifier: Apache-2.0
// Runs one piece of work at a time, once more when it was asked for meanwhile, and again later when it failed.
export interface Repeater {
  /** Asks for a run soon. */
  kick(): void;
  stop(): void;
}

export interface RepeatOptions {
  /** Wait after a failure or an unfinished run. */
  retryMs: number;
  /** Shortest time between two starts (default 0). */
  spacingMs?: number;
}

/** `work` answers true when it wants to be run again after `retryMs`. */
export function repeater(work: () => Promise<boolean>, options: RepeatOptions): Repeater {
  let running = false;
  let asked = false;
  let stopped = false;
  let startedAt = -Infinity;
  let timer: NodeJS.Timeout | undefined;

  const schedule = (ms: number): void => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(() => void run(), ms);
  };
  const run = async (): Promise<void> => {
    if (stopped) return;
    running = true;
    asked = false;
    startedAt = performance.now();
    const again = await work().catch(() => true);
    running = false;
    if (asked) kick();
    else if (again) schedule(options.retryMs);
  };
  const kick = (): void => {
    asked = true;
    if (!running) schedule(Math.max(0, (options.spacingMs ?? 0) - (performance.now() - startedAt)));
  };
  return {
    kick,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
