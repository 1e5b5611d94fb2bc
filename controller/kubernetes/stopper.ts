// SPDX-License-Identifier: Apache-2.0
// The signal that ends a process's work. Everything that waits listens to it, which is more than Node.js finds usual: without this it would write
// a warning of a leak into the log of a busy controller. Leaks are what the soak looks for, by sockets, timers and heap.
import { setMaxListeners } from "node:events";

/** An AbortController whose signal any number of waits may listen to. */
export function newStopper(): AbortController {
  const stopper = new AbortController();
  setMaxListeners(0, stopper.signal);
  return stopper;
}
