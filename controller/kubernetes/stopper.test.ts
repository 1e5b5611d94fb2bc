// SPDX-License-Identifier: Apache-2.0
// Many waits on one signal are no leak.
import { expect } from "chai";
import { systemClock } from "./clock";
import { newStopper } from "./stopper";

describe("the signal that ends the work", () => {
  it("is listened to by as many waits as there are, without a warning, and ends them all", async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error): void => void warnings.push(warning);
    process.on("warning", hear);
    try {
      const stopper = newStopper();
      const waits = Array.from({ length: 50 }, () => systemClock.sleep(60_000, stopper.signal));
      // Node.js warns a moment later.
      await new Promise((resolve) => setImmediate(resolve));
      stopper.abort();
      await Promise.all(waits);
      expect(warnings.map((w) => w.name)).to.deep.equal([]);
    } finally {
      process.removeListener("warning", hear);
    }
  });
});
