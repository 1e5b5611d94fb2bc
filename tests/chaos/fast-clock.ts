// SPDX-License-Identifier: Apache-2.0
// The machine's clock, with durations that pass faster: back-offs of half a minute and bounds of five minutes fit into a test. Everything
// that takes its clock as an argument keeps its real figures; sockets and servers know nothing of it.
import { sleepOn, systemClock, type Clock } from "../../controller/kubernetes";

/** @param factor how many times faster durations pass; the wall clock stays true */
export function fastClock(factor: number): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now() * factor,
    setTimeout: (fn, ms) => systemClock.setTimeout(fn, ms / factor),
    sleep(ms, signal) {
      return sleepOn(this, ms, signal);
    },
  };
}
