// SPDX-License-Identifier: Apache-2.0
// A work queue on a clock of the test's own, and what it hands out right now.
import { FakeClock, settle } from "./testing";
import { WorkQueue, type WorkQueueOptions } from "./workqueue";

export function queueOn(
  clock = new FakeClock(),
  options: Partial<WorkQueueOptions> = {},
): { queue: WorkQueue; clock: FakeClock } {
  return { clock, queue: new WorkQueue({ clock, ...options }) };
}

export async function next(queue: WorkQueue): Promise<string> {
  const item = await Promise.race([queue.get(), settle().then(() => undefined)]);
  if (item === undefined) return "(nothing)";
  return item.shutdown ? "(shutdown)" : item.key;
}
